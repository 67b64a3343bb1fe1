//! New environments.

use super::view::shown;
use super::wish::{Creation, Wish};
use crate::agent::{self, Trust};
use crate::api::edge_key;
use crate::double::Double;
use crate::http::form::Form;
use crate::http::reply::{Answer, Failure, Reply};
use crate::http::request::Request;
use crate::random;
use crate::store::Database;
use crate::store::endpoint::{Agent, Endpoint, EndpointType, TlsConfig};

/// POST /api/endpoints (P `api/http/handler/endpoints/endpoint_create.go:217`): 200 and the
/// environment. Whether the name is taken is looked at first and never again (:229), so that two
/// who ask at once may both be served.
pub(crate) async fn create(double: &Double, request: &Request) -> Answer {
    let form = Form::read(request).await;
    let wish = Wish::read(&form, double.options().version)?;
    let unique = {
        let inner = double.inner().lock().await;
        inner.database.is_name_unique(&wish.name, None)
    };
    if !unique {
        return Err(Failure::conflict("Name is not unique"));
    }
    // Whoever asks at the same time has his name looked at now.
    tokio::task::yield_now().await;
    let endpoint = match wish.creation {
        Creation::EdgeAgent => {
            let mut inner = double.inner().lock().await;
            edge(&wish, double, &mut inner.database)?
        }
        Creation::Azure => {
            let message = "Unable to authenticate against Azure";
            return Err(Failure::internal(message).because("Invalid Azure credentials"));
        }
        _ => reached(&wish, double).await?,
    };
    let mut inner = double.inner().lock().await;
    store(endpoint, double, &mut inner.database)
}

/// Creation 4 (:370). The number is used up even if the address is none; the agent is not asked.
fn edge(wish: &Wish, double: &Double, database: &mut Database) -> Result<Endpoint, Failure> {
    let options = double.options();
    let id = database.next_endpoint_id();
    let host = edge_key::host_of(&wish.url)
        .map_err(|why| Failure::bad_request("Unable to parse host").because(&why))?;
    let kept = database.kept();
    let port = options.tunnel_port;
    let edge_id = if kept.settings.enforce_edge_id {
        random::uuid()?
    } else {
        String::new()
    };
    Ok(Endpoint {
        id,
        kind: options.version.new_edge_type(&wish.container_engine),
        edge_key: edge_key::make(&wish.url, &host, port, &kept.fingerprint, id),
        edge_checkin_interval: wish.checkin,
        edge_id,
        url: host,
        user_trusted: true,
        ..wished(wish)
    })
}

/// Every other creation, which somebody must answer for (:287): an agent at its ping, and then
/// everything at its first snapshot (:531). Nothing is stored if nobody does.
async fn reached(wish: &Wish, double: &Double) -> Result<Endpoint, Failure> {
    let mut endpoint = Endpoint {
        kind: EndpointType::DOCKER,
        public_url: wish.public_url.clone(),
        url: wish.url.clone(),
        ..wished(wish)
    };
    let mut asked = None;
    if wish.creation == Creation::Agent {
        let trust = match &wish.tls {
            None => Trust::Nobody,
            Some(tls) => tls
                .authority
                .as_deref()
                .map_or(Trust::Everybody, Trust::Authority),
        };
        let ping = agent::ping(&wish.url, trust)
            .await
            .map_err(|why| Failure::internal("Unable to get environment type").because(&why))?;
        asked = Some(ping);
    }
    if wish.creation == Creation::LocalKubernetes && endpoint.url.is_empty() {
        "https://kubernetes.default.svc".clone_into(&mut endpoint.url);
    } else if endpoint.url.is_empty() {
        "unix:///var/run/docker.sock".clone_into(&mut endpoint.url);
    }
    match (asked, &wish.tls) {
        // Without TLS an agent is taken for a Docker engine (:330).
        (Some(ping), Some(_)) => {
            endpoint.kind = ping.kind();
            if endpoint.kind == EndpointType::AGENT_KUBERNETES {
                endpoint.url = endpoint.url.trim_start_matches("tcp://").to_owned();
            }
            endpoint.agent = Agent {
                version: ping.version,
            };
        }
        _ => agent::reach(&endpoint.url).await.map_err(|why| {
            let message = "Unable to initiate communications with environment";
            Failure::internal(message).because(&why)
        })?,
    }
    if let Some(tls) = &wish.tls {
        endpoint.tls_config = TlsConfig {
            tls: true,
            skip_verify: tls.authority.is_none(),
        };
    }
    endpoint.snapshot_time = Some(double.clock().now());
    let mut inner = double.inner().lock().await;
    endpoint.id = inner.database.next_endpoint_id();
    Ok(endpoint)
}

/// What every creation takes from the form. For edge environments `PublicURL` is not among it.
fn wished(wish: &Wish) -> Endpoint {
    Endpoint {
        name: wish.name.clone(),
        container_engine: wish.container_engine.clone(),
        group_id: wish.group,
        tag_ids: wish.tags.clone(),
        gpus: wish.gpus.clone(),
        ..Endpoint::default()
    }
}

/// The environment is stored before its tags and its group are looked at, and stays (:548, :237).
fn store(endpoint: Endpoint, double: &Double, database: &mut Database) -> Answer {
    let document = shown(&endpoint, double.options().version, false);
    let (tags, group) = (endpoint.tag_ids.clone(), endpoint.group_id);
    database.put(endpoint);
    if !tags.iter().all(|tag| database.kept().has_tag(*tag)) {
        let message = "An error occurred while trying to create the environment";
        return Err(Failure::missing(message));
    }
    if database.kept().group(group).is_none() {
        let message = "Unable to find an environment group inside the database";
        return Err(Failure::missing(message));
    }
    Reply::json(&document)
}
