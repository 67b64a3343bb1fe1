//! A node of kind, from its entrypoint and from what kind executes in it.
//!
//! The container's first process says that the "machine" has booted; then kind executes
//! `kubeadm init`, which makes the authority and `admin.conf`; then the first process serves.
//! After a stop and a start both are found on disk, and the node serves again at once.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::{API_PORT, ControlPlane, Node};
use crate::error::Error;
use crate::fault::Fault;
use crate::pki::{self, Authority};
use crate::{host, kubeconfig, say, shutdown};

const PKI: &str = "/etc/kubernetes/pki";
/// Not below `/var`, which kind makes a volume.
const OBJECTS: &str = "/etc/kubernetes/objects";
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";
/// Written by `kubeadm join`, read by a worker.
const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
const KUBEADM_CONF: &str = "/kind/kubeadm.conf";
/// The same as in the image's `/kind/version`.
const VERSION: &str = "v1.34.0";

/// What kind's real image leaves with when it is asked to stop. With 0 the restart policy
/// `on-failure` would not bring a node back after a restart of the Docker daemon.
const STOPPED: u8 = 130;

/// How often files that somebody else writes are looked for.
const POLL: Duration = Duration::from_millis(25);

/// How long `kubeadm` waits for the node to serve.
const PATIENCE: Duration = Duration::from_secs(15);

/// The entrypoint: boot, wait to be initialised, serve.
pub(crate) async fn node() -> Result<u8, Error> {
    let name = host::name();
    say::line(&format!("INFO: starting kind node {name}"));
    match Fault::from_env() {
        Some(Fault::Crash) => {
            say::complain("crash on purpose");
            return Ok(1);
        }
        Some(Fault::Hang) => {
            say::line("INFO: hanging on purpose");
            shutdown::wait().await?;
            return Ok(STOPPED);
        }
        _ => {}
    }
    // kind follows the log until it sees this line, and gives up after 30 seconds.
    say::line("[  OK  ] Reached target multi-user.target - Multi-User System.");
    shutdown::or_signal(serve(name)).await?;
    Ok(STOPPED)
}

async fn serve(name: String) -> Result<(), Error> {
    let control_plane = loop {
        if Path::new(ADMIN_CONF).exists() {
            break true;
        }
        if Path::new(KUBELET_CONF).exists() {
            break false;
        }
        tokio::time::sleep(POLL).await;
    };
    let node = Node {
        cluster: cluster_name(&name),
        name,
        version: VERSION,
    };
    let authority = if control_plane {
        Some(Authority::open_or_create(Path::new(PKI))?)
    } else {
        None
    };
    let balancer = format!("{}-external-load-balancer", node.cluster);
    let control_plane = authority.as_ref().map(|authority| ControlPlane {
        authority,
        objects: Path::new(OBJECTS),
        names: std::slice::from_ref(&balancer),
    });
    let serving = node.listen(control_plane).await?;
    serving.announce();
    serving.run().await
}

/// `kubeadm init` and `kubeadm join`; returns once the node serves, as the real one does.
pub(crate) async fn kubeadm(args: &[String]) -> Result<u8, Error> {
    if Fault::from_env() == Some(Fault::FailInit) {
        say::complain("kubeadm fails on purpose");
        return Ok(1);
    }
    let name = host::name();
    match args.first().map(String::as_str) {
        Some("init") => init(&name)?,
        // A joining control plane was given the authority and admin.conf by kind itself.
        Some("join") if Path::new(ADMIN_CONF).exists() => {}
        Some("join") => {
            pki::write(Path::new(KUBELET_CONF), "joined\n")?;
            return Ok(0);
        }
        _ => return Err(Error::Other("understand kubeadm's arguments".to_owned())),
    }
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if tokio::net::TcpStream::connect(("127.0.0.1", API_PORT))
            .await
            .is_ok()
        {
            return Ok(0);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(Error::Other("see the API come up".to_owned()))
}

fn init(name: &str) -> Result<(), Error> {
    let pki = Path::new(PKI);
    let authority = Authority::open_or_create(pki)?;
    // kind copies these to further control planes; nobody reads them.
    for file in [
        "front-proxy-ca.crt",
        "front-proxy-ca.key",
        "sa.pub",
        "sa.key",
        "etcd/ca.crt",
        "etcd/ca.key",
    ] {
        pki::write(&pki.join(file), "not used\n")?;
    }
    let cluster = cluster_name(name);
    let context = format!("kubernetes-admin@{cluster}");
    let text = kubeconfig::render(
        &kubeconfig::Names {
            cluster: &cluster,
            user: "kubernetes-admin",
            context: &context,
            server: &format!("https://{name}:{API_PORT}"),
        },
        &authority,
        "kubernetes-admin",
    )?;
    pki::write(Path::new(ADMIN_CONF), &text)
}

/// From kind's configuration for kubeadm, else from the node's name.
fn cluster_name(node: &str) -> String {
    std::fs::read_to_string(KUBEADM_CONF)
        .ok()
        .and_then(|text| configured_name(&text))
        .unwrap_or_else(|| name_of_node(node).to_owned())
}

fn configured_name(kubeadm_conf: &str) -> Option<String> {
    let line = kubeadm_conf
        .lines()
        .find_map(|line| line.strip_prefix("clusterName:"))?;
    Some(line.trim().trim_matches('"').to_owned())
}

fn name_of_node(node: &str) -> &str {
    let roles = ["-control-plane", "-worker"];
    let end = roles.iter().filter_map(|role| node.rfind(role)).max();
    &node[..end.unwrap_or(node.len())]
}

#[cfg(test)]
mod tests {
    use super::{configured_name, name_of_node};

    #[test]
    fn the_cluster_is_read_from_the_configuration_or_from_the_nodes_name() {
        let text = "apiVersion: kubeadm.k8s.io/v1beta3\nclusterName: \"dev\"\nkind: X\n";
        assert_eq!(configured_name(text).as_deref(), Some("dev"));
        assert_eq!(configured_name("kind: X\n"), None);
        assert_eq!(name_of_node("dev-a-control-plane2"), "dev-a");
        assert_eq!(name_of_node("dev-worker"), "dev");
        assert_eq!(name_of_node("other"), "other");
    }
}
