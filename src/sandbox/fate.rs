//! Which scripted fault meets an operation.

use std::time::Duration;

use super::instruction::{Effect, Operation, ScriptedFault};
use super::state::State;
use crate::model::{ClusterId, RegistrarId};
use crate::provider::Fault;

/// What will happen to one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// How long it takes, if that was set.
    pub(super) takes: Option<Duration>,
    /// What goes wrong.
    pub(super) effect: Option<Effect>,
    /// What kind of failure it is.
    pub(super) fault: Option<Fault>,
    /// The sentence that says so.
    pub(super) because: String,
}

impl ScriptedFault {
    fn meets(
        &self,
        operation: Operation,
        registrar: Option<&RegistrarId>,
        cluster: Option<&ClusterId>,
    ) -> bool {
        let provider = cluster.map(|id| &id.provider);
        self.operation.is_none_or(|own| own == operation)
            && (self.registrar.is_none() || self.registrar.as_ref() == registrar)
            && (self.provider.is_none() || self.provider.as_ref() == provider)
            && (self.cluster.is_none() || self.cluster.as_ref() == cluster)
    }
}

impl State {
    /// The first fault about time and the first about anything else; both are counted down.
    pub(super) fn fate(
        &mut self,
        operation: Operation,
        registrar: Option<&RegistrarId>,
        cluster: Option<&ClusterId>,
    ) -> Fate {
        let mut fate = Fate::default();
        let met = self
            .faults
            .iter_mut()
            .filter(|fault| fault.meets(operation, registrar, cluster));
        for fault in met {
            match fault.effect {
                Effect::Takes(duration) if fate.takes.is_none() => fate.takes = Some(duration),
                Effect::Takes(_) => continue,
                effect if fate.effect.is_none() => {
                    fate.effect = Some(effect);
                    fate.because = fault.to_string();
                    fate.fault = Some(match fault.left {
                        Some(_) => Fault::Transient,
                        None => Fault::Permanent,
                    });
                }
                _ => continue,
            }
            fault.left = fault.left.map(|left| left.saturating_sub(1));
        }
        self.faults.retain(|fault| fault.left != Some(0));
        fate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Instruction;

    fn state(lines: &[&str]) -> State {
        let mut state = State::new(1);
        for line in lines {
            match line.parse().unwrap() {
                Instruction::Fault(fault) => state.faults.push(fault),
                Instruction::State { .. } => panic!("no fault: {line}"),
            }
        }
        state
    }

    #[test]
    fn a_counted_fault_is_transient_and_runs_out() {
        let mut state = state(&["create fails twice"]);
        let id = "k3d/dev".parse().unwrap();
        for _ in 0..2 {
            let fate = state.fate(Operation::Create, None, Some(&id));
            assert_eq!(fate.fault, Some(Fault::Transient));
        }
        assert_eq!(
            state.fate(Operation::Create, None, Some(&id)),
            Fate::default()
        );
        assert!(state.faults.is_empty());
    }

    #[test]
    fn a_fault_meets_only_what_it_names() {
        let mut state = state(&["create k3d/dev fails", "create kind takes 3s once"]);
        let (dev, other): (ClusterId, ClusterId) =
            ("k3d/dev".parse().unwrap(), "kind/dev".parse().unwrap());
        assert_eq!(
            state.fate(Operation::Start, None, Some(&dev)),
            Fate::default()
        );
        let slow = state.fate(Operation::Create, None, Some(&other));
        assert_eq!(
            (slow.takes, slow.effect),
            (Some(Duration::from_secs(3)), None)
        );
        let fate = state.fate(Operation::Create, None, Some(&dev));
        assert_eq!(fate.fault, Some(Fault::Permanent));
        assert_eq!(state.faults.len(), 1);
    }
}
