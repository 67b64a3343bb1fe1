//! kind's configuration file (`pkg/apis/config/v1alpha4/types.go`), as far as it is written here.

use std::path::Path;

use serde::Serialize;

use super::observe::MARK;
use crate::provider::{CreateOrder, ProviderError};

/// Where everything is published: a development cluster is nobody else's business.
const HOST: &str = "127.0.0.1";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cluster<'a> {
    api_version: &'a str,
    kind: &'a str,
    name: &'a str,
    networking: Networking<'a>,
    nodes: Vec<Node<'a>>,
}

/// Without an `apiServerPort` kind itself looks for a free one, which stays the same through every restart.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Networking<'a> {
    api_server_address: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    extra_port_mappings: Vec<PortMapping<'a>>,
    extra_mounts: Vec<Mount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PortMapping<'a> {
    container_port: u16,
    host_port: u16,
    listen_address: &'a str,
    protocol: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mount {
    host_path: String,
    container_path: String,
    read_only: bool,
}

/// The file for one creation: one node. `mark` is an empty folder of this host.
pub(super) fn file(
    order: &CreateOrder,
    image: Option<&str>,
    mark: &Path,
) -> Result<String, ProviderError> {
    let ports = order.spec.ports.published();
    let cluster = Cluster {
        api_version: "kind.x-k8s.io/v1alpha4",
        kind: "Cluster",
        name: order.spec.id.name.as_str(),
        networking: Networking {
            api_server_address: HOST,
        },
        nodes: vec![Node {
            role: "control-plane",
            image,
            extra_port_mappings: ports
                .iter()
                .map(|(inside, host)| PortMapping {
                    container_port: inside.get(),
                    host_port: host.get(),
                    listen_address: HOST,
                    protocol: "TCP",
                })
                .collect(),
            extra_mounts: vec![Mount {
                host_path: mark.display().to_string(),
                container_path: format!("{MARK}{}", order.nonce.as_str()),
                read_only: true,
            }],
        }],
    };
    crate::provider::tool::yaml(&cluster)
}
