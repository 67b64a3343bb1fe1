//! The API's rules, asked of the server in process: writes (`writing`), server-side apply
//! (`applying`), who may do what (`asking`), and the `kube` crate over TLS
//! (`client`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod applying;
mod asking;
mod client;
mod writing;

use hyper::Method;
use serde_json::Value;
use tokio::time::Instant;

use super::keeper::Keeper;
use super::newborn;
use super::server::ApiServer;
use super::store::{Shared, Store};
use crate::cluster::Node;
use crate::http::Site;
use crate::http::message::{Reply, Request, User};

/// Where config maps of the tests are.
const CONFIGS: &str = "/api/v1/namespaces/default/configmaps";

/// A new cluster, and somebody who asks it.
struct Cluster {
    server: ApiServer,
    shared: Shared,
    keeper: Keeper,
}

impl Cluster {
    fn new() -> Self {
        let node = Node {
            cluster: "dev".to_owned(),
            name: "k3d-dev-server-0".to_owned(),
            version: "v1.34.1+k3s1",
        };
        let mut store = Store::memory();
        newborn::furnish(&mut store, &node, "uid").unwrap();
        let shared = Shared::new(store);
        Self {
            server: ApiServer::new(node.version, true, shared.clone()),
            shared,
            keeper: Keeper::new("PEM"),
        }
    }

    /// Lets Kubernetes' own controllers do what they do within a second.
    fn settle(&mut self) {
        let mut now = Instant::now();
        for _ in 0..3 {
            self.keeper.pass(&mut self.shared.lock(), now).unwrap();
            now += std::time::Duration::from_secs(1);
        }
    }

    /// Asks as an administrator.
    fn ask(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Reply {
        self.server.answer(&Request {
            member: Some(User {
                name: "admin".to_owned(),
                uid: None,
                groups: vec!["system:masters".to_owned()],
            }),
            ..request(method, path, content_type, body)
        })
    }

    /// Asks, and expects this status.
    fn expect(&self, status: u16, method: Method, path: &str, body: &Value) -> Value {
        let reply = self.ask(method, path, "application/json", body);
        assert_eq!(reply.status.as_u16(), status, "{}", reply.body_text());
        reply.document()
    }

    fn get(&self, path: &str) -> Value {
        self.expect(200, Method::GET, path, &Value::Null)
    }

    fn create(&self, path: &str, body: &Value) -> Value {
        self.expect(201, Method::POST, path, body)
    }

    fn patch(&self, path: &str, sort: &str, body: &Value) -> Reply {
        let content_type = format!("application/{sort}");
        self.ask(Method::PATCH, path, &content_type, body)
    }
}

fn request(method: Method, path: &str, content_type: &str, body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        content_type: content_type.to_owned(),
        user_agent: "tests/1".to_owned(),
        body: match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        },
        ..Request::default()
    }
}
