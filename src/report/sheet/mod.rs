//! A result, laid out for those who read it elsewhere: in a pull request, in a browser, in a CI.
//!
//! In: the documents, and the events of a past run. Out: a [`Sheet`], which says the same in every format.
//! Must not: know a format. Every text in it is printable, redacted and of bounded length; escaping is the format's.

mod cases;
mod changes;
mod doctor;
mod error;
mod layout;
mod left;
mod past;
mod plan;
mod shown;
mod status;

pub(super) use cases::{Case, CaseEnd, Suite};
pub use doctor::doctor_sheet;
pub use error::error_sheet;
pub use layout::Sheet;
pub(super) use layout::{Cell, Failure, Line, Part, Table};
pub use past::{PastEnd, PastRun, nothing_past_sheet, past_sheet};
pub use plan::{plan_sheet, run_sheet};
pub use status::status_sheet;
