//! A linter that did not write the plan: it runs before every execution and in every test.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, ActionKind, Plan, PlanInput, Step, StepId};
use crate::model::{
    Address, Clean, ClusterId, ClusterView, NetworkId, NodeState, NodeView, Ownership, Port,
    RegistrarId, Seen, VolumeId,
};

/// What is wrong with a plan. A plan with a violation is a bug and never runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A step without a reason.
    #[error("step {0} on {1} has no reason")]
    NoReason(usize, Address),
    /// A step that waits for itself, for a later one, or for one that does not exist.
    #[error("step {0} on {1} waits for a step that is not before it")]
    Order(usize, Address),
    /// Two steps on one thing, and nothing says which comes first.
    #[error("two steps on {0} with no order between them")]
    Unordered(Address),
    /// A step on something that could not be observed.
    #[error("a step on {0}, whose source is unknown")]
    BehindUnknown(Address),
    /// A deletion or change of something that is not ours.
    #[error("a {1:?} of {0}, which is not ours")]
    Foreign(Address, ActionKind),
    /// A deletion of another life than the one that is there.
    #[error("a {1:?} of {0} that does not name the life that is there")]
    WrongLife(Address, ActionKind),
    /// A creation of what is there already.
    #[error("a create of {0}, which is there")]
    Exists(Address),
    /// Two clusters that would get one host port.
    #[error("port {0} would go to {1} and to {2}")]
    PortTwice(u16, ClusterId, ClusterId),
    /// A row that is forgotten although its cluster was not proven gone.
    #[error("a prune of {0}, whose cluster is not proven gone")]
    RowOfLiving(Address),
    /// A step in a registrar that does not wait for the one that comes first.
    #[error("{0} does not wait for {1}")]
    TooEarly(Address, RegistrarId),
    /// A step in a registrar before the cluster is prepared.
    #[error("{0} does not wait until its cluster is prepared")]
    Unprepared(Address),
    /// A cluster that is deleted while its registrations stay.
    #[error("a delete of {0} before its registration in {1} is off")]
    StillRegistered(Address, RegistrarId),
    /// The management cluster is deleted by a run that was not asked for that, or before everything else is gone.
    #[error("a delete of {0}, the management cluster, out of its turn")]
    ManagementLeaves(Address),
    /// A change outside of what the run may change.
    #[error("a step on {0}, which --only or --exclude leaves out")]
    OutOfScope(Address),
}

/// Everything that is wrong with a plan.
pub fn check(plan: &Plan, input: &PlanInput<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let reach = reachable(plan, &mut found);
    unordered(plan, &reach, &mut found);
    for step in &plan.steps {
        sources(step, input, &mut found);
        ownership(step, plan, &reach, input, &mut found);
        scope(step, input, &mut found);
    }
    ports(plan, input, &mut found);
    registrars(plan, &reach, input, &mut found);
    preparations(plan, &reach, input, &mut found);
    own_ports(plan, input, &mut found);
    found
}

/// For each step, every step that surely ran before it.
fn reachable(plan: &Plan, found: &mut Vec<Violation>) -> Vec<BTreeSet<StepId>> {
    let mut reach: Vec<BTreeSet<StepId>> = Vec::with_capacity(plan.steps.len());
    for (place, step) in plan.steps.iter().enumerate() {
        if step.reasons.is_empty() {
            found.push(Violation::NoReason(place, step.action.address()));
        }
        if step.id.0 != place || step.after.iter().any(|before| before.0 >= place) {
            found.push(Violation::Order(place, step.action.address()));
        }
        let before = step.after.iter().filter(|before| before.0 < place);
        let all = before
            .flat_map(|b| reach[b.0].iter().copied().chain([*b]))
            .collect();
        reach.push(all);
    }
    reach
}

/// A step in a registrar comes after its like in each registrar that comes first there.
fn registrars(
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let place = |step: &Step| match &step.action {
        Action::Register { registrar, id, .. } | Action::Deregister { registrar, id, .. } => {
            Some((registrar.clone(), id.clone()))
        }
        _ => None,
    };
    for step in &plan.steps {
        let Some((registrar, id)) = place(step) else {
            continue;
        };
        let view = input.observed.registrars.get(&registrar);
        let view = view.and_then(Seen::known);
        let first = view.into_iter().flat_map(|view| &view.after);
        let late = first.filter(|first| {
            let like = |other: &&Step| {
                other.action.kind() == step.action.kind()
                    && place(other) == Some(((*first).clone(), id.clone()))
            };
            let other = plan.steps.iter().find(like);
            other.is_some_and(|other| !reach[step.id.0].contains(&other.id))
        });
        found.extend(late.map(|first| Violation::TooEarly(step.action.address(), first.clone())));
    }
}

/// A cluster is prepared after it was made, and registered after that, but for where people reach it meanwhile.
fn preparations(
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let early = |registrar: &RegistrarId| {
        let seen = input.observed.registrars.get(registrar);
        seen.and_then(Seen::known).is_some_and(|view| view.early)
    };
    let prepares = |step: &Step, id: &ClusterId| matches!(&step.action, Action::Prepare { id: own, .. } if own == id);
    for step in &plan.steps {
        let Action::Register { registrar, id, .. } = &step.action else {
            continue;
        };
        let first = plan.steps.iter().find(|other| prepares(other, id));
        if !early(registrar) && first.is_some_and(|first| !reach[step.id.0].contains(&first.id)) {
            found.push(Violation::Unprepared(step.action.address()));
        }
    }
}

fn unordered(plan: &Plan, reach: &[BTreeSet<StepId>], found: &mut Vec<Violation>) {
    let mut by_thing: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
    for (place, step) in plan.steps.iter().enumerate() {
        by_thing
            .entry(step.action.address())
            .or_default()
            .push(place);
    }
    for (thing, places) in by_thing {
        if places
            .windows(2)
            .any(|pair| !reach[pair[1]].contains(&StepId(pair[0])))
        {
            found.push(Violation::Unordered(thing));
        }
    }
}

fn sources(step: &Step, input: &PlanInput<'_>, found: &mut Vec<Violation>) {
    let address = step.action.address();
    let registrar = match &step.action {
        Action::Register { registrar, .. } | Action::Deregister { registrar, .. } => {
            Some(registrar)
        }
        _ => None,
    };
    let known = |r: &RegistrarId| input.observed.registrars.get(r).and_then(Seen::known);
    let silent = |r: &RegistrarId| {
        let seen = input.observed.registrars.get(r);
        seen.is_some_and(|seen| seen.known().is_none())
    };
    let hidden = registrar.is_some_and(|r| match known(r) {
        // What goes there goes after what may still be elsewhere.
        Some(view) => step.action.kind() == ActionKind::Deregister && view.after.iter().any(silent),
        None => true,
    });
    if input.observed.engine.known().is_none() || hidden {
        found.push(Violation::BehindUnknown(address));
    }
}

fn ownership(
    step: &Step,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let (address, kind) = (step.action.address(), step.action.kind());
    let Some(engine) = input.observed.engine.known() else {
        return;
    };
    match &step.action {
        Action::Delete { id, .. } => {
            deletion(step, input, found);
            management(step, id, plan, reach, input, found);
            if !step.replaces || !input.desired.intents().any(|(_, i)| i.spec.id == *id) {
                still_registered(step, id, plan, reach, input, found);
            }
        }
        Action::Start { .. }
        | Action::Stop { .. }
        | Action::Await { .. }
        | Action::AddPorts { .. }
        | Action::Prepare { .. } => change(step, plan, reach, input, found),
        Action::Sweep {
            id,
            networks,
            volumes,
        } => {
            let (own_networks, own_volumes) = input.ledger.leftovers(id, &engine.facts);
            let network = |n: &NetworkId| own_networks.iter().any(|own| own.id == *n);
            let volume = |v: &VolumeId| own_volumes.iter().any(|own| own.id == *v);
            let listed = networks.iter().all(network) && volumes.iter().all(volume);
            if !listed || live(input, id).is_some() {
                found.push(Violation::Foreign(address, kind));
            }
        }
        Action::Create { spec } => {
            let cleared = before(step, plan, reach, ActionKind::Delete, &spec.id);
            if live(input, &spec.id).is_some() && !cleared {
                found.push(Violation::Exists(address));
            }
        }
        Action::Deregister { registrar, id, .. }
            if input.ledger.registration(registrar, id).is_none() =>
        {
            found.push(Violation::Foreign(address, kind));
        }
        Action::PruneRow { rowid, .. } => rows(step, *rowid, plan, reach, input, found),
        Action::Adopt { .. } | Action::Register { .. } | Action::Deregister { .. } => {}
    }
}

/// The cluster, if a node of it is there.
fn live<'i>(input: &PlanInput<'i>, id: &ClusterId) -> Option<&'i ClusterView> {
    let view = input.observed.cluster(id);
    view.filter(|view| view.has_nodes())
}

/// A deletion names the entry that makes the cluster ours, and the life that is there.
fn deletion(step: &Step, input: &PlanInput<'_>, found: &mut Vec<Violation>) {
    let (address, kind) = (step.action.address(), step.action.kind());
    let Action::Delete {
        id,
        entry,
        incarnation,
        ..
    } = &step.action
    else {
        return;
    };
    let there = live(input, id);
    let owner = there.map(|view| input.ledger.ownership(view));
    if !matches!(owner, Some(Ownership::Ours(by)) if by.key == *entry) {
        found.push(Violation::Foreign(address.clone(), kind));
    }
    if there.is_some_and(|view| view.incarnation != *incarnation) {
        found.push(Violation::WrongLife(address, kind));
    }
}

/// The management cluster goes in a clean of everything alone, once every other cluster and registration is gone.
fn management(
    step: &Step,
    id: &ClusterId,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    if id.name != input.policy.management {
        return;
    }
    let own = |other: &Step| {
        other
            .action
            .cluster()
            .is_some_and(|other| other.name == id.name)
    };
    let mut others = plan.steps.iter().filter(|other| !own(other));
    if input.policy.mode.clean != Some(Clean::Everything)
        || others.any(|other| !reach[step.id.0].contains(&other.id))
    {
        found.push(Violation::ManagementLeaves(step.action.address()));
    }
}

/// What is changed is ours and of the life that is there, or made by the plan itself.
fn change(
    step: &Step,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let (address, kind) = (step.action.address(), step.action.kind());
    let (id, named, taken) = match &step.action {
        Action::Start { id, incarnation }
        | Action::Stop { id, incarnation }
        | Action::Await { id, incarnation }
        | Action::AddPorts {
            id, incarnation, ..
        } => (id, Some(incarnation), input.policy.adopt.contains(id)),
        Action::Prepare { id, incarnation } => {
            let made = before(step, plan, reach, ActionKind::Create, id);
            if made && incarnation.is_none() {
                return;
            }
            (id, incarnation.as_ref().filter(|_| !made), false)
        }
        _ => return,
    };
    let there = live(input, id);
    let ours = there.is_some_and(|view| matches!(input.ledger.ownership(view), Ownership::Ours(_)));
    if !ours && !taken && named.is_some() {
        found.push(Violation::Foreign(address.clone(), kind));
    }
    if named.is_none() || there.and_then(|view| view.incarnation.as_ref()) != named {
        found.push(Violation::WrongLife(address, kind));
    }
}

/// Whether a step of this kind on this cluster surely ran before.
fn before(
    step: &Step,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    kind: ActionKind,
    id: &ClusterId,
) -> bool {
    let mut before = reach[step.id.0].iter().filter_map(|id| plan.step(*id));
    before.any(|one| one.action.kind() == kind && one.action.cluster().as_ref() == Some(id))
}

fn still_registered(
    step: &Step,
    id: &ClusterId,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let before: BTreeSet<Address> = reach[step.id.0]
        .iter()
        .filter_map(|id| plan.step(*id))
        .filter(|before| before.action.kind() == ActionKind::Deregister)
        .map(|before| before.action.address())
        .collect();
    for (registrar, seen) in &input.observed.registrars {
        let there = seen
            .known()
            .is_none_or(|view| !view.attached && view.entries.contains_key(id));
        let off = before.contains(&Address::Registration(registrar.clone(), id.clone()));
        if goes_along(plan, input, registrar) {
            continue;
        }
        if there && input.ledger.registration(registrar, id).is_some() && !off {
            found.push(Violation::StillRegistered(
                step.action.address(),
                registrar.clone(),
            ));
        }
    }
}

/// What lives in the management cluster goes with it, after everything else.
fn goes_along(plan: &Plan, input: &PlanInput<'_>, registrar: &RegistrarId) -> bool {
    let host = input.policy.hosted.get(registrar);
    let deletes = plan
        .steps
        .iter()
        .filter(|step| step.action.kind() == ActionKind::Delete);
    let mut leaving = deletes.filter_map(|step| step.action.cluster());
    host.is_some_and(|host| leaving.any(|id| id == *host))
}

fn rows(
    step: &Step,
    rowid: i64,
    plan: &Plan,
    reach: &[BTreeSet<StepId>],
    input: &PlanInput<'_>,
    found: &mut Vec<Violation>,
) {
    let row = input.desired.rows.iter().find(|row| row.rowid == rowid);
    let Some(Ok(intent)) = row.map(|row| &row.intent) else {
        found.push(Violation::RowOfLiving(step.action.address()));
        return;
    };
    let id = &intent.spec.id;
    let deleted = before(step, plan, reach, ActionKind::Delete, id);
    let alive = input
        .observed
        .cluster(id)
        .is_some_and(|view| view.has_nodes());
    if id.name == input.policy.management || (alive && !deleted) {
        found.push(Violation::RowOfLiving(step.action.address()));
    }
}

fn scope(step: &Step, input: &PlanInput<'_>, found: &mut Vec<Violation>) {
    let address = step.action.address();
    let id = match (&step.action, address.cluster()) {
        (Action::PruneRow { rowid, .. }, _) => {
            let row = input.desired.rows.iter().find(|row| row.rowid == *rowid);
            row.and_then(|row| row.intent.as_ref().ok())
                .map(|intent| intent.spec.id.clone())
        }
        (_, id) => id.cloned(),
    };
    // A cluster that a row leaves for another provider goes with the row that names it.
    let included = |id: &ClusterId| input.policy.scope.includes(id) || step.replaces;
    if id.is_some_and(|id| !included(&id) || input.policy.in_progress.contains(&id))
        && !matches!(step.action, Action::Adopt { .. })
    {
        found.push(Violation::OutOfScope(address));
    }
}

/// A host port that a cluster publishes already cannot lead to a second place in it.
fn own_ports(plan: &Plan, input: &PlanInput<'_>, found: &mut Vec<Violation>) {
    for step in &plan.steps {
        if let Action::AddPorts { id, ports, .. } = &step.action {
            let view = input.observed.cluster(id);
            let own = |port: &&Port| view.is_some_and(|v| v.ports.values().any(|p| p == *port));
            let twice = ports.values().filter(own);
            found
                .extend(twice.map(|port| Violation::PortTwice(port.get(), id.clone(), id.clone())));
        }
    }
}

/// One owner per host port, among those that this plan makes and those that stay.
fn ports(plan: &Plan, input: &PlanInput<'_>, found: &mut Vec<Violation>) {
    let leaves = |id: &ClusterId| {
        plan.steps.iter().any(|s| {
            s.action.kind() == ActionKind::Delete && s.action.cluster().as_ref() == Some(id)
        })
    };
    let mut owners: BTreeMap<Port, ClusterId> = BTreeMap::new();
    let mut claim = |port: Port, id: &ClusterId| match owners.get(&port) {
        Some(other) if other != id => {
            found.push(Violation::PortTwice(port.get(), other.clone(), id.clone()));
        }
        _ => {
            owners.insert(port, id.clone());
        }
    };
    let wanted = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Create { spec } => Some((spec.id.clone(), spec.ports.published())),
        Action::AddPorts { id, ports, .. } => Some((id.clone(), ports.clone())),
        _ => None,
    });
    let wanted: Vec<_> = wanted.collect();
    // Who has a port until it is deleted and made again has it all the time: others only ask for it.
    let kept = |port: Port| {
        let mut own = wanted
            .iter()
            .filter(|(_, ports)| ports.values().any(|p| *p == port));
        own.any(|(id, _)| {
            input.observed.cluster(id).is_some_and(|view| {
                let up = |node: &NodeView| {
                    use NodeState::{Paused, Restarting, Running};
                    matches!(node.state, Running | Paused | Restarting)
                };
                view.nodes.iter().any(up) && view.ports.values().any(|p| *p == port)
            })
        })
    };
    for (id, ports) in &wanted {
        ports.values().for_each(|port| claim(*port, id));
    }
    let taken: BTreeSet<Port> = wanted
        .iter()
        .flat_map(|(_, ports)| ports.values().copied())
        .collect();
    let bindings = input
        .observed
        .engine
        .known()
        .into_iter()
        .flat_map(|engine| &engine.facts.bindings);
    for binding in bindings.filter(|binding| taken.contains(&binding.port)) {
        if let Some(id) = binding
            .cluster
            .as_ref()
            .filter(|id| !leaves(id) && !kept(binding.port))
        {
            claim(binding.port, id);
        }
    }
}
