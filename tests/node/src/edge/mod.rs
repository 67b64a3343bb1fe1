//! Portainer's edge agent, acted out: wherever a deployment's template asks for one.
//!
//! ```text
//! deployments with EDGE=1, Secrets -> pod (what the agent was started with) -> agent: poll, again and again
//! ```
//!
//! An agent reads its name and its key when it is started and never again (portainer/agent
//! `os/options.go`): what is changed in the Secret afterwards reaches it with the next template.
//! It asks for its environment's status alone, with what it was answered last
//! (`edge/client/portainer_edge_client.go`); it opens no tunnel.

mod agent;
mod controller;
mod key;
mod pod;

pub(crate) use controller::run;

#[cfg(test)]
mod tests;
