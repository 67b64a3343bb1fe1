//! Where registrars are tried.

mod applicationset;
mod argocd;
mod haproxy;
mod kubeconfig;
mod network;
mod portainer;
mod sandbox;

pub(crate) use applicationset::InSet;
pub(crate) use argocd::{InArgoCd, kubeconfig, upstream};
pub(crate) use haproxy::InHaproxy;
pub(crate) use kubeconfig::InKubeconfig;
pub(crate) use network::OnNetworks;
pub(crate) use portainer::InPortainer;
pub(crate) use sandbox::InSandbox;
