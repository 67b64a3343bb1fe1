//! k3d: k3s in Docker.
//!
//! In: orders. Out: calls of `k3d`, and a cluster whose every part carries the order's nonce from its first moment on.
//! Must not: let k3d roll back (it force-deletes foreign containers), touch the user's kubeconfig, or say its join token.
//!
//! k3d marks neither its network nor its image volume with anything that could be ours, and a crash between them and
//! the first node would leave both unowned. So both are made here first, under the names that k3d would choose, and k3d
//! takes them as they are. The price: for a network that it did not make k3d gives the server no static address (its
//! `subnet:` setting), so that the address can change when Docker restarts.

mod apply;
mod balancer;
mod observe;
mod wire;

pub(super) use apply::K3d;
pub(super) use observe::K3dDialect;

#[cfg(test)]
mod tests;
