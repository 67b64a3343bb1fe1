//! A cluster's credentials out of the kubeconfig that its own node keeps.

use secrecy::SecretString;
use serde::Deserialize;

use super::docker::DockerEngine;
use super::{Access, Fault, ProviderError};
use crate::model::{ClusterView, ContainerId};

/// A kubeconfig, as far as it concerns us.
#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    certificate_authority_data: String,
}

#[derive(Deserialize)]
struct NamedUser {
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate_data: String,
    client_key_data: String,
}

/// Reads the first of these files that the cluster's first server has. The server's address is where this host reaches
/// it, whatever the file says.
pub(super) async fn access(
    engine: &DockerEngine,
    view: &ClusterView,
    paths: &[&str],
) -> Result<Access, ProviderError> {
    let id = &view.id;
    let incarnation = view.incarnation.as_ref().ok_or_else(|| {
        let message = format!("could not locate any server node of {id}");
        ProviderError::new(Fault::Permanent, message)
    })?;
    let port = view.api_port.ok_or_else(|| {
        let message = format!("the API of {id} is not published on this host");
        ProviderError::new(Fault::Permanent, message)
    })?;
    let node = ContainerId::new(incarnation.as_str());
    for path in paths {
        let Some(text) = engine.file(&node, path).await? else {
            continue;
        };
        let (cluster, user) = parse(&text).ok_or_else(|| {
            // An error of the parser would quote the file.
            let message = format!("{path} of {id} is no kubeconfig with a client certificate");
            ProviderError::new(Fault::Transient, message)
        })?;
        return Ok(Access {
            id: id.clone(),
            incarnation: incarnation.clone(),
            server: format!("https://127.0.0.1:{port}"),
            ca_data: cluster.certificate_authority_data,
            client_certificate_data: SecretString::from(user.client_certificate_data),
            client_key_data: SecretString::from(user.client_key_data),
        });
    }
    let message = format!("the kubeconfig of {id} is not in container {node:.12} yet");
    Err(ProviderError::new(Fault::Transient, message))
}

fn parse(text: &str) -> Option<(Cluster, User)> {
    let kubeconfig: Kubeconfig = serde_saphyr::from_str(text).ok()?;
    let cluster = kubeconfig.clusters.into_iter().next()?.cluster;
    let user = kubeconfig.users.into_iter().next()?.user;
    Some((cluster, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_gives_its_first_cluster_and_user() {
        let text = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters:\n- name: default\n  cluster:\n    \
            certificate-authority-data: Y2E=\n    server: https://0.0.0.0:6443\nusers:\n- name: default\n  user:\n    \
            client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n";
        let (cluster, user) = parse(text).unwrap();
        assert_eq!(cluster.certificate_authority_data, "Y2E=");
        assert_eq!(user.client_certificate_data, "Y2VydA==");
        for broken in ["", "clusters: []\nusers: []\n", "{", "clusters: 3"] {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }
}
