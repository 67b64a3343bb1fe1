//! Who holds the lock, and whether that run lives.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;

/// The lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LockDoc {
    /// Always `rollcall.lock/v1`.
    pub schema: String,
    /// How it stands, or stood before it was broken.
    pub state: LockState,
    /// Who has it, or had it.
    pub holder: Option<LockHolder>,
    /// Whether this call took it away.
    pub broken: bool,
    /// How the call ended.
    pub exit: Exit,
}

/// How the lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockState {
    /// Nobody holds it.
    Free,
    /// Its holder is at work.
    Held,
    /// Its holder's process is gone: the next run takes it over.
    Died,
    /// Its holder gave no sign of life for a minute: the next run takes it over.
    Silent,
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LockHolder {
    /// What it runs.
    pub command: String,
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Since when, RFC 3339 UTC.
    pub since: String,
    /// When it last gave a sign of life, RFC 3339 UTC.
    pub heartbeat: String,
}

/// The lock, in a line.
pub fn lock_text(doc: &LockDoc) -> String {
    let Some(holder) = &doc.holder else {
        return "nobody holds the lock\n".to_owned();
    };
    let LockHolder {
        command,
        pid,
        host,
        since,
        heartbeat,
    } = holder;
    let who = format!("'{command}' (pid {pid} on {host}), since {since}");
    let state = match doc.state {
        LockState::Free | LockState::Held => "",
        LockState::Died => "; its process is gone",
        LockState::Silent => "; it gave no sign of life for a minute",
    };
    match (doc.broken, doc.state) {
        (true, LockState::Held) => {
            format!("taken from {who}; that run stops at its next step\n")
        }
        (true, _) => format!("taken from {who}{state}\n"),
        (false, LockState::Held) => format!("held by {who}; last sign of life {heartbeat}\n"),
        (false, _) => format!("left behind by {who}{state}: the next run takes it over\n"),
    }
}
