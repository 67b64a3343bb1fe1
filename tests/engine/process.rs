//! Calls of the binary that run beside the test, and what is done to them.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use crate::bench::Bench;

/// Starts a call and keeps what it says.
pub(crate) fn spawn(bench: &Bench, args: &[&str]) -> Child {
    let mut command = bench.command(args);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for its end: its code, and everything it said.
pub(crate) fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&text).into_owned())
}

/// Sends a signal, by its name, to a call.
pub(crate) fn signal(name: &str, child: &Child) {
    signal_to(name, &child.id().to_string());
}

/// Sends a signal, by its name, to a process.
pub(crate) fn signal_to(name: &str, pid: &str) {
    let sent = Command::new("kill").args(["-s", name, pid]).status();
    assert!(sent.unwrap().success());
}

/// Waits until this many steps of a call are at work.
#[track_caller]
pub(crate) fn until_at_work(bench: &Bench, call: &mut Child, steps: i64) {
    let at_work = || {
        let conn = Connection::open(bench.db()).unwrap();
        let sql = "SELECT count(*) FROM rollcall_steps WHERE state = 'running'";
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap_or(0)
    };
    while at_work() < steps {
        assert!(call.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run that stands still there, until it is let go.
pub(crate) struct Standing(Child);

impl Standing {
    /// Starts it, and waits until it stands.
    pub(crate) fn at(bench: &Bench, args: &[&str], at: &str) -> Self {
        let mut child = bench
            .command(args)
            .env("ROLLCALL_TEST_STOP_AT", at)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(child.try_wait().unwrap().is_none(), "it never came to {at}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }

    /// Lets it go to its end.
    pub(crate) fn go_on(self) -> (i32, String) {
        signal("CONT", &self.0);
        ended(self.0)
    }
}

/// Waits until something is so. What is never so ends the test, however slow the machine is.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("it did not come to this: {what}");
}
