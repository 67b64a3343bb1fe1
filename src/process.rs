//! Who this process is: what it writes down where a later one may have to ask whether it still lives.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process, told apart from those on other machines, of other boots and in other containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine, by its name.
    pub host: String,
    /// Its number.
    pub pid: u32,
    /// Which boot of the machine: a number means nothing after a restart. `None`: the system does not say.
    pub boot_id: Option<String>,
    /// Which PID namespace: a number means nothing in another container. `None`: the system does not say, or has none.
    pub pid_namespace: Option<String>,
}

impl Process {
    /// This process.
    pub fn this() -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        Self {
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            pid: std::process::id(),
            boot_id: boot_id.map(|text| text.trim().to_owned()),
            pid_namespace: namespace.map(|link| link.to_string_lossy().into_owned()),
        }
    }

    /// Whether both run, or ran, on one machine: in one boot of it, in whatever containers, or under one name.
    pub fn shares_machine_with(&self, other: &Self) -> bool {
        let same_boot = self.boot_id.is_some() && self.boot_id == other.boot_id;
        same_boot || self.host == other.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_known_by_its_boot_or_by_its_name() {
        let one = Process::this();
        let contained = Process {
            host: "container".into(),
            pid_namespace: Some("pid:[1]".into()),
            ..one.clone()
        };
        let before = Process {
            boot_id: Some("before".into()),
            ..one.clone()
        };
        let other = Process {
            host: "other".into(),
            ..before.clone()
        };
        let silent = Process {
            boot_id: None,
            ..other.clone()
        };
        assert!(one.shares_machine_with(&one));
        assert!(one.boot_id.is_none() || one.shares_machine_with(&contained));
        assert!(one.shares_machine_with(&before));
        assert!(!one.shares_machine_with(&other));
        let nameless = Process {
            host: "here".into(),
            ..silent.clone()
        };
        assert!(
            !silent.shares_machine_with(&nameless),
            "not said is not the same"
        );
    }
}
