//! The wrappers with the names and the contract of Kindler's scripts, over the real program in a sandbox.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts real scripts"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const ROLLCALL: &str = env!("CARGO_BIN_EXE_rollcall");

struct Scene {
    dir: tempfile::TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// What stands behind a word at the beginning of a line.
    #[track_caller]
    fn summary(&self, word: &str) -> Value {
        let line = self.out.lines().find_map(|line| line.strip_prefix(word));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no {word} in {}", self.out))).unwrap()
    }
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scene = Self { dir };
        scene.rollcall(&["init"]).code(0);
        rollcall::sandbox::open(&scene.path("world"))
            .unwrap()
            .set_pace(0.0)
            .unwrap();
        scene
            .rollcall(&["cluster", "add", "k3d/dev", "--http-port", "18080"])
            .code(0);
        scene.rollcall(&["cluster", "add", "kind/ops"]).code(0);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("ROLLCALL_BIN", ROLLCALL)
            .env("ROLLCALL_SANDBOX", self.path("world"))
            .env("RECONCILE_HISTORY_FILE", self.path("logs/history.jsonl"))
            .current_dir(self.dir.path());
        command
    }

    fn rollcall(&self, args: &[&str]) -> Said {
        said(&self.command(ROLLCALL).args(args).output().unwrap())
    }

    fn script(&self, name: &str, args: &[&str]) -> Said {
        self.script_with(name, args, &[])
    }

    fn script_with(&self, name: &str, args: &[&str], env: &[(&str, &str)]) -> Said {
        let script = format!("{}/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut command = self.command(&script);
        command.args(args).envs(env.iter().copied());
        said(&command.output().unwrap())
    }

    fn sql(&self, statement: &str) {
        let conn = rusqlite::Connection::open(self.path("world/rollcall.db")).unwrap();
        conn.execute_batch(statement).unwrap();
    }
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_reconcile_ends_with_the_codes_and_the_summary_that_harnesses_read() {
    let scene = Scene::new();
    let dry = scene.script("reconcile.sh", &["--dry-run"]).code(3);
    let lines = dry.summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[0]["name"], "dev");
    assert_eq!(lines[0]["action"], "create");
    assert_eq!(lines[0]["result"], "planned");
    let done = scene.script("reconcile.sh", &["--from-db"]).code(0);
    let lines = done.summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[1]["provider"], "kind");
    assert_eq!(lines[1]["result"], "created");
    let again = scene.script("reconcile.sh", &["--from-db"]).code(0);
    let lines = again.summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[0]["action"], "noop");
    assert_eq!(lines[0]["result"], "ok");
    scene.script("reconcile.sh", &["--dry-run"]).code(0);
    scene.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'ops'");
    let lines = scene
        .script("reconcile.sh", &[])
        .code(0)
        .summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[1]["action"], "delete");
    assert_eq!(lines[1]["result"], "deleted");
    assert_eq!(lines[1]["desired"], "absent");
    scene.rollcall(&["sandbox", "say", "create fails"]).code(0);
    scene.sql("UPDATE clusters SET desired_state = 'present'");
    let failed = scene
        .script_with("reconcile.sh", &["--from-db"], &[("ROLLCALL_RETRIES", "0")])
        .code(1);
    let lines = failed.summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[1]["result"], "error");
    scene.script("reconcile.sh", &["--nonsense"]).code(1);
    scene.script("reconcile.sh", &["--json"]).code(1);
    scene
        .script_with("reconcile.sh", &[], &[("ROLLCALL_DB", "/nowhere/x.db")])
        .code(2);
}

#[test]
fn the_history_is_appended_and_its_last_line_is_told() {
    let scene = Scene::new();
    scene.script("reconcile.sh", &["--last-run"]).code(2);
    let env = [
        ("RECONCILE_SOURCE", "harness"),
        ("RECONCILE_INVOKER", "ann"),
    ];
    scene
        .script_with("reconcile.sh", &["--from-db"], &env)
        .code(0);
    let last = scene.script("reconcile.sh", &["--last-run"]).code(0);
    assert!(last.out.contains("exit 0"), "{}", last.out);
    let json = scene
        .script("reconcile.sh", &["--last-run", "--json"])
        .code(0);
    let entry: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(entry["source"], "harness");
    assert_eq!(entry["invoker"], "ann");
    assert_eq!(entry["args"][0], "--from-db");
    assert_eq!(entry["from_db"], true);
    assert_eq!(entry["failed_count"], 0);
    assert_eq!(entry["summary"].as_array().map(Vec::len), Some(2));
    let other = scene.path("other.jsonl");
    let other = other.to_str().unwrap();
    scene
        .script("reconcile.sh", &["--dry-run", "--history-file", other])
        .code(0);
    let lines = std::fs::read_to_string(other).unwrap();
    assert_eq!(lines.lines().count(), 1);
}

#[test]
fn a_history_that_cannot_be_written_changes_no_result() {
    let scene = Scene::new();
    let nowhere = ["--from-db", "--history-file", "/proc/nowhere/h.jsonl"];
    let said = scene.script("reconcile.sh", &nowhere).code(0);
    assert!(said.err.contains("could not be written"), "{}", said.err);
}

#[test]
fn a_wrapper_is_found_through_a_link() {
    let scene = Scene::new();
    let link = scene.path("a link.sh");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/db_verify.sh");
    std::os::unix::fs::symlink(script, &link).unwrap();
    let output = scene.command(link.to_str().unwrap()).output().unwrap();
    said(&output).code(10);
}

#[test]
fn pruning_rows_is_guarded_and_never_takes_what_a_silence_hides() {
    let scene = Scene::new();
    scene.script("reconcile.sh", &["--from-db"]).code(0);
    scene.rollcall(&["sandbox", "wipe", "kind/ops"]).code(0);
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    scene.script("reconcile.sh", &["--prune-missing"]).code(1);
    scene.rollcall(&["sandbox", "say", "docker is up"]).code(0);
    let pruned = scene.script("reconcile.sh", &["--prune-missing"]).code(0);
    let lines = pruned.summary("RECONCILE_SUMMARY=");
    assert_eq!(lines[1]["name"], "ops");
    assert_eq!(lines[1]["action"], "prune");
    assert_eq!(lines[1]["result"], "deleted");
    scene.rollcall(&["cluster", "restore", "ops"]).code(0);
    // Asked for both, the rows win: what is missing is made.
    scene
        .script("reconcile.sh", &["--from-db", "--prune-missing"])
        .code(0);
    scene.script("db_verify.sh", &[]).code(0);
}

#[test]
fn a_loop_ends_with_the_code_of_a_run_that_fails() {
    let scene = Scene::new();
    let twice = ["--max-runs", "2", "--interval", "1s"];
    let said = scene.script("reconcile_loop.sh", &twice).code(0);
    assert_eq!(
        said.out.matches("last-run-json: {").count(),
        2,
        "{}",
        said.out
    );
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    scene
        .script("reconcile_loop.sh", &["--interval", "1h"])
        .code(1);
    for wrong in ["x", "0", "00m", "1w"] {
        scene
            .script("reconcile_loop.sh", &["--interval", wrong])
            .code(1);
    }
    let said = scene.script(
        "reconcile_loop.sh",
        &["--once", "--interval", "08m", "--bogus"],
    );
    let said = said.code(1);
    assert!(!said.out.contains("last-run-json"), "{}", said.out);
}

#[test]
fn a_verification_tells_the_missing_from_the_different() {
    let scene = Scene::new();
    let missing = scene.script("db_verify.sh", &["--json-summary"]).code(10);
    let summary = missing.summary("DB_VERIFY_SUMMARY=");
    assert_eq!(summary["missing"], 2);
    scene.script("reconcile.sh", &["--from-db"]).code(0);
    scene.script("db_verify.sh", &[]).code(0);
    scene.script("smoke.sh", &["dev"]).code(0);
    scene.rollcall(&["sandbox", "stop", "k3d/dev"]).code(0);
    let drift = scene.script("db_verify.sh", &["--json-summary"]).code(11);
    assert_eq!(drift.summary("DB_VERIFY_SUMMARY=")["drift"], 1);
    scene.script("smoke.sh", &["dev"]).code(1);
    scene.script("smoke.sh", &["ops"]).code(0);
    scene.script("smoke.sh", &[]).code(1);
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    scene.script("db_verify.sh", &[]).code(1);
}

#[test]
fn a_clean_says_by_its_code_whether_anything_of_ours_is_left() {
    let scene = Scene::new();
    scene.script("reconcile.sh", &["--from-db"]).code(0);
    for value in ["1", "true"] {
        let dry = scene.script_with("clean.sh", &["--all"], &[("DRY_RUN", value)]);
        assert!(dry.code(0).out.contains("2 delete"));
    }
    scene.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'ops'");
    scene
        .script_with("reconcile.sh", &[], &[("DRY_RUN", "1")])
        .code(3);
    scene.sql("UPDATE clusters SET desired_state = 'present'");
    scene.script("clean.sh", &["--verify"]).code(0);
    scene.script("db_verify.sh", &[]).code(10);
    scene
        .script("clean.sh", &["--include-devops", "--verify"])
        .code(0);
    scene.script("clean.sh", &["--everything"]).code(1);
}

#[test]
fn every_script_says_what_it_is_for() {
    let scene = Scene::new();
    for name in [
        "reconcile.sh",
        "reconcile_loop.sh",
        "db_verify.sh",
        "clean.sh",
        "smoke.sh",
    ] {
        let help = scene.script(name, &["--help"]).code(0);
        assert!(
            help.out.contains(&format!("scripts/{name}")),
            "{}",
            help.out
        );
    }
    let lost = [("ROLLCALL_BIN", "/nowhere")];
    let said = scene.script_with("clean.sh", &[], &lost).code(1);
    assert!(said.err.contains("ROLLCALL_BIN"), "{}", said.err);
}
