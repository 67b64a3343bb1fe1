//! The worked example of a page for clusters: it is killed in the middle of a run and finds that run again.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts the example"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

struct Page {
    dir: tempfile::TempDir,
}

impl Page {
    fn new() -> Self {
        let page = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let world = page.dir.path().join("world");
        let made = page.rollcall(&["init", "-q"]).status().unwrap();
        assert!(made.success());
        // A run takes some seconds, so that it can be left in its middle.
        let sandbox = rollcall::sandbox::open(&world).unwrap();
        sandbox.set_pace(0.1).unwrap();
        page
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("ROLLCALL_BIN", env!("CARGO_BIN_EXE_rollcall"))
            .env("ROLLCALL_SANDBOX", self.dir.path().join("world"))
            .stdin(Stdio::null());
        command
    }

    fn rollcall(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_rollcall"));
        command.args(args);
        command
    }

    fn example(&self, args: &[&str]) -> Command {
        let mut command = self.command("python3");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/webui.py");
        command.arg(script).arg(self.dir.path().join("state"));
        command.args(args);
        command
    }

    #[track_caller]
    fn says(&self, args: &[&str], code: i32) -> String {
        let output = self.example(args).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
        out + &err
    }
}

/// The numbers of the events that were shown.
fn numbers<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<u64> {
    lines
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

#[test]
fn a_killed_webui_finds_its_run_again_and_shows_all_of_it() {
    let page = Page::new();
    let added = page.says(&["add", "k3d/dev"], 0);
    assert!(added.contains("\"http\""), "{added}");
    page.says(&["add", "kind/ops"], 0);
    let listed = page.says(&["overview"], 0);
    assert!(listed.contains("out_of_sync"), "{listed}");

    let mut started = page
        .example(&["start"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(started.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let begun = shown.find(|line| line.contains("create cluster/"));
    assert!(
        begun.is_some(),
        "it was killed before it had shown anything"
    );
    started.kill().unwrap();
    started.wait().unwrap();

    let attached = page.says(&["attach"], 0);
    let seen = numbers(attached.lines());
    let all: Vec<u64> = (1..=seen.len() as u64).collect();
    assert_eq!(seen, all, "{attached}");
    assert!(attached.contains("finished: ok"), "{attached}");
    // Again, long after: the run is stored.
    assert_eq!(numbers(page.says(&["attach"], 0).lines()), all);
    let listed = page.says(&["overview"], 0);
    assert!(!listed.contains("out_of_sync"), "{listed}");
    let nothing = page.says(&["start"], 0);
    assert!(nothing.contains("nothing to do"), "{nothing}");
}

#[test]
fn what_rollcall_refuses_reaches_the_page_with_its_way_out() {
    let page = Page::new();
    page.says(&["add", "k3d/dev"], 0);
    let twice = page.says(&["add", "k3d/dev"], 4);
    assert!(twice.contains("->"), "{twice}");
    page.says(&["nonsense"], 2);
}
