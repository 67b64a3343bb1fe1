//! The prober port: two requests to a cluster's API over TLS, with its own CA and client certificate.

use async_trait::async_trait;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams};

use super::api::{Busy, client, words};
use super::{Access, Prober};
use crate::model::ClusterId;

/// Asks real API servers.
pub(super) struct ApiProber;

#[async_trait]
impl Prober for ApiProber {
    async fn ready(&self, _id: &ClusterId, access: &Access) -> Result<(), String> {
        let client = client(&access.into(), Busy::Fail).await?;
        let readyz = Request::new("").get("readyz", &GetParams::default());
        let readyz = readyz.map_err(|error| words("/readyz", &error))?;
        let text = client.request_text(readyz).await;
        text.map_err(|error| words("/readyz", &error))?;
        // k3s answers /readyz to nobody without credentials, kubeadm to everybody: only a read proves that they are good.
        let one = ListParams::default().limit(1);
        let read = Request::new("/api/v1/namespaces").list(&one);
        let read = read.map_err(|error| words("namespaces", &error))?;
        let text = client.request_text(read).await;
        text.map_err(|error| words("namespaces", &error)).map(drop)
    }
}
