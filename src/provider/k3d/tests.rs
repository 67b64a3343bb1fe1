//! The configuration file, and what is in a name's way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::observe::in_the_way;
use super::wire::file;
use crate::model::{ClusterName, ClusterSpec, ContainerId, NodeState, Nonce, Port, Ports, Subnet};
use crate::provider::docker::Container;
use crate::provider::{CreateOrder, Fault};

fn order(name: &str, ports: Ports) -> CreateOrder {
    CreateOrder {
        spec: ClusterSpec {
            id: format!("k3d/{name}").parse().unwrap(),
            subnet: Subnet::parse("10.101.0.0/24").ok(),
            ports,
        },
        nonce: Nonce::from_random([0xab; 16]),
        deadline: Duration::from_secs(60),
    }
}

#[test]
fn the_file_asks_for_what_the_row_asks_for() {
    let port = |number| Port::parse(number).ok();
    let ports = Ports {
        http: port(18090),
        https: port(18493),
        forward: port(19001),
        node: port(30080),
    };
    let text = file(&order("dev", ports), Some("rancher/k3s:v1")).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn a_name_that_yaml_would_read_as_something_else_is_quoted() {
    for name in ["no", "1e3", "0", "null", "0x1f"] {
        let text = file(&order(name, Ports::default()), None).unwrap();
        assert!(text.contains(&format!("name: '{name}'")), "{text}");
    }
}

#[test]
fn an_image_with_a_variable_is_refused() {
    let error = file(&order("dev", Ports::default()), Some("a$HOME")).unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
}

#[test]
fn names_and_labels_of_a_cluster_are_in_its_way_and_no_others() {
    let container = |name: &str, cluster: Option<&str>| Container {
        id: ContainerId::new(name),
        name: name.to_owned(),
        image: String::new(),
        state: NodeState::Exited,
        labels: cluster
            .map(|c| ("k3d.cluster".to_owned(), c.to_owned()))
            .into_iter()
            .collect(),
        ports: BTreeSet::new(),
        networks: BTreeMap::new(),
        mounts: Vec::new(),
    };
    let all = [
        container("k3d-a-server-0", None),
        container("k3d-a-serverlb", None),
        container("k3d-a-tools", None),
        container("odd", Some("a")),
        container("k3d-a-b-server-0", Some("a-b")),
        container("k3d-a-server-backup", None),
        container("k3d-aa-tools", Some("aa")),
    ];
    let name = ClusterName::parse("a").unwrap();
    let taken: Vec<String> = in_the_way(&all, &name).into_iter().collect();
    assert_eq!(
        taken,
        ["k3d-a-server-0", "k3d-a-serverlb", "k3d-a-tools", "odd"]
    );
}
