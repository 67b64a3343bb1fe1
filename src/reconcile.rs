//! The loop: observe, plan, act, observe again.
//!
//! In: the ports, the store, a policy. Out: what was seen and planned ([`Look`]), or what was done ([`Run`]).
//! Must not: decide (that is `plan`), act (that is `execute`), print (that is `cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::execute::{
    Cancel, Context, Emitter, EventBody, FieldText, Outcome, Settings, StepResult, execute,
};
use crate::model::{
    ClusterId, Desired, EngineId, EntryState, Observed, Ownership, Phase, Policy, Presence, Row,
    Seen, Unseen, one_line,
};
use crate::observe::{Ask, observe};
use crate::plan::{ActionKind, Class, Plan, PlanInput, Violation, check, plan};
use crate::ports::World;
use crate::provider::ProviderError;
use crate::store::{Lease, RunId, Snapshot, StatusUpdate, Store, StoreError, WorldBinding};

/// How often a run plans and acts anew when the table changed under it.
const ROUNDS: usize = 3;

/// What can stop a run besides its steps.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The planner made a plan that its linter refuses: a bug, and nothing was done.
    #[error("the plan breaks its own rules: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Bug(Vec<Violation>),
    /// The store's thread was torn down.
    #[error("the database call was torn down")]
    Torn,
}

/// What is asked of every look.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the run may do.
    pub policy: Policy,
    /// How to look.
    pub ask: Ask,
    /// Whether API servers are asked.
    pub probe: bool,
    /// Whether another engine than the ledger's is accepted.
    pub accept_engine: bool,
    /// Whether clusters of another run that is under way are left to it. False under our own lease.
    pub respect_others: bool,
}

/// One look: everything as of one moment, and the plan that follows.
#[derive(Debug, Clone)]
pub struct Look {
    /// What the store says.
    pub snapshot: Snapshot,
    /// What the world says.
    pub observed: Observed,
    /// When.
    pub observed_at: Timestamp,
    /// What the run may do.
    pub policy: Policy,
    /// What follows.
    pub plan: Plan,
}

impl Look {
    /// What the plan was made from.
    pub fn input(&self) -> PlanInput<'_> {
        PlanInput {
            desired: &self.snapshot.desired,
            observed: &self.observed,
            ledger: &self.snapshot.ledger,
            policy: &self.policy,
        }
    }
}

/// Looks and plans. Writes nothing.
pub async fn look(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
) -> Result<Look, RunError> {
    let snapshot = snapshot(world, store, question).await?;
    let mut ask = question.ask.clone();
    ask.bound = bound_engine(world, snapshot.world.as_ref(), question.accept_engine)?;
    if question.probe {
        ask.probe = interesting(&snapshot);
    }
    let observed = observe(world, &ask).await;
    Ok(with_plan(
        world,
        snapshot,
        observed,
        world.clock.now(),
        question,
    ))
}

/// Plans from an observation that was made before.
pub async fn look_at_saved(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
    observed: Observed,
    observed_at: Timestamp,
) -> Result<Look, RunError> {
    let snapshot = snapshot(world, store, question).await?;
    Ok(with_plan(world, snapshot, observed, observed_at, question))
}

async fn snapshot(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
) -> Result<Snapshot, RunError> {
    let providers: BTreeSet<_> = question.policy.providers.keys().cloned().collect();
    let now = world.clock.now();
    on_store(store, move |store| store.snapshot(&providers, now)).await
}

fn with_plan(
    world: &World,
    snapshot: Snapshot,
    observed: Observed,
    at: Timestamp,
    question: &Question,
) -> Look {
    let mut policy = question.policy.clone();
    policy.providers = world
        .providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.traits()))
        .collect();
    if question.respect_others {
        policy.in_progress.clone_from(&snapshot.in_progress);
    }
    let plan = plan(&PlanInput {
        desired: &snapshot.desired,
        observed: &observed,
        ledger: &snapshot.ledger,
        policy: &policy,
    });
    Look {
        snapshot,
        observed,
        observed_at: at,
        policy,
        plan,
    }
}

/// The engine whose answers count. A ledger of a sandbox says nothing about Docker, and the other way round.
fn bound_engine(
    world: &World,
    bound: Option<&WorldBinding>,
    accept: bool,
) -> Result<Option<EngineId>, StoreError> {
    match bound {
        Some(bound) if bound.kind != world.kind => Err(StoreError::OtherWorld {
            bound: bound.clone(),
            asked: WorldBinding {
                kind: world.kind,
                engine: EngineId::new("of this command"),
            },
        }),
        Some(bound) if !accept => Ok(Some(bound.engine.clone())),
        Some(_) | None => Ok(None),
    }
}

/// The clusters whose API servers may be asked: those that a row or the ledger names.
fn interesting(snapshot: &Snapshot) -> BTreeSet<ClusterId> {
    let rows = snapshot
        .desired
        .intents()
        .map(|(_, intent)| intent.spec.id.clone());
    rows.chain(snapshot.ledger.entries.iter().map(|entry| entry.id.clone()))
        .collect()
}

/// Runs a short store operation where it may block.
pub async fn on_store<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
where
    T: Send + 'static,
    F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
{
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store))
        .await
        .map_err(|_| RunError::Torn)?
        .map_err(RunError::Store)
}

/// What a run did.
#[derive(Debug)]
pub struct Run {
    /// Each plan that was executed, with how its steps ended.
    pub rounds: Vec<(Plan, Outcome)>,
    /// The last look, after acting.
    pub last: Look,
    /// Whether the last plan is empty and nothing in it blocks.
    pub converged: bool,
    /// The table changed during the run again and again.
    pub restless: bool,
}

/// What a run works with.
pub struct Runner<'r> {
    /// The outside world.
    pub world: &'r World,
    /// The store, open for writing.
    pub store: Arc<Store>,
    /// The lease that this run holds.
    pub lease: &'r Lease,
    /// The stored run.
    pub run: RunId,
    /// How to execute.
    pub settings: Settings,
    /// What to ask.
    pub question: Question,
    /// How far a person has gone in stopping the run.
    pub cancel: tokio::sync::watch::Receiver<Cancel>,
}

impl Runner<'_> {
    /// Binds the ledger to the engine that answers, and brings the ledger up to what is seen. Must be done under the
    /// lease, before the plan that is executed.
    pub async fn prepare(&self) -> Result<Look, RunError> {
        let first = look(self.world, &self.store, &self.question).await?;
        if let Some(engine) = first
            .observed
            .engine
            .known()
            .and_then(|engine| engine.facts.id.clone())
        {
            let (kind, accept) = (self.world.kind, self.question.accept_engine);
            on_store(&self.store, move |store| {
                match store.bind_world(kind, &engine) {
                    Err(StoreError::OtherEngine { .. }) if accept => store.rebind_engine(&engine),
                    other => other,
                }
            })
            .await?;
        }
        if self.settle(&first).await? {
            look(self.world, &self.store, &self.question).await
        } else {
            Ok(first)
        }
    }

    /// Executes the plan of a look; then observes and plans anew, and acts again only where the table changed
    /// meanwhile.
    pub async fn run(&self, mut now: Look, emitter: &Emitter<'_>) -> Result<Run, RunError> {
        let mut rounds = Vec::new();
        let mut restless = false;
        let mut question = self.question.clone();
        loop {
            let violations = check(&now.plan, &now.input());
            if !violations.is_empty() {
                return Err(RunError::Bug(violations));
            }
            if now.plan.is_empty() || !now.plan.refusals.is_empty() {
                break;
            }
            announce(&now.plan, emitter);
            self.mark_beginning(&now).await?;
            let cx = Context {
                world: self.world,
                store: Arc::clone(&self.store),
                lease: self.lease,
                run: self.run,
                settings: &self.settings,
                cancel: self.cancel.clone(),
            };
            let outcome = execute(&cx, &now.plan, &now.snapshot.desired, emitter).await;
            question
                .policy
                .replace
                .retain(|id| !was_renewed(id, &now.plan, &outcome));
            let before = std::mem::replace(&mut now, self.look_after(&question).await?);
            let changed = intent_of(&before.snapshot.desired) != intent_of(&now.snapshot.desired);
            rounds.push((before.plan, outcome));
            let stopped = *self.cancel.borrow() != Cancel::No;
            if !changed || stopped || now.plan.is_empty() {
                break;
            }
            if rounds.len() == ROUNDS {
                restless = true;
                break;
            }
        }
        let blocked = now
            .plan
            .held
            .iter()
            .filter(|held| blocks(held.reason.class()))
            .count();
        let converged = now.plan.is_empty() && blocked == 0;
        emitter.emit(
            if converged {
                "converged".to_owned()
            } else {
                format!("{} changes left, {blocked} held", now.plan.steps.len())
            },
            EventBody::Verified {
                converged,
                steps_left: now.plan.steps.len(),
                blocked,
            },
        );
        self.write_status(&now, &rounds).await?;
        Ok(Run {
            rounds,
            last: now,
            converged,
            restless,
        })
    }

    async fn look_after(&self, question: &Question) -> Result<Look, RunError> {
        let after = look(self.world, &self.store, question).await?;
        if self.settle(&after).await? {
            look(self.world, &self.store, question).await
        } else {
            Ok(after)
        }
    }

    /// Brings the ledger up to what is seen: a creation that an earlier run did not live to record is recorded once
    /// its cluster is ready; entries of which nothing is left are closed. Says whether anything changed.
    async fn settle(&self, look: &Look) -> Result<bool, RunError> {
        let Seen::Known(engine) = &look.observed.engine else {
            return Ok(false);
        };
        let now = self.world.clock.now();
        let mut changed = false;
        for entry in &look.snapshot.ledger.entries {
            let view = look
                .observed
                .cluster(&entry.id)
                .filter(|view| view.has_nodes());
            let (networks, volumes) = look.snapshot.ledger.leftovers(&entry.id, &engine.facts);
            let key = entry.key;
            match view {
                Some(view) if entry.state == EntryState::Creating && view.phase == Phase::Ready => {
                    let Ownership::Ours(owner) = look.snapshot.ledger.ownership(view) else {
                        continue;
                    };
                    let (true, Some(life)) = (owner.key == key, view.incarnation.clone()) else {
                        continue;
                    };
                    let parts = crate::execute::own_parts(entry, view);
                    on_store(&self.store, move |store| {
                        store.record_live(key, &life, &parts)
                    })
                    .await?;
                    changed = true;
                }
                None if networks.is_empty() && volumes.is_empty() => {
                    on_store(&self.store, move |store| {
                        store.close(key, "nothing of it is left", now)
                    })
                    .await?;
                    changed = true;
                }
                Some(_) | None => {}
            }
        }
        self.settle_registrations(look, changed).await
    }

    /// Forgets registrations that are gone from their registrar along with their cluster.
    async fn settle_registrations(&self, look: &Look, mut changed: bool) -> Result<bool, RunError> {
        for entry in &look.snapshot.ledger.registrations {
            let seen = look
                .observed
                .registrars
                .get(&entry.registrar)
                .and_then(Seen::known);
            let gone = seen.is_some_and(|view| !view.entries.contains_key(&entry.cluster));
            if gone
                && look
                    .observed
                    .cluster(&entry.cluster)
                    .is_none_or(|view| !view.has_nodes())
            {
                let (registrar, cluster) = (entry.registrar.clone(), entry.cluster.clone());
                on_store(&self.store, move |store| {
                    store.drop_registration(&registrar, &cluster)
                })
                .await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Says in the rows what is about to happen.
    async fn mark_beginning(&self, look: &Look) -> Result<(), RunError> {
        let doing: BTreeMap<ClusterId, &'static str> = look
            .plan
            .steps
            .iter()
            .filter_map(|step| match (step.action.kind(), step.action.cluster()) {
                (ActionKind::Create, Some(id)) => Some((id, "creating")),
                (ActionKind::Delete, Some(id)) if !step.replaces => Some((id, "deleting")),
                _ => None,
            })
            .collect();
        let updates: Vec<_> = look
            .snapshot
            .desired
            .intents()
            .filter_map(|(row, intent)| {
                doing
                    .get(&intent.spec.id)
                    .map(|state| (row.rowid, row_name(row), *state))
            })
            .collect();
        on_store(&self.store, move |store| {
            let updates: Vec<_> = updates
                .iter()
                .map(|(rowid, name, state)| StatusUpdate {
                    rowid: *rowid,
                    name,
                    actual_state: Some(state),
                    ..StatusUpdate::default()
                })
                .collect();
            store.write_status(&updates).map(|_| ())
        })
        .await
    }

    /// Writes what was found into the status columns: only where the engine is known.
    async fn write_status(&self, look: &Look, rounds: &[(Plan, Outcome)]) -> Result<(), RunError> {
        if look.observed.engine.known().is_none() {
            return Ok(());
        }
        let failures = failures(rounds);
        let rows: Vec<Finding> = look
            .snapshot
            .desired
            .rows
            .iter()
            .filter_map(|row| finding(look, row, &failures))
            .collect();
        let now = self.world.clock.now();
        on_store(&self.store, move |store| {
            let updates: Vec<_> = rows
                .iter()
                .map(|row| StatusUpdate {
                    rowid: row.rowid,
                    name: &row.name,
                    actual_state: row.actual_state,
                    status: Some(row.status),
                    reconcile_error: Some(row.error.clone()),
                    // What a row that cannot be right is about is not known, and neither is its address.
                    server_ip: row.actual_state.map(|_| row.server_ip.clone()),
                    last_reconciled_at: Some(now),
                })
                .collect();
            store.write_status(&updates).map(|_| ())
        })
        .await
    }
}

fn blocks(class: Class) -> bool {
    matches!(class, Class::Blocks | Class::Unknown | Class::NotReady)
}

fn row_name(row: &Row) -> String {
    row.name
        .as_ref()
        .map_or_else(|| row.shown.clone(), ToString::to_string)
}

/// The intent columns of every row: what a change of mind changes.
fn intent_of(desired: &Desired) -> Vec<(i64, &crate::model::RowSnapshot, bool)> {
    desired
        .rows
        .iter()
        .map(|row| (row.rowid, &row.snapshot, row.stop.is_some()))
        .collect()
}

/// Whether a replacement that was asked for is done: what was just made is not made again by the next look.
fn was_renewed(id: &ClusterId, plan: &Plan, outcome: &Outcome) -> bool {
    plan.steps.iter().any(|step| {
        step.action.kind() == ActionKind::Create
            && step.action.cluster().as_ref() == Some(id)
            && outcome
                .steps
                .get(&step.id)
                .is_some_and(|ended| ended.result == StepResult::Succeeded)
    })
}

/// The failed steps of the last round, by cluster.
fn failures(rounds: &[(Plan, Outcome)]) -> BTreeMap<ClusterId, String> {
    let Some((plan, outcome)) = rounds.last() else {
        return BTreeMap::new();
    };
    let failed = plan.steps.iter().filter_map(|step| {
        let ended = outcome.steps.get(&step.id)?;
        let error: &ProviderError = ended.error.as_ref()?;
        let failed = ended.result == crate::execute::StepResult::Failed;
        let id = step.action.cluster().filter(|_| failed)?;
        Some((
            id,
            format!(
                "failed to {} {}: {error}",
                step.action.kind(),
                step.action.address()
            ),
        ))
    });
    failed.collect()
}

/// What the status columns of one row will say.
struct Finding {
    rowid: i64,
    name: String,
    actual_state: Option<&'static str>,
    status: &'static str,
    error: Option<String>,
    server_ip: Option<String>,
}

fn finding(look: &Look, row: &Row, failures: &BTreeMap<ClusterId, String>) -> Option<Finding> {
    let base = Finding {
        rowid: row.rowid,
        name: row.name.as_ref()?.to_string(),
        actual_state: None,
        status: "Failed",
        error: None,
        server_ip: None,
    };
    let intent = match &row.intent {
        Ok(intent) => intent,
        Err(faults) => {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let error = Some(one_line(
                &format!("the row cannot be right: {}", all.join("; ")),
                500,
            ));
            return Some(Finding { error, ..base });
        }
    };
    let id = &intent.spec.id;
    let view = look.observed.cluster(id).filter(|view| view.has_nodes());
    let held = look
        .plan
        .held
        .iter()
        .filter(|held| held.address.cluster() == Some(id));
    let held: Vec<_> = held
        .filter(|held| blocks(held.reason.class()))
        .map(|held| held.reason.to_string())
        .collect();
    let steps_left = look
        .plan
        .steps
        .iter()
        .any(|step| step.action.cluster().as_ref() == Some(id));
    let failed = failures.get(id).cloned();
    let actual_state = match view.map(|view| view.phase) {
        None | Some(Phase::Absent | Phase::Residue) => "absent",
        Some(Phase::Running | Phase::Ready) => "running",
        Some(_) if row.stop.is_some() => "unknown",
        Some(_) => "failed",
    };
    let status = match (failed.is_some(), intent.presence, actual_state) {
        (true, ..) | (false, Presence::Present, "failed") => "Failed",
        (false, Presence::Absent, "absent") => "Removed",
        (false, Presence::Present, "running") if held.is_empty() && !steps_left => "Ready",
        _ => "Warning",
    };
    let error = failed
        .or_else(|| (!held.is_empty()).then(|| held.join("; ")))
        .map(|text| one_line(&text, 500));
    let server_ip = view.and_then(|view| view.server_ip.clone());
    Some(Finding {
        actual_state: Some(actual_state),
        status,
        error,
        server_ip,
        ..base
    })
}

/// Says what was planned, before anything is done.
pub fn announce(plan: &Plan, emitter: &Emitter<'_>) {
    for step in &plan.steps {
        let reasons: Vec<_> = step.reasons.iter().map(ToString::to_string).collect();
        let (action, address) = (step.action.kind(), step.action.address());
        emitter.emit(
            format!("{action} {address}: {}", reasons.join("; ")),
            EventBody::StepPlanned {
                step: step.id.0,
                action: action.code().to_owned(),
                address: address.to_string(),
                reason: reasons.join("; "),
                fields: step
                    .reasons
                    .iter()
                    .flat_map(|reason| &reason.fields)
                    .map(FieldText::from)
                    .collect(),
            },
        );
    }
    for held in &plan.held {
        emitter.emit(
            format!("{}: held: {}", held.address, held.reason),
            EventBody::DriftFound {
                address: held.address.to_string(),
                reason: held.reason.code().to_owned(),
            },
        );
    }
}

/// Says what each source answered.
pub fn announce_sources(observed: &Observed, emitter: &Emitter<'_>) {
    let say = |source: &str, unseen: Option<&Unseen>| {
        let message = match unseen {
            None => format!("{source}: observed"),
            Some(unseen) => format!("{source}: could not be observed: {}", unseen.error),
        };
        let error = unseen.map(|unseen| unseen.error.clone());
        emitter.emit(
            message,
            EventBody::SourceObserved {
                source: source.to_owned(),
                known: unseen.is_none(),
                error,
            },
        );
    };
    say("docker", observed.engine.unknown());
    for (registrar, seen) in &observed.registrars {
        say(registrar.as_str(), seen.unknown());
    }
}
