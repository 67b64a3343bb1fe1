//! A database and a strict world, with what a property does to them: the real loop over both, and hands behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use rollcall::clock::{Clock, SystemClock};
use rollcall::execute::{Cancel, Caps, Emitter, Retries, Settings};
use rollcall::model::{
    ClusterId, ClusterName, ClusterView, EngineView, Guards, Mode, Origin, Policy, ProviderId,
    Prune, Scope, Seen, Selector,
};
use rollcall::observe::Ask;
use rollcall::plan::{ActionKind, Plan, PlanInput, Step, StepId, check, plan};
use rollcall::reconcile::{Look, Question, ROUNDS, Run, RunError, Runner, look};
use rollcall::sandbox::{Deed, Sandbox};
use rollcall::store::{Holder, InitMode, Liveness, RunStart, Store, StoreError, liveness};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::draft::{MANAGEMENT, PROVIDERS, Past, RowDraft, Way, Wish};
use crate::gate::Gate;
use crate::hand::Hand;

/// What a property goes on with, unless it is not true.
pub(crate) type Checked<T> = Result<T, TestCaseError>;

/// How an acting run ended.
pub(crate) enum Ended {
    /// The process died in the middle of it.
    Died,
    /// Somebody took its lease before it could write what it found.
    Robbed,
    /// It came to its end.
    Ran(Box<Run>),
}

impl Ended {
    pub(crate) fn run(self) -> Checked<Run> {
        match self {
            Self::Ran(run) => Ok(*run),
            Self::Died => Err(TestCaseError::fail("the process died")),
            Self::Robbed => Err(TestCaseError::fail("the lease was lost")),
        }
    }
}

/// The stage.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) hand: Hand,
}

impl Stage {
    /// A fresh database and an empty world.
    pub(crate) fn new(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        // After each creation of one provider there is more to do.
        let sandbox =
            Sandbox::in_memory(seed).preparing([(ProviderId::new(PROVIDERS[0]), Vec::new())]);
        let stage = Self {
            dir: dir.unwrap(),
            hand: Hand::over(&sandbox),
            sandbox,
        };
        Store::init(&stage.path(), InitMode::Keep, &*stage.sandbox.clock()).unwrap();
        stage
    }

    /// A world with this past.
    pub(crate) fn after(past: &Past) -> Checked<Self> {
        let stage = Self::new(past.seed);
        past.before.iter().for_each(|s| stage.hand.admit(s));
        past.rows.iter().for_each(|row| stage.insert(row));
        let repair = stage.policy(&Wish::of(Way::Repair))?;
        stage.run(&repair, 4)?;
        // By name, so that the order in which rows were written picks nothing.
        let mut ids: Vec<ClusterId> = past.rows.iter().map(RowDraft::id).collect();
        ids.sort();
        for (place, damage) in &past.damages {
            if !ids.is_empty() {
                stage.hand.damage(place.get(&ids), *damage);
            }
        }
        past.after.iter().for_each(|s| stage.hand.admit(s));
        for (place, edit) in &past.edits {
            if !ids.is_empty() {
                stage.edit(place.get(&ids).name.as_str(), *edit);
            }
        }
        past.more.iter().for_each(|row| stage.insert(row));
        stage.sandbox.clear_journal().unwrap();
        Ok(stage)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("roll.db")
    }

    /// The database, open for writing.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::new(Store::open_write(&self.path(), &*self.sandbox.clock()).unwrap())
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value]) -> usize {
        let conn = Connection::open(self.path()).unwrap();
        conn.execute(sql, rusqlite::params_from_iter(values))
            .unwrap()
    }

    // Looks.

    pub(crate) fn view(&self, id: &ClusterId) -> Option<ClusterView> {
        let mut clusters = engine(&self.sandbox).clusters;
        clusters.get_mut(&id.provider)?.remove(&id.name)
    }

    /// Whether a cluster, or what is left of it, is a hand's: a hand made it, and the server that is there now was not
    /// made through the ports.
    pub(crate) fn is_strange(&self, id: &ClusterId) -> bool {
        let journal = self.sandbox.journal().unwrap();
        let made = |container: &str| {
            let mut records = journal.records.iter();
            records.any(|record| record.deed == Deed::Make && record.id == container)
        };
        let view = self.view(id);
        let mut servers = view.iter().flat_map(ClusterView::proving_nodes);
        self.hand.made(id) && !servers.any(|node| made(node.id.as_str()))
    }

    /// The living clusters that hands made.
    pub(crate) fn foreign(&self) -> BTreeMap<ClusterId, ClusterView> {
        let all = engine(&self.sandbox).clusters.into_values().flatten();
        all.map(|(_, view)| (view.id.clone(), view))
            .filter(|(id, view)| view.has_nodes() && self.is_strange(id))
            .collect()
    }

    /// Every cluster with a container.
    pub(crate) fn living(&self) -> BTreeSet<ClusterId> {
        let all = engine(&self.sandbox).clusters.into_values().flatten();
        all.filter(|(_, view)| view.has_nodes())
            .map(|(_, view)| view.id)
            .collect()
    }

    /// Every cluster that a row names, that lives, or that something is left of.
    pub(crate) fn known(&self) -> Vec<ClusterId> {
        let there = engine(&self.sandbox).clusters.into_values().flatten();
        let mut all: BTreeSet<ClusterId> = there.map(|(_, view)| view.id).collect();
        let rows = self.intent().into_values();
        all.extend(rows.filter_map(|row| match &row[1..3] {
            [Value::Text(name), Value::Text(provider)] => format!("{provider}/{name}").parse().ok(),
            _ => None,
        }));
        all.into_iter()
            .filter(|id| PROVIDERS.contains(&id.provider.as_str()))
            .collect()
    }

    /// What hands have besides clusters: containers, networks, listeners.
    pub(crate) fn strange_things(&self) -> BTreeSet<String> {
        let facts = engine(&self.sandbox).facts;
        let networks = facts.networks.into_iter();
        let networks = networks
            .filter(|network| network.name.starts_with("net-"))
            .map(|network| format!("{network:?}"));
        let shown = self.sandbox.show().unwrap();
        let ports = shown.listeners.iter().map(|port| format!("port {port}"));
        networks.chain(ports).chain(shown.containers).collect()
    }

    /// Everything in the world that time does not change.
    pub(crate) fn world(&self) -> serde_json::Value {
        let mut shown = serde_json::to_value(self.sandbox.show().unwrap()).unwrap();
        shown.as_object_mut().unwrap().remove("now");
        shown
    }

    /// Looks without a lease and without the right to write.
    pub(crate) fn look(&self, policy: &Policy) -> Checked<Look> {
        let store = Arc::new(Store::open_read(&self.path()).unwrap());
        let world = self.sandbox.world();
        let seen = runtime()
            .block_on(look(&world, &store, &question(policy, true)))
            .map_err(|error| bug(&error))?;
        linted(&seen.plan, &seen.input())?;
        Ok(seen)
    }

    // Runs.

    /// What a wish allows, in this world: names become clusters as on the command line, and what the command line
    /// refuses to mix is not mixed.
    pub(crate) fn policy(&self, wish: &Wish) -> Checked<Policy> {
        let world = self.sandbox.world();
        let prune = |rows, orphans, registrations| Prune {
            rows,
            orphans,
            registrations,
        };
        let (repair, prune) = match wish.way {
            Way::Repair => (true, Prune::default()),
            Way::RepairAndPrune => (true, prune(false, true, true)),
            Way::Prune => (false, Prune::ALL),
            Way::PruneRows => (false, prune(true, false, false)),
            Way::PruneOrphans => (false, prune(false, true, false)),
            Way::PruneRegistrations => (false, prune(false, false, true)),
        };
        let mut policy = Policy {
            mode: Mode {
                repair,
                prune,
                clean: None,
            },
            scope: Scope::default(),
            replace: BTreeSet::new(),
            replace_broken: wish.replace_broken,
            stop: BTreeSet::new(),
            adopt: BTreeSet::new(),
            guards: Guards {
                allow_all: true,
                ..Guards::default()
            },
            management: ClusterName::parse(MANAGEMENT).unwrap(),
            providers: world
                .providers
                .iter()
                .map(|(id, provider)| (id.clone(), provider.traits()))
                .collect(),
            unregistered: BTreeMap::new(),
            in_progress: BTreeSet::new(),
            hosted: BTreeMap::new(),
        };
        if let Some(name) = wish.exclude {
            policy.scope.exclude = vec![Selector::Name(ClusterName::parse(name).unwrap())];
        }
        if wish.adopt.is_empty() && wish.replace.is_empty() {
            return Ok(policy);
        }
        let seen = self.look(&policy)?;
        let rows: Vec<ClusterId> = seen
            .snapshot
            .desired
            .intents()
            .map(|(_, intent)| intent.spec.id.clone())
            .filter(|id| id.name != policy.management)
            .collect();
        let foreign: Vec<ClusterId> = self.foreign().into_keys().collect();
        let chosen = |from: &[ClusterId], places: &[Index]| -> BTreeSet<ClusterId> {
            places
                .iter()
                .filter(|_| !from.is_empty())
                .map(|place| place.get(from).clone())
                .collect()
        };
        policy.replace = chosen(&rows, &wish.replace);
        policy.adopt = chosen(&foreign, &wish.adopt);
        policy
            .adopt
            .retain(|id| !policy.replace.iter().any(|other| other.name == id.name));
        let leaving: BTreeSet<ClusterName> = self
            .look(&policy)?
            .plan
            .steps
            .iter()
            .filter(|step| step.action.kind() == ActionKind::Delete)
            .filter_map(|step| step.action.cluster())
            .map(|id| id.name)
            .collect();
        policy.adopt.retain(|id| !leaving.contains(&id.name));
        Ok(policy)
    }

    /// A run with nothing in its way.
    pub(crate) fn run(&self, policy: &Policy, jobs: usize) -> Checked<Run> {
        self.run_with(policy, jobs, None, |_| {})
            .and_then(Ended::run)
    }

    /// A run, as the command line does it: the lease, a look, the ledger, the loop; with something between the look
    /// and the deeds, and behind a gate. A run that died left its lease: it is broken, as a person would.
    pub(crate) fn run_with(
        &self,
        policy: &Policy,
        jobs: usize,
        gate: Option<&Gate>,
        between: impl FnOnce(&mut Look),
    ) -> Checked<Ended> {
        let mut world = self.sandbox.world();
        if let Some(gate) = gate {
            world = gate.before(&world);
        }
        let store = self.store();
        store.break_lock().unwrap();
        let holder = Holder::of_this_process("rollcall reconcile");
        let now = world.clock.now();
        let lease = store
            .acquire(&holder, SystemClock.now(), &liveness)
            .unwrap();
        let start = RunStart {
            mode: "property".to_owned(),
            args: String::new(),
            source: "test".to_owned(),
            actor: None,
            host: holder.host.clone(),
            pid: holder.pid,
            lease: Some(lease.id().to_owned()),
        };
        let run = store.begin_run(&start, now).unwrap();
        let (_alive, cancel) = tokio::sync::watch::channel(Cancel::No);
        let runner = Runner {
            world: &world,
            store: Arc::clone(&store),
            lease: &lease,
            run,
            settings: settings(jobs),
            question: question(policy, false),
            cancel,
            rounds: ROUNDS,
        };
        let emitter = Emitter::new(Arc::clone(&world.clock), Vec::new());
        let done = runtime().block_on(async {
            let whole = async {
                let mut first = runner.prepare().await.map_err(|error| bug(&error))?;
                linted(&first.plan, &first.input())?;
                between(&mut first);
                match runner.run(first, &emitter).await {
                    Ok(run) => Ok(Ended::Ran(Box::new(run))),
                    Err(RunError::Store(StoreError::LeaseLost { .. })) => Ok(Ended::Robbed),
                    Err(error) => Err(bug(&error)),
                }
            };
            let death = async {
                match gate {
                    Some(gate) => gate.death().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = death => Ok(Ended::Died),
                ended = whole => ended,
            }
        })?;
        let entries = store.ledger().unwrap().entries.into_iter();
        entries
            .filter(|entry| entry.origin == Origin::Adopted && policy.adopt.contains(&entry.id))
            .for_each(|entry| self.hand.give(&entry.id));
        if let Ended::Ran(run) = &done {
            linted(&run.last.plan, &run.last.input())?;
            store.release(&lease).unwrap();
        }
        Ok(done)
    }

    /// Takes the lease from whoever has it.
    pub(crate) fn steal_lease(&self) {
        let store = self.store();
        store.break_lock().unwrap();
        let other = Holder::of_this_process("another rollcall");
        store
            .acquire(&other, SystemClock.now(), &|_| Liveness::Alive)
            .unwrap();
    }
}

/// What is on the engine, which must answer.
pub(crate) fn engine(sandbox: &Sandbox) -> EngineView {
    let world = sandbox.world();
    match runtime().block_on(world.engine.look(Duration::from_secs(5))) {
        Seen::Known(view) => view,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    }
}

pub(crate) fn kubeconfig() -> rollcall::model::RegistrarId {
    rollcall::model::RegistrarId::new("kubeconfig")
}

/// A plan that its linter accepts, and that is the same when it is made again.
fn linted(made: &Plan, input: &PlanInput<'_>) -> Checked<()> {
    let violations = check(made, input);
    prop_assert!(violations.is_empty(), "{violations:?} in {made:#?}");
    let again = plan(input);
    prop_assert_eq!(format!("{made:?}"), format!("{again:?}"));
    Ok(())
}

fn bug(error: &RunError) -> TestCaseError {
    TestCaseError::fail(format!("the run was refused: {error}"))
}

/// The same plan with its steps in another order that their edges allow.
pub(crate) fn shuffled(plan: &Plan, picks: &[Index]) -> Plan {
    let mut left: Vec<&Step> = plan.steps.iter().collect();
    let mut place: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut steps = Vec::new();
    while !left.is_empty() {
        let ready: Vec<usize> = (0..left.len())
            .filter(|at| left[*at].after.iter().all(|id| place.contains_key(id)))
            .collect();
        let pick = picks
            .get(steps.len() % picks.len().max(1))
            .map_or(0, |pick| pick.index(ready.len()));
        let mut step = left.remove(ready[pick]).clone();
        place.insert(step.id, StepId(steps.len()));
        step.id = StepId(steps.len());
        step.after = step.after.iter().map(|id| place[id]).collect();
        step.after.sort_unstable();
        steps.push(step);
    }
    Plan {
        steps,
        ..plan.clone()
    }
}

fn question(policy: &Policy, respect_others: bool) -> Question {
    Question {
        policy: policy.clone(),
        ask: Ask::default(),
        probe: true,
        accept_engine: false,
        respect_others,
    }
}

/// Sleepers of one sandbox push its clock on by turns: a step has to have time for all of them.
fn settings(jobs: usize) -> Settings {
    Settings {
        caps: Caps {
            heavy: jobs,
            per_provider: BTreeMap::new(),
        },
        step_timeout: Duration::from_secs(120),
        look_timeout: Duration::from_secs(5),
        retries: Retries::default(),
        log_dir: None,
        fault_point: None,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
