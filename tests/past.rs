//! What `history` says of past runs, in a sandbox.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex};

use rollcall::cli::{SharedReader, SharedWriter, Streams, run};
use rollcall::clock::{Clock, SystemClock};
use rollcall::model::Address;
use rollcall::store::{Holder, RunId, RunStart, StepStart, Store, liveness};
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
