//! What `history` says of past runs, and what `status` says of now, in a sandbox.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex};

use rollcall::cli::{SharedReader, SharedWriter, Streams, run};
use rollcall::clock::{Clock, SystemClock};
use rollcall::model::Address;
use rollcall::store::{Holder, RunId, RunStart, StepStart, Store, liveness};
use rusqlite::Connection;
use serde_json::Value;

/// A buffer that the test reads after the call.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// One sandbox and its database, in which waiting takes no time.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        scene.says(0, &["init"]);
        let world = rollcall::sandbox::open(&scene.0.path().join("world")).unwrap();
        world.set_pace(0.0).unwrap();
        scene
    }

    /// Runs a command that must end with this code; its standard output.
    #[track_caller]
    fn says(&self, code: u8, args: &[&str]) -> String {
        let home = self.0.path().to_string_lossy().into_owned();
        let mut all = vec!["rollcall".to_owned(), format!("--sandbox={home}/world")];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        let (out, err) = (Buffer::default(), Buffer::default());
        let streams = Streams {
            input: SharedReader::new(std::io::empty()),
            out: SharedWriter::new(out.clone()),
            err: SharedWriter::new(err.clone()),
            env: BTreeMap::from([("HOME".to_owned(), home)]),
            in_tty: false,
            out_tty: false,
            err_tty: false,
        };
        let all: Vec<OsString> = all.into_iter().map(OsString::from).collect();
        let ended = run(all, streams);
        let (out, err) = (out.text(), err.text());
        assert_eq!(ended, code, "{args:?}\nstdout:\n{out}\nstderr:\n{err}");
        out
    }

    #[track_caller]
    fn json(&self, code: u8, args: &[&str]) -> Value {
        let all: Vec<&str> = args.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.says(code, &all)).unwrap()
    }

    /// One cluster of the status.
    #[track_caller]
    fn cluster(&self, code: u8, address: &str) -> Value {
        let status = self.json(code, &["status"]);
        let clusters = status["clusters"].as_array().unwrap();
        let found = clusters.iter().find(|c| c["address"] == address);
        found
            .unwrap_or_else(|| panic!("{address} is not in {status:#}"))
            .clone()
    }

    fn sql(&self, statement: &str) {
        let conn = Connection::open(self.0.path().join("world/rollcall.db")).unwrap();
        conn.execute_batch(statement).unwrap();
    }

    fn store(&self) -> Store {
        Store::open_write(&self.0.path().join("world/rollcall.db"), &SystemClock).unwrap()
    }

    /// The record of a run that this process has begun and is in the middle of.
    fn begun_by(&self, holder: &Holder) -> RunId {
        let (store, now) = (self.store(), SystemClock.now());
        let lease = store.acquire(holder, now, &liveness).unwrap();
        let start = RunStart {
            mode: "reconcile --repair".to_owned(),
            args: "[]".to_owned(),
            source: "test".to_owned(),
            actor: None,
            host: holder.host.clone(),
            pid: holder.pid,
            lease: Some(lease.id().to_owned()),
        };
        let run = store.begin_run(&start, now).unwrap();
        let step = StepStart {
            address: &Address::Cluster("k3d/dev".parse().unwrap()),
            action: "create",
            log: None,
        };
        store.begin_step(run, &step, now).unwrap();
        run
    }

    fn with_row(self) -> Self {
        self.says(0, &["cluster", "add", "k3d/dev", "--http-port", "18080"]);
        self
    }
}

/// A process that ran `rollcall` and is gone.
fn dead() -> Holder {
    #[expect(clippy::disallowed_methods, reason = "a process that ends")]
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    Holder {
        pid: child.id(),
        ..Holder::of_this_process("rollcall reconcile --repair")
    }
}

#[test]
fn history_tells_a_run_at_work_from_one_that_died_and_one_that_ended() {
    let scene = Scene::new().with_row();
    let died = scene.begun_by(&dead());
    let before = scene.says(0, &["history"]);
    assert!(before.contains("died"), "{before}");
    assert!(before.contains("it was killed"), "{before}");
    scene.says(0, &["reconcile", "--repair"]);
    let working = scene.begun_by(&Holder::of_this_process("rollcall reconcile --repair"));

    let text = scene.says(0, &["history"]);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("running"), "{text}");
    assert!(lines[1].contains("exit 0"), "{text}");
    assert!(lines[2].contains("died"), "{text}");
    assert!(lines[2].contains("it was killed"), "{text}");
    assert!(!text.contains("unfinished"), "{text}");

    let items = scene.json(0, &["history"])["items"].clone();
    let states: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["state"])
        .collect();
    assert_eq!(states, ["running", "ended", "died"]);
    assert!(items[2]["finished_at"].is_string() && items[2]["exit_code"].is_null());
    let number = died.0.to_string();
    assert!(
        scene
            .says(0, &["history", &number])
            .contains("it was killed")
    );
    let number = working.0.to_string();
    assert!(
        scene
            .says(0, &["history", &number])
            .contains("it still runs")
    );
    let steps = scene.store().steps(died).unwrap();
    assert!(steps.iter().all(|step| step.finished_at.is_some()));
}

#[test]
fn a_registration_whose_cluster_is_not_seen_is_unknown() {
    let scene = Scene::new().with_row();
    scene.says(0, &["reconcile", "--repair"]);
    let before = scene.cluster(0, "cluster/k3d/dev");
    assert_eq!(before["registrations"][0]["state"], "registered");
    scene.says(0, &["sandbox", "say", "docker", "is", "down"]);
    let unseen = scene.cluster(12, "cluster/k3d/dev");
    assert_eq!(unseen["sync"], "unknown");
    for registration in unseen["registrations"].as_array().unwrap() {
        assert_eq!(registration["state"], "unknown", "{unseen:#}");
    }
    assert!(!scene.says(12, &["status"]).contains("stale"));
    scene.says(0, &["sandbox", "say", "docker", "is", "up"]);
    scene.says(0, &["sandbox", "wipe", "k3d/dev"]);
    let gone = scene.cluster(3, "cluster/k3d/dev");
    assert_eq!(gone["registrations"][0]["state"], "stale");
}

#[test]
fn what_is_ours_without_a_row_is_an_orphan_and_not_unmanaged() {
    let scene = Scene::new().with_row();
    scene.says(0, &["cluster", "add", "kind/ops"]);
    scene.says(0, &["reconcile", "--repair"]);
    scene.says(0, &["sandbox", "make", "kind/mine"]);
    scene.sql("DELETE FROM clusters WHERE name = 'dev'");
    assert_eq!(scene.cluster(3, "cluster/k3d/dev")["sync"], "orphan");
    assert_eq!(scene.cluster(3, "cluster/kind/mine")["sync"], "unmanaged");
    let text = scene.says(3, &["status"]);
    let head = text.lines().next().unwrap();
    assert!(
        head.ends_with("3 clusters: 1 synced, 1 orphan, 1 unmanaged"),
        "{text}"
    );
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("k3d/dev"));
    assert!(line.unwrap().contains("orphan"), "{text}");
    scene.sql("DELETE FROM clusters");
    assert!(
        scene
            .says(3, &["status"])
            .contains("2 orphans, 1 unmanaged")
    );
    // What is left of one is an orphan too.
    scene.says(0, &["sandbox", "wipe", "k3d/dev", "--leave-residue"]);
    assert_eq!(scene.cluster(3, "cluster/k3d/dev")["sync"], "orphan");
}

#[test]
fn a_strangers_cluster_under_the_management_name_is_not_in_sync() {
    let scene = Scene::new();
    scene.sql("INSERT INTO clusters (name, provider) VALUES ('devops', 'k3d')");
    let absent = scene.cluster(0, "cluster/k3d/devops");
    assert_eq!(
        (&absent["sync"], &absent["owner"]),
        (&"out_of_sync".into(), &"nobody".into())
    );
    scene.says(0, &["sandbox", "make", "k3d/devops"]);
    let foreign = scene.cluster(0, "cluster/k3d/devops");
    assert_eq!(
        (&foreign["sync"], &foreign["owner"]),
        (&"out_of_sync".into(), &"foreign".into())
    );
    assert!(
        foreign["held"][0]["message"]
            .as_str()
            .unwrap()
            .contains("not ours"),
        "{foreign:#}"
    );
    scene.sql("UPDATE clusters SET desired_state = 'absent'");
    assert_eq!(
        scene.cluster(0, "cluster/k3d/devops")["sync"],
        "out_of_sync"
    );
    scene.says(0, &["sandbox", "wipe", "k3d/devops"]);
    assert_eq!(scene.cluster(0, "cluster/k3d/devops")["sync"], "synced");
}

#[test]
fn what_a_mistyped_row_claims_is_no_orphan() {
    let scene = Scene::new().with_row();
    scene.says(0, &["reconcile", "--repair"]);
    scene.sql("UPDATE clusters SET name = 'DEV '");
    let text = scene.says(3, &["status"]);
    assert!(text.contains("1 cluster: 1 out of sync"), "{text}");
    assert!(!text.contains("orphan"), "{text}");
}
