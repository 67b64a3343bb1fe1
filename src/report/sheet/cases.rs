//! The same result as cases of a test report: one for each thing that may be as it should be, or not.

use super::shown::shown;
use crate::plan::Class;
use crate::report::documents::HeldDoc;

/// Some cases under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Suite {
    pub(in crate::report) name: String,
    pub(in crate::report) cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Case {
    /// `create cluster/k3d/dev`.
    pub(in crate::report) name: String,
    /// How long it took.
    pub(in crate::report) duration_ms: u64,
    /// How it ended.
    pub(in crate::report) end: CaseEnd,
    /// What is to be said all the same.
    pub(in crate::report) said: Option<String>,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) enum CaseEnd {
    /// As it should.
    Passed,
    /// It does not count.
    Skipped {
        /// Why.
        message: String,
    },
    /// It is not as it should be.
    Failed {
        /// `drift`, `failed`, `refused`, …
        kind: String,
        /// What is wrong.
        message: String,
        /// What else is to be said, by line.
        detail: Vec<String>,
    },
    /// How it is could not be found out.
    Unknown {
        /// `unknown` or `not_ready`.
        kind: String,
        /// Why not.
        message: String,
        /// What else is to be said, by line.
        detail: Vec<String>,
    },
}

impl Suite {
    /// These cases under this name.
    pub(super) fn new(name: &str, cases: impl IntoIterator<Item = Case>) -> Self {
        Self {
            name: shown(name),
            cases: cases.into_iter().collect(),
        }
    }
}

impl Case {
    /// A case that took no time.
    pub(super) fn new(name: &str, end: CaseEnd) -> Self {
        Self {
            name: shown(name),
            duration_ms: 0,
            end,
            said: None,
        }
    }

    /// Whether somebody has to see to it.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.end, CaseEnd::Failed { .. } | CaseEnd::Unknown { .. })
    }
}

impl CaseEnd {
    /// It does not count.
    pub(super) fn skipped(message: &str) -> Self {
        Self::Skipped {
            message: shown(message),
        }
    }

    /// It is not as it should be.
    pub(super) fn failed(kind: &str, message: &str, detail: Vec<String>) -> Self {
        Self::Failed {
            kind: kind.to_owned(),
            message: shown(message),
            detail,
        }
    }

    /// It is not as the row says.
    pub(super) fn drift(message: &str, detail: Vec<String>) -> Self {
        Self::failed("drift", message, detail)
    }

    /// How it is could not be found out.
    pub(super) fn unknown(class: Class, message: &str, detail: Vec<String>) -> Self {
        let kind = match class {
            Class::NotReady => "not_ready",
            _ => "unknown",
        };
        Self::Unknown {
            kind: kind.to_owned(),
            message: shown(message),
            detail,
        }
    }

    /// What a difference that is left alone means. `beyond`: whether one counts that another mode would mend.
    pub(super) fn of_held(held: &HeldDoc, beyond: bool) -> Self {
        let detail = || {
            let fields = held.fields.iter().map(|field| shown(&field.to_string()));
            let hint = held.hint.iter().map(|hint| format!("-> {}", shown(hint)));
            fields.chain(hint).collect()
        };
        match held.class {
            Class::Blocks => Self::drift(&held.message, detail()),
            Class::BeyondMode if beyond => Self::drift(&held.message, detail()),
            Class::Unknown | Class::NotReady => Self::unknown(held.class, &held.message, detail()),
            Class::BeyondMode | Class::Intended | Class::Information => {
                Self::skipped(&held.message)
            }
        }
    }
}
