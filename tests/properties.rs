//! What is true of every run in every world: the real loop over the strict sandbox and a real database.
//!
//! A failure prints the smallest case it found and keeps its seed in `tests/properties.seeds`, which is tried first
//! from then on: `cargo test --test properties NAME` repeats it. `PROPTEST_CASES=5000` looks longer.

#[path = "properties/draft.rs"]
mod draft;
#[path = "properties/gate.rs"]
mod gate;
#[path = "properties/hand.rs"]
mod hand;
#[path = "properties/stage.rs"]
mod stage;
#[path = "properties/truth.rs"]
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use rollcall::execute::StepResult;
use rollcall::model::{
    ClusterId, ClusterView, ContainerId, Entry, EntryKey, EntryState, Ledger, NodeRole, NodeState,
    NodeView, Nonce, Origin, Ownership, Phase, PortMap,
};
use rollcall::plan::{Action, ActionKind};
use rollcall::reconcile::{Look, Run};
use rollcall::sandbox::{Actor, Deed, Journal, Outage, Thing};

use draft::{Way, damage, edit, fault, past, wish};
use gate::{Gate, Happening};
use stage::{Stage, shuffled};
use truth::{left_over, orphans, unmet};

/// So many cases, unless `PROPTEST_CASES` asks for another number.
fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let preset = 256;
    ProptestConfig {
        cases: if asked.cases == preset {
            cases
        } else {
            asked.cases
        },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/properties.seeds",
        ))),
        max_shrink_iters: 2000,
        ..asked
    }
}

/// Where a run is disturbed: early more often than late.
fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..60_u64, 2 => 60..200_u64, 1 => 200..600_u64]
}

fn none<T: std::fmt::Debug>(found: Vec<T>) -> Result<(), TestCaseError> {
    prop_assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

/// The journal's records of what hands made, apart from what the run was asked to adopt, and from entries that the
/// ledger lists: those are ours, whoever wrote over them.
fn harmed(journal: &Journal, before: &Look) -> Vec<String> {
    let listed = &before.snapshot.ledger.registrations;
    let mut ours: BTreeSet<&ClusterId> = listed.iter().map(|entry| &entry.cluster).collect();
    let adopted = before.observed.clusters();
    let adopted = adopted.filter(|view| before.policy.adopt.contains(&view.id));
    let adopted_parts: BTreeSet<String> = adopted
        .flat_map(|view| view.volumes.iter().map(|volume| volume.id.to_string()))
        .collect();
    let mut harmed = Vec::new();
    for record in &journal.records {
        let foreign = record.made_by == Actor::Hand;
        let Some(id) = &record.cluster else {
            if foreign && !adopted_parts.contains(&record.id) {
                harmed.push(format!("{record:?}"));
            }
            continue;
        };
        let rewritten = record.thing == Thing::Registration && ours.contains(id);
        if foreign && !rewritten && !before.policy.adopt.contains(id) {
            harmed.push(format!("{record:?}"));
        }
        if record.deed == Deed::Register {
            ours.insert(id);
        }
    }
    harmed
}

/// The steps of a run that succeeded.
fn succeeded(run: &Run) -> impl Iterator<Item = (usize, &Action)> {
    run.rounds
        .iter()
        .enumerate()
        .flat_map(|(round, (plan, outcome))| {
            let steps = plan.steps.iter();
            steps
                .filter(|step| outcome.steps[&step.id].result == StepResult::Succeeded)
                .map(move |step| (round, &step.action))
        })
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn one_pass_suffices_when_nothing_fails(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let mut run = stage.run(&policy, wish.jobs)?;
        if !policy.adopt.is_empty() {
            // What was just taken over is changed only by a run that was shown it as ours.
            run = stage.run(&policy, wish.jobs)?;
        }
        none(left_over(&stage, &run.last))?;
    }

    #[test]
    fn a_run_converges_after_a_crash_anywhere(past in past(), wish in wish(), at in moment()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let gate = Gate::new(at, Happening::Death);
        drop(stage.run_with(&policy, wish.jobs, Some(&gate), |_| {})?);
        stage.run(&policy, wish.jobs)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(left_over(&stage, &last))?;
    }

    #[test]
    fn a_run_converges_after_failures_anywhere(
        past in past(), wish in wish(), faults in prop::collection::vec(fault(), 1..3), at in moment(), dies: bool,
    ) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let gate = Gate::new(if dies { at } else { u64::MAX }, Happening::Death);
        drop(stage.run_with(&policy, wish.jobs, Some(&gate), |_| {})?);
        stage.sandbox.forget_faults().unwrap();
        stage.run(&policy, wish.jobs)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(left_over(&stage, &last))?;
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn what_is_behind_an_unknown_source_is_not_touched(
        past in past(), wish in wish(), engine in prop::option::of(0..3_u8), registrar in prop::option::of(any::<bool>()),
    ) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let registered: BTreeSet<ClusterId> = stage.look(&policy)?.snapshot.ledger.registrations
            .into_iter().map(|entry| entry.cluster).collect();
        let there: BTreeSet<ClusterId> = stage.living();
        match engine {
            Some(0) => stage.sandbox.engine_down(Outage::Silent).unwrap(),
            Some(1) => stage.sandbox.engine_down(Outage::NotReady).unwrap(),
            Some(_) => stage.sandbox.replace_engine().unwrap(),
            None => {}
        }
        let (table, world) = (stage.table(), stage.world());
        if let Some(silent) = registrar {
            stage.sandbox.tell(if silent { "kubeconfig is silent" } else { "kubeconfig is down" }).unwrap();
        }
        let run = stage.run(&policy, wish.jobs)?;
        let journal = stage.sandbox.journal().unwrap();
        if engine.is_some() {
            prop_assert!(journal.records.is_empty(), "{journal:#?}");
            prop_assert_eq!(table, stage.table());
            if registrar.is_none() {
                prop_assert_eq!(world, stage.world());
            }
            stage.sandbox.engine_up().unwrap();
        }
        if registrar.is_some() {
            stage.sandbox.tell("kubeconfig is up").unwrap();
            let entries = journal.records.iter().filter(|record| record.thing == Thing::Registration);
            none(entries.collect())?;
            let replaced = |id: &ClusterId| run.rounds.iter().any(|(plan, _)| {
                plan.steps.iter().any(|step| step.replaces && step.action.cluster().as_ref() == Some(id))
            });
            for id in registered.iter().filter(|id| there.contains(id) && !replaced(id)) {
                prop_assert!(stage.view(id).is_some_and(|view| view.has_nodes()), "{id} is registered, and is gone");
            }
        }
    }

    #[test]
    fn what_is_foreign_is_not_harmed(
        past in past(), wish in wish(), between in prop::collection::vec((any::<Index>(), damage()), 0..2),
        meanwhile in prop::option::of((any::<Index>(), damage())), at in moment(), faults in prop::collection::vec(fault(), 0..2),
    ) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let ids = stage.known();
        let before = stage.look(&policy)?;
        let foreign = stage.foreign();
        let strange = stage.strange_things();
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let gate = match (&meanwhile, ids.is_empty()) {
            (Some((place, damage)), false) => {
                let (id, damage, hand) = (place.get(&ids).clone(), *damage, stage.hand.clone());
                Gate::new(at, Happening::Deed(Box::new(move || hand.damage(&id, damage))))
            }
            _ => Gate::new(u64::MAX, Happening::Death),
        };
        let done = stage.run_with(&policy, wish.jobs, Some(&gate), |_| {
            for (place, damage) in between.iter().filter(|_| !ids.is_empty()) {
                stage.hand.damage(place.get(&ids), *damage);
            }
        });
        drop(done?);
        stage.sandbox.forget_faults().unwrap();
        stage.run(&policy, wish.jobs)?;
        none(harmed(&stage.sandbox.journal().unwrap(), &before))?;
        if between.is_empty() && meanwhile.is_none() {
            let after = stage.foreign();
            for (id, view) in foreign.into_iter().filter(|(id, _)| !policy.adopt.contains(id)) {
                prop_assert_eq!(Some(&view), after.get(&id));
            }
        }
        prop_assert!(strange.is_subset(&stage.strange_things()));
    }
}

/// The final state, up to what the engine deals: identities, addresses, API ports and subnets that nobody asked for.
fn outcome(stage: &Stage, run: &Run) -> BTreeMap<String, String> {
    let asked: BTreeSet<&ClusterId> = run
        .last
        .snapshot
        .desired
        .intents()
        .filter(|(_, intent)| intent.spec.subnet.is_some())
        .map(|(_, intent)| &intent.spec.id)
        .collect();
    let shown = stage.sandbox.show().unwrap();
    let mut outcome = BTreeMap::new();
    for cluster in shown.clusters {
        let subnet = cluster.subnet.filter(|_| asked.contains(&cluster.cluster));
        let text = format!(
            "{} {:?} {:?} {:?} {subnet:?}",
            cluster.phase, cluster.made_by, cluster.nodes, cluster.ports
        );
        outcome.insert(format!("cluster {}", cluster.cluster), text);
    }
    for entry in shown.registrations {
        outcome.insert(
            format!("entry {}", entry.cluster),
            format!("{:?}", entry.made_by),
        );
    }
    for (name, row) in stage.intent() {
        outcome.insert(format!("row {name}"), format!("{:?}", &row[1..]));
    }
    for held in &run.last.plan.held {
        let key = format!("held {} {}", held.address, held.reason.code());
        outcome.insert(key, String::new());
    }
    outcome
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn after_a_repair_every_row_is_true(past in past(), mut wish in wish()) {
        wish.way = if wish.replace_broken { Way::RepairAndPrune } else { Way::Repair };
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        stage.run(&policy, wish.jobs)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(unmet(&stage, &last))?;
        if wish.way == Way::RepairAndPrune {
            none(orphans(&stage, &last))?;
        }
    }

    #[test]
    fn after_a_prune_no_orphan_is_left(past in past(), mut wish in wish()) {
        wish.way = if wish.replace_broken { Way::Prune } else { Way::PruneOrphans };
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(orphans(&stage, &last))?;
    }

    #[test]
    fn rows_keep_what_people_wrote_and_leave_only_by_a_prune_with_a_tombstone(
        past in past(), wish in wish(), faults in prop::collection::vec(fault(), 0..2), at in moment(),
    ) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let before = stage.intent();
        let dead = stage.look(&policy)?;
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let gate = Gate::new(at, Happening::Death);
        drop(stage.run_with(&policy, wish.jobs, Some(&gate), |_| {})?);
        let (after, tombstones) = (stage.intent(), stage.tombstones());
        for (name, row) in &before {
            match after.get(name) {
                Some(kept) => prop_assert_eq!(row, kept),
                None => {
                    prop_assert!(policy.mode.prune.rows && tombstones.contains(name), "row {name} is gone");
                    prop_assert!(!stage.flawed().contains(name) && name.as_str() != draft::MANAGEMENT, "row {name} is gone");
                    let id = dead.snapshot.desired.intents().find(|(_, intent)| intent.spec.id.name.as_str() == name);
                    let view = id.and_then(|(_, intent)| stage.view(&intent.spec.id));
                    prop_assert!(view.is_none_or(|view| !view.has_nodes()), "row {name} went and its cluster is there");
                }
            }
        }
        let captured = |name: &String| policy.adopt.iter().any(|id| id.name.as_str() == name);
        prop_assert!(after.keys().all(|name| before.contains_key(name) || captured(name)));
    }

    #[test]
    fn a_row_that_is_edited_between_plan_and_deed_stays(past in past(), mut wish in wish(), edits in prop::collection::vec((any::<Index>(), edit()), 1..3)) {
        wish.way = Way::PruneRows;
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let before = stage.intent();
        let names: Vec<String> = before.keys().cloned().collect();
        let mut edited = BTreeSet::new();
        let run = stage.run_with(&policy, 1, None, |_| {
            for (place, edit) in edits.iter().filter(|_| !names.is_empty()) {
                let name: &String = place.get(&names);
                stage.edit(name, *edit);
            }
            let now = stage.intent();
            edited = before.iter().filter(|(name, row)| now.get(*name).map(|now| &now[..9]) != Some(&row[..9])).map(|(name, _)| name.clone()).collect();
        })?.run()?;
        // What the first round planned; a later one has seen the edit.
        let Some((plan, outcome)) = run.rounds.first() else { return Ok(()) };
        for step in &plan.steps {
            if let Action::PruneRow { shown, .. } = &step.action {
                let went = outcome.steps[&step.id].result == StepResult::Succeeded;
                prop_assert!(!went || !edited.contains(shown), "row {shown} was edited, and was deleted as it was planned");
            }
        }
    }

    #[test]
    fn order_makes_no_difference(past in past(), wish in wish(), picks in prop::collection::vec(any::<Index>(), 1..8), jobs in 1..5_usize) {
        let mut turned = past.clone();
        turned.rows.reverse();
        turned.more.reverse();
        let (one, other) = (Stage::after(&past)?, Stage::after(&turned)?);
        let policy = one.policy(&wish)?;
        prop_assume!(other.policy(&wish)? == policy);
        let first = one.run(&policy, wish.jobs)?;
        let second = other.run_with(&policy, jobs, None, |look| look.plan = shuffled(&look.plan, &picks))?.run()?;
        let without_order = |stage: &Stage, run: &Run| {
            let mut all = outcome(stage, run);
            all.retain(|key, _| !key.starts_with("row "));
            let rows = stage.intent().into_keys().collect::<Vec<_>>();
            (all, rows)
        };
        prop_assert_eq!(without_order(&one, &first), without_order(&other, &second));
    }

    #[test]
    fn doing_it_twice_is_doing_it_once(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let first = stage.run(&policy, wish.jobs)?;
        if !first.last.plan.is_empty() {
            return Ok(());
        }
        let (world, rows) = (outcome(&stage, &first), stage.table());
        let mut again = policy.clone();
        again.replace.clear();
        stage.sandbox.clear_journal().unwrap();
        let second = stage.run(&again, wish.jobs)?;
        prop_assert!(second.rounds.is_empty(), "{:#?}", second.rounds);
        prop_assert!(stage.sandbox.journal().unwrap().records.is_empty());
        if policy.replace.is_empty() {
            prop_assert_eq!(world, outcome(&stage, &second));
        }
        prop_assert_eq!(rows, stage.table());
    }

    #[test]
    fn a_look_changes_nothing(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let (file, world) = (std::fs::read(stage.path()).unwrap(), stage.world());
        let one = stage.look(&policy)?;
        let two = stage.look(&policy)?;
        prop_assert_eq!(format!("{:?}", one.plan), format!("{:?}", two.plan));
        prop_assert!(file == std::fs::read(stage.path()).unwrap(), "the file changed");
        prop_assert_eq!(world, stage.world());
        prop_assert!(stage.sandbox.journal().unwrap().records.is_empty());
    }

    #[test]
    fn a_run_that_lost_its_lease_does_nothing(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let intent = stage.intent();
        let mut planned = 0;
        let run = stage.run_with(&policy, wish.jobs, None, |look| {
            planned = look.plan.steps.len();
            stage.steal_lease();
        })?.run()?;
        let journal = stage.sandbox.journal().unwrap();
        prop_assert!(journal.records.is_empty(), "{journal:#?}");
        prop_assert_eq!(intent, stage.intent());
        if planned > 0 {
            prop_assert!(run.rounds.iter().any(|(_, outcome)| outcome.lost_lease()));
        }
    }

    #[test]
    fn a_failed_create_cancels_what_nobody_needs_to_lose(past in past(), mut wish in wish()) {
        wish.way = Way::RepairAndPrune;
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        stage.sandbox.tell("create fails").unwrap();
        let run = stage.run(&policy, wish.jobs)?;
        let Some((plan, outcome)) = run.rounds.first() else { return Ok(()) };
        if plan.count(ActionKind::Create) == 0 {
            return Ok(());
        }
        let feeds_a_create = |id| plan.steps.iter().any(|step| step.action.kind() == ActionKind::Create && step.after.contains(&id));
        for step in plan.steps.iter().filter(|step| step.inferred && step.action.kind() == ActionKind::Delete) {
            let went = outcome.steps[&step.id].result == StepResult::Succeeded;
            prop_assert!(!went || feeds_a_create(step.id), "{step:?} in {plan:#?}");
        }
    }

    #[test]
    fn a_step_that_says_it_is_done_is_done(past in past(), wish in wish(), faults in prop::collection::vec(fault(), 1..3)) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let run = stage.run(&policy, wish.jobs)?;
        let done: Vec<&Action> = succeeded(&run).map(|(_, action)| action).collect();
        let made_again = |id: &ClusterId| done.iter().any(|action| matches!(action, Action::Create { spec } if spec.id == *id))
            || run.rounds.iter().any(|(plan, _)| plan.steps.iter().any(|step| matches!(&step.action, Action::Create { spec } if spec.id == *id)));
        for action in &done {
            match action {
                Action::Create { spec } => {
                    let view = stage.view(&spec.id);
                    prop_assert!(view.is_some_and(|view| view.phase == Phase::Running), "{action:?}");
                    let listed = run.last.snapshot.ledger.entries_of(&spec.id).any(|entry| !entry.containers.is_empty());
                    prop_assert!(listed, "{action:?} and the ledger does not list it");
                }
                Action::Start { id, .. } | Action::Await { id, .. } => {
                    prop_assert!(stage.view(id).is_some_and(|view| view.phase == Phase::Running), "{action:?}");
                }
                Action::AddPorts { id, ports, .. } => {
                    let view = stage.view(id).unwrap();
                    prop_assert!(ports.iter().all(|(inside, host)| view.ports.get(inside) == Some(host)), "{action:?}");
                }
                Action::Delete { id, .. } if !made_again(id) => prop_assert!(stage.view(id).is_none(), "{action:?}"),
                Action::Register { id, .. } => {
                    let shown = stage.sandbox.show().unwrap().registrations;
                    let lied = faults.iter().any(|fault| fault.starts_with("register does nothing"));
                    prop_assert!(lied || shown.iter().any(|entry| entry.cluster == *id), "{action:?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn what_a_guard_refuses_is_not_done_at_all(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let mut policy = stage.policy(&wish)?;
        policy.guards.allow_all = false;
        let seen = stage.look(&policy)?;
        let intent = stage.intent();
        let run = stage.run(&policy, wish.jobs)?;
        if seen.plan.refusals.is_empty() {
            return Ok(());
        }
        prop_assert!(run.rounds.is_empty());
        prop_assert!(stage.sandbox.journal().unwrap().records.is_empty());
        prop_assert_eq!(intent, stage.intent());
    }

    #[test]
    fn the_status_columns_say_what_is_there(past in past(), wish in wish(), faults in prop::collection::vec(fault(), 0..2)) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let last = stage.run(&policy, wish.jobs)?.last;
        let said = stage.status();
        for (row, intent) in last.snapshot.desired.intents() {
            let id = &intent.spec.id;
            let view = stage.view(id).filter(|view| view.has_nodes());
            let [actual, status, error] = &said[&row.shown];
            let running = view.as_ref().is_some_and(|view| view.phase == Phase::Running);
            prop_assert_eq!(actual.as_deref() == Some("running"), running, "{} is {:?}", id, view);
            prop_assert_eq!(actual.as_deref() == Some("absent"), view.is_none(), "{} is {:?}", id, view);
            if status.as_deref() == Some("Ready") {
                prop_assert!(running && error.is_none(), "{id}: {:?}", said[&row.shown]);
            }
        }
        for name in stage.flawed() {
            prop_assert!(said[&name][2].is_some(), "{name} cannot be right, and its row does not say so");
        }
    }

    #[test]
    fn guards_count_the_whole_world(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let mut policy = stage.policy(&wish)?;
        policy.guards.allow_all = false;
        let seen = stage.look(&policy)?;
        // By hand: what is ours, per provider, and how much of it goes without a row or a flag that says so.
        let ours: Vec<ClusterId> = stage.living().into_iter()
            .filter(|id| !stage.hand.made(id) && id.name != policy.management).collect();
        for provider in draft::PROVIDERS {
            let of = |id: &ClusterId| id.provider.as_str() == provider;
            let total = ours.iter().filter(|id| of(id)).count();
            let deletes: Vec<_> = seen.plan.steps.iter()
                .filter(|step| step.action.kind() == ActionKind::Delete && step.action.cluster().is_some_and(|id| of(&id))).collect();
            let inferred = deletes.iter().filter(|step| step.inferred).count();
            let empty = seen.snapshot.desired.rows.iter().all(|row| row.shown == draft::MANAGEMENT);
            let too_many = inferred > (total / 2).max(1) || (deletes.len() >= total && total >= 3) || (inferred > 0 && empty);
            let class = format!("{provider} clusters");
            prop_assert_eq!(seen.plan.refusals.iter().any(|refusal| refusal.class == class), too_many, "{} of {}", inferred, total);
        }
    }

    #[test]
    fn a_cluster_is_ours_only_if_every_node_is_listed_or_marked_while_its_entry_is_open(
        state in prop::sample::select(vec![EntryState::Creating, EntryState::Live, EntryState::Deleting]),
        nodes in prop::collection::vec((any::<bool>(), prop::option::of(1..3_u8), any::<bool>()), 1..4),
    ) {
        // Each node: whether the entry lists it, whose mark it bears, whether it is a server.
        let mark = |byte: u8| Nonce::from_random([byte; 16]);
        let id: ClusterId = "k3d/dev".parse().unwrap();
        let name = |at: usize| ContainerId::new(format!("c{at}"));
        let entry = Entry {
            key: EntryKey(1),
            id: id.clone(),
            origin: Origin::Made,
            state,
            nonce: Some(mark(1)),
            incarnation: None,
            containers: nodes.iter().enumerate().filter(|(_, node)| node.0).map(|(at, _)| name(at)).collect(),
            networks: BTreeSet::new(),
            volumes: BTreeSet::new(),
            since: Timestamp::UNIX_EPOCH,
        };
        let view = ClusterView {
            phase: Phase::Running,
            detail: None,
            incarnation: None,
            nodes: nodes.iter().enumerate().map(|(at, (_, marked, server))| NodeView {
                id: name(at),
                name: format!("n{at}"),
                role: if *server { NodeRole::Server } else { NodeRole::Balancer },
                state: NodeState::Running,
                image: String::new(),
                nonce: marked.map(mark),
            }).collect(),
            networks: vec![],
            volumes: vec![],
            ports: PortMap::new(),
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: false,
            id,
        };
        let ledger = Ledger { engine: None, entries: vec![entry], registrations: vec![] };
        let mut servers = nodes.iter().filter(|node| node.2).peekable();
        let proven = servers.peek().is_some()
            && servers.all(|(listed, marked, _)| *listed || (*marked == Some(1) && state != EntryState::Live));
        prop_assert_eq!(matches!(ledger.ownership(&view), Ownership::Ours(_)), proven, "{:?}", view);
        let other = ClusterView { id: "kind/dev".parse().unwrap(), ..view };
        prop_assert!(matches!(ledger.ownership(&other), Ownership::Foreign(_)));
    }
}
