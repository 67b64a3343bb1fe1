//! Ctrl-C once and twice, SIGTERM, a closed terminal, a full disk, a file that may not be written, a reader that left.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::{Bench, on_engine};
use crate::process::{ended, signal, spawn, until_at_work};
use crate::six::{SIX, assert_true};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn the_first_signal_lets_running_steps_end_and_starts_no_more() {
    let bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    for (name, expected) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let mut run = spawn(&bench, &["reconcile", "--repair", "-j", "1"]);
        until_at_work(&bench, &mut run, 1);
        signal(name, &run);
        let (code, said) = ended(run);
        assert_eq!(code, expected, "{name}: {said}");
        assert!(
            said.contains("stopping: 1 running step may end"),
            "{name}: {said}"
        );
        assert!(
            said.contains("not started: the run was interrupted"),
            "{name}: {said}"
        );
        assert_eq!(on_engine()["containers"].len(), 1, "{name}");
        assert_eq!(bench.query("SELECT name FROM clusters").len(), 2);
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        assert_true(&bench, &[SIX[3], SIX[4]]);
        bench.sql("UPDATE clusters SET desired_state = 'absent'");
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        bench.sql("UPDATE clusters SET desired_state = 'present'");
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn the_second_signal_ends_the_tools_and_the_next_run_resumes() {
    let bench = Bench::new();
    bench.rows(&[SIX[0], SIX[3]]);
    let mut run = spawn(&bench, &["reconcile", "--repair", "-j", "2"]);
    until_at_work(&bench, &mut run, 2);
    std::thread::sleep(Duration::from_millis(500));
    signal("INT", &run);
    std::thread::sleep(Duration::from_millis(200));
    signal("INT", &run);
    let (code, said) = ended(run);
    assert_eq!(code, 130, "{said}");
    assert_eq!(
        bench.query("SELECT count(*) FROM rollcall_steps WHERE state = 'running'"),
        ["0"],
        "the journal is closed"
    );
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &[SIX[0], SIX[3]]);
    let whole = on_engine();
    assert_eq!(whole["containers"].len(), 3, "{whole:?}");
    assert_eq!(whole["networks"], ["k3d-rt-a", "kind-rt-d"]);
    assert_eq!(whole["volumes"].len(), 2, "{whole:?}");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_reader_that_left_stops_nothing() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let mut run = spawn(&bench, &["reconcile", "--repair", "-v"]);
    drop(run.stdout.take());
    drop(run.stderr.take());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_true(&bench, &[SIX[3]]);
}

/// Runs a script in a mount namespace of its own. `$DB` is the database, `$ROLLCALL` the program with its configuration.
fn apart(bench: &Bench, script: &str) -> (i32, String) {
    let call = bench.command(&[]);
    let words = std::iter::once(call.get_program()).chain(call.get_args());
    let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-euc", script])
        .env("DB", bench.db())
        .env("ROLLCALL", words.join(" "))
        .env("DIR", bench.path(""));
    for (name, value) in call.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    ended(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn on_a_full_disk_nothing_is_made_that_is_not_written_down() {
    let bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    let script = r#"
        mount -t tmpfs -o size=600k tmpfs /mnt
        cp "$DB" /mnt/roll.db
        roll=$(echo "$ROLLCALL" | sed "s|$DB|/mnt/roll.db|")
        $roll init --new-owner
        dd if=/dev/zero of=/mnt/ballast bs=1k count=700 2>/dev/null || true
        code=0; $roll reconcile --repair || code=$?
        rm /mnt/ballast
        $roll reconcile --repair
        $roll reconcile
        exit $code
    "#;
    let (code, said) = apart(&bench, script);
    assert!(matches!(code, 1 | 12), "{code}: {said}");
    assert!(said.contains("no space left"), "{said}");
    assert_eq!(
        on_engine()["containers"],
        ["rt-d-control-plane", "rt-e-control-plane"],
        "{said}"
    );
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_file_that_may_not_be_written_is_read_and_refused() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let script = r#"
        mount --bind "$DIR" "$DIR"
        mount -o remount,ro,bind "$DIR"
        code=0; $ROLLCALL status || code=$?
        [ $code -eq 3 ] || exit 90
        exec $ROLLCALL reconcile --repair
    "#;
    let (code, said) = apart(&bench, script);
    assert_eq!(code, 12, "{said}");
    assert!(said.contains("roll.db"), "{said}");
    assert!(on_engine().values().all(Vec::is_empty), "{said}");
}
