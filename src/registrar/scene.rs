//! What the tests of every registrar register.

use crate::model::{ClusterId, ClusterView, Incarnation, Phase, Port, PortMap};
use crate::provider::Access;
use crate::registrar::RegisterOrder;

pub(super) fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}

pub(super) fn port(number: i64) -> Port {
    Port::parse(number).unwrap()
}

/// How to reach a cluster whose life is "one".
pub(super) fn access(cluster: &str, ca: &str) -> Access {
    Access {
        id: id(cluster),
        incarnation: Incarnation::new("one"),
        server: "https://127.0.0.1:6550".into(),
        ca_data: ca.into(),
        client_certificate_data: "Y2VydA==".into(),
        client_key_data: "a2V5".into(),
    }
}

/// An order to register a running cluster that publishes these ports.
pub(super) fn order(cluster: &str, ca: &str, ports: &[(i64, i64)]) -> RegisterOrder {
    let ports: PortMap = ports
        .iter()
        .map(|(inside, host)| (port(*inside), port(*host)))
        .collect();
    RegisterOrder {
        access: access(cluster, ca),
        cluster: ClusterView {
            id: id(cluster),
            phase: Phase::Running,
            detail: None,
            incarnation: Some(Incarnation::new("one")),
            nodes: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            ports,
            api_port: Some(port(6550)),
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: false,
        },
    }
}
