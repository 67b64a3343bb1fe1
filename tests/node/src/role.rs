//! Which part to play: the name the program was called by, else its first argument.

use crate::error::Error;
use crate::{api, ctr, k3s, kind, proxy, tools};

/// A part of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The entrypoint of a kind node.
    Kind,
    /// `kubeadm init` and `kubeadm join` inside a kind node.
    Kubeadm,
    /// `k3s server` and `k3s agent`.
    K3s,
    /// containerd's client, as far as loading images goes.
    Ctr,
    /// k3d's load balancer.
    Proxy,
    /// k3d's tools container.
    Tools,
    /// The Kubernetes API alone, on a host.
    Api,
}

impl Role {
    /// Reads the role from the command line and returns the arguments that belong to it.
    pub(crate) fn from_args(args: &[String]) -> Option<(Self, &[String])> {
        let called = args.first()?;
        let base = called.rsplit('/').next().unwrap_or(called);
        if let Some(role) = Self::named(base) {
            return Some((role, &args[1..]));
        }
        let role = Self::named(args.get(1)?)?;
        Some((role, &args[2..]))
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "entrypoint" | "kind" => Self::Kind,
            "kubeadm" => Self::Kubeadm,
            "k3s" => Self::K3s,
            "ctr" => Self::Ctr,
            "nginx-proxy" | "proxy" => Self::Proxy,
            "k3d-tools" | "tools" => Self::Tools,
            "api" => Self::Api,
            _ => return None,
        })
    }

    /// Plays the part until it is over; the result is the exit code.
    pub(crate) async fn play(self, args: &[String]) -> Result<u8, Error> {
        match self {
            Self::Kind => kind::node().await,
            Self::Kubeadm => kind::kubeadm(args).await,
            Self::K3s => k3s::run(args).await,
            Self::Ctr => ctr::run(args),
            Self::Proxy => proxy::run().await,
            Self::Tools => tools::run(args).await,
            Self::Api => api::run(args).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    fn role(args: &[&str]) -> Option<(Role, usize)> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Role::from_args(&args).map(|(role, rest)| (role, rest.len()))
    }

    #[test]
    fn the_name_of_the_program_decides_before_its_first_argument() {
        assert_eq!(role(&["/bin/k3s", "server"]), Some((Role::K3s, 1)));
        assert_eq!(
            role(&["/bin/rollcall-node", "kubeadm", "init"]),
            Some((Role::Kubeadm, 1))
        );
        assert_eq!(role(&["/bin/rollcall-node"]), None);
        assert_eq!(role(&["/bin/rollcall-node", "nonsense"]), None);
    }
}
