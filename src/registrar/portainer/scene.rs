//! What the tests look at: environments as the API shows them, and a registrar that connects to nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::environment::{Done, Next};
use super::observe::Look;
use super::wire::{Group, ServerStatus, Tag};
use super::{Portainer, PortainerCredentials, PortainerSettings};
use crate::model::ProviderId;
use crate::registrar::scene::id;

pub(super) const AGENT_URL: &str = "http://portainer:9000";
pub(super) const OWNER: u64 = 1;
pub(super) const K3D: u64 = 2;
pub(super) const KIND: u64 = 3;

pub(super) fn settings() -> PortainerSettings {
    let key = PortainerCredentials::ApiKey(SecretString::from("ptr_secret"));
    PortainerSettings::new("http://127.0.0.1:9000", AGENT_URL, key)
}

pub(super) fn with(settings: PortainerSettings) -> Portainer {
    let providers = ["k3d", "kind"].map(ProviderId::new).to_vec();
    Portainer::new(settings, providers)
}

pub(super) fn portainer() -> Portainer {
    with(settings())
}

pub(super) fn key(environment: u64) -> String {
    STANDARD_NO_PAD.encode(format!("{AGENT_URL}|portainer:8000|aa:bb|{environment}"))
}

/// An environment as the API shows it, with these fields over those of a sound one.
pub(super) fn environment(number: u64, name: &str, tags: &[u64], fields: &Value) -> Value {
    let mut sound = json!({
        "Id": number, "Name": name, "Type": 7, "URL": "portainer", "GroupId": 1, "TagIds": tags,
        "EdgeID": "", "EdgeKey": key(number), "EdgeCheckinInterval": 5, "LastCheckInDate": 1000,
        "QueryDate": 1001, "Heartbeat": true, "UserTrusted": true, "Agent": {"Version": "2.33.2"},
        "Snapshots": null,
    });
    let fields = fields.as_object().unwrap().clone();
    sound.as_object_mut().unwrap().extend(fields);
    sound
}

pub(super) fn look(environments: Vec<Value>) -> Look {
    let tags = [
        (OWNER, "rollcall"),
        (K3D, "rollcall-k3d"),
        (KIND, "rollcall-kind"),
        (9, "mine"),
    ];
    Look {
        status: ServerStatus {
            version: "2.33.2".to_owned(),
            instance: "one".to_owned(),
        },
        tags: tags
            .map(|(id, name)| Tag {
                id,
                name: name.to_owned(),
            })
            .to_vec(),
        groups: vec![Group {
            id: 4,
            name: "clusters".to_owned(),
        }],
        environments: environments
            .into_iter()
            .map(|one| serde_json::from_value(one).unwrap())
            .collect(),
    }
}

pub(super) fn sound(fields: &Value) -> Look {
    look(vec![environment(7, "dev", &[OWNER, K3D], fields)])
}

/// An attempt that made this environment.
pub(super) fn made(number: u64) -> Done {
    Done {
        made: vec![number],
        ..Done::default()
    }
}

pub(super) fn next(portainer: &Portainer, look: &Look, done: &Done) -> Next {
    portainer.next(look, &id("k3d/dev"), done).unwrap()
}
