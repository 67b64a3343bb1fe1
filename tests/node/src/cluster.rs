//! One running node of a cluster, and everything it serves.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::apiserver::keeper::Keeper;
use crate::apiserver::newborn;
use crate::apiserver::server::ApiServer;
use crate::apiserver::store::{Shared, Store};
use crate::error::Error;
use crate::fault::Fault;
use crate::http::plain::Plain;
use crate::http::{self, Site};
use crate::pki::Authority;
use crate::{argocd, edge, host, say};

/// Where a control plane serves the Kubernetes API.
pub(crate) const API_PORT: u16 = 6443;

/// Where every node answers in plain HTTP with its cluster's name: the ports that a row publishes.
const PLAIN_PORTS: [u16; 3] = [80, 443, 30080];

/// What is known about a node.
pub(crate) struct Node {
    /// The cluster's plain name, without `k3d-`.
    pub(crate) cluster: String,
    /// The node's own name.
    pub(crate) name: String,
    /// The Kubernetes version it claims.
    pub(crate) version: &'static str,
}

/// Ports that are listened on, before anybody is told so.
pub(crate) struct Serving {
    plain: Vec<(u16, TcpListener, Arc<dyn Site>)>,
    api: Option<Api>,
}

/// The Kubernetes API, and what happens behind it.
struct Api {
    listener: TcpListener,
    acceptor: http::tls::Acceptor,
    site: Arc<dyn Site>,
    shared: Shared,
    keeper: Keeper,
}

/// What makes a node a control plane.
pub(crate) struct ControlPlane<'a> {
    /// Who vouches for everybody.
    pub(crate) authority: &'a Authority,
    /// The folder of the objects, which outlives the process but not the container.
    pub(crate) objects: &'a Path,
    /// Further names of the server.
    pub(crate) names: &'a [String],
}

impl Node {
    /// Listens on the plain ports and, on a control plane, on the API's port.
    ///
    /// When this returns, connections are accepted; they are answered once `run` is polled.
    pub(crate) async fn listen(
        &self,
        control_plane: Option<ControlPlane<'_>>,
    ) -> Result<Serving, Error> {
        let mut plain: Vec<(u16, TcpListener, Arc<dyn Site>)> = Vec::new();
        for port in PLAIN_PORTS {
            plain.push((port, bind(port).await?, Arc::new(Plain::new(self, port))));
        }
        let api = match control_plane {
            None => None,
            Some(control_plane) => Some(self.api(&control_plane, bind(API_PORT).await?)?),
        };
        Ok(Serving { plain, api })
    }

    /// Serves the API alone, where `listener` listens.
    pub(crate) fn serve_api(
        &self,
        control_plane: &ControlPlane<'_>,
        listener: TcpListener,
    ) -> Result<Serving, Error> {
        let api = Some(self.api(control_plane, listener)?);
        let plain = Vec::new();
        Ok(Serving { plain, api })
    }

    fn api(&self, control_plane: &ControlPlane<'_>, listener: TcpListener) -> Result<Api, Error> {
        let authority = control_plane.authority;
        let ready = Fault::from_env() != Some(Fault::NotReady);
        let identity = authority.server(&self.server_names(control_plane.names))?;
        let mut store = Store::open(control_plane.objects)?;
        newborn::furnish(&mut store, self, &authority.uid())?;
        let shared = Shared::new(store);
        Ok(Api {
            listener,
            acceptor: http::tls::Acceptor::new(authority, identity)?,
            site: Arc::new(ApiServer::new(self.version, ready, shared.clone())),
            shared,
            keeper: Keeper::new(authority.pem()),
        })
    }

    /// Every name by which somebody may call the API, `more` included.
    fn server_names(&self, more: &[String]) -> Vec<String> {
        let mut names: Vec<String> = [
            "localhost",
            "127.0.0.1",
            "0.0.0.0",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        .map(str::to_owned)
        .to_vec();
        names.push(self.name.clone());
        names.extend(more.iter().cloned());
        names.extend(host::addresses().iter().map(ToString::to_string));
        names.sort();
        names.dedup();
        names
    }
}

impl Serving {
    /// Answers until the process ends.
    pub(crate) async fn run(self) -> Result<(), Error> {
        for (_, listener, site) in self.plain {
            tokio::spawn(http::serve::plain(listener, site));
        }
        if let Some(api) = self.api {
            tokio::spawn(http::serve::secure(api.listener, api.acceptor, api.site));
            tokio::spawn(api.keeper.run(api.shared.clone()));
            tokio::spawn(argocd::run(api.shared.clone()));
            tokio::spawn(edge::run(api.shared));
        }
        std::future::pending().await
    }

    /// Makes a namespace, unless it is there.
    pub(crate) fn make_namespace(&self, name: &str) -> Result<(), Error> {
        let Some(api) = &self.api else {
            return Ok(());
        };
        Ok(newborn::namespace(&mut api.shared.lock(), name)?)
    }

    /// Says what is listened on.
    pub(crate) fn announce(&self) {
        let ports: Vec<String> = self
            .plain
            .iter()
            .map(|(port, ..)| port.to_string())
            .collect();
        let api = if self.api.is_some() {
            " and the API"
        } else {
            ""
        };
        say::line(&format!("rollcall-node: serving {}{api}", ports.join(" ")));
    }
}

async fn bind(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("0.0.0.0", port))
        .await
        .map_err(|source| Error::Listen { port, source })
}
