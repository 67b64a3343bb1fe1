//! What follows a creation once: images into the nodes, manifests into the API.
//!
//! A tool's word that it loaded an image is advice: each node is asked for what it has.

use std::collections::BTreeSet;
use std::time::Duration;

use super::docker::DockerEngine;
use super::manifest::Manifests;
use super::settings::AfterCreate;
use super::{Access, ApiAddress, Fault, ProviderError, StepLog};
use crate::model::{ClusterView, NodeRole};

/// What a cluster is prepared with, by somebody who can load images into it.
pub(super) trait Preparing {
    /// Loads images of the engine into every node of a cluster.
    fn load(
        &self,
        view: &ClusterView,
        images: &[String],
        deadline: Duration,
        log: &dyn StepLog,
    ) -> impl Future<Output = Result<(), ProviderError>> + Send;

    /// How its API is reached.
    fn api(&self, view: &ClusterView)
    -> impl Future<Output = Result<Access, ProviderError>> + Send;
}

/// Proves what nothing of a cluster is needed for: the images are on the engine, the manifests can be read.
pub(super) async fn preflight(
    engine: &DockerEngine,
    all: &[AfterCreate],
) -> Result<(), ProviderError> {
    for one in all {
        for image in &one.images {
            loadable(image)?;
            engine.has_image(image).await?;
        }
        Manifests::read(&one.manifests)?;
    }
    Ok(())
}

/// Does it all, in the order of the configuration.
pub(super) async fn prepare(
    by: &impl Preparing,
    engine: &DockerEngine,
    all: &[AfterCreate],
    view: &ClusterView,
    deadline: Duration,
    log: &dyn StepLog,
) -> Result<(), ProviderError> {
    for one in all {
        if !one.images.is_empty() {
            for image in &one.images {
                engine.has_image(image).await?;
            }
            let loaded = by.load(view, &one.images, deadline, log).await;
            let lacking = lacking(engine, view, &one.images).await?;
            match (loaded, lacking.first()) {
                (_, None) => log.line(&format!("{} on every node", counted(one.images.len()))),
                (Err(error), Some(_)) => return Err(error),
                (Ok(()), Some(first)) => {
                    return Err(ProviderError::new(
                        Fault::Transient,
                        format!("the tool said it was done, and {first}"),
                    )
                    .hint("docker exec NODE ctr -n k8s.io images ls says what is there"));
                }
            }
        }
        if !one.manifests.is_empty() {
            let access = by.api(view).await?;
            Manifests::read(&one.manifests)?
                .apply(&ApiAddress::from(&access), one.wait, deadline, log)
                .await?;
        }
    }
    Ok(())
}

/// An image by its digest alone has no name once it is loaded.
fn loadable(image: &str) -> Result<(), ProviderError> {
    if !image.contains('@') {
        return Ok(());
    }
    let message = format!("image {image} is named by its digest, which does not come along");
    Err(ProviderError::new(Fault::Permanent, message)
        .hint("name it by its tag in after_create, and in the manifests too: one by digest is pulled all the same"))
}

fn counted(images: usize) -> String {
    match images {
        1 => "1 image is".to_owned(),
        more => format!("{more} images are"),
    }
}

/// Which node lacks which image.
async fn lacking(
    engine: &DockerEngine,
    view: &ClusterView,
    images: &[String],
) -> Result<Vec<String>, ProviderError> {
    let mut all = Vec::new();
    let runs_pods = |role: NodeRole| matches!(role, NodeRole::Server | NodeRole::Worker);
    for node in view.nodes.iter().filter(|node| runs_pods(node.role)) {
        let list = ["ctr", "--namespace=k8s.io", "images", "ls", "-q"].map(str::to_owned);
        let said = engine.listed(&node.id, &list).await?;
        if said.code != 0 {
            let message = format!("{} does not say which images it has", node.name);
            return Err(ProviderError::new(Fault::Transient, message));
        }
        let there: BTreeSet<String> = said.tail.iter().map(|line| full(line.trim())).collect();
        let absent = images.iter().filter(|image| !there.contains(&full(image)));
        all.extend(absent.map(|image| format!("{} does not have {image}", node.name)));
    }
    Ok(all)
}

/// An image's whole name, as containerd keeps it (distribution/reference `ParseNormalizedNamed`).
fn full(image: &str) -> String {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let is_host = first.contains(['.', ':']) || first == "localhost";
    let named = match (first, is_host) {
        ("", _) => format!("docker.io/library/{rest}"),
        (_, true) => image.to_owned(),
        (_, false) => format!("docker.io/{image}"),
    };
    let last = named.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) {
        named
    } else {
        format!("{named}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_by_digest_is_refused() {
        assert!(loadable("a/b:1").is_ok());
        let error = loadable("a/b:1@sha256:0").unwrap_err();
        assert!(error.hint.is_some_and(|hint| hint.contains("by its tag")));
    }

    #[test]
    fn an_image_is_the_same_however_short_its_name() {
        for (short, long) in [
            ("whoami", "docker.io/library/whoami:latest"),
            ("library/whoami", "docker.io/library/whoami:latest"),
            ("traefik/whoami:v1", "docker.io/traefik/whoami:v1"),
            ("docker.io/traefik/whoami:v1", "docker.io/traefik/whoami:v1"),
            ("localhost/x", "localhost/x:latest"),
            ("host:5000/x", "host:5000/x:latest"),
            ("ghcr.io/a/b@sha256:0", "ghcr.io/a/b@sha256:0"),
        ] {
            assert_eq!(full(short), long);
            assert_eq!(full(&full(short)), long);
        }
    }
}
