//! The records together: reading, changing, and keeping them.
//!
//! As in Portainer, when an agent was last heard of lives in memory and reaches the file only when
//! its environment is written for another reason (P api/dataservices/endpoint). It must not keep
//! anything that Portainer forgets when it restarts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::file;
use super::records::{ApiKey, Group, Settings, Tag, User};
use crate::error::Error;
use crate::random;

/// The name of the file in the data folder.
const FILE: &str = "portainer.json";

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The name of this life of the database.
    pub(crate) instance_id: String,
    /// What edge keys name the tunnel's key by.
    pub(crate) fingerprint: String,
    /// How far tests have moved the clock, in seconds.
    pub(crate) clock_ahead: i64,
    /// The settings.
    pub(crate) settings: Settings,
    /// The administrator, once there is one.
    pub(crate) users: Vec<User>,
    /// The API keys.
    pub(crate) api_keys: Vec<ApiKey>,
    /// The tags.
    pub(crate) tags: Vec<Tag>,
    /// The groups, "Unassigned" first.
    pub(crate) groups: Vec<Group>,
    /// The environments, by their numbers.
    pub(crate) endpoints: BTreeMap<u32, Endpoint>,
    /// The last number given to each kind of record.
    pub(crate) last_ids: BTreeMap<String, u32>,
}

/// The records and where they are kept.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    written: String,
    kept: Kept,
    heartbeats: BTreeMap<u32, i64>,
    polls: BTreeMap<u32, String>,
}

impl Database {
    /// Reads the database in `dir`, or starts a new one with these default settings.
    pub(crate) fn open(dir: &Path, settings: Settings) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let kept = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Kept::new(settings)?,
            read => {
                let bytes = read.map_err(Error::file(&path))?;
                serde_json::from_slice(&bytes).map_err(|source| Error::State {
                    path: path.clone(),
                    source,
                })?
            }
        };
        let heartbeats = kept
            .endpoints
            .values()
            .map(|endpoint| (endpoint.id, endpoint.last_check_in_date))
            .collect();
        let mut database = Self {
            path,
            written: String::new(),
            kept,
            heartbeats,
            polls: BTreeMap::new(),
        };
        database.save()?;
        Ok(database)
    }

    /// Writes the file, if anything that is kept has changed.
    pub(crate) fn save(&mut self) -> Result<(), Error> {
        let text = serde_json::to_string(&self.kept).map_err(|source| Error::State {
            path: self.path.clone(),
            source,
        })?;
        if text != self.written {
            file::write(&self.path, &text)?;
            self.written = text;
        }
        Ok(())
    }

    /// Everything but the environments, to read.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Everything but the environments, to change.
    pub(crate) fn kept_mut(&mut self) -> &mut Kept {
        &mut self.kept
    }

    /// An environment with the moment its agent was last heard of.
    pub(crate) fn endpoint(&self, id: u32) -> Option<Endpoint> {
        let mut endpoint = self.kept.endpoints.get(&id)?.clone();
        endpoint.last_check_in_date = self.heartbeats.get(&id).copied().unwrap_or(0);
        Some(endpoint)
    }

    /// All environments, by their numbers.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let ids = self.kept.endpoints.keys();
        ids.filter_map(|id| self.endpoint(*id)).collect()
    }

    /// Stores an environment, whose next poll is then a whole one
    /// (P `api/dataservices/endpoint/tx.go:37-57`).
    pub(crate) fn put(&mut self, endpoint: Endpoint) {
        self.heartbeats
            .insert(endpoint.id, endpoint.last_check_in_date);
        self.polls.remove(&endpoint.id);
        self.kept.endpoints.insert(endpoint.id, endpoint);
    }

    /// Forgets an environment; false if there was none.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        self.heartbeats.remove(&id);
        self.polls.remove(&id);
        self.kept.endpoints.remove(&id).is_some()
    }

    /// Notes in memory that an agent was heard of.
    pub(crate) fn beat(&mut self, id: u32, now: i64) {
        self.heartbeats.insert(id, now);
    }

    /// The tag of the last whole answer to an agent's poll.
    pub(crate) fn poll_tag(&self, id: u32) -> Option<&str> {
        self.polls.get(&id).map(String::as_str)
    }

    /// Notes the tag of a whole answer.
    pub(crate) fn answered_poll(&mut self, id: u32, tag: &str) {
        self.polls.insert(id, tag.to_owned());
    }

    /// The next number for an environment; it is used up, whatever becomes of it
    /// (P `endpoint_create.go:371`).
    pub(crate) fn next_endpoint_id(&mut self) -> u32 {
        self.kept.next_id("endpoints")
    }

    /// Whether no other environment than `except` has exactly this name
    /// (P `api/http/handler/endpoints/unique_name.go`).
    pub(crate) fn is_name_unique(&self, name: &str, except: Option<u32>) -> bool {
        let mut endpoints = self.kept.endpoints.values();
        !endpoints.any(|endpoint| endpoint.name == name && Some(endpoint.id) != except)
    }
}

impl Kept {
    fn new(settings: Settings) -> Result<Self, Error> {
        // As chisel writes the digest of its key.
        let fingerprint: [u8; 32] = random::bytes()?;
        Ok(Self {
            instance_id: random::uuid()?,
            fingerprint: STANDARD.encode(fingerprint),
            clock_ahead: 0,
            settings,
            users: Vec::new(),
            api_keys: Vec::new(),
            tags: Vec::new(),
            groups: vec![Group::unassigned()],
            endpoints: BTreeMap::new(),
            last_ids: BTreeMap::from([("groups".to_owned(), 1)]),
        })
    }

    /// The next number for a record of a kind; numbers are never given twice.
    pub(crate) fn next_id(&mut self, kind: &str) -> u32 {
        let last = self.last_ids.entry(kind.to_owned()).or_default();
        *last += 1;
        *last
    }

    /// Sees to it that a number which a test chose is not given again.
    pub(crate) fn reserve_id(&mut self, kind: &str, id: u32) {
        let last = self.last_ids.entry(kind.to_owned()).or_default();
        *last = id.max(*last);
    }

    /// Whether there is a tag with this number.
    pub(crate) fn has_tag(&self, id: u32) -> bool {
        self.tags.iter().any(|tag| tag.id == id)
    }

    /// The group with this number.
    pub(crate) fn group(&self, id: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }
}
