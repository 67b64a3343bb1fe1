//! A node of k3s as k3d sees it: the log lines it waits for and the files it reads.
//!
//! One server per cluster: a second one would need the first one's authority.

use std::path::{Path, PathBuf};

use crate::cluster::{API_PORT, ControlPlane, Node};
use crate::error::Error;
use crate::fault::Fault;
use crate::pki::{self, Authority};
use crate::{host, kubeconfig, say, shutdown};

const TLS: &str = "/var/lib/rancher/k3s/server/tls";
const OBJECTS: &str = "/var/lib/rancher/k3s/server/db";
const COREDNS: &str = "/var/lib/rancher/k3s/server/manifests/coredns.yaml";
const OWN_KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";
const VERSION: &str = "v1.34.1+k3s1";

/// k3d puts its own host records into the `ConfigMap`, so it must have `data`.
const COREDNS_MANIFEST: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  Corefile: '.:53 {}'
  NodeHosts: ''
";

/// `k3s server` and `k3s agent`.
pub(crate) async fn run(args: &[String]) -> Result<u8, Error> {
    match Fault::from_env() {
        Some(Fault::Crash) => {
            say::k3s("fatal", "crash on purpose");
            return Ok(1);
        }
        Some(Fault::Hang) => {
            say::k3s("info", "hanging on purpose");
            shutdown::wait().await?;
            return Ok(0);
        }
        _ => {}
    }
    let name = host::name();
    let url = std::env::var("K3S_URL").ok();
    let node = Node {
        cluster: cluster_name(&name, url.as_deref()),
        name,
        version: VERSION,
    };
    match args.first().map(String::as_str) {
        Some("server") => shutdown::or_signal(server(node)).await?,
        Some("agent") => shutdown::or_signal(agent(node)).await?,
        _ => return Err(Error::Other("understand k3s' arguments".to_owned())),
    }
    Ok(0)
}

async fn server(node: Node) -> Result<(), Error> {
    let authority = Authority::open_or_create(Path::new(TLS))?;
    hand_out_kubeconfig(&authority)?;
    pki::write(Path::new(COREDNS), COREDNS_MANIFEST)?;
    let balancer = format!("k3d-{}-serverlb", node.cluster);
    let control_plane = ControlPlane {
        authority: &authority,
        objects: Path::new(OBJECTS),
        names: &[balancer],
    };
    let serving = node.listen(Some(control_plane)).await?;
    serving.announce();
    // k3d waits for these: the first two while it starts a server, the last one after all nodes.
    say::k3s("info", "Containerd is now running");
    say::k3s("info", "Running kube-apiserver");
    say::k3s("info", "k3s is up and running");
    say::k3s("info", "Cluster dns configmap has been set successfully");
    serving.run().await
}

async fn agent(node: Node) -> Result<(), Error> {
    let serving = node.listen(None).await?;
    serving.announce();
    say::k3s(
        "info",
        &format!("Successfully registered node {}", node.name),
    );
    serving.run().await
}

/// Written once: a kubeconfig that somebody copied stays good over a stop and a start.
fn hand_out_kubeconfig(authority: &Authority) -> Result<(), Error> {
    let own = Path::new(OWN_KUBECONFIG);
    let text = if let Ok(text) = std::fs::read_to_string(own) {
        text
    } else {
        let names = kubeconfig::Names {
            cluster: "default",
            user: "default",
            context: "default",
            server: &format!("https://127.0.0.1:{API_PORT}"),
        };
        let text = kubeconfig::render(&names, authority, "system:admin")?;
        pki::write(own, &text)?;
        text
    };
    let output = std::env::var_os("K3S_KUBECONFIG_OUTPUT")
        .map_or_else(|| PathBuf::from("/output/kubeconfig.yaml"), PathBuf::from);
    pki::write(&output, &text)
}

/// From the node's name `k3d-NAME-server-N`, else from the URL of what it joins: the nodes of
/// `k3d node create` are called as one likes.
fn cluster_name(node: &str, url: Option<&str>) -> String {
    let server = url
        .and_then(|url| url.strip_prefix("https://"))
        .map(|rest| rest.split(':').next().unwrap_or(rest));
    [Some(node), server]
        .into_iter()
        .flatten()
        .find_map(|name| {
            let inner = name.strip_prefix("k3d-")?;
            let roles = ["-serverlb", "-server-", "-agent-"];
            let end = roles.iter().filter_map(|role| inner.rfind(role)).max()?;
            Some(inner[..end].to_owned())
        })
        .unwrap_or_else(|| node.to_owned())
}

#[cfg(test)]
mod tests {
    use super::cluster_name;

    #[test]
    fn the_cluster_is_read_from_the_node_or_from_the_server_it_joins() {
        assert_eq!(cluster_name("k3d-dev-server-0", None), "dev");
        assert_eq!(cluster_name("k3d-my-server-1-agent-2", None), "my-server-1");
        assert_eq!(
            cluster_name("k3d-extra-0", Some("https://k3d-dev-server-0:6443")),
            "dev"
        );
        assert_eq!(
            cluster_name("k3d-extra-0", Some("https://k3d-dev-serverlb:6443")),
            "dev"
        );
        assert_eq!(cluster_name("somebody", None), "somebody");
    }
}
