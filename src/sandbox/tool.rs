//! The two tools: what each calls its things, in which order it makes them, and what it says meanwhile.

use std::time::Duration;

use super::things::Label;
use crate::model::{ClusterId, ClusterName, Port, ProviderId, ProviderTraits};

/// A tool that makes clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    /// k3d 5.9.
    K3d,
    /// kind 0.33.
    Kind,
}

/// One thing that a create does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The network.
    Network,
    /// The image volume.
    Volume,
    /// The short-lived helper.
    Tools,
    /// The server's container, not started.
    Server,
    /// The load balancer's container, not started.
    Balancer,
    /// The server comes up; a k3s boots by itself.
    StartServer,
    /// kubeadm sets up the API.
    Boot,
    /// The load balancer comes up.
    StartBalancer,
    /// The helper goes.
    DropTools,
}

/// A line of the tool's, and what it then does.
pub(super) type Script = &'static [(&'static str, &'static [Stage])];

const K3D: Script = &[
    ("INFO[@] Prep: Network", &[Stage::Network]),
    (
        "INFO[@] Created image volume k3d-NAME-images",
        &[Stage::Volume],
    ),
    ("INFO[@] Starting new tools node...", &[Stage::Tools]),
    (
        "INFO[@] Creating node 'k3d-NAME-server-0'",
        &[Stage::Server],
    ),
    (
        "INFO[@] Creating LoadBalancer 'k3d-NAME-serverlb'",
        &[Stage::Balancer],
    ),
    (
        "INFO[@] Starting node 'k3d-NAME-server-0'",
        &[Stage::StartServer],
    ),
    ("INFO[@] All agents already running.", &[]),
    (
        "INFO[@] Starting node 'k3d-NAME-serverlb'",
        &[Stage::StartBalancer],
    ),
    (
        "INFO[@] Injecting records for hostAliases (incl. host.k3d.internal) and for 2 network members into CoreDNS configmap...",
        &[Stage::DropTools],
    ),
];

const KIND: Script = &[
    (" • Ensuring node image (kindest/node:v1.34.0) 🖼  ...", &[]),
    (
        " • Preparing nodes 📦  ...",
        &[Stage::Network, Stage::Server, Stage::StartServer],
    ),
    (" • Writing configuration 📜  ...", &[]),
    (" • Starting control-plane 🕹️  ...", &[]),
    (" • Installing CNI 🔌  ...", &[Stage::Boot]),
    (" • Installing StorageClass 💾  ...", &[]),
];

impl Tool {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::K3d, Self::Kind];

    /// The port inside a node on which the API answers.
    pub(super) const API: Port = Port::API;

    /// kind's network that belongs to all its clusters and so to none.
    pub(super) const SHARED_NETWORK: &'static str = "kind";

    /// The tool of a provider.
    pub(super) fn of(provider: &ProviderId) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|tool| tool.name() == provider.as_str())
    }

    /// Its name, which is the provider's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::K3d => "k3d",
            Self::Kind => "kind",
        }
    }

    /// The provider's identity.
    pub(super) fn id(self) -> ProviderId {
        ProviderId::new(self.name())
    }

    /// What it can do in place.
    pub(super) fn traits(self) -> ProviderTraits {
        ProviderTraits {
            adds_ports: self == Self::K3d,
            start_needs_tool: self == Self::K3d,
            prepares: false,
        }
    }

    /// The image of its servers.
    pub(super) fn image(self) -> &'static str {
        match self {
            Self::K3d => "rancher/k3s:v1.33.4-k3s1",
            Self::Kind => "kindest/node:v1.34.0",
        }
    }

    /// The image of k3d's load balancer.
    pub(super) const PROXY_IMAGE: &'static str = "ghcr.io/k3d-io/k3d-proxy:5.9.0";

    /// The image of k3d's helper.
    pub(super) const TOOLS_IMAGE: &'static str = "ghcr.io/k3d-io/k3d-tools:5.9.0";

    /// All its images.
    pub(super) fn images(self) -> Vec<&'static str> {
        match self {
            Self::K3d => vec![self.image(), Self::PROXY_IMAGE, Self::TOOLS_IMAGE],
            Self::Kind => vec![self.image()],
        }
    }

    /// The container of its first server.
    pub(super) fn server(self, cluster: &str) -> String {
        match self {
            Self::K3d => format!("k3d-{cluster}-server-0"),
            Self::Kind => format!("{cluster}-control-plane"),
        }
    }

    /// The network of a cluster that has one of its own.
    pub(super) fn network(self, cluster: &str) -> String {
        format!("{}-{cluster}", self.name())
    }

    /// The cluster that a network of this name would belong to.
    pub(super) fn cluster_of_network(self, network: &str) -> Option<ClusterId> {
        let name = network.strip_prefix(self.name())?.strip_prefix('-')?;
        Some(ClusterId::new(self.id(), ClusterName::parse(name).ok()?))
    }

    /// What it says to a create over a living cluster.
    pub(super) fn already_there(self, of: &Label) -> String {
        let name = &of.name;
        match self {
            Self::K3d => format!(
                "failed to create cluster '{name}' because a cluster with that name already exists"
            ),
            Self::Kind => format!("node(s) already exist for a cluster with the name {name:?}"),
        }
    }

    /// What a create says and does, in this order.
    pub(super) fn script(self) -> Script {
        match self {
            Self::K3d => K3D,
            Self::Kind => KIND,
        }
    }

    /// How many lines of the script a create got through that dies half-way.
    pub(super) fn half_way(self) -> usize {
        match self {
            Self::K3d => 4,
            Self::Kind => 3,
        }
    }

    /// How long a create usually takes.
    pub(super) fn create_takes(self) -> Duration {
        match self {
            Self::K3d => Duration::from_secs(18),
            Self::Kind => Duration::from_secs(20),
        }
    }

    /// A line of the script, as it is said for this cluster after so long.
    pub(super) fn say(line: &str, cluster: &str, after: Duration) -> String {
        line.replace("NAME", cluster)
            .replace('@', &format!("{:04}", after.as_secs()))
    }
}
