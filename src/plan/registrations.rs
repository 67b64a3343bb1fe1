//! Registrations: in place for what stays, off first for what goes.

use std::collections::BTreeSet;

use super::builder::Draft;
use super::situation::{Live, Situation};
use super::{Action, ActionKind, Field, HeldReason, PlanInput, Reason, ReasonCode, StepId};
use crate::model::{
    Address, ClusterId, ClusterView, Desired, Incarnation, Obstacle, Port, PortMap, Preparation,
    RegistrarId, RegistrarView, RegistrationEntry, RegistrationView, Seen, Unseen,
};

/// What a present row's cluster will be when it is time to register it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Life<'a> {
    /// The life that is observed.
    Same(&'a ClusterView),
    /// The life that is observed, which gets these ports besides before that.
    Grown(&'a ClusterView, &'a PortMap),
    /// The life that is observed, being adopted in this plan: entries of its name come with it.
    Adopted(&'a ClusterView),
    /// A new one, made by this plan.
    New,
}

impl<'a> Life<'a> {
    /// The ports that are published when it is registered.
    fn ports(self, s: &Situation<'_>, id: &ClusterId) -> PortMap {
        match self {
            Self::Same(view) | Self::Adopted(view) => view.ports.clone(),
            Self::Grown(view, more) => view
                .ports
                .iter()
                .chain(more)
                .map(|(i, h)| (*i, *h))
                .collect(),
            Self::New => published(s.input.desired, id, None),
        }
    }

    /// The cluster as it is observed, if that is the life that is registered.
    fn seen(self) -> Option<&'a ClusterView> {
        match self {
            Self::Same(view) | Self::Grown(view, _) | Self::Adopted(view) => Some(view),
            Self::New => None,
        }
    }
}

/// Registers a present row's cluster wherever it is not, or not as it is.
pub(super) fn for_present<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    id: &'a ClusterId,
    life: Life<'_>,
    after: Option<StepId>,
) {
    let (prepared, unprepared) = prepare(draft, s, id, life, after);
    let mut sound = BTreeSet::new();
    for (registrar, seen) in in_order(s) {
        let address = Address::Registration(registrar.clone(), id.clone());
        let view = match seen {
            Seen::Unknown(unseen) => {
                draft.hold(address, HeldReason::SourceUnknown(unseen.clone()));
                continue;
            }
            Seen::Known(view) if !view.installed => {
                draft.hold(address, HeldReason::RegistrarNotInstalled);
                continue;
            }
            Seen::Known(view) => view,
        };
        if s.input.policy.leaves_out(registrar, id) {
            leave_out(draft, s, id, registrar, view);
            continue;
        }
        if !view.takes(&life.ports(s, id)) {
            // Nobody asked for it: `status` says so, and there is nothing to wait for.
            continue;
        }
        match due(s, id, life, registrar, view, &sound) {
            Due::Nothing => {
                sound.insert(registrar);
            }
            Due::Held(reason) => draft.hold(address, reason),
            Due::Register(_) if !s.input.policy.mode.repair => {
                let would = ActionKind::Register;
                draft.hold(address, HeldReason::BeyondMode { would });
                sound.insert(registrar);
            }
            Due::Register(_) if !view.early && unprepared.is_some() => {
                let held = unprepared.iter().cloned();
                held.for_each(|reason| draft.hold(address.clone(), reason));
            }
            Due::Register(reason) => {
                let after = if view.early { after } else { prepared };
                let action = Action::Register {
                    registrar: registrar.clone(),
                    id: id.clone(),
                    expected: view.entries.get(id).map(|entry| entry.fingerprint.clone()),
                };
                draft.push(action, reason, after);
                sound.insert(registrar);
            }
        }
    }
}

/// Plans what follows the creation of this life, if it is not done yet: the step that registrations wait for; else why
/// it is left alone, and they with it.
fn prepare(
    draft: &mut Draft,
    s: &Situation<'_>,
    id: &ClusterId,
    life: Life<'_>,
    after: Option<StepId>,
) -> (Option<StepId>, Option<HeldReason>) {
    let provider = s.input.policy.providers.get(&id.provider);
    let is_due = match life {
        Life::New => true,
        Life::Adopted(_) => false,
        Life::Same(_) | Life::Grown(..) => {
            matches!(s.live(id), Live::Ours(_, entry) if entry.preparation == Preparation::Due)
        }
    };
    if !is_due || !provider.is_some_and(|traits| traits.prepares) {
        return (after, None);
    }
    let address = Address::Cluster(id.clone());
    if !s.input.policy.mode.repair {
        let would = ActionKind::Prepare;
        draft.hold(address, HeldReason::BeyondMode { would });
        return (after, None);
    }
    if let Some((program, hint)) = s.missing_tool(id) {
        let (program, hint) = (program.to_owned(), hint.to_owned());
        let reason = HeldReason::ToolMissing { program, hint };
        draft.hold(address, reason.clone());
        return (after, Some(reason));
    }
    let action = Action::Prepare {
        id: id.clone(),
        incarnation: life.seen().and_then(|view| view.incarnation.clone()),
    };
    let step = draft.push(action, Reason::of(ReasonCode::Unprepared), after);
    (Some(step), None)
}

/// What one registration needs.
enum Due {
    /// Nothing: it is as it should be.
    Nothing,
    /// It is left alone.
    Held(HeldReason),
    /// It is to be written.
    Register(Reason),
}

fn due(
    s: &Situation<'_>,
    id: &ClusterId,
    life: Life<'_>,
    registrar: &RegistrarId,
    view: &RegistrarView,
    sound: &BTreeSet<&RegistrarId>,
) -> Due {
    if let Some(obstacle) = s.input.ledger.obstacle(registrar, view, id) {
        return Due::Held(HeldReason::RegistrarObstructed(obstacle.clone()));
    }
    let entry = view.entries.get(id);
    let ours = s.input.ledger.registration(registrar, id);
    let reason = match (entry, ours) {
        (None, _) => Reason::of(ReasonCode::Unregistered),
        (Some(_), None) if matches!(life, Life::Adopted(_)) => {
            Reason::of(ReasonCode::RequestedAdopt)
        }
        (Some(entry), None) if view.attached => match &entry.trouble {
            Some(trouble) => Reason::of(ReasonCode::RegistrationStale).fields(vec![state(trouble)]),
            None => return Due::Nothing,
        },
        (Some(entry), None) => {
            let endpoint = entry.endpoint.clone();
            return Due::Held(HeldReason::RegistrationNotOurs { endpoint });
        }
        (Some(entry), Some(ours)) => match stale(entry, ours, life) {
            Some(fields) => Reason::of(ReasonCode::RegistrationStale).fields(fields),
            None => return Due::Nothing,
        },
    };
    let on = |first: &&RegistrarId| s.input.observed.registrars.contains_key(*first);
    let mut first = view.after.iter().filter(on);
    match first.find(|first| !sound.contains(first)) {
        Some(first) => Due::Held(HeldReason::WaitsFor {
            registrar: first.clone(),
        }),
        None => Due::Register(reason),
    }
}

/// The registrars, each after those that come before it.
fn in_order<'a>(s: &Situation<'a>) -> Vec<(&'a RegistrarId, &'a Seen<RegistrarView>)> {
    let mut left: Vec<_> = s.registrars().collect();
    let mut all = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<&RegistrarId> = left.iter().map(|(id, _)| *id).collect();
        let is_ready = |(id, seen): &(&RegistrarId, &Seen<RegistrarView>)| {
            let after = seen.known().into_iter().flat_map(|view| &view.after);
            !after
                .into_iter()
                .any(|first| first != *id && waiting.contains(first))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        // Two that wait for each other wait for nobody.
        let stuck = ready.is_empty();
        all.extend(ready);
        left = if stuck {
            all.extend(rest);
            Vec::new()
        } else {
            rest
        };
    }
    all
}

/// Registrations, and their ends, wait for those of the same cluster that come first.
pub(super) fn link(draft: &mut Draft, input: &PlanInput<'_>) {
    for (registrar, seen) in &input.observed.registrars {
        let first = seen.known().into_iter().flat_map(|view| &view.after);
        for first in first {
            draft.link(first, registrar);
        }
    }
}

/// Takes the entry of ours off that the configuration does not want any more.
fn leave_out(
    draft: &mut Draft,
    s: &Situation<'_>,
    id: &ClusterId,
    registrar: &RegistrarId,
    view: &RegistrarView,
) {
    let ours = s.input.ledger.registration(registrar, id).is_some();
    // What is a part of the cluster, or of its entry elsewhere, goes with that.
    let entry = view
        .entries
        .get(id)
        .filter(|_| ours && !view.attached && !draft.deregisters(registrar, id));
    let Some(entry) = entry else {
        return;
    };
    let address = Address::Registration(registrar.clone(), id.clone());
    if let Some(unseen) = first_unknown(s, view) {
        draft.hold(address, HeldReason::SourceUnknown(unseen.clone()));
        return;
    }
    let stays = |first: &&RegistrarId| {
        let there = s
            .input
            .observed
            .registrars
            .get(*first)
            .and_then(Seen::known);
        there.is_some_and(|there| !there.attached && there.entries.contains_key(id))
            && s.input.policy.mode.repair
            && !draft.deregisters(first, id)
    };
    if let Some(first) = view.after.iter().find(stays) {
        let obstacle = Obstacle {
            what: format!("it stays in {first}: off here alone, what runs there would go along"),
            remedy: format!("name the cluster in {first}.except too, or take it off by hand"),
            of: Vec::new(),
        };
        draft.hold(address, HeldReason::RegistrarObstructed(obstacle));
        return;
    }
    if !s.input.policy.mode.repair {
        let would = ActionKind::Deregister;
        draft.hold(address, HeldReason::BeyondMode { would });
        return;
    }
    let action = Action::Deregister {
        registrar: registrar.clone(),
        id: id.clone(),
        expected: entry.fingerprint.clone(),
    };
    draft.push(action, Reason::of(ReasonCode::LeftOut), None);
}

/// The ports that a cluster has and those that its row asks for.
pub fn published(desired: &Desired, id: &ClusterId, view: Option<&ClusterView>) -> PortMap {
    let asked = desired.intents().find(|(_, intent)| intent.spec.id == *id);
    let mut ports = asked
        .map(|(_, intent)| intent.spec.ports.published())
        .unwrap_or_default();
    ports.extend(view.into_iter().flat_map(|view| view.ports.clone()));
    ports
}

/// What is not as it was registered, or not of the life that is there now.
fn stale(entry: &RegistrationView, ours: &RegistrationEntry, life: Life<'_>) -> Option<Vec<Field>> {
    let now = life.seen().and_then(|view| view.incarnation.as_ref());
    let mut fields = Vec::new();
    if now != Some(&ours.incarnation) {
        let new = now.map_or("a new one", Incarnation::short);
        fields.push(Field::new(
            "incarnation",
            Some(ours.incarnation.short()),
            Some(new),
        ));
    }
    let changed = entry.fingerprint.differences(&ours.fingerprint);
    fields.extend(
        changed
            .iter()
            .map(|(name, there, registered)| Field::new(name, there.as_ref(), registered.as_ref())),
    );
    if let (Some(view), true) = (life.seen(), fields.is_empty()) {
        fields.extend(elsewhere(entry, view));
    }
    fields.extend(entry.trouble.as_deref().map(state));
    (!fields.is_empty()).then_some(fields)
}

/// What is wrong with an entry besides what it says.
fn state(trouble: &str) -> Field {
    Field::new("state", Some(trouble), Some("sound"))
}

/// The ports of this host that an entry leads to and that are not the cluster's.
fn elsewhere<'v>(
    entry: &'v RegistrationView,
    view: &'v ClusterView,
) -> impl Iterator<Item = Field> + use<'v> {
    entry.leads_to.iter().filter_map(|(inside, host)| {
        let own = match *inside {
            // While it is unknown, nothing is elsewhere.
            Port::API => Some(view.api_port?),
            inside => view.ports.get(&inside).copied(),
        };
        (own != Some(*host)).then(|| Field::new(&format!("port to {inside}"), Some(host), own))
    })
}

/// Takes the registrations of a leaving cluster off first. `Err`: a registrar that may hold one cannot be seen, so
/// the cluster has to stay; what is held for it has been said.
pub(super) fn take_off<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    id: &'a ClusterId,
    reason: ReasonCode,
    inferred: bool,
) -> Result<Vec<StepId>, ()> {
    let ours = |registrar: &RegistrarId| {
        s.input.ledger.registration(registrar, id).is_some() && !s.goes_along(registrar)
    };
    let own = || s.registrars().filter(|(registrar, _)| ours(registrar));
    let hidden: Vec<_> = own()
        .filter_map(|(registrar, seen)| {
            let first = || first_unknown(s, seen.known()?);
            Some((registrar, seen.unknown().or_else(first)?))
        })
        .collect();
    for (registrar, unseen) in &hidden {
        let address = Address::Registration((*registrar).clone(), id.clone());
        draft.hold(address, HeldReason::SourceUnknown((*unseen).clone()));
    }
    if !hidden.is_empty() {
        return Err(());
    }
    let entries = s.registrars().filter(|(registrar, _)| ours(registrar));
    let entries = entries.filter_map(|(registrar, seen)| Some((registrar, entry_of(seen, id)?)));
    Ok(entries
        .map(|(registrar, entry)| {
            let expected = entry.fingerprint.clone();
            let action = Action::Deregister {
                registrar: registrar.clone(),
                id: id.clone(),
                expected,
            };
            let step = draft.push(action, Reason::of(reason), None);
            if inferred {
                draft.infer(step);
            }
            step
        })
        .collect())
}

/// An entry that has to be taken off.
fn entry_of<'v>(seen: &'v Seen<RegistrarView>, id: &ClusterId) -> Option<&'v RegistrationView> {
    let view = seen.known().filter(|view| !view.attached)?;
    view.entries.get(id)
}

/// A registrar that has to be known, because what it may still hold comes off first.
fn first_unknown<'a>(s: &Situation<'a>, view: &RegistrarView) -> Option<&'a Unseen> {
    let registrars = &s.input.observed.registrars;
    let mut first = view.after.iter().filter_map(|first| registrars.get(first));
    first.find_map(Seen::unknown)
}

/// What is wrong in a registrar and belongs to no cluster of ours.
pub(super) fn problems(draft: &mut Draft, s: &Situation<'_>) {
    for (registrar, seen) in s.registrars() {
        let ours = |id: &ClusterId| s.input.ledger.registration(registrar, id).is_some();
        let problems = seen.known().into_iter().flat_map(|view| &view.problems);
        for problem in problems.filter(|problem| !problem.of.iter().any(ours)) {
            draft.hold(
                Address::Source(registrar.to_string()),
                HeldReason::RegistrarObstructed(problem.clone()),
            );
        }
    }
}

/// Our registrations of clusters that are gone and that no row wants: off in a repair as in a prune.
pub(super) fn of_the_gone(draft: &mut Draft, s: &Situation<'_>) {
    for ours in &s.input.ledger.registrations {
        let id = &ours.cluster;
        // A stranger's cluster of another life took the place of ours: what we registered points to nothing.
        let gone = match s.live(id) {
            Live::Ours(..) => false,
            Live::Foreign(view, _) => {
                view.incarnation.as_ref() != Some(&ours.incarnation)
                    && !s.input.policy.adopt.contains(id)
            }
            Live::Absent | Live::Residue(_) | Live::ForeignResidue(_) => true,
        };
        if !gone
            || s.input.desired.wants(id)
            || s.is_unclear()
            || s.is_management(id)
            || s.goes_along(&ours.registrar)
            || !s.in_scope(id)
            || draft.deregisters(&ours.registrar, id)
        {
            continue;
        }
        let address = Address::Registration(ours.registrar.clone(), id.clone());
        match s.input.observed.registrars.get(&ours.registrar) {
            Some(Seen::Unknown(unseen)) => {
                draft.hold(address, HeldReason::SourceUnknown(unseen.clone()));
            }
            Some(seen @ Seen::Known(view)) => {
                let Some(entry) = entry_of(seen, id) else {
                    continue;
                };
                if let Some(unseen) = first_unknown(s, view) {
                    draft.hold(address, HeldReason::SourceUnknown(unseen.clone()));
                    continue;
                }
                let mode = s.input.policy.mode;
                if !mode.repair && !mode.prune.registrations && mode.clean.is_none() {
                    draft.hold(
                        address,
                        HeldReason::BeyondMode {
                            would: ActionKind::Deregister,
                        },
                    );
                    continue;
                }
                let expected = entry.fingerprint.clone();
                let action = Action::Deregister {
                    registrar: ours.registrar.clone(),
                    id: id.clone(),
                    expected,
                };
                let step = draft.push(action, Reason::of(ReasonCode::RegistrationOfGone), None);
                if !s.has_row(id) && mode.clean.is_none() {
                    draft.infer(step);
                    draft.late(step);
                }
            }
            None => {}
        }
    }
}
