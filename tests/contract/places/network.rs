//! The networks of the sandbox's engine, which plays Docker. What the registrar sees is derived from the engine's look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rollcall::model::{ClusterName, ClusterSpec, Ports, RegistrarView, RegistrationView, Seen};
use rollcall::ports::World;
use rollcall::registrar::{NetworkSettings, Networks, RegisterOrder, Registrar};
use rollcall::sandbox::{Leave, Outage, SECRET_MARK, Sandbox};

use crate::cluster::order;
use crate::place::{Broken, LOOK, Place, dev};

/// An engine with the management cluster `k3d/devops` and `k3d/dev`.
pub(crate) struct OnNetworks {
    sandbox: Sandbox,
    world: World,
    registrar: Arc<Networks>,
}

impl OnNetworks {
    pub(crate) fn open() -> Self {
        let sandbox = Sandbox::in_memory(1);
        let world = sandbox.world();
        let settings = NetworkSettings {
            management: Some(ClusterName::parse("devops").unwrap()),
            containers: Vec::new(),
            seats: Vec::new(),
        };
        let registrar = Networks::new(settings, Arc::clone(&world.engine));
        let place = Self {
            sandbox,
            world,
            registrar: Arc::new(registrar),
        };
        place.make("k3d/devops");
        place.make("k3d/dev");
        place
    }

    fn make(&self, id: &str) {
        let spec = ClusterSpec {
            id: id.parse().unwrap(),
            subnet: None,
            ports: Ports::default(),
        };
        self.sandbox.make_foreign(&spec).unwrap();
    }
}

#[async_trait]
impl Place for OnNetworks {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn look(&self, within: Duration) -> Seen<RegistrarView> {
        match self.world.engine.look(within).await {
            Seen::Known(engine) => Seen::Known(self.registrar.derive(&engine).unwrap()),
            Seen::Unknown(unseen) => Seen::Unknown(unseen),
        }
    }

    async fn order(&self) -> RegisterOrder {
        order("one")
    }

    fn leads_there(&self, entry: &RegistrationView, _order: &RegisterOrder) -> bool {
        entry.endpoint == "k3d-dev"
    }

    async fn others_come(&mut self) {
        self.sandbox.foreign_container("mine", &[]).unwrap();
        self.sandbox.foreign_network("theirs", None).unwrap();
        self.sandbox.connect("mine", "theirs").unwrap();
        self.sandbox.connect("mine", "k3d-dev").unwrap();
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let Seen::Known(engine) = self.world.engine.look(LOOK).await else {
            panic!("the sandbox's engine answers")
        };
        let all = engine.facts.attachments.into_iter();
        let all = all.flat_map(|(container, networks)| {
            let on = move |network| (format!("{container} on {network}"), String::new());
            networks.into_iter().map(on)
        });
        all.collect()
    }

    async fn tamper(&mut self) {
        unreachable!("an attachment says nothing that could be changed")
    }

    fn tells_lives(&self) -> bool {
        false
    }

    async fn is_born_again(&mut self) {
        // Who is on its network stays there.
        self.sandbox
            .wipe(&dev(), Leave::NetworksAndVolumes)
            .unwrap();
        self.make("k3d/dev");
    }

    async fn breaks(&mut self, how: Broken) -> bool {
        match how {
            Broken::Unreachable => self.sandbox.engine_down(Outage::NotReady).unwrap(),
            Broken::Silent => self.sandbox.engine_down(Outage::Silent).unwrap(),
            Broken::Nonsense(_) => return false,
        }
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET_MARK.to_owned()]
    }
}
