//! The hand on the machine itself: the engine, the host's ports, the clock, and what is scripted to go wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use super::instruction::{Health, Instruction};
use super::journal::Journal;
use super::state::{ENGINE, State};
use super::things::{Container, NetworkKind};
use super::tool::Tool;
use super::{Sandbox, SandboxError};
use crate::model::{ContainerId, NodeState, Port};

/// How an engine can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Nothing listens.
    NotReady,
    /// It listens and says nothing.
    Silent,
}

impl Sandbox {
    /// The engine goes down; what runs goes on.
    pub fn engine_down(&self, outage: Outage) -> Result<(), SandboxError> {
        self.set_health(
            ENGINE,
            match outage {
                Outage::NotReady => Health::Down,
                Outage::Silent => Health::Silent,
            },
        )
    }

    /// The engine answers again.
    pub fn engine_up(&self) -> Result<(), SandboxError> {
        self.set_health(ENGINE, Health::Up)
    }

    /// The engine restarts: addresses are dealt again, and a stopped kind node comes back.
    pub fn restart_engine(&self) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            restart(state);
            Ok(())
        })
    }

    /// Another engine answers from now on. Its clusters have the same names, marks, ports and networks; only the
    /// identities, its own and its containers', tell.
    pub fn replace_engine(&self) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            state.engine = state.fresh_engine();
            for at in 0..state.containers.len() {
                let id = ContainerId::new(state.fresh_id());
                if let Some(container) = state.containers.get_mut(at) {
                    container.id = id;
                }
            }
            Ok(())
        })
    }

    /// Another engine answers from now on, on which nobody lives. Says which containers are on the old one.
    pub fn swap_engine(&self) -> Result<BTreeSet<ContainerId>, SandboxError> {
        let mut living = BTreeSet::new();
        self.by_hand(|state| {
            living.extend(
                state
                    .containers
                    .iter()
                    .map(|container| container.id.clone()),
            );
            state.engine = state.fresh_engine();
            state.containers.clear();
            state
                .networks
                .retain(|network| network.kind == NetworkKind::Builtin);
            state.volumes.clear();
            Ok(())
        })?;
        Ok(living)
    }

    /// A process of the host listens on a port.
    pub fn listen(&self, port: Port) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let taken = state
                .containers
                .iter()
                .any(|c| c.is_active() && c.ports.values().any(|own| *own == port));
            if taken || !state.listeners.insert(port) {
                return Err(SandboxError::Refused(format!("port {port} is taken")));
            }
            Ok(())
        })
    }

    /// The process ends.
    pub fn stop_listening(&self, port: Port) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            state.listeners.remove(&port);
            Ok(())
        })
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) -> Result<(), SandboxError> {
        self.vault.set_time(|time| time.advance(duration))
    }

    /// Sets how many real seconds a second of waiting takes: 1 is real, 0 is none. A new file has 0.1, a world in
    /// memory 0.
    pub fn set_pace(&self, pace: f64) -> Result<(), SandboxError> {
        if !(0.0..=1000.0).contains(&pace) {
            return Err(SandboxError::Refused(format!(
                "{pace} is no pace: 0 to 1000 is"
            )));
        }
        self.vault.set_time(|time| time.pace = pace)
    }

    /// Obeys one sentence of the grammar of [`Instruction`].
    pub fn tell(&self, sentence: &str) -> Result<(), SandboxError> {
        self.obey(sentence.parse()?)
    }

    /// Obeys.
    pub fn obey(&self, instruction: Instruction) -> Result<(), SandboxError> {
        match instruction {
            Instruction::State { source, health } => self.set_health(&source, health),
            Instruction::Fault(fault) => self.by_hand(|state| {
                state.faults.push(fault);
                Ok(())
            }),
        }
    }

    /// What is scripted to go wrong and has not run out, as sentences.
    pub fn faults(&self) -> Result<Vec<String>, SandboxError> {
        self.vault
            .read(|state| state.faults.iter().map(ToString::to_string).collect())
    }

    /// Takes one of [`faults`](Self::faults) back, by its place there.
    pub fn forget_fault(&self, place: usize) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            if place >= state.faults.len() {
                return Err(SandboxError::Refused(format!("there is no fault {place}")));
            }
            state.faults.remove(place);
            Ok(())
        })
    }

    /// Takes all of them back; sources that are down stay down.
    pub fn forget_faults(&self) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            state.faults.clear();
            Ok(())
        })
    }

    /// What was changed through the ports.
    pub fn journal(&self) -> Result<Journal, SandboxError> {
        self.vault.read(|state| state.journal.clone())
    }

    /// Begins the journal anew.
    pub fn clear_journal(&self) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            state.journal = Journal::default();
            Ok(())
        })
    }

    fn set_health(&self, source: &str, health: Health) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            match health {
                Health::Up => state.health.remove(source),
                _ => state.health.insert(source.to_owned(), health),
            };
            Ok(())
        })
    }
}

/// What comes back does so in the opposite order, with addresses dealt anew: nobody may count on keeping one. A port
/// that somebody took meanwhile keeps its old owner down.
fn restart(state: &mut State) {
    let back: Vec<_> = state
        .containers
        .iter()
        .rev()
        .filter(|c| comes_back(c))
        .map(|c| (c.id.clone(), c.address))
        .collect();
    for container in &mut state.containers {
        container.address = None;
        if container.is_active() {
            container.state = NodeState::Exited;
        }
    }
    for (id, old) in back {
        let ports = state.container(&id).map(|c| c.ports.clone());
        let free = |port| state.port_is_free(port, &id).is_ok();
        if ports.unwrap_or_default().into_values().all(free) {
            state.run(&id, old);
        }
    }
}

/// k3d's nodes have the policy `unless-stopped`, kind's `on-failure`, and a kind node that is stopped fails.
fn comes_back(container: &Container) -> bool {
    let kind = container
        .member
        .as_ref()
        .is_some_and(|member| Tool::of(&member.of.provider) == Some(Tool::Kind));
    container.is_active() || (kind && container.state == NodeState::Exited)
}
