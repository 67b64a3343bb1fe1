//! The real providers on a real engine: `scripts/engine run DIR -- cargo test --test providers -- --test-threads=1`.
//!
//! Without an engine of its own the suite does nothing and says so: it never touches the user's.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, reads its environment, starts helpers and says when it is skipped"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::clock::SystemClock;
use rollcall::model::{
    ClusterId, ClusterSpec, ClusterView, EngineView, NodeState, Nonce, Phase, Port, PortMap, Ports,
    Seen, Subnet, UnseenKind,
};
use rollcall::ports::World;
use rollcall::provider::{
    CreateOrder, DockerSettings, Fault, Parts, ProviderError, ProviderSettings, StepLog,
};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(60);

/// A step log that keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl StepLog for Heard {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// The real world with a folder for its state.
struct Scene {
    world: World,
    settings: DockerSettings,
    log: Heard,
    _state: TempDir,
}

impl Scene {
    fn open() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut DockerSettings)) -> Self {
        let env: BTreeMap<String, String> = std::env::vars().collect();
        assert!(
            env.contains_key("ROLLCALL_TEST_NETNS"),
            "there is no engine of its own here: scripts/engine run DIR -- cargo test -- --include-ignored"
        );
        let state = tempfile::tempdir().unwrap();
        let image = |name: &str| ProviderSettings {
            image: env.get(name).cloned(),
            program: None,
            after_create: Vec::new(),
        };
        let mut settings = DockerSettings {
            owner: "providers".to_owned(),
            k3d: image("ROLLCALL_TEST_K3S_IMAGE"),
            kind: image("ROLLCALL_TEST_KIND_IMAGE"),
            state_dir: state.path().to_owned(),
            env,
        };
        change(&mut settings);
        let world = World::docker(&settings, BTreeMap::new(), Arc::new(SystemClock));
        Self {
            world,
            settings,
            log: Heard::default(),
            _state: state,
        }
    }

    async fn look(&self) -> EngineView {
        match self.world.engine.look(Duration::from_secs(5)).await {
            Seen::Known(view) => view,
            Seen::Unknown(unseen) => panic!("{unseen:?}"),
        }
    }

    async fn find(&self, id: &ClusterId) -> Option<ClusterView> {
        let view = self.look().await;
        view.clusters.get(&id.provider)?.get(&id.name).cloned()
    }

    async fn cluster(&self, id: &ClusterId) -> ClusterView {
        self.find(id)
            .await
            .unwrap_or_else(|| panic!("{id} is gone: {:?}", self.log.0))
    }

    async fn create(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        let provider = &self.world.providers[&order.spec.id.provider];
        provider.preflight(order).await?;
        provider.create(order, &self.log).await
    }

    /// Whether the API answers, in the end.
    async fn ready(&self, view: &ClusterView) {
        let provider = &self.world.providers[&view.id.provider];
        let mut why = String::new();
        for _ in 0..100 {
            match provider.access(view).await {
                Ok(access) => {
                    let asked = self.world.prober.ready(&view.id, &access);
                    match tokio::time::timeout(Duration::from_secs(3), asked).await {
                        Ok(Ok(())) => return,
                        Ok(Err(error)) => why = error,
                        Err(_) => "no answer".clone_into(&mut why),
                    }
                }
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} is not ready: {why}", view.id);
    }

    /// Everything that carries this mark, and whole clusters of this name.
    async fn remove(&self, id: &ClusterId, nonce: &Nonce) -> Result<(), ProviderError> {
        let engine = self.look().await;
        let view = self.find(id).await;
        let nodes = view.iter().flat_map(|view| &view.nodes);
        let networks = &engine.facts.networks;
        let volumes = &engine.facts.volumes;
        let parts = Parts {
            of: Some(id.clone()),
            containers: nodes.map(|node| node.id.clone()).collect(),
            networks: networks
                .iter()
                .filter(|n| n.nonce.as_ref() == Some(nonce))
                .map(|n| n.id.clone())
                .collect(),
            volumes: volumes
                .iter()
                .filter(|v| {
                    v.nonce.as_ref() == Some(nonce) || view.iter().any(|c| c.volumes.contains(v))
                })
                .map(|v| v.id.clone())
                .collect(),
            ..Parts::default()
        };
        self.world.engine.remove(&parts, &self.log).await
    }

    fn settings(&self) -> DockerSettings {
        self.settings.clone()
    }
}

fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}

fn port(number: u16) -> Port {
    Port::parse(i64::from(number)).unwrap()
}

fn nonce(digit: u8) -> Nonce {
    Nonce::from_random([digit; 16])
}

fn order(cluster: &str, mark: u8, ports: Ports, subnet: Option<&str>) -> CreateOrder {
    CreateOrder {
        spec: ClusterSpec {
            id: id(cluster),
            subnet: subnet.map(|text| Subnet::parse(text).unwrap()),
            ports,
        },
        nonce: nonce(mark),
        deadline: DEADLINE,
    }
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(
        output.status.success(),
        "docker {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Everything on the engine that could be left over, by name.
fn things() -> Vec<String> {
    let mut all: Vec<String> = [
        docker(&["ps", "-a", "--format", "{{.Names}}"]),
        docker(&["network", "ls", "--format", "network {{.Name}}"]),
        docker(&["volume", "ls", "--format", "volume {{.Name}}"]),
    ]
    .iter()
    .flat_map(|text| text.lines().map(str::to_owned))
    .filter(|name| name != "network kind")
    .collect();
    all.sort();
    all
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_k3d_cluster_lives_and_leaves_nothing() {
    let scene = Scene::open();
    let before = things();
    let ports = Ports {
        http: Some(port(28080)),
        forward: Some(port(29001)),
        ..Ports::default()
    };
    let order = order("k3d/pk-a", 1, ports, Some("10.231.0.0/24"));
    let id = &order.spec.id;
    scene.create(&order).await.unwrap();

    let view = scene.cluster(id).await;
    assert_eq!((view.phase, view.detail.as_deref()), (Phase::Running, None));
    assert_eq!(view.ports, ports.published());
    assert_eq!(view.subnet, order.spec.subnet);
    assert!(
        view.server_ip
            .as_ref()
            .is_some_and(|ip| ip.starts_with("10.231.0.")),
        "{view:?}"
    );
    assert!(view.accepts_ports && view.api_port.is_some());
    assert!(
        view.nodes
            .iter()
            .all(|node| node.nonce.as_ref() == Some(&order.nonce)),
        "{view:?}"
    );
    assert_eq!(view.networks.len(), 1);
    assert!(
        view.networks
            .iter()
            .all(|n| n.nonce.as_ref() == Some(&order.nonce))
    );
    assert!(
        view.volumes
            .iter()
            .any(|v| v.nonce.as_ref() == Some(&order.nonce))
    );
    let engine = scene.look().await;
    let bound = |number| {
        engine
            .facts
            .bindings
            .iter()
            .find(|b| b.port == port(number))
            .cloned()
    };
    assert_eq!(
        bound(28080).and_then(|binding| binding.cluster).as_ref(),
        Some(id)
    );
    assert!(
        engine
            .facts
            .listeners
            .as_ref()
            .is_some_and(|ports| ports.contains(&port(28080)))
    );
    scene.ready(&view).await;

    rest_and_wake(&scene, &view).await;
    widen_and_break(&scene, &view).await;
    scene.remove(id, &order.nonce).await.unwrap();
    assert_eq!(things(), before);
    scene.remove(id, &order.nonce).await.unwrap();
}

/// Pauses and stops the cluster; both times a start brings it back as it was.
async fn rest_and_wake(scene: &Scene, view: &ClusterView) {
    let (id, ports) = (&view.id, &view.ports);
    let provider = &scene.world.providers[&id.provider];
    // A pause answers TCP and nothing else; a start mends it without k3d.
    docker(&["pause", "k3d-pk-a-server-0"]);
    let paused = scene.cluster(id).await;
    assert_eq!(paused.phase, Phase::Paused);
    assert_eq!(paused.ports, *ports);
    provider.start(&paused, DEADLINE, &scene.log).await.unwrap();
    scene.ready(&scene.cluster(id).await).await;

    docker(&["stop", "-t", "1", "k3d-pk-a-serverlb", "k3d-pk-a-server-0"]);
    let stopped = scene.cluster(id).await;
    assert_eq!(stopped.phase, Phase::Stopped);
    assert_eq!(stopped.ports, *ports, "wanted ports are seen at rest");
    assert_eq!(stopped.api_port, view.api_port);
    assert_eq!(stopped.incarnation, view.incarnation);
    assert!(!stopped.accepts_ports);
    provider.access(&stopped).await.unwrap();
    provider
        .start(&stopped, DEADLINE, &scene.log)
        .await
        .unwrap();
    let again = scene.cluster(id).await;
    assert_eq!(again.api_port, view.api_port, "the API's port stays");
    scene.ready(&again).await;
}

/// Adds ports, then takes the load balancer away.
async fn widen_and_break(scene: &Scene, view: &ClusterView) {
    let id = &view.id;
    let provider = &scene.world.providers[&id.provider];
    let again = scene.cluster(id).await;
    let more = PortMap::from([(port(443), port(28443)), (port(8080), port(28081))]);
    provider
        .add_ports(&again, &more, DEADLINE, &scene.log)
        .await
        .unwrap();
    let wider = scene.cluster(id).await;
    let mut all = view.ports.clone();
    all.extend(&more);
    assert_eq!(wider.ports, all);
    assert_eq!(wider.phase, Phase::Running);
    scene.ready(&wider).await;

    let stub = "rollcall-test/k3d-tools:ok";
    docker(&[
        "run", "-d", "--name", "p-held", "-p", "28449:80", stub, "noop",
    ]);
    let held = PortMap::from([(port(8081), port(28449))]);
    let error = provider
        .add_ports(&wider, &held, DEADLINE, &scene.log)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent, "{error}");
    assert!(error.message.contains("28449"), "{error}");
    docker(&["rm", "-f", "p-held"]);
    let same = scene.cluster(id).await;
    assert_eq!((same.phase, &same.ports), (Phase::Running, &wider.ports));
    scene.ready(&same).await;

    docker(&["rm", "-fv", "k3d-pk-a-serverlb"]);
    let partial = scene.cluster(id).await;
    assert_eq!(partial.phase, Phase::Partial);
    let error = provider
        .add_ports(&partial, &more, DEADLINE, &scene.log)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
    let error = provider
        .start(&partial, DEADLINE, &scene.log)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_kind_cluster_lives_and_leaves_nothing() {
    let scene = Scene::open();
    let before = things();
    let ports = Ports {
        http: Some(port(28180)),
        https: Some(port(28543)),
        ..Ports::default()
    };
    let order = order("kind/pn-a", 2, ports, Some("10.232.0.0/24"));
    let id = &order.spec.id;
    let provider = &scene.world.providers[&id.provider];
    scene.create(&order).await.unwrap();

    let view = scene.cluster(id).await;
    assert_eq!((view.phase, view.detail.as_deref()), (Phase::Running, None));
    assert_eq!(view.ports, ports.published());
    assert_eq!(view.subnet, order.spec.subnet);
    assert!(
        view.server_ip
            .as_ref()
            .is_some_and(|ip| ip.starts_with("10.232.0.")),
        "{view:?}"
    );
    assert!(!view.accepts_ports);
    assert!(
        view.nodes
            .iter()
            .all(|node| node.nonce.as_ref() == Some(&order.nonce)),
        "{view:?}"
    );
    assert_eq!(view.networks.len(), 1);
    assert_eq!(view.volumes.len(), 1, "the anonymous volume on /var");
    scene.ready(&view).await;

    docker(&["stop", "-t", "1", "pn-a-control-plane"]);
    let stopped = scene.cluster(id).await;
    assert_eq!(stopped.phase, Phase::Stopped);
    assert_eq!(stopped.ports, ports.published());
    assert_eq!(
        (&stopped.api_port, &stopped.volumes),
        (&view.api_port, &view.volumes)
    );
    provider
        .start(&stopped, DEADLINE, &scene.log)
        .await
        .unwrap();
    docker(&["pause", "pn-a-control-plane"]);
    let paused = scene.cluster(id).await;
    assert_eq!(paused.phase, Phase::Paused);
    provider.start(&paused, DEADLINE, &scene.log).await.unwrap();
    let again = scene.cluster(id).await;
    assert_eq!(again.api_port, view.api_port);
    scene.ready(&again).await;
    let error = provider
        .add_ports(&again, &PortMap::new(), DEADLINE, &scene.log)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);

    // A paused node can be removed, and the volume's changed content does not make it another volume.
    docker(&["exec", "pn-a-control-plane", "touch", "/var/new"]);
    docker(&["pause", "pn-a-control-plane"]);
    scene.remove(id, &order.nonce).await.unwrap();
    assert_eq!(things(), before);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_kind_cluster_without_a_subnet_shares_the_network_that_is_nobodys() {
    let scene = Scene::open();
    let order = order("kind/pn-b", 3, Ports::default(), None);
    scene.create(&order).await.unwrap();
    let view = scene.cluster(&order.spec.id).await;
    assert_eq!(view.subnet, None);
    assert!(view.networks.is_empty() && view.server_ip.is_some());
    scene.remove(&order.spec.id, &order.nonce).await.unwrap();
    assert!(scene.find(&order.spec.id).await.is_none());
    docker(&["network", "inspect", "kind"]);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn what_bears_the_name_already_is_left_alone() {
    let scene = Scene::open();
    let before = things();
    let order_k3d = order("k3d/pk-c", 4, Ports::default(), None);
    let order_kind = order("kind/pn-c", 4, Ports::default(), Some("10.233.0.0/24"));
    let stub = "rollcall-test/k3d-tools:ok";
    for (name, order) in [
        ("k3d-pk-c-server-0", &order_k3d),
        ("k3d-pk-c-serverlb", &order_k3d),
        ("k3d-pk-c-tools", &order_k3d),
        ("pn-c-control-plane", &order_kind),
    ] {
        docker(&["run", "-d", "--name", name, stub, "noop"]);
        let error = scene.create(order).await.unwrap_err();
        assert_eq!(error.fault, Fault::NotOurs, "{name}: {error}");
        assert!(error.message.contains(name), "{error}");
        docker(&["rm", "-f", name]);
    }
    for (name, order) in [("k3d-pk-c", &order_k3d), ("kind-pn-c", &order_kind)] {
        docker(&["network", "create", name]);
        let error = scene.create(order).await.unwrap_err();
        assert_eq!(error.fault, Fault::NotOurs, "{name}: {error}");
        docker(&["network", "rm", name]);
    }
    docker(&["volume", "create", "k3d-pk-c-images"]);
    let error = scene.create(&order_k3d).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs, "{error}");
    docker(&["volume", "rm", "k3d-pk-c-images"]);
    assert_eq!(things(), before);
}

/// Whatever of this name is there carries the mark, load balancer and helpers included.
async fn all_marked(scene: &Scene, id: &ClusterId, mark: &Nonce, before: &[String]) {
    let engine = scene.look().await;
    let mut marked: Vec<String> = Vec::new();
    for node in scene.find(id).await.iter().flat_map(|view| &view.nodes) {
        assert_eq!(node.nonce.as_ref(), Some(mark), "{node:?}");
        marked.push(node.name.clone());
    }
    let view = scene.find(id).await;
    for network in engine
        .facts
        .networks
        .iter()
        .filter(|n| n.nonce.as_ref() == Some(mark))
    {
        marked.push(format!("network {}", network.name));
    }
    for volume in &engine.facts.volumes {
        let on_a_node = view.iter().any(|view| view.volumes.contains(volume));
        if volume.nonce.as_ref() == Some(mark) || on_a_node {
            marked.push(format!("volume {}", volume.id.name()));
        }
    }
    marked.sort();
    let new: Vec<String> = things()
        .into_iter()
        .filter(|thing| !before.contains(thing))
        .collect();
    assert_eq!(marked, new);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_creation_that_dies_anywhere_leaves_nothing_without_the_mark() {
    let scene = Scene::open();
    let before = things();
    for (mark, after) in [50, 200, 400, 700, 1000, 1400, 1800, 2500, 3300]
        .into_iter()
        .enumerate()
    {
        for (cluster, subnet) in [("k3d/pk-d", None), ("kind/pn-d", Some("10.234.0.0/24"))] {
            let mark = u8::try_from(mark).unwrap() + 16;
            let order = order(cluster, mark, Ports::default(), subnet);
            // Dropping the future is what a second Ctrl-C does.
            let _ = tokio::time::timeout(Duration::from_millis(after), scene.create(&order)).await;
            // The tool gets TERM now and is gone a moment later.
            tokio::time::sleep(Duration::from_millis(700)).await;
            all_marked(&scene, &order.spec.id, &order.nonce, &before).await;
            scene.remove(&order.spec.id, &order.nonce).await.unwrap();
            assert_eq!(things(), before, "{cluster} after {after} ms");
        }
    }
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn an_edit_that_dies_anywhere_is_mended() {
    let scene = Scene::open();
    let before = things();
    let ports = Ports {
        http: Some(port(28700)),
        ..Ports::default()
    };
    let order = order("k3d/pk-j", 11, ports, None);
    let id = &order.spec.id;
    let provider = &scene.world.providers[&id.provider];
    scene.create(&order).await.unwrap();
    for (at, after) in [30, 80, 130, 200, 300, 450, 600, 800]
        .into_iter()
        .enumerate()
    {
        let new = u16::try_from(at).unwrap();
        let more = PortMap::from([(port(8000 + new), port(28710 + new))]);
        let view = scene.cluster(id).await;
        let edit = provider.add_ports(&view, &more, DEADLINE, &scene.log);
        let _ = tokio::time::timeout(Duration::from_millis(after), edit).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let found = scene.cluster(id).await;
        if found.phase != Phase::Running {
            provider.start(&found, DEADLINE, &scene.log).await.unwrap();
        }
        let view = scene.cluster(id).await;
        assert_eq!(view.phase, Phase::Running, "after {after} ms: {view:?}");
        assert_eq!(view.ports.get(&Ports::HTTP), Some(&port(28700)));
        scene.ready(&view).await;
    }
    let view = scene.cluster(id).await;
    let more = PortMap::from([(port(8100), port(28799))]);
    provider
        .add_ports(&view, &more, DEADLINE, &scene.log)
        .await
        .unwrap();
    let view = scene.cluster(id).await;
    let names: Vec<&str> = view.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["k3d-pk-j-server-0", "k3d-pk-j-serverlb"]);
    assert_eq!(view.ports.get(&port(8100)), Some(&port(28799)));
    scene.ready(&view).await;
    scene.remove(id, &order.nonce).await.unwrap();
    assert_eq!(things(), before);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn failures_say_what_kind_they_are() {
    let kinds = [
        (
            "k3d",
            "rollcall-test/k3s:crash",
            30,
            [Fault::Permanent, Fault::Transient],
        ),
        (
            "k3d",
            "rollcall-test/k3s:hang",
            4,
            [Fault::Deadline, Fault::Transient],
        ),
        (
            "kind",
            "rollcall-test/kind-node:failinit",
            30,
            [Fault::Permanent, Fault::Permanent],
        ),
        (
            "kind",
            "rollcall-test/kind-node:crash",
            60,
            [Fault::Permanent, Fault::Transient],
        ),
        (
            "kind",
            "rollcall-test/kind-node:hang",
            4,
            [Fault::Deadline, Fault::Deadline],
        ),
    ];
    for (provider, image, seconds, faults) in kinds {
        let scene = Scene::with(|settings| {
            settings.k3d.image = Some(image.to_owned());
            settings.kind.image = Some(image.to_owned());
        });
        let before = things();
        let mut order = order(&format!("{provider}/p-e"), 5, Ports::default(), None);
        order.deadline = Duration::from_secs(seconds);
        let error = scene.create(&order).await.unwrap_err();
        eprintln!("{image}: {:?} {error} ({:?})", error.fault, error.hint);
        assert!(faults.contains(&error.fault), "{image}: {error:?}");
        all_marked(&scene, &order.spec.id, &order.nonce, &before).await;
        scene.remove(&order.spec.id, &order.nonce).await.unwrap();
        assert_eq!(things(), before);
        let said = scene.log.0.lock().unwrap().join("\n");
        assert!(!said.contains("K3S_TOKEN"), "{said}");
    }
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_port_that_somebody_has_is_named() {
    let scene = Scene::open();
    let before = things();
    docker(&[
        "run",
        "-d",
        "--name",
        "p-holder",
        "-p",
        "127.0.0.1:28666:80",
        "rollcall-test/k3d-tools:ok",
        "noop",
    ]);
    let ports = Ports {
        http: Some(port(28666)),
        ..Ports::default()
    };
    for (cluster, mark) in [("k3d/pk-f", 6), ("kind/pn-f", 7)] {
        let order = order(cluster, mark, ports, None);
        let error = scene.create(&order).await.unwrap_err();
        eprintln!("{cluster}: {error:?}");
        assert_eq!(error.fault, Fault::Permanent);
        assert!(error.message.contains("28666"), "{error}");
        let view = scene.cluster(&order.spec.id).await;
        assert!(
            view.nodes
                .iter()
                .any(|node| node.state != NodeState::Exited)
        );
        assert_eq!(
            view.ports.get(&Ports::HTTP),
            Some(&port(28666)),
            "wanted ports of what never ran"
        );
        scene.remove(&order.spec.id, &order.nonce).await.unwrap();
    }
    docker(&["rm", "-f", "p-holder"]);
    assert_eq!(things(), before);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_strangers_container_keeps_the_network() {
    let scene = Scene::open();
    let before = things();
    let order = order("k3d/pk-g", 8, Ports::default(), None);
    scene.create(&order).await.unwrap();
    docker(&[
        "run",
        "-d",
        "--name",
        "p-guest",
        "--network",
        "k3d-pk-g",
        "rollcall-test/k3d-tools:ok",
        "noop",
    ]);
    let error = scene
        .remove(&order.spec.id, &order.nonce)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs);
    assert!(error.message.contains("p-guest"), "{error}");
    let residue = scene.cluster(&order.spec.id).await;
    assert_eq!(residue.phase, Phase::Residue);
    assert!(
        residue.volumes.is_empty(),
        "everything else is gone: {residue:?}"
    );
    docker(&["rm", "-f", "p-guest"]);
    scene.remove(&order.spec.id, &order.nonce).await.unwrap();
    assert_eq!(things(), before);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn an_image_that_is_not_there_is_a_permanent_error() {
    let nowhere = Some("nowhere/no-image:1".to_owned());
    let scene = Scene::with(|settings| {
        settings.k3d.image.clone_from(&nowhere);
        settings.kind.image.clone_from(&nowhere);
    });
    for cluster in ["k3d/p-h", "kind/p-h"] {
        let error = scene
            .create(&order(cluster, 9, Ports::default(), None))
            .await
            .unwrap_err();
        assert_eq!(error.fault, Fault::Permanent);
        assert_eq!(
            error.hint.as_deref(),
            Some("docker pull nowhere/no-image:1")
        );
    }
    let mut settings = scene.settings();
    settings.k3d.image = Some("a$HOME".to_owned());
    let world = World::docker(&settings, BTreeMap::new(), Arc::new(SystemClock));
    let order = order("k3d/p-h", 9, Ports::default(), None);
    let error = world.providers[&order.spec.id.provider]
        .preflight(&order)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn silence_is_not_absence() {
    let scene = Scene::open();
    let unseen = |host: String| {
        let mut settings = scene.settings();
        settings.env.insert("DOCKER_HOST".to_owned(), host);
        async move {
            let world = World::docker(&settings, BTreeMap::new(), Arc::new(SystemClock));
            let seen = world.engine.look(Duration::from_millis(300)).await;
            let unseen = seen.unknown().cloned().unwrap();
            eprintln!("{unseen:?}");
            unseen.kind
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let host = |name: &str| format!("unix://{}", path(name).display());
    assert_eq!(unseen(host("missing")).await, UnseenKind::NotReady);
    let refusing = std::os::unix::net::UnixListener::bind(path("refusing")).unwrap();
    drop(refusing);
    assert_eq!(unseen(host("refusing")).await, UnseenKind::NotReady);
    let _silent = std::os::unix::net::UnixListener::bind(path("silent")).unwrap();
    assert_eq!(unseen(host("silent")).await, UnseenKind::Silent);
    assert_eq!(
        unseen("tcp://127.0.0.1:1".to_owned()).await,
        UnseenKind::NotReady
    );
    assert_eq!(
        unseen("ssh://nowhere".to_owned()).await,
        UnseenKind::NotReady
    );
    for answer in [
        "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{]}",
        "garbage\r\n",
    ] {
        let name = format!("answers{}", answer.len());
        let listener = std::os::unix::net::UnixListener::bind(path(&name)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                use std::io::{Read as _, Write as _};
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        assert_eq!(unseen(host(&name)).await, UnseenKind::Silent);
    }
}

#[tokio::test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
async fn a_probe_tells_ready_from_running() {
    let scene = Scene::with(|settings| {
        settings.k3d.image = Some("rollcall-test/k3s:notready".to_owned());
    });
    let order = order("k3d/pk-i", 10, Ports::default(), None);
    scene.create(&order).await.unwrap();
    let view = scene.cluster(&order.spec.id).await;
    assert_eq!(view.phase, Phase::Running);
    let provider = &scene.world.providers[&order.spec.id.provider];
    let access = provider.access(&view).await.unwrap();
    let error = scene
        .world
        .prober
        .ready(&view.id, &access)
        .await
        .unwrap_err();
    eprintln!("{error}");
    assert!(
        error.starts_with("/readyz: ") && !error.contains('\n'),
        "{error}"
    );
    scene.remove(&order.spec.id, &order.nonce).await.unwrap();
    let error = scene
        .world
        .prober
        .ready(&view.id, &access)
        .await
        .unwrap_err();
    assert!(error.contains("refused"), "{error}");
}
