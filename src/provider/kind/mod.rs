//! kind: kubeadm in Docker.
//!
//! In: orders. Out: calls of `kind create`, and a cluster whose every part carries the order's nonce from its first
//! moment on. Everything else needs no tool.
//! Must not: let kind roll back, touch the user's kubeconfig, or take the shared network `kind` for anybody's.
//!
//! kind can put no label on its nodes. The mark is a read-only mount of an empty folder whose path inside the node
//! carries the nonce: Docker's list shows it. A cluster with a subnet gets a labelled network of its own, made here.

mod apply;
mod observe;
mod wire;

pub(super) use apply::Kind;
pub(super) use observe::KindDialect;

#[cfg(test)]
mod tests;
