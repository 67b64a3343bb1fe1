//! The decision table, cell by cell, and the rules around it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::*;

use super::{Action, ActionKind, Class, Plan, PlanInput, Rule, check, plan};

fn id(text: &str) -> ClusterId {
    text.parse().unwrap_or_else(|e| unreachable!("{e}"))
}

fn port(number: u16) -> Port {
    Port::parse(i64::from(number)).unwrap_or_else(|e| unreachable!("{e}"))
}

/// A whole world, written down line by line.
struct Scene {
    desired: Desired,
    observed: Observed,
    ledger: Ledger,
    policy: Policy,
}

impl Scene {
    fn new() -> Self {
        let providers = ["k3d", "kind"].map(ProviderId::new);
        let facts = EngineFacts {
            id: Some(EngineId::new("E")),
            version: "20.10".into(),
            networks: vec![],
            volumes: vec![],
            bindings: vec![],
            listeners: Some(BTreeSet::new()),
            container_names: BTreeSet::new(),
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
            entries: BTreeMap::new(),
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
                },
                scope: Scope::default(),
                replace: BTreeSet::new(),
                replace_broken: false,
                adopt: BTreeSet::new(),
                guards: Guards::default(),
                management: ClusterName::parse("devops").unwrap_or_else(|e| unreachable!("{e}")),
                providers: BTreeMap::from([
                    (
                        ProviderId::new("k3d"),
                        ProviderTraits {
                            adds_ports: true,
                            start_needs_tool: true,
                        },
                    ),
                    (ProviderId::new("kind"), ProviderTraits::default()),
                ]),
                registrars_off: BTreeSet::new(),
                in_progress: BTreeSet::new(),
            },
        }
    }

    fn engine(&mut self) -> &mut EngineView {
        match &mut self.observed.engine {
            Seen::Known(engine) => engine,
            Seen::Unknown(_) => unreachable!("the scene's engine is known"),
        }
    }

    fn row_with(
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

    fn row(self, cluster: &str) -> Self {
        self.row_with(cluster, Presence::Present, Ports::default(), None)
    }

    fn absent(self, cluster: &str) -> Self {
        self.row_with(cluster, Presence::Absent, Ports::default(), None)
    }

    fn row_on(self, cluster: &str, http: u16) -> Self {
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

    fn invalid(mut self, name: &str) -> Self {
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

    fn foreign(mut self, cluster: &str, phase: Phase) -> Self {
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

    fn list(mut self, cluster: &str, state: EntryState) -> Self {
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
            since: jiff::Timestamp::UNIX_EPOCH,
        });
        self
    }

    fn ours(self, cluster: &str, phase: Phase) -> Self {
        self.foreign(cluster, phase)
            .list(cluster, EntryState::Live)
            .registered(cluster)
    }

    fn unregistered(self, cluster: &str, phase: Phase) -> Self {
        self.foreign(cluster, phase).list(cluster, EntryState::Live)
    }

    fn entry_there(mut self, cluster: &str, fingerprint: &str) -> Self {
        let entry = RegistrationView {
            fingerprint: Fingerprint::new(fingerprint),
            endpoint: "https://127.0.0.1:1".into(),
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

    fn registered(mut self, cluster: &str) -> Self {
        self.ledger.registrations.push(RegistrationEntry {
            registrar: RegistrarId::new("kubeconfig"),
            cluster: id(cluster),
            incarnation: Incarnation::new(format!("node-{cluster}")),
            fingerprint: Fingerprint::new("same"),
        });
        self.entry_there(cluster, "same")
    }

    fn network(mut self, cluster: &str, subnet: Option<&str>) -> Self {
        let network = NetworkView {
            id: NetworkId::new(format!("net-{cluster}")),
            name: format!("net-{}", id(cluster).name),
            subnet: subnet.and_then(|text| Subnet::parse(text).ok()),
            nonce: None,
        };
        self.engine().facts.networks.push(network);
        self
    }

    fn residue(mut self, cluster: &str) -> Self {
        let id = id(cluster);
        self = self.foreign(cluster, Phase::Residue).network(cluster, None);
        let networks = self.engine().facts.networks.clone();
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

    fn publish(mut self, cluster: &str, inside: u16, host: u16) -> Self {
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

    fn repair(mut self) -> Self {
        self.policy.mode = Mode {
            repair: true,
            prune: Prune::default(),
        };
        self
    }

    fn prune(mut self) -> Self {
        self.policy.mode = Mode {
            repair: false,
            prune: Prune::ALL,
        };
        self
    }

    fn both(mut self) -> Self {
        self.policy.mode = Mode {
            repair: true,
            prune: Prune {
                rows: false,
                ..Prune::ALL
            },
        };
        self
    }

    fn replace(mut self, cluster: &str) -> Self {
        self.policy.replace.insert(id(cluster));
        self
    }

    fn plan(&self) -> Plan {
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
            super::plan(&input),
            "the same input gives the same plan"
        );
        plan
    }

    /// The plan in short: steps as `kind address`, held things as `=code address`.
    fn short(&self) -> Vec<String> {
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

/// `$row, $live: repair => [...], prune => [...]`: one row of the decision table.
macro_rules! cell {
    ($name:ident, $scene:expr, repair: $repair:expr, prune: $prune:expr) => {
        #[test]
        fn $name() {
            assert_eq!($scene.repair().short(), $repair as [&str; _], "in a repair");
            assert_eq!($scene.prune().short(), $prune as [&str; _], "in a prune");
        }
    };
}

cell!(a_foreign_cluster_of_a_present_row_is_held, Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Ready),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_stopped_foreign_cluster_is_not_started, Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Stopped),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_foreign_cluster_of_an_absent_row_is_held, Scene::new().absent("k3d/dev").foreign("k3d/dev", Phase::Ready),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_missing_cluster_is_created_or_its_row_forgotten, Scene::new().row("k3d/dev"),
    repair: ["create cluster/k3d/dev", "register kubeconfig/k3d/dev"], prune: ["prune_row row/dev"]);
cell!(our_residue_is_swept_first, Scene::new().row("k3d/dev").residue("k3d/dev").list("k3d/dev", EntryState::Live),
    repair: ["sweep cluster/k3d/dev", "create cluster/k3d/dev", "register kubeconfig/k3d/dev"],
    prune: ["sweep cluster/k3d/dev", "prune_row row/dev"]);
cell!(foreign_residue_is_held_and_the_row_kept, Scene::new().row("k3d/dev").residue("k3d/dev"),
    repair: ["=foreign_residue cluster/k3d/dev"], prune: ["=foreign_residue cluster/k3d/dev"]);
cell!(a_moved_row_is_held, Scene::new().row("k3d/dev").ours("kind/dev", Phase::Ready),
    repair: ["=provider_changed cluster/k3d/dev"], prune: ["=provider_changed cluster/k3d/dev"]);
cell!(a_created_cluster_is_started, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Created),
    repair: ["start cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_silent_cluster_is_waited_for, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Running),
    repair: ["await cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_stopped_cluster_is_started, Scene::new().row("kind/dev").ours("kind/dev", Phase::Stopped),
    repair: ["start cluster/kind/dev"], prune: ["=beyond_mode cluster/kind/dev"]);
cell!(a_paused_cluster_is_started, Scene::new().row("kind/dev").ours("kind/dev", Phase::Paused),
    repair: ["start cluster/kind/dev"], prune: ["=beyond_mode cluster/kind/dev"]);
cell!(a_partial_cluster_is_held, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Partial),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_restarting_cluster_is_held, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Restarting),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_missing_port_is_added_in_place, Scene::new().row_on("k3d/dev", 18080).ours("k3d/dev", Phase::Ready),
    repair: ["add_ports cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_missing_kind_port_needs_a_replacement, Scene::new().row_on("kind/dev", 18080).ours("kind/dev", Phase::Ready),
    repair: ["=needs_replace cluster/kind/dev"], prune: ["=needs_replace cluster/kind/dev"]);
cell!(a_moved_port_needs_a_replacement,
    Scene::new().row_on("k3d/dev", 18091).ours("k3d/dev", Phase::Ready).publish("k3d/dev", 80, 18081),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_moved_subnet_needs_a_replacement,
    Scene::new().row_with("k3d/dev", Presence::Present, Ports::default(), Some("10.1.0.0/24")).ours("k3d/dev", Phase::Ready),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_missing_registration_is_made, Scene::new().row("k3d/dev").unregistered("k3d/dev", Phase::Ready),
    repair: ["register kubeconfig/k3d/dev"], prune: ["=beyond_mode kubeconfig/k3d/dev"]);
cell!(a_changed_registration_is_made_again,
    Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready).entry_there("k3d/dev", "other"),
    repair: ["register kubeconfig/k3d/dev"], prune: ["=beyond_mode kubeconfig/k3d/dev"]);
cell!(a_foreign_registration_is_held,
    Scene::new().row("k3d/dev").unregistered("k3d/dev", Phase::Ready).entry_there("k3d/dev", "other"),
    repair: ["=registration_not_ours kubeconfig/k3d/dev"], prune: ["=registration_not_ours kubeconfig/k3d/dev"]);
cell!(an_absent_row_deletes_its_cluster, Scene::new().absent("k3d/dev").ours("k3d/dev", Phase::Ready),
    repair: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"],
    prune: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev", "prune_row row/dev"]);
cell!(an_absent_row_without_a_cluster_is_in_sync, Scene::new().absent("k3d/dev"),
    repair: [], prune: ["prune_row row/dev"]);
cell!(an_orphan_is_held_or_deleted, Scene::new().row("kind/a").ours("kind/a", Phase::Ready).ours("k3d/dev", Phase::Ready),
    repair: ["=orphan cluster/k3d/dev"], prune: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"]);
cell!(an_unmanaged_cluster_is_shown, Scene::new().foreign("k3d/dev", Phase::Ready),
    repair: ["=unmanaged cluster/k3d/dev"], prune: ["=unmanaged cluster/k3d/dev"]);
cell!(a_registration_of_a_gone_cluster_comes_off,
    Scene::new().row("kind/a").ours("kind/a", Phase::Ready).registered("k3d/dev"),
    repair: ["deregister kubeconfig/k3d/dev"], prune: ["deregister kubeconfig/k3d/dev"]);
cell!(an_invalid_row_still_claims_its_name_under_every_provider,
    Scene::new().invalid("dev").ours("k3d/dev", Phase::Ready).ours("kind/dev", Phase::Ready),
    repair: ["=invalid_row row/dev"], prune: ["=invalid_row row/dev"]);
cell!(a_ready_cluster_is_in_sync, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready), repair: [], prune: []);
cell!(the_management_cluster_is_only_looked_at, Scene::new().row("k3d/devops"),
    repair: ["=management cluster/k3d/devops"], prune: ["=management cluster/k3d/devops"]);
cell!(the_management_cluster_without_a_row_is_no_orphan, Scene::new().ours("k3d/devops", Phase::Ready),
    repair: [], prune: []);

#[test]
fn an_excluded_row_is_held() {
    let mut scene = Scene::new().row("k3d/dev").row("k3d/dev-a");
    scene.policy.scope.exclude = vec!["dev".parse().unwrap_or_else(|e| unreachable!("{e}"))];
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/dev-a",
            "register kubeconfig/k3d/dev-a",
            "=excluded cluster/k3d/dev"
        ]
    );
}

#[test]
fn a_cluster_in_progress_is_held() {
    let mut scene = Scene::new().row("k3d/dev");
    scene.policy.in_progress.insert(id("k3d/dev"));
    assert_eq!(scene.short(), ["=in_progress cluster/k3d/dev"]);
}

#[test]
fn nothing_happens_behind_an_unknown_engine() {
    for scene in [
        Scene::new().repair(),
        Scene::new().prune(),
        Scene::new().both(),
    ] {
        let mut scene = scene
            .row("k3d/dev")
            .absent("kind/a")
            .ours("k3d/b", Phase::Ready)
            .registered("k3d/gone");
        scene.observed.engine = Seen::Unknown(Unseen {
            source: "docker".into(),
            kind: UnseenKind::Silent,
            error: "no answer".into(),
            hint: None,
        });
        let plan = scene.plan();
        assert!(plan.is_empty());
        assert!(
            plan.held
                .iter()
                .all(|held| held.reason.class() == Class::Unknown),
            "{:?}",
            plan.held
        );
        assert_eq!(plan.held.len(), 3);
    }
}

#[test]
fn orphan_behind_an_unreachable_registrar_is_held() {
    let mut scene = Scene::new()
        .row("kind/a")
        .ours("kind/a", Phase::Ready)
        .ours("k3d/dev", Phase::Ready)
        .prune();
    let unseen = Unseen {
        source: "kubeconfig".into(),
        kind: UnseenKind::Silent,
        error: "torn".into(),
        hint: None,
    };
    scene
        .observed
        .registrars
        .insert(RegistrarId::new("kubeconfig"), Seen::Unknown(unseen));
    let plan = scene.plan();
    assert!(plan.is_empty(), "{plan:#?}");
}

#[test]
fn a_cluster_made_again_by_somebody_else_is_not_ours() {
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready);
    scene.ledger.entries[0].containers = BTreeSet::from([ContainerId::new("an-earlier-life")]);
    let scene = scene.repair();
    assert_eq!(scene.short(), ["=not_ours cluster/k3d/dev"]);
    assert_eq!(scene.prune().short(), ["=not_ours cluster/k3d/dev"]);
}

#[test]
fn a_mark_counts_only_while_its_entry_is_open() {
    let mark = Nonce::from_random([7; 16]);
    let mut scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Running)
        .list("k3d/dev", EntryState::Creating);
    scene.ledger.entries[0].containers.clear();
    scene.ledger.entries[0].nonce = Some(mark.clone());
    assert_eq!(scene.short(), ["=not_ours cluster/k3d/dev"], "no mark");
    let name = id("k3d/dev");
    if let Some(view) = scene
        .engine()
        .clusters
        .get_mut(&name.provider)
        .and_then(|map| map.get_mut(&name.name))
    {
        view.nodes[0].nonce = Some(mark);
    }
    assert_eq!(
        scene.short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ],
        "an interrupted creation of ours"
    );
    scene.ledger.entries[0].state = EntryState::Live;
    assert_eq!(
        scene.short(),
        ["=not_ours cluster/k3d/dev"],
        "a live entry goes by its IDs alone"
    );
}

#[test]
fn a_replacement_deletes_and_creates_and_keeps_the_registration() {
    let scene = Scene::new()
        .row("k3d/dev")
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    assert_eq!(
        scene.short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Partial);
    scene.policy.replace_broken = true;
    assert_eq!(scene.plan().count(ActionKind::Delete), 1);
}

#[test]
fn a_moved_row_is_replaced_when_asked() {
    let scene = Scene::new()
        .row("k3d/dev")
        .ours("kind/dev", Phase::Ready)
        .replace("k3d/dev");
    assert_eq!(
        scene.short(),
        [
            "deregister kubeconfig/kind/dev",
            "delete cluster/kind/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
}

#[test]
fn nothing_is_deleted_for_a_replacement_without_its_tool() {
    let mut scene = Scene::new()
        .row("k3d/dev")
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    let missing = ToolView::Missing {
        program: "k3d".into(),
        hint: "install it".into(),
    };
    scene.observed.tools.insert(ProviderId::new("k3d"), missing);
    assert_eq!(scene.short(), ["=tool_missing cluster/k3d/dev"]);
}

#[test]
fn nothing_is_deleted_for_a_replacement_whose_port_is_taken() {
    let mut scene = Scene::new()
        .row_on("k3d/dev", 18080)
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    scene.engine().facts.bindings.push(Binding {
        port: port(18080),
        container: "db".into(),
        cluster: None,
    });
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/dev"]);
}

#[test]
fn of_two_rows_with_one_port_the_live_owner_wins_then_the_lowest_name() {
    let scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18080);
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/a",
            "register kubeconfig/k3d/a",
            "=port_taken cluster/k3d/b"
        ]
    );
    let scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18080);
    let scene = scene
        .ours("k3d/b", Phase::Ready)
        .publish("k3d/b", 80, 18080);
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/a"]);
}

#[test]
fn a_port_of_a_process_is_taken_and_the_other_rows_go_on() {
    let mut scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18081);
    scene.engine().facts.listeners = Some(BTreeSet::from([port(18080)]));
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/b",
            "register kubeconfig/k3d/b",
            "=port_taken cluster/k3d/a"
        ]
    );
}

#[test]
fn a_create_waits_for_the_orphan_that_has_its_port() {
    let scene = || {
        let scene = Scene::new()
            .row_on("k3d/a", 18080)
            .row("kind/x")
            .ours("kind/x", Phase::Ready);
        scene
            .ours("kind/old", Phase::Ready)
            .publish("kind/old", 80, 18080)
    };
    assert_eq!(
        scene().short(),
        [
            "=blocked_by_orphan cluster/k3d/a",
            "=orphan cluster/kind/old"
        ]
    );
    let plan = scene().both().plan();
    let place = |kind| plan.steps.iter().position(|s| s.action.kind() == kind);
    assert!(
        place(ActionKind::Delete) < place(ActionKind::Create),
        "{plan:#?}"
    );
}

#[test]
fn a_prune_that_no_create_needs_waits_for_every_create() {
    let scene = Scene::new()
        .row("k3d/a")
        .row("kind/x")
        .ours("kind/x", Phase::Ready)
        .ours("kind/old", Phase::Ready);
    let plan = scene.both().plan();
    let create = plan
        .steps
        .iter()
        .find(|s| s.action.kind() == ActionKind::Create)
        .map(|s| s.id);
    for kind in [ActionKind::Delete, ActionKind::Deregister] {
        let step = plan.steps.iter().find(|s| s.action.kind() == kind);
        assert!(
            step.is_some_and(|s| create.is_some_and(|c| s.after.contains(&c))),
            "{kind}: {plan:#?}"
        );
    }
}

#[test]
fn two_rows_with_one_subnet_are_one_too_many() {
    let on = |scene: Scene, name: &str, net| {
        scene.row_with(name, Presence::Present, Ports::default(), Some(net))
    };
    let scene = on(
        on(Scene::new(), "k3d/a", "10.1.0.0/24"),
        "kind/b",
        "10.1.0.0/16",
    );
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/a",
            "register kubeconfig/k3d/a",
            "=subnet_taken cluster/kind/b"
        ]
    );
}

#[test]
fn a_foreign_network_has_its_subnet() {
    let scene = Scene::new().row_with(
        "k3d/a",
        Presence::Present,
        Ports::default(),
        Some("10.1.0.0/24"),
    );
    let scene = scene.network("k3d/other", Some("10.1.0.0/16"));
    assert_eq!(scene.short(), ["=subnet_taken cluster/k3d/a"]);
}

#[test]
fn a_person_who_stopped_a_cluster_is_obeyed() {
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Stopped);
    scene.desired.rows[0].stop = Some(StopIntent {
        source: "status".into(),
        who: None,
        why: None,
    });
    assert_eq!(scene.short(), ["=stopped_by_user cluster/k3d/dev"]);
}

#[test]
fn a_missing_tool_holds_its_own_rows_only() {
    let mut scene = Scene::new().row("k3d/a").row("kind/b");
    let missing = ToolView::Missing {
        program: "k3d".into(),
        hint: "install it".into(),
    };
    scene.observed.tools.insert(ProviderId::new("k3d"), missing);
    assert_eq!(
        scene.short(),
        [
            "create cluster/kind/b",
            "register kubeconfig/kind/b",
            "=tool_missing cluster/k3d/a"
        ]
    );
}

#[test]
fn an_adopted_cluster_is_taken_over_started_and_registered() {
    let mut scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Stopped)
        .entry_there("k3d/dev", "old");
    scene.policy.adopt.insert(id("k3d/dev"));
    assert_eq!(
        scene.short(),
        [
            "adopt cluster/k3d/dev",
            "start cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
}

#[test]
fn an_adopted_cluster_without_a_row_gets_one() {
    let mut scene = Scene::new()
        .foreign("k3d/dev", Phase::Ready)
        .publish("k3d/dev", 80, 18080);
    scene.policy.adopt.insert(id("k3d/dev"));
    let plan = scene.plan();
    let captured = plan.steps.iter().find_map(|step| match &step.action {
        Action::Adopt { capture, .. } => capture.clone(),
        _ => None,
    });
    assert_eq!(
        captured.map(|spec| spec.ports.http),
        Some(Some(port(18080)))
    );
}

#[test]
fn more_orphans_than_the_limit_are_refused_as_a_whole() {
    let mut scene = Scene::new().row("k3d/a").ours("k3d/a", Phase::Ready);
    for name in ["k3d/b", "k3d/c", "k3d/d"] {
        scene = scene.ours(name, Phase::Ready);
    }
    let mut scene = scene.prune();
    let rule = |scene: &Scene| scene.plan().refusals.first().map(|refusal| refusal.rule);
    assert_eq!(rule(&scene), Some(Rule::TooMany { limit: 2 }));
    scene.policy.guards.limit = DeleteLimit::Count(3);
    assert_eq!(rule(&scene), None);
    scene.desired.rows.clear();
    assert_eq!(rule(&scene), Some(Rule::EmptyTable));
    scene.policy.guards.allow_all = true;
    assert_eq!(rule(&scene), None);
}

#[test]
fn the_guards_look_beyond_only() {
    let mut scene = Scene::new().row("kind/x").ours("kind/x", Phase::Ready);
    for name in ["k3d/b", "k3d/c", "k3d/d", "k3d/e"] {
        scene = scene.ours(name, Phase::Ready);
    }
    let mut scene = scene.prune();
    scene.policy.scope.only = vec!["b".parse().unwrap_or_else(|e| unreachable!("{e}"))];
    assert_eq!(scene.plan().refusals, vec![], "1 of 4");
    scene.policy.guards.limit = DeleteLimit::Count(0);
    assert_eq!(scene.plan().refusals.first().map(|r| r.total), Some(4));
}

#[test]
fn declared_deletions_are_exempt_until_they_are_all_of_three() {
    let scene = |names: &[&str]| {
        names
            .iter()
            .fold(Scene::new().row("kind/x"), |scene, name| {
                scene.absent(name).ours(name, Phase::Ready)
            })
    };
    assert_eq!(scene(&["k3d/a", "k3d/b"]).plan().refusals, vec![]);
    assert_eq!(
        scene(&["k3d/a", "k3d/b", "k3d/c"])
            .plan()
            .refusals
            .first()
            .map(|r| r.rule),
        Some(Rule::All)
    );
}

#[test]
fn a_cluster_whose_name_begins_like_a_leaving_one_stays() {
    let scene = Scene::new()
        .absent("k3d/dev")
        .ours("k3d/dev", Phase::Ready)
        .row("k3d/dev-a")
        .ours("k3d/dev-a", Phase::Ready);
    assert_eq!(
        scene.short(),
        ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"]
    );
}

#[test]
fn a_start_whose_port_went_to_somebody_else_is_held() {
    let mut scene = Scene::new()
        .row_on("k3d/dev", 18080)
        .ours("k3d/dev", Phase::Stopped)
        .publish("k3d/dev", 80, 18080);
    assert_eq!(scene.short(), ["start cluster/k3d/dev"]);
    scene.engine().facts.listeners = Some(BTreeSet::from([port(18080)]));
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/dev"]);
}

#[test]
fn who_runs_on_a_port_may_be_made_again_on_it_whoever_else_asks_for_it() {
    let scene = |state: NodeState| {
        let mut scene = Scene::new()
            .row_on("k3d/dev", 18080)
            .ours("k3d/dev", Phase::Ready)
            .publish("k3d/dev", 80, 18080)
            .foreign("kind/dev", Phase::Created)
            .publish("kind/dev", 80, 18080)
            .replace("k3d/dev");
        let balancer = NodeView {
            id: ContainerId::new("balancer"),
            name: "dev-lb".into(),
            role: NodeRole::Balancer,
            state,
            image: "image".into(),
            nonce: None,
        };
        let provider = ProviderId::new("k3d");
        let views = scene.engine().clusters.get_mut(&provider);
        for view in views.into_iter().flat_map(|map| map.values_mut()) {
            view.nodes.push(balancer.clone());
        }
        scene
    };
    assert_eq!(
        scene(NodeState::Running).short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev",
            "=unmanaged cluster/kind/dev"
        ]
    );
    assert_eq!(
        scene(NodeState::Exited).short(),
        ["=port_taken cluster/k3d/dev", "=unmanaged cluster/kind/dev"]
    );
}

#[test]
fn what_is_left_under_the_other_provider_is_an_orphan() {
    let scene = Scene::new()
        .row("kind/dev")
        .residue("k3d/dev")
        .list("k3d/dev", EntryState::Live);
    assert_eq!(
        scene.both().short(),
        [
            "create cluster/kind/dev",
            "register kubeconfig/kind/dev",
            "sweep cluster/k3d/dev"
        ]
    );
}

#[test]
fn neither_the_excluded_nor_the_management_cluster_is_adopted() {
    for (name, held) in [
        ("k3d/dev", vec!["=excluded cluster/k3d/dev"]),
        ("k3d/devops", vec![]),
    ] {
        let mut scene = Scene::new().foreign(name, Phase::Ready);
        scene.policy.adopt.insert(id(name));
        scene.policy.scope.exclude = vec!["dev".parse().unwrap_or_else(|e| unreachable!("{e}"))];
        assert_eq!(scene.short(), held);
    }
}

#[test]
fn a_cluster_whose_name_has_a_row_under_the_other_provider_is_not_adopted() {
    let scene = || {
        let mut scene = Scene::new().foreign("kind/dev", Phase::Ready);
        scene.policy.adopt.insert(id("kind/dev"));
        scene
    };
    let held = "=not_ours cluster/kind/dev";
    assert_eq!(
        scene().row("k3d/dev").prune().short(),
        ["prune_row row/dev", held]
    );
    assert_eq!(scene().absent("k3d/dev").short(), [held]);
}

#[test]
fn a_balancer_on_a_network_of_ours_is_ours_only_if_it_is_listed() {
    let scene = |listed: bool| {
        let mut scene = Scene::new().row("k3d/dev").residue("k3d/dev");
        scene = scene.list("k3d/dev", EntryState::Live);
        let balancer = ContainerId::new("balancer");
        if listed {
            scene.ledger.entries[0].containers.insert(balancer.clone());
        }
        for view in scene
            .engine()
            .clusters
            .values_mut()
            .flat_map(|map| map.values_mut())
        {
            view.phase = Phase::Partial;
            view.nodes = vec![NodeView {
                id: balancer.clone(),
                name: "dev-lb".into(),
                role: NodeRole::Balancer,
                state: NodeState::Running,
                image: "image".into(),
                nonce: None,
            }];
        }
        scene.policy.replace_broken = true;
        scene.short()
    };
    assert_eq!(scene(false), ["=not_ours cluster/k3d/dev"]);
    assert_eq!(scene(true)[0], "delete cluster/k3d/dev");
}
