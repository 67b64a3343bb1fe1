//! k3d's configuration file (`pkg/config/v1alpha5/types.go`), as far as it is written here.

use serde::Serialize;

use super::observe::network_name;
use crate::model::ClusterSpec;
use crate::provider::docker::NONCE;
use crate::provider::{CreateOrder, Fault, ProviderError};

/// Where everything is published: a development cluster is nobody else's business.
pub(super) const HOST: &str = "127.0.0.1";
const BALANCER: &str = "loadbalancer";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Simple<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    servers: u32,
    agents: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    network: String,
    #[serde(rename = "kubeAPI")]
    kube_api: KubeApi<'a>,
    ports: Vec<PortWithFilters<'a>>,
    options: Options<'a>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

/// Without a `hostPort` k3d itself looks for a free one and writes it down as if it had been asked for: it stays the
/// same through every restart. A port of Docker's own choice would not.
#[derive(Debug, Serialize)]
struct KubeApi<'a> {
    host: &'a str,
    #[serde(rename = "hostIP")]
    host_ip: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PortWithFilters<'a> {
    port: String,
    node_filters: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Options<'a> {
    k3d: K3dOptions,
    kubeconfig: KubeconfigOptions,
    runtime: Runtime<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct K3dOptions {
    wait: bool,
    disable_loadbalancer: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KubeconfigOptions {
    update_default_kubeconfig: bool,
    switch_current_context: bool,
}

#[derive(Debug, Serialize)]
struct Runtime<'a> {
    labels: Vec<LabelWithFilters<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LabelWithFilters<'a> {
    label: String,
    node_filters: Vec<&'a str>,
}

/// The file for one creation: one server behind a load balancer.
pub(super) fn file(order: &CreateOrder, image: Option<&str>) -> Result<String, ProviderError> {
    let spec: &ClusterSpec = &order.spec;
    let name = spec.id.name.as_str();
    let ports = spec.ports.published();
    let simple = Simple {
        api_version: "k3d.io/v1alpha5",
        kind: "Simple",
        metadata: Metadata { name },
        servers: 1,
        agents: 0,
        image: image.map(plain).transpose()?,
        network: network_name(name),
        kube_api: KubeApi {
            host: HOST,
            host_ip: HOST,
        },
        ports: ports
            .iter()
            .map(|(inside, host)| PortWithFilters {
                port: format!("{HOST}:{host}:{inside}"),
                node_filters: vec![BALANCER],
            })
            .collect(),
        options: Options {
            k3d: K3dOptions {
                wait: true,
                disable_loadbalancer: false,
            },
            kubeconfig: KubeconfigOptions {
                update_default_kubeconfig: false,
                switch_current_context: false,
            },
            runtime: Runtime {
                labels: vec![LabelWithFilters {
                    label: format!("{NONCE}={}", order.nonce.as_str()),
                    node_filters: vec!["server:*", BALANCER],
                }],
            },
        },
    };
    crate::provider::tool::yaml(&simple)
}

/// k3d expands `$VARIABLES` in the whole file; of all that stands in it only the image could hold one.
pub(super) fn plain(image: &str) -> Result<&str, ProviderError> {
    if image.contains('$') {
        let message = format!("image {image:?} has a '$', which k3d would expand");
        return Err(ProviderError::new(Fault::Permanent, message));
    }
    Ok(image)
}
