//! The interpretation of what a real Docker 20.10 said (`tests/data/engine`, recorded with real k3d and kind).

use bollard::models::{ContainerInspectResponse, ContainerSummary, Network, VolumeListResponse};
use serde::Deserialize;

use super::inventory::Inventory;
use super::view::view;
use super::wire;
use crate::model::{ClusterView, EngineView, NodeRole, Port, VolumeId};
use crate::provider::k3d::K3dDialect;
use crate::provider::kind::KindDialect;

#[derive(Deserialize)]
struct Recording {
    containers: Vec<ContainerSummary>,
    inspected: Vec<ContainerInspectResponse>,
    networks: Vec<Network>,
    volumes: VolumeListResponse,
}

const TEXT: &str = include_str!("../../../tests/data/engine/docker-20.10.json");

fn recorded() -> Inventory {
    let recording: Recording = serde_json::from_str(TEXT).unwrap();
    let mut inventory = Inventory::default();
    for summary in recording.containers {
        let mut container = wire::container(summary).unwrap();
        let own = |record: &&ContainerInspectResponse| {
            record.id.as_deref() == Some(container.id.as_str())
        };
        if let Some(record) = recording.inspected.iter().find(own) {
            container.ports.extend(wire::wanted_ports(record.clone()));
        }
        inventory.containers.push(container);
    }
    let networks = recording.networks.into_iter().map(wire::network);
    inventory.networks = networks.collect::<Result<_, _>>().unwrap();
    let volumes = recording.volumes.volumes.unwrap_or_default();
    inventory.volumes = volumes.into_iter().map(wire::volume).collect();
    inventory
}

fn seen(inventory: &Inventory) -> EngineView {
    view(inventory, None, &[&K3dDialect, &KindDialect])
}

/// A cluster on a few lines.
fn line(view: &ClusterView) -> String {
    let role = |role| match role {
        NodeRole::Server => 's',
        NodeRole::Worker => 'w',
        NodeRole::Balancer => 'b',
        NodeRole::Helper => 'h',
    };
    let mark = |marked: bool| if marked { "!" } else { "" };
    let nodes: Vec<String> = view
        .nodes
        .iter()
        .map(|node| format!("{}{}", role(node.role), mark(node.nonce.is_some())))
        .collect();
    let networks = view
        .networks
        .iter()
        .map(|n| format!("{}{}", n.name, mark(n.nonce.is_some())));
    let volumes = view
        .volumes
        .iter()
        .map(|v| format!("{:.16}{}", v.id.name(), mark(v.nonce.is_some())));
    let own: Vec<String> = networks.chain(volumes).collect();
    let ports: Vec<String> = view.ports.iter().map(|(i, h)| format!("{i}<{h}")).collect();
    format!(
        "{} {} [{}] own [{}] ports [{}] api {} on {} at {}{} ({})",
        view.id,
        view.phase,
        nodes.join(" "),
        own.join(" "),
        ports.join(" "),
        view.api_port
            .map_or("-".to_owned(), |port| port.to_string()),
        view.subnet
            .map_or("-".to_owned(), |subnet| subnet.to_string()),
        view.server_ip.as_deref().unwrap_or("-"),
        if view.accepts_ports { " +ports" } else { "" },
        view.detail.as_deref().unwrap_or("-"),
    )
}

#[test]
fn every_recorded_cluster_is_seen_as_it_was() {
    let view = seen(&recorded());
    let lines: Vec<String> = view
        .clusters
        .values()
        .flat_map(|map| map.values())
        .map(line)
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let unnamed: Vec<_> = view
        .unnamed
        .iter()
        .map(|u| (u.provider.as_str(), u.shown.as_str()))
        .collect();
    assert_eq!(unnamed, [("k3d", "DEV")]);
}

#[test]
fn a_clusters_life_is_its_lowest_server() {
    let inventory = recorded();
    let view = seen(&inventory);
    for cluster in view.clusters.values().flat_map(|map| map.values()) {
        let server = cluster
            .nodes
            .iter()
            .find(|node| node.role == NodeRole::Server);
        let life = cluster
            .incarnation
            .as_ref()
            .map(crate::model::Incarnation::as_str);
        assert_eq!(life, server.map(|node| node.id.as_str()), "{}", cluster.id);
    }
    // The tenth server is not the first.
    let mut ten = recorded();
    let first = ten
        .containers
        .iter()
        .find(|c| c.name == "k3d-one-server-0")
        .unwrap()
        .clone();
    let mut tenth = first.clone();
    tenth.name = "k3d-one-server-10".to_owned();
    tenth.id = crate::model::ContainerId::new("0000");
    ten.containers.insert(0, tenth);
    let one = &seen(&ten).clusters[&"k3d".into_id()][&"one".parse().unwrap()];
    assert_eq!(
        one.incarnation
            .as_ref()
            .map(|life| life.as_str().to_owned()),
        Some(first.id.as_str().to_owned())
    );
}

trait IntoId {
    fn into_id(self) -> crate::model::ProviderId;
}

impl IntoId for &str {
    fn into_id(self) -> crate::model::ProviderId {
        crate::model::ProviderId::new(self)
    }
}

#[test]
fn ports_of_all_containers_are_bindings_whether_they_run_or_not() {
    let view = seen(&recorded());
    let of = |number: i64| {
        let port = Port::parse(number).unwrap();
        let found: Vec<String> = view
            .facts
            .bindings
            .iter()
            .filter(|binding| binding.port == port)
            .map(|binding| {
                format!(
                    "{} {}",
                    binding.container,
                    binding
                        .cluster
                        .as_ref()
                        .map_or("-".to_owned(), ToString::to_string)
                )
            })
            .collect();
        found.join(", ")
    };
    assert_eq!(of(28080), "k3d-one-serverlb k3d/one");
    assert_eq!(
        of(28400),
        "web -",
        "once, though it is bound for IPv4 and IPv6"
    );
    assert_eq!(of(28401), "", "UDP is another space");
    assert_eq!(of(28500), "idle -", "it would have it if it ran");
    assert_eq!(of(28180), "one-control-plane kind/one");
    assert!(view.facts.container_names.contains("k3d-DEV-server-0"));
}

#[test]
fn no_secret_gets_past_the_inventory() {
    assert!(TEXT.contains("TOKEN-THAT-NOBODY-MAY-SEE"));
    let inventory = recorded();
    assert!(!format!("{inventory:?}").contains("TOKEN"));
    assert!(
        !serde_json::to_string(&seen(&inventory))
            .unwrap()
            .contains("TOKEN")
    );
}

#[test]
fn a_volumes_identity_does_not_move_with_its_content() {
    let mut inventory = recorded();
    let ids = |inventory: &Inventory| -> Vec<VolumeId> {
        inventory.volumes.iter().map(super::Volume::id).collect()
    };
    let before = ids(&inventory);
    for volume in &mut inventory.volumes {
        // Docker 20.10 gives the change time of the folder.
        volume.created = "2030-01-01T00:00:00Z".to_owned();
    }
    let moved: Vec<String> = before
        .iter()
        .zip(ids(&inventory))
        .filter(|(a, b)| *a != b)
        .map(|(a, _)| a.name().to_owned())
        .collect();
    // Nothing better is known of volumes that others named.
    let strangers = [
        "k3d-DEV-images",
        "k3d-five-images",
        "k3d-four-images",
        "k3d-three-images",
        "k3d-two-images",
        "named",
    ];
    assert_eq!(
        {
            let mut m = moved;
            m.sort();
            m
        },
        strangers
    );
}

#[test]
fn somebody_elses_mount_keeps_an_anonymous_volume() {
    let mut inventory = recorded();
    let node = inventory
        .containers
        .iter()
        .find(|c| c.name == "two-control-plane")
        .unwrap();
    let volume = node
        .mounts
        .iter()
        .find_map(|mount| mount.volume.clone())
        .unwrap();
    let web = inventory
        .containers
        .iter_mut()
        .find(|c| c.name == "web")
        .unwrap();
    web.mounts.push(super::inventory::Mount {
        volume: Some(volume),
        destination: "/loot".to_owned(),
    });
    let two = &seen(&inventory).clusters[&"kind".into_id()][&"two".parse().unwrap()];
    assert!(two.volumes.is_empty(), "{two:?}");
}

#[test]
fn a_network_of_the_right_name_without_our_label_is_nobodys() {
    let mut inventory = recorded();
    for network in &mut inventory.networks {
        network.labels.clear();
    }
    let view = seen(&inventory);
    let own = |provider: &str, name: &str| {
        let cluster = view.clusters[&provider.into_id()].get(&name.parse().unwrap());
        cluster.map(|cluster| cluster.networks.len())
    };
    assert_eq!(own("kind", "one"), Some(0));
    assert_eq!(own("k3d", "one"), Some(1), "its nodes are on it");
    assert_eq!(
        own("k3d", "four"),
        Some(0),
        "nobody is on it; only the volume tells"
    );
}
