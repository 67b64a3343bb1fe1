//! The scheduler: which steps may run now. It has no I/O, no clock and no threads.

use std::collections::BTreeMap;

use crate::model::ProviderId;
use crate::plan::{ActionKind, Plan, StepId};

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Waits for others, or for a place.
    Pending,
    /// Was handed out.
    Running,
    /// Succeeded.
    Done,
    /// Did not.
    Failed,
    /// Will not run, because that one did not succeed.
    Skipped(StepId),
    /// Will not run, because the run was cancelled.
    Cancelled,
}

/// How many steps that weigh little may run at once: each asks the engine for a handful of lists, over as many
/// connections.
const LIGHT: usize = 16;

/// How many steps may run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// Of all kinds that weigh: creating, starting and waiting for a cluster.
    pub heavy: usize,
    /// Of those, per provider; a provider that is not listed has no cap of its own.
    pub per_provider: BTreeMap<ProviderId, usize>,
}

/// The state of a plan that is being executed.
#[derive(Debug)]
pub struct Scheduler<'p> {
    plan: &'p Plan,
    caps: Caps,
    states: Vec<StepState>,
    stopped: bool,
}

impl<'p> Scheduler<'p> {
    /// Nothing has run yet.
    pub fn new(plan: &'p Plan, caps: Caps) -> Self {
        Self {
            plan,
            caps,
            states: vec![StepState::Pending; plan.steps.len()],
            stopped: false,
        }
    }

    /// The steps that may run now, in the plan's order. They count as running from here on.
    pub fn take_ready(&mut self) -> Vec<StepId> {
        let mut taken = Vec::new();
        if self.stopped {
            return taken;
        }
        for step in &self.plan.steps {
            let waits = step
                .after
                .iter()
                .any(|before| self.state(*before) != StepState::Done);
            if self.state(step.id) == StepState::Pending && !waits && self.has_place(step.id) {
                self.states[step.id.0] = StepState::Running;
                taken.push(step.id);
            }
        }
        taken
    }

    /// A step ended. What waits for a failed one, however far behind it, is skipped.
    pub fn finish(&mut self, id: StepId, succeeded: bool) {
        self.states[id.0] = if succeeded {
            StepState::Done
        } else {
            StepState::Failed
        };
        // Steps stand after all they wait for, so one pass reaches everything behind the failed one.
        for step in &self.plan.steps {
            let cause = step
                .after
                .iter()
                .find_map(|before| match self.state(*before) {
                    StepState::Failed => Some(*before),
                    StepState::Skipped(root) => Some(root),
                    _ => None,
                });
            if let (StepState::Pending, Some(cause)) = (self.state(step.id), cause) {
                self.states[step.id.0] = StepState::Skipped(cause);
            }
        }
    }

    /// Hands out nothing more: what is pending is cancelled, what runs may end.
    pub fn stop(&mut self) {
        self.stopped = true;
        for state in &mut self.states {
            if *state == StepState::Pending {
                *state = StepState::Cancelled;
            }
        }
    }

    /// Whether nothing runs and nothing will.
    pub fn is_done(&self) -> bool {
        !self
            .states
            .iter()
            .any(|state| matches!(state, StepState::Pending | StepState::Running))
    }

    /// Where a step is.
    pub fn state(&self, id: StepId) -> StepState {
        self.states
            .get(id.0)
            .copied()
            .unwrap_or(StepState::Cancelled)
    }

    fn has_place(&self, id: StepId) -> bool {
        let Some(provider) = self.heavy(id) else {
            let running = self.plan.steps.iter().filter(|step| {
                self.state(step.id) == StepState::Running && self.heavy(step.id).is_none()
            });
            return running.count() < LIGHT;
        };
        let running = |only: Option<&ProviderId>| {
            let heavy = self
                .plan
                .steps
                .iter()
                .filter(|s| self.state(s.id) == StepState::Running);
            heavy
                .filter_map(|s| self.heavy(s.id))
                .filter(|p| only.is_none_or(|only| only == p))
                .count()
        };
        let cap = self
            .caps
            .per_provider
            .get(&provider)
            .copied()
            .unwrap_or(usize::MAX);
        running(None) < self.caps.heavy.max(1) && running(Some(&provider)) < cap.max(1)
    }

    /// The provider of a step that takes cores and memory.
    fn heavy(&self, id: StepId) -> Option<ProviderId> {
        let step = self.plan.step(id)?;
        let heavy = matches!(
            step.action.kind(),
            ActionKind::Create
                | ActionKind::Start
                | ActionKind::Await
                | ActionKind::Prepare
                | ActionKind::AddPorts
        );
        heavy
            .then(|| step.action.cluster().map(|id| id.provider))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClusterSpec, Ports};
    use crate::plan::{Action, Reason, ReasonCode, Step};

    /// A plan of creates with these edges.
    fn plan(edges: &[&[usize]]) -> Plan {
        let step = |place: usize, after: &[usize]| {
            let id = format!("k3d/c{place}")
                .parse()
                .unwrap_or_else(|e| unreachable!("{e}"));
            Step {
                id: StepId(place),
                action: Action::Create {
                    spec: ClusterSpec {
                        id,
                        subnet: None,
                        ports: Ports::default(),
                    },
                },
                after: after.iter().copied().map(StepId).collect(),
                reasons: vec![Reason::of(ReasonCode::MissingLive)],
                replaces: false,
                inferred: false,
            }
        };
        Plan {
            steps: edges
                .iter()
                .enumerate()
                .map(|(i, after)| step(i, after))
                .collect(),
            ..Plan::default()
        }
    }

    fn caps(heavy: usize) -> Caps {
        Caps {
            heavy,
            per_provider: BTreeMap::new(),
        }
    }

    #[test]
    fn a_step_waits_for_all_it_stands_after() {
        let plan = plan(&[&[], &[], &[0, 1]]);
        let mut s = Scheduler::new(&plan, caps(9));
        assert_eq!(s.take_ready(), [StepId(0), StepId(1)]);
        s.finish(StepId(0), true);
        assert_eq!(s.take_ready(), []);
        s.finish(StepId(1), true);
        assert_eq!(s.take_ready(), [StepId(2)]);
    }

    #[test]
    fn a_failure_skips_everything_behind_it_and_names_itself() {
        let plan = plan(&[&[], &[0], &[1], &[]]);
        let mut s = Scheduler::new(&plan, caps(9));
        s.take_ready();
        s.finish(StepId(0), false);
        assert_eq!(s.state(StepId(2)), StepState::Skipped(StepId(0)));
        s.finish(StepId(3), true);
        assert!(s.is_done());
    }

    #[test]
    fn no_more_run_at_once_than_there_are_places() {
        let plan = plan(&[&[], &[], &[]]);
        let mut s = Scheduler::new(&plan, caps(2));
        assert_eq!(s.take_ready().len(), 2);
        s.finish(StepId(0), false);
        assert_eq!(s.take_ready(), [StepId(2)]);
        let one = BTreeMap::from([(ProviderId::new("k3d"), 1)]);
        assert_eq!(
            Scheduler::new(
                &plan,
                Caps {
                    heavy: 9,
                    per_provider: one
                }
            )
            .take_ready()
            .len(),
            1
        );
    }

    #[test]
    fn light_steps_do_not_all_run_at_once() {
        let edges: Vec<&[usize]> = vec![&[]; LIGHT + 4];
        let mut plan = plan(&edges);
        for step in &mut plan.steps {
            step.action = Action::PruneRow {
                rowid: 1,
                shown: format!("c{}", step.id.0),
                snapshot: crate::model::RowSnapshot::default(),
            };
        }
        let mut s = Scheduler::new(&plan, caps(1));
        assert_eq!(s.take_ready().len(), LIGHT);
        s.finish(StepId(0), true);
        assert_eq!(s.take_ready(), [StepId(LIGHT)]);
    }

    #[test]
    fn stopping_cancels_what_is_pending_and_lets_the_rest_end() {
        let plan = plan(&[&[], &[0]]);
        let mut s = Scheduler::new(&plan, caps(1));
        s.take_ready();
        s.stop();
        assert_eq!(
            (s.state(StepId(1)), s.is_done()),
            (StepState::Cancelled, false)
        );
        s.finish(StepId(0), true);
        assert!(s.is_done() && s.take_ready().is_empty());
    }
}
