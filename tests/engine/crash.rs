//! Killed at any moment of a creation, the next repair converges and nothing is left unowned.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::{Bench, on_engine};
use crate::six::{SIX, assert_true};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn killed_inside_creations_the_next_repair_converges() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3]];
    bench.rows(&rows);
    // The delays only choose where the kill falls; the test holds wherever that is.
    for delay in [150, 700, 1500, 2500] {
        let mut child = bench
            .command(&["reconcile", "--repair"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        // The tools it started die with it, as they do when a machine loses power: by pid, children before they can
        // have another parent.
        let tools = descendants(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        for pid in tools {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &rows);
    let whole = on_engine();
    assert_eq!(
        whole["containers"],
        [
            "k3d-rt-a-server-0",
            "k3d-rt-a-serverlb",
            "rt-d-control-plane"
        ]
    );
    assert_eq!(whole["networks"], ["k3d-rt-a", "kind-rt-d"]);
    assert_eq!(whole["volumes"].len(), 2, "{whole:?}");
    bench.sql("UPDATE clusters SET desired_state = 'absent'");
    bench
        .rollcall(&["reconcile", "--repair", "--allow-all"])
        .code(0);
    assert!(on_engine().values().all(Vec::is_empty), "{:?}", on_engine());
}

/// All processes below one, from /proc.
fn descendants(root: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat
            .rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse::<u32>()
            .ok()?;
        Some((pid, parent))
    });
    let processes: Vec<(u32, u32)> = processes.collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            processes
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}
