//! Settings, as far as anything here depends on them.

use serde_json::{Value, json};

use super::call::Call;
use crate::http::payload::Payload;
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::records::Settings;

/// GET /api/settings/public (P `api/http/handler/settings/settings_public.go:63`).
pub(crate) fn public(call: &mut Call<'_>) -> Answer {
    let settings = &call.database().kept().settings;
    Reply::json(&json!({
        "LogoURL": "",
        "AuthenticationMethod": 1,
        "RequiredPasswordLength": settings.required_password_length,
        "EnableEdgeComputeFeatures": settings.enable_edge_compute_features,
        "Features": {},
        "OAuthLoginURI": "",
        "OAuthLogoutURI": "",
        "EnableTelemetry": false,
        "KubeconfigExpiry": "0",
        "TeamSync": false,
        "IsAMTEnabled": false,
        "Edge": edge(settings),
        "IsDockerDesktopExtension": false,
    }))
}

/// GET /api/settings (P `api/http/handler/settings/settings_inspect.go:21`).
pub(crate) fn inspect(call: &mut Call<'_>) -> Answer {
    Reply::json(&shown(&call.database().kept().settings))
}

/// PUT /api/settings (P `api/http/handler/settings/settings_update.go:118`).
pub(crate) fn update(call: &mut Call<'_>) -> Answer {
    let payload = call.payload()?;
    let session = payload.text("UserSessionTimeout")?;
    let session = session.map(|text| duration(&text)).transpose()?;
    let settings = &mut call.database().kept_mut().settings;
    set(&payload, settings)?;
    if let Some(seconds) = session {
        settings.session_seconds = seconds;
    }
    let document = shown(settings);
    Reply::json(&document)
}

fn set(payload: &Payload, settings: &mut Settings) -> Result<(), Failure> {
    if let Some(seconds) = payload.number("EdgeAgentCheckinInterval")? {
        settings.edge_agent_checkin_interval = seconds;
    }
    if let Some(flag) = payload.flag("EnforceEdgeID")? {
        settings.enforce_edge_id = flag;
    }
    if let Some(flag) = payload.flag("TrustOnFirstConnect")? {
        settings.trust_on_first_connect = flag;
    }
    if let Some(flag) = payload.flag("EnableEdgeComputeFeatures")? {
        settings.enable_edge_compute_features = flag;
    }
    Ok(())
}

/// A duration of one unit, as `8h`.
fn duration(text: &str) -> Result<i64, Failure> {
    let wrong = || Failure::payload("Invalid user session timeout");
    let unit = match text.chars().last() {
        Some('h') => 3600,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(wrong()),
    };
    let number = text.trim_end_matches(['h', 'm', 's']).parse::<u32>();
    number
        .map(|number| i64::from(number) * unit)
        .map_err(|_| wrong())
}

fn shown(settings: &Settings) -> Value {
    json!({
        "AuthenticationMethod": 1,
        "InternalAuthSettings": {"RequiredPasswordLength": settings.required_password_length},
        "SnapshotInterval": "5m",
        "EdgeAgentCheckinInterval": settings.edge_agent_checkin_interval,
        "EnableEdgeComputeFeatures": settings.enable_edge_compute_features,
        "UserSessionTimeout": format!("{}s", settings.session_seconds),
        "EnforceEdgeID": settings.enforce_edge_id,
        "TrustOnFirstConnect": settings.trust_on_first_connect,
        "Edge": edge(settings),
    })
}

fn edge(settings: &Settings) -> Value {
    json!({
        "PingInterval": 0,
        "SnapshotInterval": 0,
        "CommandInterval": 0,
        "CheckinInterval": settings.edge_agent_checkin_interval,
    })
}
