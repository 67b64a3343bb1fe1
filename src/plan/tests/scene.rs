//! A whole world, written down line by line, and the plan it gives, in short.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::*;

use crate::plan::{Plan, PlanInput, check, plan};

pub(super) fn id(text: &str) -> ClusterId {
    text.parse().unwrap_or_else(|e| unreachable!("{e}"))
}

pub(super) fn port(number: u16) -> Port {
    Port::parse(i64::from(number)).unwrap_or_else(|e| unreachable!("{e}"))
}

/// A whole world, written down line by line.
pub(super) struct Scene {
    pub(super) desired: Desired,
    pub(super) observed: Observed,
    pub(super) ledger: Ledger,
    pub(super) policy: Policy,
}

impl Scene {
    pub(super) fn new() -> Self {
        let providers = ["k3d", "kind"].map(ProviderId::new);
        let facts = EngineFacts {
            id: Some(EngineId::new("E")),
            version: None,
            networks: vec![],
            volumes: vec![],
            bindings: vec![],
            listeners: Some(BTreeSet::new()),
            container_names: BTreeSet::new(),
            attachments: BTreeMap::new(),
        };
        let clusters = providers
            .iter()
            .map(|p| (p.clone(), ClusterMap::new()))
            .collect();
        let engine = EngineView {
            facts,
            clusters,
            unnamed: vec![],
        };
        let registrar = RegistrarView {
            installed: true,
            early: true,
            ..RegistrarView::default()
        };
        Self {
            desired: Desired::default(),
            observed: Observed {
                engine: Seen::Known(engine),
                registrars: BTreeMap::from([(
                    RegistrarId::new("kubeconfig"),
                    Seen::Known(registrar),
                )]),
                tools: providers
                    .iter()
                    .map(|p| (p.clone(), ToolView::Found("/bin/x".into())))
                    .collect(),
            },
            ledger: Ledger::default(),
            policy: Policy {
                mode: Mode {
                    repair: true,
                    prune: Prune::default(),
                    clean: None,
                },
                scope: Scope::default(),
                replace: BTreeSet::new(),
                replace_broken: false,
                stop: BTreeSet::new(),
                adopt: BTreeSet::new(),
                guards: Guards::default(),
                management: ClusterName::parse("devops").unwrap_or_else(|e| unreachable!("{e}")),
                providers: BTreeMap::from([
                    (
                        ProviderId::new("k3d"),
                        ProviderTraits {
                            adds_ports: true,
                            start_needs_tool: true,
                            prepares: false,
                        },
                    ),
                    (ProviderId::new("kind"), ProviderTraits::default()),
                ]),
                unregistered: BTreeMap::new(),
                in_progress: BTreeSet::new(),
                hosted: BTreeMap::new(),
            },
        }
    }

    pub(super) fn engine(&mut self) -> &mut EngineView {
        match &mut self.observed.engine {
            Seen::Known(engine) => engine,
            Seen::Unknown(_) => unreachable!("the scene's engine is known"),
        }
    }

    pub(super) fn row_with(
        mut self,
        cluster: &str,
        presence: Presence,
        ports: Ports,
        subnet: Option<&str>,
    ) -> Self {
        let id = id(cluster);
        let subnet = subnet.map(|text| Subnet::parse(text).unwrap_or_else(|e| unreachable!("{e}")));
        let rowid = i64::try_from(self.desired.rows.len()).unwrap_or(0) + 1;
        self.desired.rows.push(Row {
            rowid,
            shown: id.name.to_string(),
            name: Some(id.name.clone()),
            claim: Claim::Name(id.name.clone()),
            intent: Ok(Intent {
                spec: ClusterSpec { id, subnet, ports },
                presence,
            }),
            stop: None,
            snapshot: RowSnapshot::default(),
            status: RowStatus::default(),
        });
        self
    }

    pub(super) fn row(self, cluster: &str) -> Self {
        self.row_with(cluster, Presence::Present, Ports::default(), None)
    }

    pub(super) fn absent(self, cluster: &str) -> Self {
        self.row_with(cluster, Presence::Absent, Ports::default(), None)
    }

    pub(super) fn row_on(self, cluster: &str, http: u16) -> Self {
        self.row_with(
            cluster,
            Presence::Present,
            Ports {
                http: Some(port(http)),
                ..Ports::default()
            },
            None,
        )
    }

    pub(super) fn invalid(mut self, name: &str) -> Self {
        let fault = RowFault {
            column: "http_port".into(),
            value: "70000".into(),
            problem: "no port".into(),
        };
        self = self.row(&format!("k3d/{name}"));
        if let Some(row) = self.desired.rows.last_mut() {
            row.intent = Err(vec![fault]);
        }
        self
    }

    pub(super) fn foreign(mut self, cluster: &str, phase: Phase) -> Self {
        let id = id(cluster);
        let node = NodeView {
            id: ContainerId::new(format!("node-{cluster}")),
            name: format!("{}-server-0", id.name),
            role: NodeRole::Server,
            state: NodeState::Running,
            image: "image".into(),
            nonce: None,
        };
        let view = ClusterView {
            id: id.clone(),
            phase,
            detail: None,
            incarnation: Some(Incarnation::new(format!("node-{cluster}"))),
            nodes: vec![node],
            networks: vec![],
            volumes: vec![],
            ports: PortMap::new(),
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: true,
            probed: true,
        };
        self.engine()
            .clusters
            .entry(id.provider.clone())
            .or_default()
            .insert(id.name, view);
        self
    }

    pub(super) fn list(mut self, cluster: &str, state: EntryState) -> Self {
        let key = EntryKey(i64::try_from(self.ledger.entries.len()).unwrap_or(0) + 1);
        self.ledger.entries.push(Entry {
            key,
            id: id(cluster),
            origin: Origin::Made,
            state,
            nonce: None,
            incarnation: Some(Incarnation::new(format!("node-{cluster}"))),
            containers: BTreeSet::from([ContainerId::new(format!("node-{cluster}"))]),
            networks: BTreeSet::from([NetworkId::new(format!("net-{cluster}"))]),
            volumes: BTreeSet::new(),
            preparation: Preparation::None,
            since: jiff::Timestamp::UNIX_EPOCH,
        });
        self
    }

    pub(super) fn ours(self, cluster: &str, phase: Phase) -> Self {
        self.foreign(cluster, phase)
            .list(cluster, EntryState::Live)
            .registered(cluster)
    }

    pub(super) fn unregistered(self, cluster: &str, phase: Phase) -> Self {
        self.foreign(cluster, phase).list(cluster, EntryState::Live)
    }

    pub(super) fn entry_there(mut self, cluster: &str, fingerprint: &str) -> Self {
        let entry = RegistrationView {
            fingerprint: Fingerprint::new(fingerprint),
            endpoint: "https://127.0.0.1:1".into(),
            leads_to: PortMap::from([(Port::API, Port::parse(1).unwrap())]),
            trouble: None,
        };
        if let Some(Seen::Known(view)) = self
            .observed
            .registrars
            .get_mut(&RegistrarId::new("kubeconfig"))
        {
            view.entries.insert(id(cluster), entry);
        }
        self
    }

    pub(super) fn registered(mut self, cluster: &str) -> Self {
        self.ledger.registrations.push(RegistrationEntry {
            registrar: RegistrarId::new("kubeconfig"),
            cluster: id(cluster),
            incarnation: Incarnation::new(format!("node-{cluster}")),
            fingerprint: Fingerprint::new("same"),
        });
        self.entry_there(cluster, "same")
    }

    pub(super) fn network(mut self, cluster: &str, subnet: Option<&str>) -> Self {
        let network = NetworkView {
            id: NetworkId::new(format!("net-{cluster}")),
            name: format!("net-{}", id(cluster).name),
            subnet: subnet.and_then(|text| Subnet::parse(text).ok()),
            nonce: None,
        };
        self.engine().facts.networks.push(network);
        self
    }

    pub(super) fn residue(mut self, cluster: &str) -> Self {
        let id = id(cluster);
        self = self.foreign(cluster, Phase::Residue).network(cluster, None);
        let networks: Vec<_> = self
            .engine()
            .facts
            .networks
            .last()
            .cloned()
            .into_iter()
            .collect();
        if let Some(view) = self
            .engine()
            .clusters
            .get_mut(&id.provider)
            .and_then(|map| map.get_mut(&id.name))
        {
            view.nodes.clear();
            view.incarnation = None;
            view.networks = networks;
        }
        self
    }

    pub(super) fn publish(mut self, cluster: &str, inside: u16, host: u16) -> Self {
        let id = id(cluster);
        let binding = Binding {
            port: port(host),
            container: format!("{}-lb", id.name),
            cluster: Some(id.clone()),
        };
        self.engine().facts.bindings.push(binding);
        if let Some(view) = self
            .engine()
            .clusters
            .get_mut(&id.provider)
            .and_then(|map| map.get_mut(&id.name))
        {
            view.ports.insert(port(inside), port(host));
        }
        self
    }

    pub(super) fn repair(mut self) -> Self {
        self.policy.mode = Mode {
            repair: true,
            prune: Prune::default(),
            clean: None,
        };
        self
    }

    pub(super) fn prune(mut self) -> Self {
        self.policy.mode = Mode {
            repair: false,
            prune: Prune::ALL,
            clean: None,
        };
        self
    }

    pub(super) fn both(mut self) -> Self {
        self.policy.mode = Mode {
            repair: true,
            prune: Prune {
                rows: false,
                ..Prune::ALL
            },
            clean: None,
        };
        self
    }

    pub(super) fn clean(mut self, clean: Clean) -> Self {
        self.policy.mode = Mode {
            clean: Some(clean),
            ..Mode::default()
        };
        self
    }

    pub(super) fn replace(mut self, cluster: &str) -> Self {
        self.policy.replace.insert(id(cluster));
        self
    }

    pub(super) fn plan(&self) -> Plan {
        let input = PlanInput {
            desired: &self.desired,
            observed: &self.observed,
            ledger: &self.ledger,
            policy: &self.policy,
        };
        let plan = plan(&input);
        assert_eq!(
            check(&plan, &input),
            vec![],
            "the linter found something in {plan:#?}"
        );
        assert_eq!(
            plan,
            crate::plan::plan(&input),
            "the same input gives the same plan"
        );
        plan
    }

    /// The plan in short: steps as `kind address`, held things as `=code address`.
    pub(super) fn short(&self) -> Vec<String> {
        let plan = self.plan();
        let steps = plan
            .steps
            .iter()
            .map(|s| format!("{} {}", s.action.kind().code(), s.action.address()));
        steps
            .chain(
                plan.held
                    .iter()
                    .map(|h| format!("={} {}", h.reason.code(), h.address)),
            )
            .collect()
    }
}
