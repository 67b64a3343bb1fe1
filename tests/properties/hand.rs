//! The hands behind rollcall's back. They remember what they made, so that a property knows whose a thing is without
//! asking rollcall.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rollcall::model::{ClusterId, ClusterSpec, Port, Ports, ProviderId, Subnet};
use rollcall::sandbox::{Leave, Sandbox, SandboxError};

use crate::draft::{Damage, Stranger};
use crate::stage::kubeconfig;

/// Everybody but rollcall. Clones are the same people.
#[derive(Clone)]
pub(crate) struct Hand {
    sandbox: Sandbox,
    made: Arc<Mutex<BTreeSet<ClusterId>>>,
    wrote: Arc<Mutex<BTreeSet<ClusterId>>>,
}

impl Hand {
    pub(crate) fn over(sandbox: &Sandbox) -> Self {
        Self {
            sandbox: sandbox.clone(),
            made: Arc::default(),
            wrote: Arc::default(),
        }
    }

    /// Whether a hand made a cluster of this name, of which something may be left.
    pub(crate) fn made(&self, id: &ClusterId) -> bool {
        self.made.lock().unwrap().contains(id)
    }

    /// A cluster was adopted: it is nobody's but rollcall's from now on.
    pub(crate) fn give(&self, id: &ClusterId) {
        self.made.lock().unwrap().remove(id);
    }

    /// Whether a hand wrote an entry of this name.
    pub(crate) fn wrote(&self, id: &ClusterId) -> bool {
        self.wrote.lock().unwrap().contains(id)
    }

    /// Somebody makes a cluster.
    fn make(&self, spec: &ClusterSpec) -> Result<(), SandboxError> {
        // What fails half-way stays, and is a hand's all the same.
        self.made.lock().unwrap().insert(spec.id.clone());
        self.sandbox.make_foreign(spec)
    }

    /// What cannot be done is not done: a port that is taken stays with its owner.
    pub(crate) fn admit(&self, stranger: &Stranger) {
        let refused = match stranger {
            Stranger::Cluster(row) => {
                let there = self.sandbox.show().unwrap().clusters;
                if there.iter().any(|other| other.cluster == row.id()) {
                    Ok(())
                } else {
                    self.make(&row.spec())
                }
            }
            Stranger::Container(port) => {
                let port = Port::parse(i64::from(*port)).unwrap();
                self.sandbox
                    .foreign_container(&format!("web-{port}"), &[port])
            }
            Stranger::Network(subnet) => self.sandbox.foreign_network(
                &format!("net-{subnet}"),
                Some(Subnet::parse(subnet).unwrap()),
            ),
            Stranger::Listener(port) => self.sandbox.listen(Port::parse(i64::from(*port)).unwrap()),
            Stranger::Registration(provider, name) => {
                self.scribble(&format!("{provider}/{name}").parse().unwrap())
            }
            Stranger::Unnamed(provider) => self
                .sandbox
                .make_unnamed(&ProviderId::new(*provider), "Dev_1"),
        };
        drop(refused);
    }

    fn scribble(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.wrote.lock().unwrap().insert(id.clone());
        self.sandbox
            .foreign_registration(&kubeconfig(), id, "https://127.0.0.1:1")
    }

    pub(crate) fn damage(&self, id: &ClusterId, damage: Damage) {
        let server = match id.provider.as_str() {
            "k3d" => format!("k3d-{}-server-0", id.name),
            _ => format!("{}-control-plane", id.name),
        };
        let plain = ClusterSpec {
            id: id.clone(),
            subnet: None,
            ports: Ports::default(),
        };
        let sandbox = &self.sandbox;
        let impossible = match damage {
            Damage::Wipe => sandbox.wipe(id, Leave::Nothing).map(|()| {
                self.made.lock().unwrap().remove(id);
            }),
            Damage::WipeLeaving => sandbox.wipe(id, Leave::NetworksAndVolumes),
            Damage::Stop => sandbox.stop(id),
            Damage::StopServer => sandbox.stop_node(&server),
            Damage::Pause => sandbox.pause(id),
            Damage::CrashLoop => sandbox.crash_loop(id),
            Damage::Hang => sandbox.hang(id),
            Damage::KillBalancer => sandbox.kill_balancer(id),
            Damage::RemoveServer => sandbox.remove_node(&server),
            Damage::Remake => sandbox
                .wipe(id, Leave::Nothing)
                .and_then(|()| self.make(&plain)),
            Damage::RemakeOverLeftovers => sandbox
                .wipe(id, Leave::NetworksAndVolumes)
                .and_then(|()| self.make(&plain)),
            Damage::DropRegistration => sandbox.drop_registration(&kubeconfig(), id),
            Damage::EditRegistration => {
                sandbox.edit_registration(&kubeconfig(), id, "https://127.0.0.1:2")
            }
            Damage::OverwriteRegistration => self.scribble(id),
            Damage::AttachNetwork => {
                let name = format!("{}-{}", id.provider, id.name);
                drop(sandbox.foreign_network(&name, None));
                sandbox.connect(&server, &name)
            }
        };
        drop(impossible);
    }
}
