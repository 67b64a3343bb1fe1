//! Tools that outlived the run which started them: a run that is killed cannot end its own.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The variable in every tool's environment that says whose tool it is. Children inherit it, whatever becomes of their
/// parents, and no process number can be mistaken for another's.
pub const OWNER: &str = "ROLLCALL_TOOL_OF";

/// How often is looked again for what a stray started meanwhile.
const LOOKS: usize = 100;
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Ends every process that was started as a tool of this owner, and returns how many there were. To be called only
/// where nobody else may run a tool of this owner. Without a readable /proc it finds nobody.
pub async fn end_strays(owner: &str) -> usize {
    let mut ended = BTreeSet::new();
    for _ in 0..LOOKS {
        let strays = strays(owner);
        if strays.is_empty() {
            break;
        }
        for pid in strays {
            // It may be gone already.
            let _ = kill_process(pid, Signal::KILL);
            ended.insert(pid.as_raw_pid());
        }
        tokio::time::sleep(PAUSE).await;
    }
    ended.len()
}

/// The processes whose environment names this owner, this one apart.
fn strays(owner: &str) -> Vec<Pid> {
    let wanted = format!("{OWNER}={owner}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Pid::from_raw(pid).filter(|_| std::process::id().cast_signed() != pid)
    });
    pids.filter(|pid| {
        let environ = fs::read(format!("/proc/{}/environ", pid.as_raw_pid()));
        environ.is_ok_and(|bytes| {
            bytes
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        })
    })
    .collect()
}
