//! Puts a plan together: steps with their edges, in an order in which they could run one by one.

use std::collections::{BTreeMap, BTreeSet};

use super::cleaning;
use super::needs::Needs;
use super::rowless::plan_rest;
use super::rows::{invalid, plan_rows};
use super::situation::Situation;
use super::{
    Action, ActionKind, Held, HeldReason, Plan, PlanInput, Reason, Step, StepId, guards,
    registrations,
};
use crate::model::{Address, ClusterId, Desired, RegistrarId, Seen};

/// Plans.
pub(super) fn build(input: &PlanInput<'_>) -> Plan {
    // A clean asks no row: it is its own consent, and what it takes away is ours whatever the table says.
    let none = Desired::default();
    let mut input = *input;
    if input.policy.mode.clean.is_some() {
        input.desired = &none;
    }
    let mut plan = draft(&input).finish();
    if input.policy.mode.clean.is_none() {
        plan.refusals = guards::judge(&plan, &input);
    }
    plan
}

fn draft(input: &PlanInput<'_>) -> Draft {
    let mut draft = Draft::default();
    match &input.observed.engine {
        Seen::Unknown(unseen) => {
            draft.hold(
                Address::Source(unseen.source.clone()),
                HeldReason::SourceUnknown(unseen.clone()),
            );
            for row in &input.desired.rows {
                match &row.intent {
                    Ok(intent) => {
                        draft.hold(
                            Address::Cluster(intent.spec.id.clone()),
                            HeldReason::SourceUnknown(unseen.clone()),
                        );
                    }
                    Err(faults) => {
                        draft.hold(row.address(), invalid(&input.policy.scope, row, faults));
                    }
                }
            }
        }
        Seen::Known(engine) => {
            let situation = Situation::new(*input, engine);
            match input.policy.mode.clean {
                Some(clean) => cleaning::plan_clean(&mut draft, &situation, clean),
                None => {
                    let needs = Needs::of(&situation);
                    plan_rows(&mut draft, &situation, &needs);
                    plan_rest(&mut draft, &situation);
                    registrations::of_the_gone(&mut draft, &situation);
                    registrations::problems(&mut draft, &situation);
                }
            }
            registrations::link(&mut draft, input);
        }
    }
    draft
}

/// A plan that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    steps: Vec<Step>,
    held: Vec<Held>,
    late: BTreeSet<StepId>,
    waits: BTreeMap<StepId, BTreeSet<ClusterId>>,
}

impl Draft {
    /// Adds a step with one reason, after at most one other.
    pub(super) fn push(&mut self, action: Action, reason: Reason, after: Option<StepId>) -> StepId {
        self.push_all(action, vec![reason], after.into_iter().collect())
    }

    /// Adds a step with its reasons, after others.
    pub(super) fn push_all(
        &mut self,
        action: Action,
        reasons: Vec<Reason>,
        after: Vec<StepId>,
    ) -> StepId {
        let id = StepId(self.steps.len());
        self.steps.push(Step {
            id,
            action,
            after,
            reasons,
            replaces: false,
            inferred: false,
        });
        id
    }

    /// Leaves something alone, and says so.
    pub(super) fn hold(&mut self, address: Address, reason: HeldReason) {
        self.held.push(Held { address, reason });
    }

    /// Nobody asked for this deletion by name.
    pub(super) fn infer(&mut self, step: StepId) {
        if let Some(step) = self.steps.get_mut(step.0) {
            step.inferred = true;
        }
    }

    /// The step is part of a replacement.
    pub(super) fn replaces(&mut self, step: StepId) {
        if let Some(step) = self.steps.get_mut(step.0) {
            step.replaces = true;
        }
    }

    /// The step runs after every create, and a failed one cancels it, unless a create needs it.
    pub(super) fn late(&mut self, step: StepId) {
        self.late.insert(step);
    }

    /// How many steps there are.
    pub(super) fn count(&self) -> usize {
        self.steps.len()
    }

    /// The steps from this one on wait for all that are before it.
    pub(super) fn behind(&mut self, first: usize) {
        for step in self.steps.iter_mut().skip(first) {
            step.after.extend((0..first).map(StepId));
        }
    }

    /// These steps wait until these clusters are gone.
    pub(super) fn waits(&mut self, waits: impl Iterator<Item = (StepId, BTreeSet<ClusterId>)>) {
        self.waits.extend(waits);
    }

    /// Whether a registration is taken off already.
    pub(super) fn deregisters(&self, registrar: &RegistrarId, id: &ClusterId) -> bool {
        let address = Address::Registration(registrar.clone(), id.clone());
        self.steps
            .iter()
            .any(|s| s.action.kind() == ActionKind::Deregister && s.action.address() == address)
    }

    /// Each cluster's step in one registrar waits for its step of the same kind in another.
    pub(super) fn link(&mut self, first: &RegistrarId, then: &RegistrarId) {
        let of = |registrar: &RegistrarId| {
            let steps = self.steps.iter().filter_map(|step| match &step.action {
                Action::Register {
                    registrar: own, id, ..
                }
                | Action::Deregister {
                    registrar: own, id, ..
                } if own == registrar => Some(((step.action.kind(), id.clone()), step.id)),
                _ => None,
            });
            steps.collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (of(first), of(then));
        for (key, step) in after {
            self.steps[step.0].after.extend(before.get(&key));
        }
    }

    fn finish(mut self) -> Plan {
        let needed = self.wait_for_leavers();
        self.put_late(&needed);
        for step in &mut self.steps {
            step.after.sort_unstable();
            step.after.dedup();
        }
        self.held
            .sort_by(|a, b| (&a.address, a.reason.code()).cmp(&(&b.address, b.reason.code())));
        Plan {
            steps: in_order(self.steps),
            held: self.held,
            refusals: Vec::new(),
        }
    }

    /// Adds the edges from what leaves to what waits for it; says which steps are needed that way.
    fn wait_for_leavers(&mut self) -> BTreeSet<StepId> {
        let leavers: Vec<(ClusterId, StepId)> = self
            .steps
            .iter()
            .filter(|step| matches!(step.action.kind(), ActionKind::Delete | ActionKind::Sweep))
            .filter_map(|step| step.action.cluster().map(|id| (id, step.id)))
            .collect();
        let mut needed = BTreeSet::new();
        for (step, clusters) in std::mem::take(&mut self.waits) {
            for (_, leaver) in leavers
                .iter()
                .filter(|(id, leaver)| clusters.contains(id) && *leaver != step)
            {
                self.steps[step.0].after.push(*leaver);
                needed.insert(*leaver);
            }
        }
        needed
    }

    /// Late steps, and the inferred ones that lead to them, run after every create.
    fn put_late(&mut self, needed: &BTreeSet<StepId>) {
        let creates: Vec<StepId> = self
            .steps
            .iter()
            .filter(|s| s.action.kind() == ActionKind::Create)
            .map(|s| s.id)
            .collect();
        let mut late: BTreeSet<StepId> = self.late.difference(needed).copied().collect();
        let before: Vec<StepId> = late
            .iter()
            .flat_map(|id| self.steps[id.0].after.clone())
            .collect();
        late.extend(
            before
                .into_iter()
                .filter(|id| self.steps[id.0].inferred && !needed.contains(id)),
        );
        for id in late {
            self.steps[id.0].after.extend(&creates);
        }
    }
}

/// Sorts steps so that each stands after those it waits for, and renumbers them. Among those that could stand next,
/// the one that was drafted first does: the order says nothing that the edges do not say, and never changes.
fn in_order(steps: Vec<Step>) -> Vec<Step> {
    let mut place: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut left: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut out: Vec<Step> = Vec::with_capacity(left.len());
    loop {
        let before = out.len();
        for slot in &mut left {
            let ready = slot
                .as_ref()
                .is_some_and(|step| step.after.iter().all(|id| place.contains_key(id)));
            let Some(mut step) = (if ready { slot.take() } else { None }) else {
                continue;
            };
            place.insert(step.id, StepId(out.len()));
            step.id = StepId(out.len());
            step.after = step
                .after
                .iter()
                .filter_map(|id| place.get(id).copied())
                .collect();
            step.after.sort_unstable();
            out.push(step);
        }
        if out.len() == before {
            // Steps that wait for each other are a bug: they stay in the plan, so that the linter finds them.
            out.extend(left.into_iter().flatten());
            return out;
        }
    }
}
