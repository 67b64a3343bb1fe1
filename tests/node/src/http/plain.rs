//! The plain ports: every path answers with the cluster's name.

use hyper::StatusCode;
use serde_json::json;

use super::Site;
use super::message::{Reply, Request};
use crate::cluster::Node;

/// One plain port of a node.
pub(crate) struct Plain {
    text: String,
}

impl Plain {
    /// The port `port` of `node`.
    pub(crate) fn new(node: &Node, port: u16) -> Self {
        let text = json!({"cluster": node.cluster, "node": node.name, "port": port});
        Self {
            text: format!("{text}\n"),
        }
    }
}

impl Site for Plain {
    fn answer(&self, _request: &Request) -> Reply {
        Reply::whole(StatusCode::OK, "application/json", self.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;
    use crate::cluster::Node;
    use crate::http::Site;
    use crate::http::message::Request;

    #[test]
    fn a_plain_port_names_its_cluster_on_every_path() {
        let node = Node {
            cluster: "dev".to_owned(),
            name: "k3d-dev-server-0".to_owned(),
            version: "v1.34.1+k3s1",
        };
        let request = Request {
            path: "/anything".to_owned(),
            ..Request::default()
        };
        let expected = "{\"cluster\":\"dev\",\"node\":\"k3d-dev-server-0\",\"port\":30080}\n";
        assert_eq!(
            Plain::new(&node, 30080).answer(&request).body_text(),
            expected
        );
    }
}
