//! Making what a tool would make without our mark: networks and volumes, and proving that names and images are there.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, VolumeCreateRequest};

use super::client::{failed, is_gone, status, words};
use super::inventory::{CLUSTER, Labels, NONCE, nonce};
use super::reading::networks;
use super::wire::volume;
use crate::model::{ClusterId, Nonce, Subnet};
use crate::provider::{Fault, ProviderError};

/// A network or volume to make.
#[derive(Debug, Clone)]
pub(in crate::provider) struct NetworkPlan<'a> {
    /// Its name.
    pub(in crate::provider) name: String,
    /// The cluster that it is for.
    pub(in crate::provider) of: &'a ClusterId,
    /// The mark.
    pub(in crate::provider) nonce: &'a Nonce,
    /// Its addresses; `None` leaves the choice to the engine.
    pub(in crate::provider) subnet: Option<Subnet>,
    /// What the provider's own tool would write on it.
    pub(in crate::provider) labels: Labels,
}

impl NetworkPlan<'_> {
    fn marked(&self) -> HashMap<String, String> {
        let own = [
            (NONCE.to_owned(), self.nonce.as_str().to_owned()),
            (CLUSTER.to_owned(), self.of.to_string()),
        ];
        self.labels.clone().into_iter().chain(own).collect()
    }
}

/// Makes a bridge network. Docker lets two networks have one name, so the name is looked at before and after.
pub(super) async fn network(docker: &Docker, plan: &NetworkPlan<'_>) -> Result<(), ProviderError> {
    let name = &plan.name;
    let taken = || {
        let error = format!("a network named {name} is there already");
        ProviderError::new(Fault::NotOurs, error).hint(format!("docker network inspect {name}"))
    };
    if !ids_of(docker, name).await?.is_empty() {
        return Err(taken());
    }
    let addresses = plan.subnet.map(|subnet| Ipam {
        driver: None,
        config: Some(vec![IpamConfig {
            subnet: Some(subnet.to_string()),
            // Without it Docker 20.10 does not say the gateway afterwards, and k3d gives up (k3d#1018).
            gateway: Some(subnet.gateway().to_string()),
            ..IpamConfig::default()
        }]),
        options: None,
    });
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        ipam: addresses,
        options: Some(HashMap::from([(
            "com.docker.network.bridge.enable_ip_masquerade".to_owned(),
            "true".to_owned(),
        )])),
        labels: Some(plan.marked()),
        ..NetworkCreateRequest::default()
    };
    let made = docker.create_network(request).await;
    let made = made.map_err(|error| match status(&error) {
        Some(409) => taken(),
        _ => no_network(plan, &words(&error)),
    })?;
    let others = ids_of(docker, name).await?;
    if others.iter().any(|id| *id != made.id) {
        // Ours goes again; if that fails it carries the mark, and the caller finds it.
        let _ = docker.remove_network(&made.id).await;
        return Err(taken());
    }
    Ok(())
}

fn no_network(plan: &NetworkPlan<'_>, why: &str) -> ProviderError {
    let message = format!("Docker could not make network {}: {why}", plan.name);
    let error = ProviderError::new(Fault::Permanent, message);
    if why.contains("overlaps") {
        return error
            .hint("choose another subnet; `docker network ls` and `ip route` show what is taken");
    }
    if why.contains("non-overlapping") {
        return error.hint("every address pool is in use: docker network prune");
    }
    error
}

async fn ids_of(docker: &Docker, name: &str) -> Result<Vec<String>, ProviderError> {
    let listed = networks(docker).await;
    let listed = listed.map_err(|error| error.in_step("list its networks"))?;
    let same = listed.into_iter().filter(|network| network.name == name);
    Ok(same.map(|network| network.id.as_str().to_owned()).collect())
}

/// Makes a volume. Docker hands out one that is there already without a word, so the mark on it is looked at.
pub(super) async fn volume_of(
    docker: &Docker,
    plan: &NetworkPlan<'_>,
) -> Result<(), ProviderError> {
    let name = &plan.name;
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        driver: Some("local".to_owned()),
        labels: Some(plan.marked()),
        ..VolumeCreateRequest::default()
    };
    let made = docker.create_volume(request).await;
    let made = made.map_err(|error| failed(&format!("make volume {name}"), &error))?;
    if nonce(&volume(made).labels).as_ref() == Some(plan.nonce) {
        return Ok(());
    }
    let error = format!("a volume named {name} is there already");
    Err(ProviderError::new(Fault::NotOurs, error).hint(format!("docker volume inspect {name}")))
}

/// Proves that an image is on the engine.
pub(super) async fn image(docker: &Docker, image: &str) -> Result<(), ProviderError> {
    match docker.inspect_image(image).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => {
            let message = format!("image {image} is not on the engine");
            let hint = format!("docker pull {image}");
            Err(ProviderError::new(Fault::Permanent, message).hint(hint))
        }
        Err(error) => Err(failed(&format!("look for image {image}"), &error)),
    }
}
