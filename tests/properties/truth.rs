//! What is really true of a stage, asked of the world and of those who made it: never of the planner.

use std::collections::BTreeSet;

use rollcall::model::{
    ClusterId, ClusterView, Incarnation, Intent, Origin, Phase, Port, Preparation, Presence, Subnet,
};
use rollcall::plan::{Action, Class, Held, HeldReason, Plan, Step};
use rollcall::reconcile::Look;

use crate::draft::PROVIDERS;
use crate::stage::{Stage, kubeconfig};

/// What is left after a run that should be done: nothing, or what really cannot be done.
pub(crate) fn left_over(stage: &Stage, look: &Look) -> Vec<String> {
    let steps = look
        .plan
        .steps
        .iter()
        .filter(|step| !hopeless(look, step))
        .map(|step| format!("{:?} because {:?}", step.action, step.reasons));
    let held = look
        .plan
        .held
        .iter()
        .filter(|held| held.reason.class() == Class::Blocks && !really(stage, look, held))
        .map(|held| format!("{}: {:?} is not true", held.address, held.reason));
    let refused = look.plan.refusals.iter().map(|r| format!("refused: {r}"));
    let steps = steps.chain(held).chain(refused);
    steps.chain(unprepared(stage, look)).collect()
}

/// The lives that are written down as prepared and are not, or were made and never were to be prepared.
fn unprepared(stage: &Stage, look: &Look) -> Vec<String> {
    let entries = look.snapshot.ledger.entries.iter();
    let made = entries
        .filter(|entry| entry.origin == Origin::Made && entry.id.provider.as_str() == PROVIDERS[0]);
    let shown = stage.sandbox.show().unwrap().clusters;
    let prepared = |life: &Incarnation| {
        let mut shown = shown.iter();
        let found = shown.find(|cluster| cluster.incarnation.as_deref() == Some(life.short()));
        found.is_none_or(|cluster| cluster.prepared)
    };
    let wrong = made.filter(|entry| match entry.preparation {
        Preparation::None => true,
        Preparation::Due => false,
        Preparation::Done => !entry.incarnation.as_ref().is_none_or(prepared),
    });
    wrong
        .map(|entry| format!("{} is {:?} and not prepared", entry.id, entry.preparation))
        .collect()
}

/// A step that no run can do, because of what is on the machine: it fails and is planned again.
fn hopeless(look: &Look, step: &Step) -> bool {
    let Some(id) = step.action.cluster() else {
        return false;
    };
    let Some(engine) = look.observed.engine.known() else {
        return false;
    };
    let names: BTreeSet<&str> = engine
        .facts
        .networks
        .iter()
        .map(|network| network.name.as_str())
        .collect();
    match &step.action {
        // Its API hangs, and only a restart would help, which nobody asked for.
        Action::Await { .. } => look
            .observed
            .cluster(&id)
            .is_some_and(|view| view.phase == Phase::Running && view.probed),
        // A network of its name is somebody else's and bears no mark.
        Action::Create { .. } => names.contains(format!("{}-{}", id.provider, id.name).as_str()),
        // What it waits for is hopeless.
        Action::Register { .. } | Action::Prepare { .. } => step
            .after
            .iter()
            .filter_map(|before| look.plan.step(*before))
            .any(|before| hopeless(look, before)),
        _ => false,
    }
}

/// Whether somebody else has this port of the host.
fn is_held(look: &Look, port: Port, id: &ClusterId) -> bool {
    let Some(engine) = look.observed.engine.known() else {
        return false;
    };
    let bound = engine
        .facts
        .bindings
        .iter()
        .any(|binding| binding.port == port && binding.cluster.as_ref() != Some(id));
    let listening = engine
        .facts
        .listeners
        .as_ref()
        .is_some_and(|all| all.contains(&port));
    let mut own = engine
        .facts
        .bindings
        .iter()
        .filter(|binding| binding.port == port && binding.cluster.as_ref() == Some(id));
    bound || (listening && !own.any(|binding| is_up(look, id, &binding.container)))
}

fn is_up(look: &Look, id: &ClusterId, container: &str) -> bool {
    use rollcall::model::NodeState::{Paused, Restarting, Running};
    look.observed.cluster(id).is_some_and(|view| {
        view.nodes.iter().any(|node| {
            node.name == container && matches!(node.state, Running | Paused | Restarting)
        })
    })
}

/// Whether a thing that is held is held for a reason that is there.
fn really(stage: &Stage, look: &Look, held: &Held) -> bool {
    let id = held.address.cluster();
    let view = id.and_then(|id| look.observed.cluster(id));
    let intent = id.and_then(|id| intent_of(look, id));
    let foreign = id.is_some_and(|id| stage.is_strange(id));
    match &held.reason {
        HeldReason::NotOurs { .. } => foreign && view.is_some_and(ClusterView::has_nodes),
        HeldReason::ForeignResidue { .. } => foreign && view.is_some(),
        HeldReason::ProviderChanged { live } => {
            let lives = look.observed.cluster(live);
            lives.is_some_and(ClusterView::has_nodes)
                && !stage.is_strange(live)
                && id.is_some_and(|id| id.name == live.name && id.provider != live.provider)
                && !look.policy.replace.contains(live)
        }
        HeldReason::NeedsReplace { .. } => {
            let broken = view.is_some_and(|view| {
                matches!(view.phase, Phase::Partial | Phase::Restarting)
                    && !look.policy.replace_broken
            });
            let differs = view
                .zip(intent)
                .is_some_and(|(view, intent)| !has_what_it_asks(view, intent));
            broken || differs
        }
        HeldReason::InvalidRow { .. } => {
            let name = held.address.to_string();
            stage
                .flawed()
                .iter()
                .any(|flawed| name == format!("row/{flawed}"))
        }
        HeldReason::PortTaken { port, .. } => {
            let port = Port::parse(i64::from(*port)).unwrap();
            id.is_some_and(|id| is_held(look, port, id) || has_rival(look, id, port))
        }
        HeldReason::SubnetTaken { subnet, .. } => {
            let subnet = Subnet::parse(subnet).unwrap();
            id.is_some_and(|id| subnet_is_held(look, id, subnet))
        }
        HeldReason::BlockedByOrphan { orphan } => {
            let orphaned = intent_of(look, orphan).is_none() && !stage.is_strange(orphan);
            orphaned && !(look.policy.mode.prune.orphans && look.policy.scope.includes(orphan))
        }
        HeldReason::RegistrationNotOurs { .. } => {
            id.is_some_and(|id| stage.hand.wrote(id) || foreign)
        }
        HeldReason::InProgress => false,
        _ => true,
    }
}

fn intent_of<'l>(look: &'l Look, id: &ClusterId) -> Option<&'l Intent> {
    let mut intents = look.snapshot.desired.intents();
    intents
        .find(|(_, intent)| intent.spec.id == *id)
        .map(|(_, intent)| intent)
}

fn has_what_it_asks(view: &ClusterView, intent: &Intent) -> bool {
    let ports = intent.spec.ports.published();
    ports
        .iter()
        .all(|(inside, host)| view.ports.get(inside) == Some(host))
        && intent.spec.subnet.is_none_or(|s| view.subnet == Some(s))
}

fn has_rival(look: &Look, id: &ClusterId, port: Port) -> bool {
    look.snapshot
        .desired
        .intents()
        .filter(|(_, other)| other.spec.id != *id && other.presence == Presence::Present)
        .any(|(_, other)| other.spec.ports.published().values().any(|p| *p == port))
}

fn subnet_is_held(look: &Look, id: &ClusterId, subnet: Subnet) -> bool {
    let rival = look
        .snapshot
        .desired
        .intents()
        .filter(|(_, other)| other.spec.id != *id && other.presence == Presence::Present)
        .any(|(_, other)| other.spec.subnet.is_some_and(|s| s.overlaps(subnet)));
    let own: BTreeSet<_> = look
        .observed
        .cluster(id)
        .into_iter()
        .flat_map(|view| view.networks.iter().map(|network| network.id.clone()))
        .collect();
    let networks = look.observed.engine.known().into_iter();
    rival
        || networks
            .flat_map(|engine| &engine.facts.networks)
            .filter(|network| !own.contains(&network.id))
            .any(|network| network.subnet.is_some_and(|s| s.overlaps(subnet)))
}

/// What the rows ask for and the world does not have, apart from what is held.
pub(crate) fn unmet(stage: &Stage, look: &Look) -> Vec<String> {
    let mut unmet = Vec::new();
    for (_, intent) in look.snapshot.desired.intents() {
        let id = &intent.spec.id;
        let held = |plan: &Plan| {
            plan.held
                .iter()
                .any(|held| held.address.cluster() == Some(id))
                || plan
                    .steps
                    .iter()
                    .any(|step| step.action.cluster().as_ref() == Some(id))
        };
        if held(&look.plan) || id.name == look.policy.management {
            continue;
        }
        let view = stage.view(id);
        match (intent.presence, view) {
            (Presence::Present, Some(view)) => {
                let observed = look.observed.cluster(id);
                if observed.is_none_or(|view| view.phase != Phase::Ready) {
                    unmet.push(format!("{id} is not ready: {observed:?}"));
                }
                if stage.is_strange(id) {
                    unmet.push(format!("{id} is not ours"));
                }
                if !has_what_it_asks(&view, intent) {
                    unmet.push(format!("{id} is not what its row says: {view:?}"));
                }
                if let Err(why) = registered(stage, id) {
                    unmet.push(format!("{id} cannot be reached as registered: {why}"));
                }
            }
            (Presence::Present, None) => unmet.push(format!("{id} is not there")),
            (Presence::Absent, Some(view)) if !stage.is_strange(id) => {
                unmet.push(format!("{id} is there: {view:?}"));
            }
            (Presence::Absent, _) => {
                if look
                    .snapshot
                    .ledger
                    .registration(&kubeconfig(), id)
                    .is_some()
                {
                    unmet.push(format!("{id} is registered"));
                }
            }
        }
    }
    unmet
}

/// Whether the registered credentials open the cluster that lives now.
fn registered(stage: &Stage, id: &ClusterId) -> Result<(), String> {
    let world = stage.sandbox.world();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let registrar = &world.registrars[&kubeconfig()];
        let access = registrar.access(id).await.ok_or("no entry")?;
        world.prober.ready(id, &access).await
    })
}

/// What is ours, by the ledger, and named by no row: what a prune should have taken.
pub(crate) fn orphans(stage: &Stage, look: &Look) -> Vec<String> {
    let rows = look.snapshot.desired.rows.iter();
    let claimed: BTreeSet<_> = rows.filter_map(|row| row.claim.name()).collect();
    look.snapshot
        .ledger
        .entries
        .iter()
        .filter(|entry| {
            !claimed.contains(&entry.id.name) && entry.id.name != look.policy.management
        })
        .filter(|entry| {
            let held = &look.plan.held;
            !held
                .iter()
                .any(|held| held.address.cluster() == Some(&entry.id))
        })
        .filter(|entry| stage.view(&entry.id).is_some())
        .map(|entry| format!("{} is left", entry.id))
        .collect()
}
