//! Which cluster an Application is for (argo-cd util/argo/argo.go:1100-1122).

use serde_json::Value;

use super::registry::{Cluster, Registry};

/// The cluster that `destination` names, or why there is none.
pub(super) fn resolve(registry: &Registry, destination: &Value) -> Result<Cluster, String> {
    let text = |field: &str| destination[field].as_str().unwrap_or_default();
    let (name, server) = (text("name"), text("server").trim_end_matches('/'));
    match (name, server) {
        ("", "") => Err("destination server missing from app spec".to_owned()),
        ("", server) => registry
            .readable()
            .find(|cluster| cluster.server == server)
            .cloned()
            .ok_or_else(|| format!("cluster \"{server}\" not found")),
        (name, "") => {
            let found: Vec<&Cluster> = registry
                .readable()
                .filter(|cluster| cluster.name == name)
                .collect();
            match found[..] {
                [] => Err(format!("there are no clusters with this name: {name}")),
                [one] => Ok(one.clone()),
                _ => {
                    let servers: Vec<&str> = found.iter().map(|one| one.server.as_str()).collect();
                    let (count, servers) = (found.len(), servers.join(" "));
                    Err(format!(
                        "there are {count} clusters with the same name: [{servers}]"
                    ))
                }
            }
        }
        (name, server) => Err(format!(
            "application destination can't have both name and server defined: {name} {server}"
        )),
    }
}

/// The namespace in the target cluster.
pub(super) fn namespace(destination: &Value) -> &str {
    let namespace = destination["namespace"].as_str();
    namespace
        .filter(|name| !name.is_empty())
        .unwrap_or("default")
}
