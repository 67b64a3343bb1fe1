//! What a person at a terminal sees: the program in tmux, on the sandbox. `scripts/test` runs these where tmux is.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts processes"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What live rows begin with, and nothing else.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// How often a screen is looked at before the test gives up: for minutes, so that a slow machine is no failure.
const LOOKS: usize = 1800;
const PAUSE: Duration = Duration::from_millis(100);

/// A terminal of its own, in a folder of its own, with three clusters declared in a sandbox.
struct Terminal {
    dir: tempfile::TempDir,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

impl Terminal {
    /// `takes`: how long a creation takes, as the sandbox counts (a tenth of that passes).
    fn new(takes: &str) -> Self {
        let terminal = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        terminal.rollcall(&["init"]);
        for (name, port) in [
            ("k3d/dev", "18081"),
            ("k3d/uat", "18082"),
            ("kind/ops", "18083"),
        ] {
            terminal.rollcall(&["cluster", "add", name, "--http-port", port]);
        }
        terminal.rollcall(&["sandbox", "say", &format!("create takes {takes}")]);
        terminal
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.dir.path())
            .env("ROLLCALL_SANDBOX", self.path("world"));
        command
    }

    fn rollcall(&self, args: &[&str]) {
        let out = self
            .command(env!("CARGO_BIN_EXE_rollcall"))
            .args(args)
            .output()
            .unwrap();
        assert!(out.status.success(), "{args:?}: {out:?}");
    }

    fn tmux(&self, args: &[&str]) -> Option<String> {
        let out = self
            .command("tmux")
            .arg("-S")
            .arg(self.path("tmux"))
            .args(["-f", "/dev/null"])
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        out.status.success().then_some(text)
    }

    /// Opens a window of so many columns and runs a line in it, after `before`. Every byte that the line writes goes to
    /// the file `raw` too.
    fn run(&self, columns: usize, before: &str, line: &str) {
        let script = format!("{before}\nread -r _\n{line}\necho \"ENDED=$?\"\nsleep 1000\n");
        let script = script.replace(
            "rollcall ",
            &format!("'{}' ", env!("CARGO_BIN_EXE_rollcall")),
        );
        fs::write(self.path("script"), script).unwrap();
        let (columns, script) = (columns.to_string(), self.path("script"));
        let start = format!("bash --norc '{}'", script.display());
        self.tmux(&[
            "new-session",
            "-d",
            "-s",
            "t",
            "-x",
            &columns,
            "-y",
            "24",
            &start,
        ])
        .unwrap();
        let pipe = format!("cat > '{}'", self.path("raw").display());
        self.tmux(&["pipe-pane", "-t", "t", &pipe]).unwrap();
        self.keys("Enter");
    }

    fn keys(&self, keys: &str) {
        self.tmux(&["send-keys", "-t", "t", keys]).unwrap();
    }

    fn resize(&self, columns: usize) {
        let columns = columns.to_string();
        self.tmux(&["resize-window", "-t", "t", "-x", &columns, "-y", "24"])
            .unwrap();
    }

    /// The lines on the screen, or with all that scrolled out of it.
    fn screen(&self, scrolled: bool) -> Vec<String> {
        let mut args = vec!["capture-pane", "-p", "-t", "t"];
        if scrolled {
            args.extend(["-J", "-S", "-"]);
        }
        let text = self.tmux(&args).unwrap();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        for _ in 0..LOOKS {
            let screen = self.screen(false);
            if wanted(&screen) {
                return screen;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("never saw {what}:\n{}", self.screen(true).join("\n"))
    }

    #[track_caller]
    fn until_rows(&self, count: usize) -> Vec<String> {
        self.until(&format!("{count} live rows"), |screen| {
            rows(screen).count() == count
        })
    }

    /// Waits for the end, which must be of this code; everything that is on the terminal then.
    #[track_caller]
    fn until_end(&self, code: u8) -> Vec<String> {
        let end = format!("ENDED={code}");
        self.until(&end, |screen| {
            assert!(
                !screen
                    .iter()
                    .any(|line| line.starts_with("ENDED=") && *line != end),
                "{}",
                screen.join("\n")
            );
            screen.contains(&end)
        });
        self.screen(true)
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("raw")).unwrap()).into_owned()
    }
}

fn rows(screen: &[String]) -> impl Iterator<Item = &String> {
    screen.iter().filter(|line| line.starts_with(SPINNER))
}

/// Nothing of a live row is left anywhere, and each creation is told once.
#[track_caller]
fn nothing_is_left(all: &[String]) {
    let text = all.join("\n");
    assert!(!text.contains(SPINNER), "{text}");
    for cluster in ["k3d/dev", "k3d/uat", "kind/ops"] {
        let told = format!("create cluster/{cluster}: done");
        assert_eq!(text.matches(&told).count(), 1, "{told}:\n{text}");
    }
}

#[test]
#[ignore = "needs tmux"]
fn each_running_step_has_one_row_that_fits_and_goes_again() {
    for columns in [40, 80, 200] {
        let terminal = Terminal::new("60s");
        terminal.run(columns, "", "rollcall reconcile --repair -j3");
        let screen = terminal.until_rows(3);
        for row in rows(&screen) {
            assert!(row.chars().count() < columns.min(80), "{columns}: {row}");
            assert!(row.contains("create cluster/k"), "{row}");
        }
        nothing_is_left(&terminal.until_end(0));
    }
}

#[test]
#[ignore = "needs tmux"]
fn a_terminal_that_is_resized_keeps_nothing_of_the_rows() {
    resized(160, "seq 40", &[60, 40, 100, 50, 200, 80]);
}

#[test]
#[ignore = "needs tmux"]
fn a_terminal_with_room_below_is_resized_as_well() {
    resized(200, "clear", &[100, 80, 160]);
}

/// A run that takes as long as it has to, on a terminal that is resized meanwhile; then it is ended.
#[track_caller]
fn resized(columns: usize, before: &str, sizes: &[usize]) {
    let terminal = Terminal::new("20000s");
    terminal.run(
        columns,
        before,
        "rollcall reconcile --repair -j3 --step-timeout 20000s",
    );
    terminal.until_rows(3);
    for columns in sizes {
        terminal.resize(*columns);
        terminal.until(&format!("rows in {columns} columns"), |screen| {
            rows(screen).count() == 3 && rows(screen).all(|row| row.chars().count() < *columns)
        });
    }
    terminal.keys("C-c");
    terminal.until("that it stops", |screen| {
        screen.iter().any(|line| line.contains("stopping"))
    });
    terminal.keys("C-c");
    let all = terminal.until_end(130).join("\n");
    assert!(!all.contains(SPINNER), "{all}");
}

#[test]
#[ignore = "needs tmux"]
fn logs_and_rows_do_not_mix() {
    let terminal = Terminal::new("60s");
    terminal.run(120, "seq 40", "rollcall -v reconcile --repair -j3");
    terminal.until_rows(3);
    let all = terminal.until_end(0);
    nothing_is_left(&all);
    assert!(all.iter().any(|line| line.contains("DEBUG")));
}

#[test]
#[ignore = "needs tmux"]
fn without_live_rows_no_byte_moves_the_cursor() {
    for plain in ["TERM=dumb", "CI=true"] {
        let terminal = Terminal::new("10s");
        terminal.run(
            80,
            "",
            &format!("{plain} NO_COLOR=1 rollcall reconcile --repair -j3"),
        );
        nothing_is_left(&terminal.until_end(0));
        let raw = terminal.raw();
        assert!(!raw.contains('\u{1b}'), "{plain}: {raw:?}");
        assert!(raw.contains("create cluster/k3d/dev: "), "{raw:?}");
    }
}

#[test]
#[ignore = "needs tmux"]
fn no_color_keeps_the_rows_and_loses_the_colours() {
    let colours = |raw: &str| {
        ["31", "32", "33", "36", "1", "2"]
            .iter()
            .any(|code| raw.contains(&format!("\u{1b}[{code}m")))
    };
    for (word, wanted) in [("", true), ("NO_COLOR=1 ", false)] {
        let terminal = Terminal::new("60s");
        terminal.run(80, "", &format!("{word}rollcall reconcile --repair -j3"));
        terminal.until_rows(3);
        nothing_is_left(&terminal.until_end(0));
        let raw = terminal.raw();
        assert_eq!(colours(&raw), wanted, "{word}");
    }
}

#[test]
#[ignore = "needs tmux"]
fn one_interrupt_lets_the_running_steps_end() {
    let terminal = Terminal::new("60s");
    terminal.run(80, "seq 40", "rollcall reconcile --repair -j1");
    terminal.until_rows(1);
    terminal.keys("C-c");
    let all = terminal.until_end(130);
    let text = all.join("\n");
    assert!(!text.contains(SPINNER), "{text}");
    assert_eq!(
        text.matches("create cluster/k3d/dev: done").count(),
        1,
        "{text}"
    );
    assert_eq!(text.matches(": done").count(), 1, "{text}");
}

#[test]
#[ignore = "needs tmux"]
fn a_person_is_asked_once_before_something_is_taken_away() {
    for (answer, code) in [("y", 0), ("n", 5)] {
        let terminal = Terminal::new("1s");
        terminal.rollcall(&["reconcile", "--repair"]);
        let db = rusqlite::Connection::open(terminal.path("world/rollcall.db")).unwrap();
        db.execute_batch("UPDATE clusters SET desired_state = 'absent' WHERE name = 'dev'")
            .unwrap();
        terminal.run(100, "", "rollcall reconcile --repair");
        terminal.until("a question", |screen| {
            screen.iter().any(|line| line.contains("[y/N]"))
        });
        terminal.keys(answer);
        terminal.keys("Enter");
        let text = terminal.until_end(code).join("\n");
        assert_eq!(text.matches("[y/N]").count(), 1, "{text}");
    }
}

#[test]
#[ignore = "needs tmux"]
fn what_takes_long_gives_a_sign_of_life_without_a_terminal_too() {
    let terminal = Terminal::new("350s");
    terminal.run(80, "", "rollcall reconcile --repair -j3 2>&1 | cat");
    let all = terminal.until_end(0);
    nothing_is_left(&all);
    assert!(
        all.iter().any(|line| line.starts_with("… still at it, ")),
        "{all:?}"
    );
}
