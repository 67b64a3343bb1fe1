//! Events: everything a run says. The same events drive the terminal, the NDJSON stream and the stored history.

use std::sync::Mutex;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;
use crate::plan::Field;

/// The schema that every event names.
pub const EVENT_SCHEMA: &str = "rollcall.event/v1";

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Always `rollcall.event/v1`.
    pub schema: String,
    /// 1, 2, 3, … without a gap within a run.
    pub seq: u64,
    /// When, UTC.
    #[schemars(with = "String")]
    pub ts: Timestamp,
    /// The stored run, if the run is stored.
    pub run_id: Option<String>,
    /// What happened, on one line that can be printed alone.
    pub message: String,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// A run began.
    RunStarted {
        /// `dry_run`, `repair`, `prune` and so on, as typed.
        mode: String,
        /// Whether the world is a sandbox.
        sandbox: bool,
        /// The database.
        database: String,
    },
    /// A source answered, or did not.
    SourceObserved {
        /// `docker`, `kubeconfig`, …
        source: String,
        /// Whether it is known.
        known: bool,
        /// Why not.
        error: Option<String>,
    },
    /// A difference that gets no step.
    DriftFound {
        /// What it is about.
        address: String,
        /// Why it is held.
        reason: String,
    },
    /// A step is in the plan.
    StepPlanned {
        /// Its place in the plan.
        step: usize,
        /// What to do.
        action: String,
        /// What it is about.
        address: String,
        /// Why.
        reason: String,
        /// What differs.
        fields: Vec<FieldText>,
    },
    /// A step began.
    StepStarted {
        /// Its place in the plan.
        step: usize,
        /// What to do.
        action: String,
        /// What it is about.
        address: String,
        /// Where its log is.
        log: Option<String>,
    },
    /// A step says what it is doing.
    StepProgress {
        /// Its place in the plan.
        step: usize,
        /// What it is about.
        address: String,
        /// The last line of its log.
        line: String,
    },
    /// A step failed in a way that may pass, and will be tried again.
    StepRetrying {
        /// Its place in the plan.
        step: usize,
        /// What it is about.
        address: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// When it will be tried again.
        delay_ms: u64,
        /// What went wrong.
        error: String,
    },
    /// A step ended.
    StepFinished {
        /// Its place in the plan.
        step: usize,
        /// What it did.
        action: String,
        /// What it is about.
        address: String,
        /// How it ended.
        result: StepResult,
        /// How often it was tried.
        attempts: u32,
        /// How long it took.
        duration_ms: u64,
        /// What went wrong.
        error: Option<String>,
        /// What to do about it.
        hint: Option<String>,
        /// The last lines of its log, if it failed.
        log_tail: Vec<String>,
        /// Where its log is.
        log: Option<String>,
    },
    /// Everything was observed and planned again.
    Verified {
        /// Whether nothing is left to do and nothing blocks.
        converged: bool,
        /// How many steps a new plan would have.
        steps_left: usize,
        /// How many differences block.
        blocked: usize,
    },
    /// The run ended.
    RunFinished {
        /// The exit code.
        exit: u8,
        /// Its name.
        name: String,
        /// Every reason that was found.
        reasons: Vec<String>,
        /// How long it took.
        duration_ms: u64,
    },
}

/// One field that differs, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldText {
    /// Which.
    pub field: String,
    /// What is there.
    pub live: Option<String>,
    /// What the row says.
    pub row: Option<String>,
}

impl From<&Field> for FieldText {
    fn from(field: &Field) -> Self {
        Self {
            field: field.field.clone(),
            live: field.live.clone(),
            row: field.row.clone(),
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It did what it was for, and was seen to have.
    Succeeded,
    /// It did not.
    Failed,
    /// A step before it failed.
    Skipped,
    /// The run was cancelled.
    Cancelled,
    /// What it was to change is not what was planned any more; nothing was done.
    Held,
}

impl StepResult {
    /// The result as a word.
    pub fn text(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Held => "held",
        }
    }
}

/// Where events go. A sink that cannot write must not stop a run; it remembers that it failed.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn take(&self, event: &Event);
}

/// Numbers events and hands them to every sink.
pub struct Emitter<'s> {
    clock: SharedClock,
    run_id: Mutex<Option<String>>,
    next: Mutex<u64>,
    sinks: Vec<&'s dyn Sink>,
}

impl<'s> Emitter<'s> {
    /// An emitter that has not said anything.
    pub fn new(clock: SharedClock, sinks: Vec<&'s dyn Sink>) -> Self {
        Self {
            clock,
            run_id: Mutex::new(None),
            next: Mutex::new(1),
            sinks,
        }
    }

    /// From here on events name this run.
    pub fn name_run(&self, run_id: impl Into<String>) {
        *self
            .run_id
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(run_id.into());
    }

    /// Says it.
    pub fn emit(&self, message: impl Into<String>, body: EventBody) {
        // The lock is held while the sinks write, so that no two events change places.
        let mut next = self
            .next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let run_id = self
            .run_id
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let event = Event {
            schema: EVENT_SCHEMA.to_owned(),
            seq: *next,
            ts: self.clock.now(),
            run_id,
            message: message.into(),
            body,
        };
        *next += 1;
        for sink in &self.sinks {
            sink.take(&event);
        }
    }
}
