//! A whole API server of a new cluster on a loopback port, for tests that need real requests.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::apiserver::keeper::Keeper;
use crate::apiserver::newborn;
use crate::apiserver::server::ApiServer;
use crate::apiserver::store::{Shared, Store};
use crate::cluster::Node;
use crate::http::{serve, tls};
use crate::pki::Authority;
use crate::{argocd, edge};

/// A cluster that serves.
pub(crate) struct Loopback {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Who vouches for it.
    pub(crate) authority: Authority,
    /// What it holds.
    pub(crate) shared: Shared,
    tasks: Vec<JoinHandle<()>>,
}

impl Loopback {
    /// Starts a new cluster.
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rollcall-loopback-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let authority = Authority::open_or_create(&dir).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
        let node = Node {
            cluster: "dev".to_owned(),
            name: "k3d-dev-server-0".to_owned(),
            version: "v1.34.1+k3s1",
        };
        let mut store = Store::memory();
        newborn::furnish(&mut store, &node, &authority.uid()).unwrap();
        let shared = Shared::new(store);
        let names = ["localhost", "kubernetes.default.svc"].map(str::to_owned);
        let identity = authority.server(&names).unwrap();
        let acceptor = tls::Acceptor::new(&authority, identity).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = ApiServer::new(node.version, true, shared.clone());
        let keeper = Keeper::new(authority.pem());
        let tasks = vec![
            tokio::spawn(serve::secure(listener, acceptor, Arc::new(server))),
            tokio::spawn(keeper.run(shared.clone())),
            tokio::spawn(argocd::run(shared.clone())),
            tokio::spawn(edge::run(shared.clone())),
        ];
        Self {
            address,
            authority,
            shared,
            tasks,
        }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Stops serving: who connects is refused.
    pub(crate) fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop();
    }
}
