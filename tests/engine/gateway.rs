//! HAProxy in a container: it is put on clusters' networks, reaches them by their nodes' names, and is told by a signal.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bench::{Bench, docker};
use crate::haproxy::get;
use crate::process::until;
use crate::six::{SIX, assert_true};

const NAME: &str = "haproxy-gw";
const PORT: u16 = 20080;
/// The user's file, under the name that most give it: HAProxy reads it after the generated one.
pub(crate) const BASE: &str = "haproxy.cfg";
/// The folder in the container.
const INSIDE: &str = "/usr/local/etc/haproxy";

/// The container, with the user's file and rollcall's in one folder of this host. The bench sweeps it away.
pub(crate) struct Gateway {
    name: &'static str,
    port: u16,
    dir: PathBuf,
    image: String,
}

impl Gateway {
    /// Switched on for this bench and started, with nothing routed.
    #[track_caller]
    pub(crate) fn start(bench: &Bench, image: &str) -> Self {
        let dir = bench.path("gateway");
        fs::create_dir(&dir).unwrap();
        // HAProxy has no rights in there.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let image = std::env::var(image).unwrap();
        let gateway = Self {
            name: NAME,
            port: PORT,
            dir,
            image,
        };
        gateway.write("rollcall.map", "");
        gateway.write(BASE, &Self::base());
        gateway.run();
        let config = bench.path("rollcall.toml");
        let section = format!(
            "[haproxy]\ndir = '{}'\ncontainer = '{NAME}'\n",
            gateway.dir.display()
        );
        let before = fs::read_to_string(&config).unwrap();
        fs::write(config, before + &section).unwrap();
        gateway
    }

    /// What the documents tell a user to write.
    pub(crate) fn base() -> String {
        format!(
            "global\n    hard-stop-after 5s\n\
             defaults\n    mode http\n    timeout connect 2s\n    timeout client 20s\n    timeout server 20s\n\
             frontend http\n    bind :8080\n\
             \x20   http-request set-var(txn.env) req.hdr(host),field(1,:),lower,field(2,.)\n\
             \x20   use_backend %[var(txn.env),map_str({INSIDE}/rollcall.map)]\n    default_backend none\n\
             backend none\n    http-request return status 404\n"
        )
    }

    /// Makes the container, and waits until it listens.
    pub(crate) fn run(&self) {
        let mount = format!("{}:{INSIDE}:ro", self.dir.display());
        let port = format!("{PORT}:8080");
        docker(&[
            "run",
            "-d",
            "--name",
            NAME,
            "-v",
            &mount,
            "-p",
            &port,
            &self.image,
            "haproxy",
            "-f",
            INSIDE,
        ]);
        self.until_up();
    }

    fn until_up(&self) {
        until("HAProxy's answer", || self.get("nobody") == "404");
    }

    pub(crate) fn get(&self, cluster: &str) -> String {
        get(self.port, cluster)
    }

    #[track_caller]
    pub(crate) fn routed(&self, name: &str) {
        let answer = self.get(name);
        assert!(answer.contains(&format!("\"{name}\"")), "{name}: {answer}");
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn files(&self) -> [String; 2] {
        ["50-rollcall.cfg", "rollcall.map"]
            .map(|name| fs::read_to_string(self.dir.join(name)).unwrap_or_default())
    }

    /// How often it was told to load anew.
    fn reloads(&self) -> usize {
        let log = docker(&["logs", self.name]);
        log.matches("Reloading HAProxy").count()
    }
}

/// The networks that the container is on.
fn networks() -> String {
    let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
    docker(&["inspect", "-f", format, NAME])
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn six_clusters_are_routed_to_by_their_nodes_names() {
    let bench = Bench::new();
    let gateway = Gateway::start(&bench, "ROLLCALL_TEST_HAPROXY_IMAGE");
    bench.rows(&SIX);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &SIX);
    SIX.iter().for_each(|row| gateway.routed(row.0));
    let [config, _] = gateway.files();
    for server in [" k3d-rt-a-serverlb:80 ", " rt-d-control-plane:80 "] {
        assert!(config.contains(server), "{server}: {config}");
    }
    let before = gateway.reloads();
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    assert_eq!(gateway.reloads(), before);

    // Another life, with the name of the one before.
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    gateway.routed("rt-d");
    // A restart keeps it on its networks, and loads what is in the folder.
    docker(&["restart", "-t", "0", NAME]);
    gateway.until_up();
    SIX.iter().for_each(|row| {
        until("routes after a restart", || {
            gateway.get(row.0).contains(row.0)
        });
    });
    let again = bench.rollcall(&["reconcile"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);

    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(gateway.get("rt-a"), "404");
    assert!(!networks().contains("k3d-rt-a"), "{}", networks());
    let left = docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!left.contains("k3d-rt-a"), "{left}");
    // An orphan goes the same way.
    bench.sql("DELETE FROM clusters WHERE name = 'rt-b'");
    bench.rollcall(&["reconcile", "--prune=orphans"]).code(0);
    assert_eq!(gateway.get("rt-b"), "404");
    assert!(!networks().contains("k3d-rt-b"), "{}", networks());
    let base = fs::read_to_string(gateway.path(BASE)).unwrap();
    assert_eq!(base, Gateway::base());
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn reloads_of_a_container_lose_no_request() {
    let bench = Bench::new();
    let gateway = Gateway::start(&bench, "ROLLCALL_TEST_HAPROXY_BUSYBOX_IMAGE");
    bench.rows(&[SIX[0], SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let asking = std::thread::spawn(move || {
        let (mut count, mut lost) = (0, Vec::new());
        while !asked.load(Ordering::SeqCst) {
            let answer = get(PORT, "rt-a");
            count += 1;
            if !answer.contains("\"rt-a\"") {
                lost.push(answer);
            }
        }
        (count, lost)
    });
    let before = gateway.reloads();
    let config = bench.path("rollcall.toml");
    let with = fs::read_to_string(&config).unwrap();
    for _ in 0..5 {
        fs::write(&config, with.clone() + "except = ['rt-d']\n").unwrap();
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        assert_eq!(gateway.get("rt-d"), "404");
        fs::write(&config, &with).unwrap();
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        gateway.routed("rt-d");
    }
    stop.store(true, Ordering::SeqCst);
    let (count, lost) = asking.join().unwrap();
    assert_eq!(gateway.reloads(), before + 10);
    assert!(count > 100 && lost.is_empty(), "{count}: {lost:?}");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_is_wrong_with_the_container_is_said_and_mended() {
    let bench = Bench::new();
    let gateway = Gateway::start(&bench, "ROLLCALL_TEST_HAPROXY_IMAGE");
    bench.rows(&[SIX[0]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    gateway.routed("rt-a");

    // The user's file is broken: the old one goes on.
    bench.rows(&[SIX[3]]);
    let files = gateway.files();
    gateway.write(BASE, &(Gateway::base() + "nonsense\n"));
    let said = bench.rollcall(&["reconcile", "--repair"]).code(1);
    assert!(
        said.out.contains("nonsense") && said.out.contains(BASE),
        "{}",
        said.out
    );
    assert_eq!(gateway.files(), files);
    gateway.routed("rt-a");
    // It is refused only when it is loaded: a check binds no address.
    let late = "frontend late\n    bind 203.0.113.1:1\n    default_backend none\n";
    gateway.write(BASE, &(Gateway::base() + late));
    let said = bench.rollcall(&["reconcile", "--repair"]).code(1);
    assert!(said.out.contains("203.0.113.1"), "{}", said.out);
    assert_eq!(gateway.files(), files);
    gateway.routed("rt-a");
    gateway.write(BASE, &Gateway::base());
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    gateway.routed("rt-d");

    // Off a network by hand.
    docker(&["network", "disconnect", "k3d-rt-a", NAME]);
    let seen = bench.rollcall(&["reconcile"]).code(3);
    assert!(seen.out.contains("network/k3d/rt-a"), "{}", seen.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    until("a route by name", || {
        gateway.get("rt-a").contains("\"rt-a\"")
    });

    // Stopped: nobody knows what it has loaded, and nothing of it is undone.
    let files = gateway.files();
    docker(&["stop", "-t", "0", NAME]);
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    let said = bench.rollcall(&["reconcile", "--repair"]).code(9);
    assert!(said.out.contains("docker start haproxy-gw"), "{}", said.out);
    assert_eq!(bench.status("rt-d"), "running Warning");
    assert_eq!(gateway.files(), files);
    docker(&["start", NAME]);
    gateway.until_up();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    gateway.routed("rt-d");

    // Gone, and made again by its owner: on no network.
    docker(&["rm", "-f", NAME]);
    let said = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(said.out.contains("haproxy"), "{}", said.out);
    let found = bench.rollcall(&["doctor"]).code(12);
    assert!(
        found.out.contains("there is no container haproxy-gw"),
        "{}",
        found.out
    );
    gateway.run();
    bench.rollcall(&["reconcile"]).code(3);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    for name in ["rt-a", "rt-d"] {
        until("a route by name", || gateway.get(name).contains(name));
    }
}
