//! Running: plan, act, observe and plan again, until nothing is left or nothing changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::announce::announce;
use super::error::{RunError, on_store};
use super::look::{Look, Question, look};
use crate::execute::{Cancel, Context, Emitter, EventBody, Outcome, Settings, StepResult, execute};
use crate::model::{Address, ClusterId, Desired};
use crate::plan::{ActionKind, Class, Plan, ReasonCode, Step, check};
use crate::ports::World;
use crate::store::{Lease, RunId, Store, StoreError};

/// How often a run plans and acts anew when the table changed under it.
pub const ROUNDS: usize = 3;

/// How often, and how far apart, an engine that was left in the middle of something is looked at.
const SETTLING_LOOKS: usize = 20;
const SETTLING_PAUSE: Duration = Duration::from_secs(1);

/// What a run did.
#[derive(Debug)]
pub struct Run {
    /// Each plan that was executed, with how its steps ended.
    pub rounds: Vec<(Plan, Outcome)>,
    /// The last look, after acting.
    pub last: Look,
    /// Whether the last plan is empty and nothing in it blocks.
    pub converged: bool,
    /// Why it ended although something is left that it might have done.
    pub unsettled: Option<Unsettled>,
}

/// Why a run ended although something is left that it might have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// The table changed during the run again and again.
    Restless,
    /// What changed during the run asks for deletions that nobody has seen, and that no guard has counted.
    WouldTakeAway,
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
    /// How many plans it may execute; usually [`ROUNDS`].
    pub rounds: usize,
}

impl Runner<'_> {
    /// Binds the ledger to the engine that answers, and brings the ledger up to what is seen. Must be done under the
    /// lease, before the plan that is executed.
    pub async fn prepare(&self) -> Result<Look, RunError> {
        self.store.demand_lease(self.lease);
        let strays = self.world.end_strays().await;
        if strays > 0 {
            tracing::warn!(strays, "ended the tools of a run that was killed");
            self.let_engine_settle().await;
        }
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

    /// Waits until two looks see the same: what a tool asked for before it was ended, the engine still does.
    async fn let_engine_settle(&self) {
        let mut seen = self.world.engine.look(self.settings.look_timeout).await;
        for _ in 0..SETTLING_LOOKS {
            self.world.clock.sleep(SETTLING_PAUSE).await;
            let now = self.world.engine.look(self.settings.look_timeout).await;
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    /// Executes the plan of a look; then observes and plans anew, and acts again where the table changed meanwhile or
    /// something turned up, as long as that takes nothing away which the first plan did not.
    pub async fn run(&self, mut now: Look, emitter: &Emitter<'_>) -> Result<Run, RunError> {
        let mut rounds: Vec<(Plan, Outcome)> = Vec::new();
        let mut question = self.question.clone();
        let mut unsettled = None;
        loop {
            let violations = check(&now.plan, &now.input());
            if !violations.is_empty() {
                return Err(RunError::Bug(violations));
            }
            if now.plan.is_empty() || !now.plan.refusals.is_empty() {
                break;
            }
            let outcome = self.act(&now, emitter).await?;
            question
                .policy
                .replace
                .retain(|id| !was_renewed(id, &now.plan, &outcome));
            if outcome.lost_lease() {
                // Another run has the table and the world now: this one looks, and writes nothing any more.
                let last = look(self.world, &self.store, &question).await?;
                rounds.push((now.plan, outcome));
                return Ok(Run {
                    rounds,
                    last,
                    converged: false,
                    unsettled: None,
                });
            }
            let adopted = has_adopted(&now.plan, &outcome);
            let before = std::mem::replace(&mut now, self.look_after(&question).await?);
            let changed = intent_of(&before.snapshot.desired) != intent_of(&now.snapshot.desired);
            // What turned up only now, such as a request that a killed run left under way, is not left for later.
            let goes_on = changed || news(&before.plan, &outcome, &now.plan);
            rounds.push((before.plan, outcome));
            let stopped = *self.cancel.borrow() != Cancel::No;
            if !goes_on || stopped || adopted || now.plan.is_empty() {
                break;
            }
            if takes_more(&rounds, &now.plan) {
                unsettled = Some(Unsettled::WouldTakeAway);
                break;
            }
            if rounds.len() >= self.rounds {
                unsettled = Some(Unsettled::Restless);
                break;
            }
        }
        let converged = Self::verify(&now, emitter);
        self.write_status(&now, &rounds).await?;
        Ok(Run {
            rounds,
            last: now,
            converged,
            unsettled,
        })
    }

    /// Executes one plan.
    async fn act(&self, now: &Look, emitter: &Emitter<'_>) -> Result<Outcome, RunError> {
        announce(&now.plan, emitter);
        match self.mark_beginning(now).await {
            // The first step finds out too, and says so step by step.
            Err(RunError::Store(StoreError::LeaseLost { .. })) => {}
            other => other?,
        }
        let cx = Context {
            world: self.world,
            store: Arc::clone(&self.store),
            lease: self.lease,
            run: self.run,
            settings: &self.settings,
            cancel: self.cancel.clone(),
        };
        Ok(execute(&cx, &now.plan, &now.snapshot.desired, emitter).await)
    }

    /// Says what is left.
    fn verify(now: &Look, emitter: &Emitter<'_>) -> bool {
        let held = now.plan.held.iter();
        let blocked = held.filter(|held| blocks(held.reason.class())).count();
        let converged = now.plan.is_empty() && blocked == 0;
        emitter.emit(
            if converged {
                match now.policy.mode.clean {
                    Some(_) => "nothing is left to delete".to_owned(),
                    None => "everything is as the table says".to_owned(),
                }
            } else {
                format!("{} changes left, {blocked} held", now.plan.steps.len())
            },
            EventBody::Verified {
                converged,
                steps_left: now.plan.steps.len(),
                blocked,
            },
        );
        converged
    }

    async fn look_after(&self, question: &Question) -> Result<Look, RunError> {
        let after = look(self.world, &self.store, question).await?;
        if self.settle(&after).await? {
            look(self.world, &self.store, question).await
        } else {
            Ok(after)
        }
    }
}

/// Whether a run that holds this has not converged.
pub(super) fn blocks(class: Class) -> bool {
    matches!(class, Class::Blocks | Class::Unknown | Class::NotReady)
}
/// The intent columns of every row: what a change of mind changes.
fn intent_of(desired: &Desired) -> Vec<(i64, &crate::model::RowSnapshot, bool)> {
    desired
        .rows
        .iter()
        .map(|row| (row.rowid, &row.snapshot, row.stop.is_some()))
        .collect()
}

/// Whether something was taken over. A captured row changes the table, and the plan that follows may replace or delete
/// what was just adopted: that is for another run, and for a person who has seen it.
fn has_adopted(plan: &Plan, outcome: &Outcome) -> bool {
    plan.steps.iter().any(|step| {
        step.action.kind() == ActionKind::Adopt
            && outcome
                .steps
                .get(&step.id)
                .is_some_and(|ended| ended.result == StepResult::Succeeded)
    })
}

/// Whether a plan has a step that nobody could know of before: on something that the plan before had no step on, or of
/// another kind where all that was done went well, such as ports that a stopped cluster did not show.
fn news(before: &Plan, outcome: &Outcome, after: &Plan) -> bool {
    after.steps.iter().any(|step| {
        let address = step.action.address();
        let mut earlier = before
            .steps
            .iter()
            .filter(|done| done.action.address() == address);
        earlier.all(|done| {
            let ended = outcome.steps.get(&done.id);
            let well = ended.is_some_and(|ended| ended.result == StepResult::Succeeded);
            well && done.action.kind() != step.action.kind()
        })
    })
}

/// Whether a plan takes something of worth away that no plan before it did: the guards counted those, and a person saw
/// them. What was held because somebody changed it meanwhile is another thing by now. What an interrupted creation left,
/// and never came up, is of no worth.
fn takes_more(rounds: &[(Plan, Outcome)], now: &Plan) -> bool {
    let held = |outcome: &Outcome, step: &Step| {
        let ended = outcome.steps.get(&step.id);
        ended.is_some_and(|ended| ended.result == StepResult::Held)
    };
    let known: BTreeSet<Address> = rounds
        .iter()
        .flat_map(|(plan, outcome)| plan.steps.iter().map(move |step| (outcome, step)))
        .filter(|(outcome, step)| step.destructive() && !held(outcome, step))
        .map(|(_, step)| step.action.address())
        .collect();
    let interrupted = |step: &Step| {
        let mut reasons = step.reasons.iter();
        step.replaces && reasons.all(|reason| reason.code == ReasonCode::InterruptedCreate)
    };
    now.steps.iter().any(|step| {
        step.destructive() && !interrupted(step) && !known.contains(&step.action.address())
    })
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
