//! The journal: every change that was made through the ports, so that a test can ask afterwards what was touched.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::model::ClusterId;

/// How many records are kept; older ones are dropped and counted.
pub const JOURNAL_LIMIT: usize = 1000;

/// What was done, oldest first. What a hand does is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The last [`JOURNAL_LIMIT`] changes.
    pub records: VecDeque<Record>,
    /// How many older ones were dropped.
    pub dropped: u64,
}

impl Journal {
    /// The changes to things that a hand made.
    pub fn foreign(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.made_by == Actor::Hand)
    }

    /// How often this was done to this cluster.
    pub fn count(&self, deed: Deed, thing: Thing, cluster: &ClusterId) -> usize {
        self.records
            .iter()
            .filter(|r| r.deed == deed && r.thing == thing && r.cluster.as_ref() == Some(cluster))
            .count()
    }

    pub(super) fn push(&mut self, record: Record) {
        if self.records.len() >= JOURNAL_LIMIT {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(record);
    }
}

/// One change of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// What was done.
    pub deed: Deed,
    /// To what kind of thing.
    pub thing: Thing,
    /// The thing's identity.
    pub id: String,
    /// The thing's name.
    pub name: String,
    /// The cluster it belongs to, by its labels.
    pub cluster: Option<ClusterId>,
    /// Who made the thing: [`Actor::Hand`] is foreign, whatever mark it bears.
    pub made_by: Actor,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It was made.
    Make,
    /// It was started.
    Start,
    /// It was stopped.
    Stop,
    /// It was unpaused.
    Unpause,
    /// It was removed.
    Remove,
    /// It was written in a registrar.
    Register,
    /// It was taken out of a registrar.
    Deregister,
}

/// To what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A container.
    Container,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// An entry of a registrar.
    Registration,
}
