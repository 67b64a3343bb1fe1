//! The prober port: it goes where the credentials point, as a real one does, and finds who is there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;

use super::credentials;
use super::instruction::Operation;
use super::operation::{Errand, Run};
use super::state::State;
use super::things::ApiState;
use super::tool::Tool;
use super::vault::Vault;
use crate::model::{ClusterId, Incarnation, NodeState, Port};
use crate::provider::{Access, Prober, ProviderError};

/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sandbox's prober.
pub(super) struct SandboxProber(pub(super) Arc<Vault>);

#[async_trait]
impl Prober for SandboxProber {
    async fn ready(&self, id: &ClusterId, access: &Access) -> Result<(), String> {
        let words = |error: ProviderError| error.message;
        let errand = Errand::new(Operation::Ready, Some(id), Duration::ZERO).within(PATIENCE);
        let mut run = Run::begin(&self.0, errand).await.map_err(words)?;
        run.pass().await.map_err(words)?;
        if run.does_nothing() {
            return Ok(());
        }
        self.0
            .read(|state| answer(state, access))
            .map_err(|error| words(error.into()))?
    }
}

/// What comes back from the address in the credentials.
fn answer(state: &State, access: &Access) -> Result<(), String> {
    let refused = || format!("{}: connection refused", access.server);
    let port = port_of(&access.server).ok_or_else(refused)?;
    let gate = state
        .containers
        .iter()
        .find(|c| c.is_active() && c.ports.get(&Tool::API) == Some(&port))
        .ok_or_else(refused)?;
    let silent = || format!("{}: no answer", access.server);
    let of = gate
        .member
        .as_ref()
        .map(|member| &member.of)
        .ok_or_else(silent)?;
    let server = state.first_server(of).ok_or_else(silent)?;
    let serving = server.api.is_some_and(|api| api.state == ApiState::Serving);
    if gate.state != NodeState::Running || server.state != NodeState::Running || !serving {
        return Err(silent());
    }
    let life = Incarnation::new(server.id.as_str());
    if access.ca_data != credentials::ca(&life) {
        return Err("x509: certificate signed by unknown authority".to_owned());
    }
    if access.client_key_data.expose_secret() != credentials::client_key(&life) {
        return Err("/readyz: 401 Unauthorized".to_owned());
    }
    Ok(())
}

fn port_of(server: &str) -> Option<Port> {
    let number = server.strip_prefix("https://127.0.0.1:")?.parse().ok()?;
    Port::parse(number).ok()
}
