//! A registrar of the sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rollcall::model::{ClusterSpec, Port, Ports, RegistrarId, RegistrationView, Seen};
use rollcall::ports::World;
use rollcall::provider::Access;
use rollcall::registrar::{RegisterOrder, Registrar};
use rollcall::sandbox::{Leave, SECRET_MARK, Sandbox};

use crate::place::{Broken, LOOK, Place, dev};

/// A sandbox with `k3d/dev`, and one of its registrars.
pub(crate) struct InSandbox {
    sandbox: Sandbox,
    world: World,
    id: RegistrarId,
}

impl InSandbox {
    /// The registrar of this name; `first` names one where the cluster is registered already.
    pub(crate) async fn open(name: &str, first: Option<&str>) -> Self {
        let sandbox = Sandbox::in_memory(1);
        let place = Self {
            world: sandbox.world(),
            sandbox,
            id: RegistrarId::new(name),
        };
        place.make();
        if let Some(first) = first {
            let first = &place.world.registrars[&RegistrarId::new(first)];
            first.register(&place.order().await, None).await.unwrap();
        }
        place
    }

    fn make(&self) {
        let spec = ClusterSpec {
            id: dev(),
            subnet: None,
            ports: Ports {
                http: Some(Port::parse(18_081).unwrap()),
                ..Ports::default()
            },
        };
        self.sandbox.make_foreign(&spec).unwrap();
    }

    fn say(&self, sentence: &str) {
        let sentence = format!("{} {sentence}", self.id);
        self.sandbox.tell(&sentence).unwrap();
    }
}

#[async_trait]
impl Place for InSandbox {
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::clone(&self.world.registrars[&self.id])
    }

    async fn order(&self) -> RegisterOrder {
        let Seen::Known(engine) = self.world.engine.look(LOOK).await else {
            panic!("the sandbox's engine answers")
        };
        let id = dev();
        let cluster = engine.clusters[&id.provider][&id.name].clone();
        let access: Access = self.world.providers[&id.provider]
            .access(&cluster)
            .await
            .unwrap();
        RegisterOrder { access, cluster }
    }

    fn leads_there(&self, entry: &RegistrationView, order: &RegisterOrder) -> bool {
        let ports = &order.cluster.ports;
        let api = order.cluster.api_port;
        let own = |inside: &Port, host: &Port| {
            ports.get(inside) == Some(host) || (*inside == Port::API && api == Some(*host))
        };
        entry
            .leads_to
            .iter()
            .all(|(inside, host)| own(inside, host))
            && !entry.endpoint.is_empty()
    }

    async fn others_come(&mut self) {
        let (ops, nowhere) = ("kind/ops".parse().unwrap(), "https://ops.example:6443");
        let told = self.sandbox.foreign_registration(&self.id, &ops, nowhere);
        told.unwrap();
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let all = self.sandbox.show().unwrap().registrations.into_iter();
        let own = all.filter(|one| one.registrar == self.id);
        own.map(|one| (one.cluster.to_string(), format!("{one:?}")))
            .collect()
    }

    async fn tamper(&mut self) {
        let told = self
            .sandbox
            .edit_registration(&self.id, &dev(), "https://elsewhere.example:1");
        told.unwrap();
    }

    async fn is_born_again(&mut self) {
        self.sandbox.wipe(&dev(), Leave::Nothing).unwrap();
        self.make();
    }

    async fn breaks(&mut self, how: Broken) -> bool {
        match how {
            Broken::Unreachable => self.say("is down"),
            Broken::Silent => self.say("is silent"),
            Broken::Nonsense(0) => self.say("answers 500"),
            Broken::Nonsense(_) => return false,
        }
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET_MARK.to_owned()]
    }
}
