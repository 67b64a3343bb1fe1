//! Many at once: other rollcalls, programs that write the table all the time, holders that died, slept or cannot be seen.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::bench::{Bench, docker, on_engine};
use crate::process::{ended, signal, spawn, until_at_work};
use crate::six::{SIX, assert_true};

/// Another run does not get the lock, and says who has it.
#[track_caller]
fn refuses(bench: &Bench) {
    let held = bench
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(7);
    assert!(
        held.err.contains("rollcall reconcile --repair"),
        "{}",
        held.err
    );
}

/// Another run gets the lock, as after a minute without a sign of life.
#[track_caller]
fn take_over(bench: &Bench) {
    bench.sql("UPDATE rollcall_lock SET heartbeat = '2020-01-01T00:00:00Z'");
    bench
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(0);
}

fn lives() -> Vec<String> {
    let mut all: Vec<_> = docker(&["ps", "-aq", "--no-trunc"])
        .lines()
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn of_two_at_once_one_waits_and_nothing_is_made_twice() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3]];
    bench.rows(&rows);
    let mut first = spawn(&bench, &["reconcile", "--repair"]);
    until_at_work(&bench, &mut first, 1);
    let second = spawn(&bench, &["reconcile", "--repair"]);
    let (code, said) = ended(second);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("waiting for 'rollcall reconcile --repair'"),
        "{said}"
    );
    assert_eq!(ended(first).0, 0);
    assert_true(&bench, &rows);
    assert_eq!(on_engine()["containers"].len(), 3);
    assert_eq!(bench.query("SELECT count(*) FROM rollcall_entries"), ["2"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn of_eight_at_once_one_works_and_the_others_name_it() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let mut first = spawn(&bench, &["reconcile", "--repair"]);
    until_at_work(&bench, &mut first, 1);
    let others: Vec<Child> = (0..7)
        .map(|_| spawn(&bench, &["reconcile", "--repair", "--on-lock", "fail"]))
        .collect();
    for other in others {
        let (code, said) = ended(other);
        assert!(
            code == 0 || (code == 7 && said.contains("rollcall reconcile --repair")),
            "{code}: {said}"
        );
        assert!(!said.contains("database is locked"), "{said}");
    }
    assert_eq!(ended(first).0, 0);
    assert_true(&bench, &[SIX[3]]);
    assert_eq!(bench.query("SELECT count(*) FROM rollcall_entries"), ["1"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn beside_busy_writers_no_row_is_lost_and_nobody_hears_of_locks() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3]];
    bench.rows(&rows);
    let stop = AtomicBool::new(false);
    let db = bench.db();
    let open = || {
        let conn = Connection::open(&db).unwrap();
        conn.busy_timeout(Duration::from_secs(30)).unwrap();
        conn
    };
    let inserted = std::thread::scope(|scope| {
        let inserting = scope.spawn(|| {
            let conn = open();
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) {
                conn.execute(
                    "INSERT INTO clusters (name, provider, desired_state) VALUES (?1, 'kind', 'absent')",
                    [format!("w-{count}")],
                )
                .unwrap();
                conn.execute("UPDATE clusters SET updated_at = datetime('now') WHERE name LIKE 'w-%'", [])
                    .unwrap();
                count += 1;
                std::thread::sleep(Duration::from_millis(15));
            }
            count
        });
        let holding = scope.spawn(|| {
            let conn = open();
            while !stop.load(Ordering::SeqCst) {
                conn.execute_batch(
                    "BEGIN IMMEDIATE; UPDATE clusters SET server_ip = server_ip WHERE 0",
                )
                .unwrap();
                std::thread::sleep(Duration::from_secs(4));
                conn.execute_batch("COMMIT").unwrap();
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let (code, said) = ended(spawn(&bench, &["reconcile", "--repair"]));
        stop.store(true, Ordering::SeqCst);
        holding.join().unwrap();
        assert!(matches!(code, 0 | 3), "{code}: {said}");
        assert!(!said.contains("database is locked"), "{said}");
        inserting.join().unwrap()
    });
    let there = bench.query("SELECT count(*) FROM clusters WHERE name LIKE 'w-%'");
    assert_eq!(there, [inserted.to_string()]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &rows);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn one_that_slept_while_another_took_over_does_nothing_when_it_wakes() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3]];
    bench.rows(&rows);
    let mut sleeper = spawn(&bench, &["reconcile", "--repair"]);
    until_at_work(&bench, &mut sleeper, 1);
    signal("STOP", &sleeper);
    refuses(&bench);
    take_over(&bench);
    assert_true(&bench, &rows);
    let (before, whole) = (lives(), on_engine());
    signal("CONT", &sleeper);
    let (code, said) = ended(sleeper);
    assert_eq!(code, 7, "{said}");
    assert_eq!(lives(), before);
    assert_eq!(on_engine(), whole);
    assert_true(&bench, &rows);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_holder_of_another_pid_namespace_counts_until_its_heartbeat_is_old() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let inside = bench.command(&["reconcile", "--repair"]);
    let mut apart = std::process::Command::new("unshare");
    apart
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(inside.get_program())
        .args(inside.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in inside.get_envs() {
        match value {
            Some(value) => apart.env(name, value),
            None => apart.env_remove(name),
        };
    }
    let mut holder = apart.spawn().unwrap();
    until_at_work(&bench, &mut holder, 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    refuses(&bench);
    take_over(&bench);
    assert_true(&bench, &[SIX[3]]);
    assert_eq!(on_engine()["containers"].len(), 1);
}
