//! One running node of a cluster, and everything it serves.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::error::Error;
use crate::fault::Fault;
use crate::http::{self, api, router::Router};
use crate::pki::Authority;
use crate::{host, say};

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
    plain: Vec<(u16, TcpListener, Arc<Router>)>,
    api: Option<(TcpListener, http::tls::Acceptor, Arc<Router>)>,
}

impl Node {
    /// Listens on the plain ports and, with an authority, on the API's port.
    ///
    /// When this returns, connections are accepted; they are answered once `run` is polled.
    pub(crate) async fn listen(
        &self,
        authority: Option<&Authority>,
        names: &[String],
    ) -> Result<Serving, Error> {
        let mut plain = Vec::new();
        for port in PLAIN_PORTS {
            let router = Arc::new(api::plain(self, port));
            plain.push((port, bind(port).await?, router));
        }
        let api = match authority {
            None => None,
            Some(authority) => {
                let ready = Fault::from_env() != Some(Fault::NotReady);
                let identity = authority.server(&self.server_names(names))?;
                let acceptor = http::tls::Acceptor::new(authority, identity)?;
                let router = Arc::new(api::kubernetes(self, &authority.uid(), ready));
                Some((bind(API_PORT).await?, acceptor, router))
            }
        };
        Ok(Serving { plain, api })
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
        for (_, listener, router) in self.plain {
            tokio::spawn(http::serve::plain(listener, router));
        }
        if let Some((listener, acceptor, router)) = self.api {
            tokio::spawn(http::serve::secure(listener, acceptor, router));
        }
        std::future::pending().await
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
