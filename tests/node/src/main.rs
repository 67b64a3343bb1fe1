//! One program that plays every part of a k3d or kind cluster, as far as `rollcall` can see it.
//!
//! The engine tests run the real Docker, the real k3d and the real kind, but no Kubernetes: the
//! images they start hold this program and a busybox. It prints what the tools wait for, answers
//! on the API port behind mutual TLS, and answers on the published ports with the cluster's name.
//!
//! ```text
//! argv[0] or argv[1] -> role -> kind | k3s | api | proxy | tools | ctr
//!                                 |     |     |
//!                                 +--+--+-----+-> cluster: pki, kubeconfig, http (router, api)
//! ```
//!
//! It must not pretend: `/readyz` says `ok` only when this very process serves, and a load
//! balancer without a living server forwards nothing.

mod api;
mod apiserver;
mod argocd;
mod cluster;
mod ctr;
mod dns;
mod edge;
mod error;
mod fault;
mod host;
mod http;
mod k3s;
mod kind;
mod kubeconfig;
#[cfg(test)]
mod loopback;
mod pki;
mod proxy;
mod role;
mod say;
mod shutdown;
mod tools;

use std::process::ExitCode;

use role::Role;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let Some((role, rest)) = Role::from_args(&args) else {
        say::complain(
            "usage: rollcall-node ROLE [ARGS]; roles: kind kubeadm k3s ctr proxy tools api",
        );
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say::complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(role.play(rest)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say::complain(&error::chain(&error));
            ExitCode::FAILURE
        }
    }
}
