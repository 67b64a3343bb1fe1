//! Reporting: what a run found and did, for people and for programs.
//!
//! In: plans, observations, events. Out: documents and text.
//! Must not: decide, look, or act; print (it is given a writer).

mod backup;
mod doctor;
mod documents;
mod enums;
mod events;
mod exit;
mod explanation;
mod flags;
mod html;
mod human;
mod import;
mod init;
mod junit;
mod live;
mod lock;
mod markdown;
mod observation;
mod paint;
mod progress;
mod reaching;
mod row;
mod saved;
mod schema;
mod sheet;
mod shell;
mod status;
mod tables;
#[cfg(test)]
mod tests;

pub use backup::BackupDoc;
pub use doctor::{DoctorDoc, FindingDoc, Level, SettingDoc};
pub use documents::{
    CountsDoc, ErrorDoc, HeldDoc, ListDoc, PlanDoc, RunDoc, StepDoc, Subject, plan_doc, run_doc,
};
pub use enums::{Available, EnumsDoc, ExitWord, HeldWord, Word, enums_doc};
pub use events::{Collector, NdjsonSink, Running};
pub use exit::{Exit, ExitCode, ExitReason};
pub use explanation::{Explained, ExplanationDoc};
pub use flags::Flags;
pub use html::html;
pub use human::{plan_text, run_text};
pub use import::{ImportDoc, ImportKept, ImportLine, import_text};
pub use init::InitDoc;
pub use junit::junit;
pub use live::{ERASE_BELOW, Surface};
pub use lock::{LockDoc, LockHolder, LockState, lock_text};
pub use markdown::markdown;
pub use observation::save_observation;
pub use paint::{Paint, Tone};
pub use progress::{PlainProgress, TtyProgress};
pub use reaching::{KubeconfigDoc, UseDoc};
pub use row::{RowDoc, RowEdit};
pub use saved::{PlanFingerprints, SavedPlan};
pub use schema::{SCHEMAS, schema_of};
pub use sheet::{
    PastEnd, PastRun, Sheet, doctor_sheet, error_sheet, nothing_past_sheet, past_sheet, plan_sheet,
    run_sheet, status_sheet,
};
pub use shell::{CompletionsDoc, ManDoc};
pub use status::{
    ClusterStatus, Health, Owner, RegistrationState, RegistrationStatus, StatusDoc, Sync,
    cluster_status, status_doc, status_verdict,
};
pub use tables::{status_text, table};
