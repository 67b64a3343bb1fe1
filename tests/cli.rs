//! The command line in process, in a sandbox, with captured streams: what it prints, what it returns, what it leaves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rollcall::cli::{SharedReader, SharedWriter, Streams, run};
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

/// One sandbox and its database.
struct Scene {
    dir: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

struct Said {
    code: u8,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn code(self, code: u8) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}:\n{}", self.out))
    }
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_string_lossy().into_owned();
        let scene = Self {
            dir,
            env: BTreeMap::from([("HOME".to_owned(), home)]),
        };
        scene.rollcall(&["init"]).code(0);
        // Waiting takes no time in this world.
        rollcall::sandbox::open(&scene.path("world"))
            .unwrap()
            .set_pace(0.0)
            .unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn db(&self) -> PathBuf {
        self.path("world/rollcall.db")
    }

    fn rollcall(&self, args: &[&str]) -> Said {
        let sandbox = format!("--sandbox={}", self.path("world").display());
        let mut all = vec![OsString::from("rollcall"), sandbox.into()];
        all.extend(args.iter().map(OsString::from));
        self.call(all)
    }

    fn call(&self, args: Vec<OsString>) -> Said {
        self.call_at(args, SharedReader::new(std::io::empty()), (false, false))
    }

    /// With a person, or somebody like one, at standard input and perhaps at standard error.
    fn call_at(&self, args: Vec<OsString>, input: SharedReader, ttys: (bool, bool)) -> Said {
        let (out, err) = (Buffer::default(), Buffer::default());
        let streams = Streams {
            input,
            out: SharedWriter::new(out.clone()),
            err: SharedWriter::new(err.clone()),
            env: self.env.clone(),
            in_tty: ttys.0,
            out_tty: false,
            err_tty: ttys.1,
        };
        let code = run(args, streams);
        Said {
            code,
            out: out.text(),
            err: err.text(),
        }
    }

    fn sql(&self, statement: &str) {
        Connection::open(self.db())
            .unwrap()
            .execute_batch(statement)
            .unwrap();
    }

    fn two_rows(self) -> Self {
        self.rollcall(&[
            "cluster",
            "add",
            "k3d/dev",
            "--http-port",
            "18080",
            "--subnet",
            "10.101.0.0/24",
        ])
        .code(0);
        self.rollcall(&["cluster", "add", "kind/ops", "--pf-port", "19080"])
            .code(0);
        self
    }

    fn repaired(self) -> Self {
        self.rollcall(&["reconcile", "--repair"]).code(0);
        self
    }
}

/// The document is what its own schema says.
#[track_caller]
fn assert_schema(scene: &Scene, name: &str, document: &Value) {
    let schema = scene.rollcall(&["schema", name]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(document)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    no_null_arrays(document);
}

/// No list is ever null: a program that loops over it need not ask.
#[track_caller]
fn no_null_arrays(document: &Value) {
    for list in [
        "steps",
        "held",
        "refusals",
        "clusters",
        "items",
        "fields",
        "depends_on",
    ] {
        assert!(
            document.get(list).is_none_or(Value::is_array),
            "{list} in {document:#}"
        );
    }
}

#[test]
fn every_document_matches_its_schema() {
    let scene = Scene::new().two_rows();
    assert_schema(
        &scene,
        "plan",
        &scene.rollcall(&["reconcile", "-o", "json"]).code(3).json(),
    );
    assert_schema(
        &scene,
        "run",
        &scene
            .rollcall(&["reconcile", "--repair", "-o", "json"])
            .code(0)
            .json(),
    );
    assert_schema(
        &scene,
        "run",
        &scene
            .rollcall(&["reconcile", "--repair", "-o", "json"])
            .code(0)
            .json(),
    );
    assert_schema(
        &scene,
        "status",
        &scene.rollcall(&["status", "-o", "json"]).code(0).json(),
    );
    for args in [
        &["history"][..],
        &["last-run"],
        &["cluster", "list"],
        &["doctor"],
    ] {
        let document = scene
            .rollcall(&[args, &["-o", "json"]].concat())
            .code(0)
            .json();
        assert_schema(&scene, "list", &document);
    }
    let error = scene.rollcall(&["status", "nobody", "-o", "json"]).code(2);
    assert_schema(&scene, "error", &error.json());
    assert_schema(
        &scene,
        "explanation",
        &scene
            .rollcall(&["explain", "dev", "-o", "json"])
            .code(0)
            .json(),
    );
}

#[test]
fn events_are_gapless_match_their_schema_and_are_replayed_by_history() {
    let scene = Scene::new().two_rows();
    let path = scene.path("events");
    scene
        .rollcall(&["reconcile", "--repair", "--events", path.to_str().unwrap()])
        .code(0);
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let schema = scene.rollcall(&["schema", "event"]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], place as u64 + 1);
        assert!(validator.is_valid(event), "{event:#}");
        assert!(!event["message"].as_str().unwrap().is_empty());
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    for kind in [
        "run_started",
        "source_observed",
        "step_planned",
        "step_started",
        "step_progress",
        "step_finished",
        "verified",
    ] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(kinds.last(), Some(&"run_finished"));
    let stored = scene.rollcall(&["last-run", "-o", "json"]).code(0).json();
    assert_eq!(
        stored["items"].as_array().unwrap(),
        &events,
        "the stored run is the run"
    );
    let replayed = scene.rollcall(&["history", "1"]).code(0);
    assert!(
        replayed.out.contains("create cluster/k3d/dev: done"),
        "{}",
        replayed.out
    );
}

#[test]
fn looking_writes_nothing() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "wipe", "k3d/dev"]).code(0);
    let before = std::fs::read(scene.db()).unwrap();
    for args in [
        &["reconcile"][..],
        &["reconcile", "--dry-run", "--repair"],
        &["reconcile", "--dry-run", "--prune"],
        &["status"],
        &["explain", "dev"],
        &["history"],
        &["last-run"],
        &["doctor"],
        &["cluster", "list"],
        &["lock", "show"],
        &[],
    ] {
        scene.rollcall(args);
        assert_eq!(std::fs::read(scene.db()).unwrap(), before, "{args:?}");
    }
}

#[test]
fn a_dry_run_says_what_a_guard_would_refuse() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("DELETE FROM clusters");
    let dry = scene
        .rollcall(&["reconcile", "--dry-run", "--prune"])
        .code(3);
    assert!(dry.out.contains("the table is empty"), "{}", dry.out);
    scene.rollcall(&["reconcile", "--prune"]).code(5);
    scene
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
}

#[test]
fn create_and_forget_are_not_asked_for_at_once() {
    let said = Scene::new()
        .rollcall(&["reconcile", "--repair", "--prune=rows"])
        .code(2);
    assert!(said.err.contains("opposite answers"), "{}", said.err);
    let said = Scene::new()
        .rollcall(&["reconcile", "--repair", "--prune"])
        .code(2);
    assert!(
        said.err.contains("--prune=orphans,registrations"),
        "{}",
        said.err
    );
}

#[test]
fn a_saved_observation_gives_the_same_plan_and_never_acts() {
    let scene = Scene::new().two_rows().repaired();
    scene
        .rollcall(&["sandbox", "wipe", "k3d/dev", "--leave-residue"])
        .code(0);
    let path = scene.path("seen.json");
    let path = path.to_str().unwrap();
    let live = scene
        .rollcall(&["reconcile", "-o", "json", "--save-observation", path])
        .code(3)
        .json();
    let saved = scene
        .rollcall(&["reconcile", "-o", "json", "--observation", path])
        .code(3)
        .json();
    assert_eq!(live["steps"], saved["steps"]);
    assert_eq!(live["observed_at"], saved["observed_at"]);
    scene
        .rollcall(&["reconcile", "--repair", "--observation", path])
        .code(2);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(rollcall::sandbox::SECRET_MARK));
}

#[test]
fn no_secret_of_the_sandbox_is_told() {
    let scene = Scene::new().two_rows();
    let events = scene.path("events");
    let ran = scene
        .rollcall(&[
            "reconcile",
            "--repair",
            "-vv",
            "--events",
            events.to_str().unwrap(),
        ])
        .code(0);
    let mut told = ran.out + &ran.err + &std::fs::read_to_string(events).unwrap();
    for args in [
        &["status", "-o", "json"][..],
        &["explain", "dev", "-o", "json"],
        &["last-run", "-o", "json"],
        &["sandbox", "show"],
    ] {
        told.push_str(&scene.rollcall(args).code(0).out);
    }
    let logs = scene.path("world/state/runs/1");
    let mut searched = 0;
    for log in std::fs::read_dir(logs).unwrap() {
        told.push_str(&std::fs::read_to_string(log.unwrap().path()).unwrap());
        searched += 1;
    }
    assert!(searched >= 2, "the step logs were to be searched");
    told.push_str(&String::from_utf8_lossy(
        &std::fs::read(scene.db()).unwrap(),
    ));
    assert!(
        told.contains("[redacted]"),
        "the tool's log says its token, and it was to be redacted"
    );
    assert!(
        !told.contains(rollcall::sandbox::SECRET_MARK),
        "a secret was told"
    );
}

#[test]
fn a_failed_step_is_told_with_its_log_and_the_rest_goes_on() {
    let scene = Scene::new().two_rows();
    scene
        .rollcall(&["sandbox", "say", "create k3d/dev fails"])
        .code(0);
    let ran = scene
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(1);
    assert!(
        ran.err.contains("failed to create cluster/k3d/dev"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("log: "), "{}", ran.err);
    assert!(
        ran.err.contains("create cluster/kind/ops: done"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("skipped, because create cluster/k3d/dev did not succeed"),
        "{}",
        ran.err
    );
    scene.rollcall(&["sandbox", "forget"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
fn docker_down_is_12_and_silent_is_9_in_every_mode() {
    let scene = Scene::new().two_rows().repaired();
    for (state, code) in [("down", 12), ("silent", 9)] {
        scene
            .rollcall(&["sandbox", "say", &format!("docker is {state}")])
            .code(0);
        let before = std::fs::read(scene.db()).unwrap();
        for args in [
            &["reconcile"][..],
            &["reconcile", "--repair"],
            &["reconcile", "--prune", "--allow-all"],
            &["status"],
            &["explain", "dev"],
            &["doctor"],
        ] {
            scene.rollcall(args).code(code);
        }
        let rows = |_: &Scene| {
            Connection::open(scene.db()).unwrap().query_row(
                "SELECT count(*) FROM clusters",
                [],
                |r| r.get(0),
            )
        };
        assert_eq!(rows(&scene), Ok(2));
        assert!(!before.is_empty());
        scene.rollcall(&["sandbox", "say", "docker is up"]).code(0);
    }
    scene.rollcall(&["reconcile"]).code(0);
}

#[test]
fn what_is_hostile_in_a_row_is_held_and_never_reaches_the_terminal() {
    let scene = Scene::new().two_rows();
    scene.sql("INSERT INTO clusters (name, provider) VALUES ('x;touch pwned', 'k3d'), (char(27) || '[31mred', 'kind')");
    scene.sql("INSERT INTO clusters (name, provider, http_port) VALUES ('big', 'k3d', 70000)");
    let ran = scene.rollcall(&["reconcile", "--repair"]).code(3);
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    assert!(ran.out.contains("70000"), "{}", ran.out);
    let status = scene.rollcall(&["status", "-o", "json"]).code(3).json();
    let synced = status["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["sync"] == "synced")
        .count();
    assert_eq!(synced, 2, "the good rows converge beside them: {status:#}");
}

#[test]
fn a_second_run_waits_or_gives_up_and_names_the_holder() {
    let scene = Scene::new().two_rows();
    let store =
        rollcall::store::Store::open_write(&scene.db(), &rollcall::clock::SystemClock).unwrap();
    let holder = rollcall::store::Holder::of_this_process("somebody else");
    let now = rollcall::clock::Clock::now(&rollcall::clock::SystemClock);
    store
        .acquire(&holder, now, &rollcall::store::liveness)
        .unwrap();
    let said = scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(7);
    assert!(said.err.contains("somebody else"), "{}", said.err);
    let shown = scene.rollcall(&["lock", "show"]).code(0);
    assert!(shown.out.contains("somebody else"), "{}", shown.out);
    let status = scene.rollcall(&["status"]).code(3);
    assert!(status.out.contains("running now"), "{}", status.out);
    let broken = scene.rollcall(&["lock", "break", "-o", "json"]).code(0);
    assert_eq!(broken.json()["state"], "held");
    assert_eq!(broken.json()["broken"], true);
    scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(0);
}

#[test]
fn a_run_that_died_holds_nothing_and_is_said_to_be_dead() {
    let scene = Scene::new().two_rows();
    let store =
        rollcall::store::Store::open_write(&scene.db(), &rollcall::clock::SystemClock).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a process that ends")]
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let holder = rollcall::store::Holder {
        pid: child.id(),
        ..rollcall::store::Holder::of_this_process("rollcall reconcile --repair")
    };
    let now = rollcall::clock::Clock::now(&rollcall::clock::SystemClock);
    let lease = store
        .acquire(&holder, now, &rollcall::store::liveness)
        .unwrap();
    let start = rollcall::store::RunStart {
        mode: "reconcile --repair".to_owned(),
        args: "[]".to_owned(),
        source: "test".to_owned(),
        actor: None,
        host: holder.host.clone(),
        pid: holder.pid,
        lease: Some(lease.id().to_owned()),
    };
    let run = store.begin_run(&start, now).unwrap();
    let begun = rollcall::store::StepStart {
        address: &rollcall::model::Address::Cluster("k3d/dev".parse().unwrap()),
        action: "create",
        log: None,
    };
    store.begin_step(run, &begun, now).unwrap();
    let shown = scene.rollcall(&["lock", "show"]).code(0);
    assert!(shown.out.contains("process is gone"), "{}", shown.out);
    let status = scene.rollcall(&["status"]).code(3);
    assert!(!status.out.contains("running now"), "{}", status.out);
    assert!(!status.out.contains("at work on"), "{}", status.out);
    let past = scene.rollcall(&["last-run"]).code(0);
    assert!(past.out.contains("it was killed"), "{}", past.out);
    scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(0);
}

#[test]
fn a_missing_or_wrong_database_is_12_with_the_way_out() {
    let scene = Scene::new();
    let missing = scene.path("none.db");
    let said = scene
        .rollcall(&["--db", missing.to_str().unwrap(), "reconcile"])
        .code(12);
    assert!(said.err.contains("init"), "{}", said.err);
    let text = scene.path("text.db");
    std::fs::write(
        &text,
        "this is no database, and it is long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let said = scene
        .rollcall(&["--db", text.to_str().unwrap(), "status", "-o", "json"])
        .code(12);
    assert_eq!(said.json()["schema"], "rollcall.error/v1");
    let mut other = Scene::new();
    other.env.insert("HOME".to_owned(), "/nowhere".to_owned());
    let alone = other.call(vec!["rollcall".into()]).code(0);
    assert!(alone.err.contains("rollcall init"), "{}", alone.err);
}

#[test]
fn flags_have_twins_and_what_destroys_has_none() {
    let mut scene = Scene::new().two_rows();
    scene
        .env
        .insert("ROLLCALL_OUTPUT".to_owned(), "json".to_owned());
    scene
        .env
        .insert("ROLLCALL_REPAIR".to_owned(), "1".to_owned());
    let said = scene.rollcall(&["reconcile"]).code(3);
    assert_eq!(said.json()["schema"], "rollcall.plan/v1");
}

#[test]
fn an_adopted_cluster_gets_a_row_and_a_forgotten_row_comes_back() {
    let scene = Scene::new();
    scene.rollcall(&["sandbox", "make", "kind/mine"]).code(0);
    scene.rollcall(&["cluster", "adopt", "mine"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.rollcall(&["sandbox", "wipe", "kind/mine"]).code(0);
    scene.rollcall(&["reconcile", "--prune=rows"]).code(0);
    scene.rollcall(&["cluster", "restore", "mine"]).code(0);
    let list = scene.rollcall(&["cluster", "list"]).code(0);
    assert!(list.out.contains("kind/mine"), "{}", list.out);
}

#[test]
fn help_answers_and_a_misspelt_word_is_2() {
    let scene = Scene::new();
    let help = scene.rollcall(&["--help"]).code(0);
    let daily = help.out.find("reconcile").unwrap();
    assert!(
        daily < help.out.find("schema").unwrap(),
        "the daily ones come first"
    );
    let said = scene.rollcall(&["reconsile"]).code(2);
    assert!(said.err.contains("reconcile"), "{}", said.err);
    scene
        .rollcall(&["reconcile", "--step-timeout", "soon"])
        .code(2);
    scene
        .rollcall(&["reconcile", "--max-deletes", "101%"])
        .code(2);
    scene
        .rollcall(&["reconcile", "--only", "NOT A NAME"])
        .code(2);
}

#[test]
fn every_hint_that_is_a_command_speaks_of_the_same_world() {
    let scene = Scene::new().two_rows();
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    let config = scene.path("my config.toml");
    std::fs::write(&config, "").unwrap();
    let flags = format!(
        "rollcall --sandbox={} '--config={}' ",
        scene.path("world").display(),
        config.display()
    );
    let given = ["--config", config.to_str().unwrap()];
    let dry = scene
        .rollcall(&[&given[..], &["reconcile"]].concat())
        .code(3);
    for command in ["cluster adopt k3d/dev", "reconcile --repair"] {
        let whole = format!("{flags}{command}");
        assert!(dry.out.contains(&whole), "{whole} in {}", dry.out);
    }
    let unknown = scene.rollcall(&[&given[..], &["cluster", "restore", "gone"]].concat());
    let whole = format!("{flags}cluster list");
    assert!(unknown.code(2).err.contains(&whole), "{whole}");
}

#[test]
fn the_way_on_says_all_that_was_asked_and_lifts_what_refuses() {
    let scene = Scene::new().two_rows();
    let dry = scene
        .rollcall(&[
            "reconcile",
            "--probe",
            "none",
            "-j",
            "2",
            "--timeout",
            "90",
            "--dry-run",
        ])
        .code(3);
    let whole = "reconcile --repair --probe none -j 2 --timeout 90s\n";
    assert!(dry.out.contains(whole), "{}", dry.out);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.sql("DELETE FROM clusters");
    let dry = scene
        .rollcall(&["reconcile", "--prune", "--dry-run"])
        .code(3);
    assert!(
        dry.out.contains("reconcile --prune --allow-all\n"),
        "{}",
        dry.out
    );
}

#[test]
fn a_name_that_selects_nothing_is_2() {
    let scene = Scene::new().two_rows();
    for (args, said) in [
        (&["--only", "dve"][..], "did you mean dev?"),
        (&["--exclude", "nobody"], "named nobody"),
        (&["--only", "dev", "--exclude", "dev"], "leave nothing"),
        (&["--replace", "dev", "--exclude", "dev"], "leaves it out"),
    ] {
        for mode in [&["reconcile"][..], &["reconcile", "--repair"]] {
            let ran = scene.rollcall(&[mode, args].concat()).code(2);
            assert!(ran.err.contains(said), "{}", ran.err);
        }
    }
    let one = scene.rollcall(&["reconcile", "--only", "dev"]).code(3);
    assert!(one.out.contains("left out by --only"), "{}", one.out);
    assert!(!one.out.contains("kind/ops"), "{}", one.out);
}

#[test]
fn no_time_at_all_is_2() {
    let scene = Scene::new().two_rows();
    scene
        .rollcall(&["reconcile", "--repair", "--timeout", "0"])
        .code(2);
}

#[test]
fn what_cannot_be_written_is_12() {
    let scene = Scene::new().two_rows();
    let ran = scene
        .rollcall(&["reconcile", "--repair", "--events", "/dev/full"])
        .code(12);
    assert!(ran.err.contains("failed to write events"), "{}", ran.err);
    assert!(ran.out.contains("not all of this run"), "{}", ran.out);
    scene
        .rollcall(&["reconcile", "--events", "/dev/full"])
        .code(12);
}

#[test]
fn a_record_that_cannot_be_written_is_told_and_the_run_answers() {
    let scene = Scene::new().two_rows();
    scene.sql(
        "CREATE TRIGGER full BEFORE INSERT ON rollcall_events
         BEGIN SELECT RAISE(ABORT, 'no room'); END;",
    );
    let ran = scene.rollcall(&["reconcile", "--repair", "-o", "json"]);
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["schema"], "rollcall.run/v1");
    assert_eq!(ran.json()["converged"], true);
    assert!(
        ran.err.contains("failed to store the events"),
        "{}",
        ran.err
    );
}

#[test]
fn with_nothing_to_do_the_first_event_is_the_start() {
    let scene = Scene::new().two_rows().repaired();
    let ran = scene
        .rollcall(&[
            "reconcile",
            "--repair",
            "--events",
            "fd:1",
            "-o",
            "json=/dev/null",
        ])
        .code(0);
    let kinds: Vec<_> = ran
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[..2], ["run_started", "source_observed"], "{kinds:?}");
}

#[test]
fn what_a_person_stopped_is_not_in_sync() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "stop", "k3d/dev"]).code(0);
    scene.sql("INSERT INTO rollcall_stops (name, since) VALUES ('dev', '2026-01-01T00:00:00Z')");
    let home = scene.rollcall(&[]).code(0);
    assert!(
        home.err.contains("1 out of sync on purpose"),
        "{}",
        home.err
    );
    assert!(
        home.out
            .contains("DELETE FROM rollcall_stops WHERE name = 'dev'"),
        "{}",
        home.out
    );
}

#[test]
fn without_a_home_nothing_is_looked_for_at_the_root() {
    let mut scene = Scene::new();
    let db = scene.db();
    let config = scene.path("config.toml");
    std::fs::write(&config, "[kubeconfig]\nenabled = false\n").unwrap();
    for home in [None, Some("")] {
        scene.env.remove("HOME");
        scene
            .env
            .extend(home.map(|home| ("HOME".to_owned(), home.to_owned())));
        let said = scene
            .call(vec!["rollcall".into(), "cluster".into(), "list".into()])
            .code(2);
        assert!(said.err.contains("HOME is not set"), "{}", said.err);
        let mut args: Vec<OsString> = vec!["rollcall".into(), "--db".into(), db.clone().into()];
        args.extend(["--config".into(), config.clone().into()]);
        args.extend(["cluster".into(), "list".into()]);
        scene.call(args).code(0);
    }
}

/// A person who changes the table before answering `y`, as often as there are statements.
struct Person {
    db: PathBuf,
    statements: Vec<&'static str>,
}

impl std::io::Read for Person {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if !self.statements.is_empty() {
            let db = Connection::open(&self.db).unwrap();
            db.execute_batch(self.statements.remove(0)).unwrap();
        }
        bytes[..2].copy_from_slice(b"y\n");
        Ok(2)
    }
}

#[test]
fn a_person_is_asked_by_name_and_anew_when_the_plan_changed() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'dev'");
    let sandbox = format!("--sandbox={}", scene.path("world").display());
    let args = || {
        ["rollcall", &sandbox, "reconcile", "--repair"]
            .map(OsString::from)
            .to_vec()
    };
    let nobody = SharedReader::new(std::io::empty());
    let blind = scene.call_at(args(), nobody.clone(), (true, false)).code(5);
    assert!(blind.err.contains("--yes"), "{}", blind.err);
    let silent = scene.call_at(args(), nobody, (true, true)).code(5);
    assert!(
        silent.err.contains("delete k3d/dev? [y/N]"),
        "{}",
        silent.err
    );
    let person = std::io::BufReader::new(Person {
        db: scene.db(),
        statements: vec!["UPDATE clusters SET desired_state = 'absent'"],
    });
    let asked = scene
        .call_at(args(), SharedReader::new(person), (true, true))
        .code(0);
    for question in [
        "delete k3d/dev? [y/N]",
        "changed while you were asked",
        "delete k3d/dev and kind/ops? [y/N]",
    ] {
        assert!(asked.err.contains(question), "{question} in {}", asked.err);
    }
}
