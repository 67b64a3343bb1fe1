//! The set itself: its spec, its error, its kicks, and who wrote it last.

use kube::api::DynamicObject;
use serde_json::Value;

use super::application::condition;
use super::template::Language;
use crate::registrar::api::MANAGER;

/// Whoever writes this wants the set looked at now; its controller takes it off when it has.
pub(super) const REFRESH: &str = "argocd.argoproj.io/application-set-refresh";

/// The name under which its controller writes.
const CONTROLLER: &str = "argocd-applicationset-controller";

/// One ApplicationSet as it was read.
#[derive(Debug, Clone)]
pub(super) struct Set(pub(super) DynamicObject);

impl Set {
    /// What it shall be.
    pub(super) fn spec(&self) -> &Value {
        &self.0.data["spec"]
    }

    /// What it shall be, to change it.
    pub(super) fn spec_mut(&mut self) -> &mut Value {
        &mut self.0.data["spec"]
    }

    /// Its identity.
    pub(super) fn uid(&self) -> Option<&str> {
        self.0.metadata.uid.as_deref()
    }

    /// The language of its templates.
    pub(super) fn language(&self) -> Language {
        Language::of(self.spec())
    }

    /// What its controller complains of. That it could not delete, Argo CD 3.1 says in its log alone.
    pub(super) fn error(&self) -> Option<String> {
        condition(&self.0.data, "ErrorOccurred")
    }

    /// Whether its controller has yet to look at it.
    pub(super) fn is_refreshing(&self) -> bool {
        let annotations = self.0.metadata.annotations.as_ref();
        annotations.is_some_and(|all| all.contains_key(REFRESH))
    }

    /// Whether Applications that are no longer generated are deleted.
    pub(super) fn deletes(&self) -> bool {
        let policy = self.spec()["syncPolicy"]["applicationsSync"].as_str();
        matches!(policy.unwrap_or("sync"), "sync" | "create-delete")
    }

    /// Who else wrote its generators, the last one first to be named. Its own controller only writes back what it read,
    /// completed.
    pub(super) fn other_writer(&self) -> Option<String> {
        let entries = self.0.metadata.managed_fields.iter().flatten();
        let others = entries.filter(|entry| {
            let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
            let wrote = fields.is_some_and(|fields| !fields["f:spec"]["f:generators"].is_null());
            let manager = entry.manager.as_deref();
            wrote && !matches!(manager, Some(MANAGER | CONTROLLER))
        });
        let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
        last.manager.clone()
    }
}

/// Whether a message names this word, not merely as a part of another one.
pub(super) fn names(message: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    message
        .split(|c| !letter(c))
        .any(|part| part.trim_end_matches('.') == word)
}
