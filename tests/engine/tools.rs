//! Tools that are missing, hang, lie or talk too much: what is observed decides, within the step's time.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bench::{Bench, on_engine};
use crate::six::{SIX, assert_true};

/// Puts a script in the place of kind; `{kind}` in it is the real one.
fn instead_of_kind(bench: &Bench, script: &str) {
    let path = std::env::var_os("PATH").unwrap();
    let kind = std::env::split_paths(&path)
        .map(|folder| folder.join("kind"))
        .find(|file| file.exists())
        .unwrap();
    let file = bench.path("kind");
    let script = script.replace("{kind}", &kind.display().to_string());
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let config = fs::read_to_string(bench.path("rollcall.toml")).unwrap();
    let config = config.replace(
        "[provider.kind]\n",
        &format!("[provider.kind]\nprogram = '{}'\n", file.display()),
    );
    fs::write(bench.path("rollcall.toml"), config).unwrap();
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn without_a_tool_its_rows_are_held_and_the_others_converge() {
    let bench = Bench::new();
    bench.rows(&[SIX[0], SIX[3]]);
    instead_of_kind(&bench, "exit 0");
    fs::remove_file(bench.path("kind")).unwrap();
    let said = bench.rollcall(&["reconcile", "--repair"]).code(12);
    assert!(said.out.contains("kind is not installed"), "{}", said.out);
    assert_true(&bench, &[SIX[0]]);
    assert_eq!(on_engine()["containers"].len(), 2);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_tool_that_hangs_is_ended_at_the_steps_deadline_with_all_it_started() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    instead_of_kind(&bench, "sleep 4242 & sleep 4243");
    let limits = ["--step-timeout", "2s", "--retries", "0"];
    bench
        .rollcall(&[&["reconcile", "--repair"], limits.as_slice()].concat())
        .code(1);
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        assert!(!line.contains("sleep 424"), "{line} is still there");
    }
    assert!(on_engine().values().all(Vec::is_empty), "{:?}", on_engine());
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_tool_that_says_yes_and_does_nothing_has_failed() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    instead_of_kind(&bench, "echo all done; exit 0");
    let said = bench
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(1);
    assert!(said.out.contains("made nothing"), "{}", said.out);
    assert_eq!(bench.status("rt-d"), "absent Failed");
    assert!(on_engine().values().all(Vec::is_empty), "{:?}", on_engine());
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_tool_that_says_it_loaded_an_image_is_not_believed() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let image = std::env::var("ROLLCALL_TEST_KIND_IMAGE").unwrap();
    let config = bench.path("rollcall.toml");
    let after = format!("[[provider.kind.after_create]]\nimages = ['{image}']\n");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &after).unwrap();
    instead_of_kind(
        &bench,
        "case $1 in load) echo loaded; exit 0;; esac; exec {kind} \"$@\"",
    );
    let args = ["reconcile", "--repair", "--retries", "0"];
    let said = bench.rollcall(&args).code(1);
    let lack = format!("the tool said it was done, and rt-d-control-plane does not have {image}");
    assert!(said.out.contains(&lack), "{}", said.out);
    assert!(bench.contexts().contains(&"kind-rt-d".to_owned()));
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_tool_that_says_no_and_did_everything_has_succeeded() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    instead_of_kind(
        &bench,
        "{kind} \"$@\"; echo failed for no reason >&2; exit 1",
    );
    bench
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(0);
    assert_true(&bench, &[SIX[3]]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_tool_that_prints_a_megabyte_neither_hangs_nor_floods() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let flood = "head -c 1000000 /dev/zero | tr '\\0' x; echo; yes 0123456789 | head -c 1000000";
    instead_of_kind(
        &bench,
        &format!("{flood}; {flood} >&2; exec {{kind}} \"$@\""),
    );
    let said = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(
        said.err.len() < 100_000,
        "{} bytes on standard error",
        said.err.len()
    );
    assert_true(&bench, &[SIX[3]]);
}

/// Only `rollcall::command` can start a process (a lint sees to that), and it says so in the log.
#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn looking_starts_no_process() {
    let bench = Bench::new();
    bench.rows(&[SIX[0], SIX[3]]);
    let started = |args: &[&str]| {
        let said = bench.rollcall(&[&["-v"], args].concat());
        assert!(said.err.contains("observed the engine"), "{}", said.err);
        said.err.matches("started a tool").count()
    };
    assert_eq!(started(&["reconcile"]), 0);
    assert_eq!(started(&["reconcile", "--repair"]), 2, "one k3d, one kind");
    for looking in [
        &["reconcile"][..],
        &["reconcile", "--repair"],
        &["reconcile", "--prune"],
        &["status"],
        &["explain", "rt-a"],
    ] {
        assert_eq!(started(looking), 0, "{looking:?}");
    }
    assert_eq!(started(&["doctor"]), 2, "each tool says its version");
}
