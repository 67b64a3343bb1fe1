//! Reading the machine: `/proc`, and what the system says. Starts no process.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::host::{Disk, Facts, Reading};
use super::world::Looked;
use crate::model::{EngineDescription, Presence};
use crate::store::Snapshot;

/// What can be known from here.
pub(super) fn facts(seen: &Looked, snapshot: Option<&Snapshot>) -> Facts {
    let engine = seen.described.clone();
    let clusters = snapshot.map(|snapshot| {
        let wanted = snapshot.desired.intents();
        let wanted = wanted.filter(|(_, intent)| intent.presence == Presence::Present);
        u64::try_from(wanted.count()).unwrap_or(u64::MAX)
    });
    Facts {
        instances: here(&engine).and_then(|_| limit("max_user_instances")),
        watches: here(&engine).and_then(|_| limit("max_user_watches")),
        open_files: getrlimit(Resource::Nofile).current,
        disk: here(&engine).and_then(disk),
        clusters: clusters.ok_or_else(|| "the rows could not be read".to_owned()),
        engine,
    }
}

/// Docker's machine, if it is this one.
fn here(engine: &Reading<EngineDescription>) -> Reading<&EngineDescription> {
    match engine {
        Ok(engine) if engine.is_here => Ok(engine),
        Ok(_) => Err("Docker runs on another machine, or in a virtual one".to_owned()),
        Err(why) => Err(why.clone()),
    }
}

/// A limit on watching files (Linux: inotify(7)).
fn limit(name: &str) -> Reading<u64> {
    let path = Path::new("/proc/sys/fs/inotify").join(name);
    let cannot = |why: String| format!("{} cannot be read: {why}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| cannot(error.to_string()))?;
    text.trim()
        .parse()
        .map_err(|_| cannot("it is no number".to_owned()))
}

/// The disk with Docker's data.
fn disk(engine: &EngineDescription) -> Reading<Disk> {
    let root = engine.root.as_ref();
    let root = root.ok_or_else(|| "Docker does not say where its data is".to_owned())?;
    let disk = rustix::fs::statvfs(root);
    let disk = disk.map_err(|error| format!("{root} cannot be looked at: {error}"))?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Disk {
        free: bytes(disk.f_bavail),
        total: bytes(disk.f_blocks),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(root: Option<&str>, is_here: bool) -> EngineDescription {
        EngineDescription {
            root: root.map(str::to_owned),
            is_here,
            ..EngineDescription::default()
        }
    }

    #[test]
    fn a_disk_that_cannot_be_seen_is_unknown() {
        assert!(disk(&engine(None, true)).is_err());
        assert!(disk(&engine(Some("/no/such/folder"), true)).is_err());
        let there = disk(&engine(Some("/"), true)).unwrap();
        assert!(there.total > 0 && there.free <= there.total);
    }

    #[test]
    fn limits_of_this_machine_say_nothing_of_another() {
        assert!(here(&Ok(engine(None, true))).is_ok());
        let elsewhere = here(&Ok(engine(None, false))).unwrap_err();
        assert!(elsewhere.contains("another machine"), "{elsewhere}");
        assert_eq!(here(&Err("silent".to_owned())).unwrap_err(), "silent");
        assert!(limit("no_such_limit").is_err());
    }
}
