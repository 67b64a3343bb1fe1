//! Runs do no harm: not to what is foreign or unknown, not to rows, not without a lease, not by looking.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::sample::Index;
use rollcall::execute::StepResult;
use rollcall::model::{Clean, ClusterId, ClusterView, Entry, Mode, Origin, Ownership};
use rollcall::plan::{Action, ActionKind};
use rollcall::reconcile::{Look, Unsettled};
use rollcall::sandbox::{Actor, Deed, Journal, Outage, Thing};
use rusqlite::types::Value;

use crate::draft::{
    Damage, Edit, MANAGEMENT, Past, RowDraft, Way, Wish, damage, edit, fault, past, wish,
};
use crate::gate::{Gate, Happening};
use crate::stage::{Ended, Stage};
use crate::{cases, moment, none};

/// The journal's records of what hands made, apart from what was adopted or is asked to be, and from entries that the
/// ledger lists: those are ours, whoever wrote over them.
pub(crate) fn harmed(journal: &Journal, before: &Look) -> Vec<String> {
    let listed = &before.snapshot.ledger.registrations;
    let mut ours: BTreeSet<&ClusterId> = listed.iter().map(|entry| &entry.cluster).collect();
    let adopted: Vec<&ClusterView> = before
        .observed
        .clusters()
        .filter(|view| {
            before.policy.adopt.contains(&view.id)
                || matches!(before.snapshot.ledger.ownership(view), Ownership::Ours(entry) if entry.origin == Origin::Adopted)
        })
        .collect();
    let entries = before.snapshot.ledger.entries.iter();
    let entries = entries.filter(|entry| entry.origin == Origin::Adopted);
    let listed_parts = entries.flat_map(|entry| {
        let networks = entry.networks.iter().map(ToString::to_string);
        networks.chain(entry.volumes.iter().map(ToString::to_string))
    });
    let adopted_parts: BTreeSet<String> = adopted
        .iter()
        .flat_map(|view| view.volumes.iter().map(|volume| volume.id.to_string()))
        .chain(listed_parts)
        .collect();
    let adopted: BTreeSet<&ClusterId> = adopted.into_iter().map(|view| &view.id).collect();
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
        let taken_over = adopted.contains(id) || adopted_parts.contains(&record.id);
        if foreign && !rewritten && !taken_over {
            harmed.push(format!("{record:?}"));
        }
        if record.deed == Deed::Register {
            ours.insert(id);
        }
    }
    harmed
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_clean_takes_all_that_is_ours_and_nothing_else(past in past(), everything: bool, jobs in 1..5_usize, at in moment(), dies: bool) {
        let stage = Stage::after(&past)?;
        let mut policy = stage.policy(&Wish::of(Way::Repair))?;
        policy.mode = Mode {
            clean: Some(if everything { Clean::Everything } else { Clean::Clusters }),
            ..Mode::default()
        };
        let before = stage.look(&policy)?;
        let (rows, foreign, things) = (stage.intent(), stage.foreign(), stage.strange_things());
        let gate = Gate::new(if dies { at } else { u64::MAX }, Happening::Death);
        drop(stage.run_with(&policy, jobs, Some(&gate), |_| {})?);
        let last = stage.run(&policy, jobs)?.last;
        none(&harmed(&stage.sandbox.journal().unwrap(), &before))?;
        prop_assert_eq!(rows, stage.intent());
        prop_assert_eq!(foreign, stage.foreign());
        prop_assert_eq!(things, stage.strange_things());
        none(&last.plan.steps)?;
        let management = |entry: &&Entry| everything || entry.id.name.as_str() != MANAGEMENT;
        let left = last.snapshot.ledger.entries.iter().filter(management);
        none(&left.filter(|entry| stage.living().contains(&entry.id) && !stage.is_strange(&entry.id)).collect::<Vec<_>>())?;
    }

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
            let entries = journal.records.iter().filter(|record| record.thing == Thing::Registration && record.name == "kubeconfig");
            none(&entries.collect::<Vec<_>>())?;
            let replaced = |id: &ClusterId| run.rounds.iter().any(|(plan, _)| {
                plan.steps.iter().any(|step| step.replaces && step.action.cluster().as_ref() == Some(id))
            });
            for id in registered.iter().filter(|id| there.contains(id) && !replaced(id)) {
                prop_assert!(stage.view(id).is_some_and(|view| view.has_nodes()), "{id} is registered, and is gone");
            }
        }
    }

    #[test]
    fn an_engine_that_is_swapped_in_the_middle_takes_no_row_and_nobodys_life_along(past in past(), wish in wish(), at in moment()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let living = Arc::new(Mutex::new(None));
        let (sandbox, seen) = (stage.sandbox.clone(), Arc::clone(&living));
        let gate = Gate::new(at, Happening::Deed(Box::new(move || {
            *seen.lock().unwrap() = Some(sandbox.swap_engine().unwrap());
        })));
        let open = |stage: &Stage| stage.store().ledger().unwrap().entries;
        let (rows, ours) = (stage.intent(), open(&stage));
        drop(stage.run_with(&policy, wish.jobs, Some(&gate), |_| {})?);
        let Some(living) = living.lock().unwrap().take() else {
            return Ok(());
        };
        let (after, still) = (stage.intent(), open(&stage));
        for entry in ours.iter().filter(|entry| !entry.containers.is_disjoint(&living)) {
            let (id, name) = (&entry.id, entry.id.name.as_str());
            let listed = |still: &Entry| still.id == *id && !still.containers.is_disjoint(&living);
            prop_assert!(still.iter().any(listed), "{id} lives on the old engine, and is nobody's now");
            // A row that moved to another provider before the run is another cluster's.
            let its_own = rows.get(name).is_some_and(|row| row.contains(&Value::Text(id.provider.to_string())));
            prop_assert!(!its_own || after.contains_key(name), "{id} lives on the old engine, and its row is gone");
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
        if let Ended::Ran(run) = done? {
            let deleted = run.rounds.iter().flat_map(|(plan, _)| &plan.steps).filter(|step| step.action.kind() == ActionKind::Delete);
            let deleted: Vec<ClusterId> = deleted.filter_map(|step| step.action.cluster()).collect();
            prop_assert!(!deleted.iter().any(|id| policy.adopt.contains(id)), "{deleted:?} in the run that adopts it");
        }
        stage.sandbox.forget_faults().unwrap();
        stage.run(&policy, wish.jobs)?;
        none(&harmed(&stage.sandbox.journal().unwrap(), &before))?;
        if between.is_empty() && meanwhile.is_none() {
            let after = stage.foreign();
            for (id, view) in foreign.into_iter().filter(|(id, _)| !policy.adopt.contains(id)) {
                prop_assert_eq!(Some(&view), after.get(&id));
            }
        }
        prop_assert!(strange.is_subset(&stage.strange_things()));
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
            let captured = policy.adopt.iter().any(|id| id.name.as_str() == name);
            match after.get(name) {
                // It went, and what was adopted under its name got a row of its own.
                Some(other) if captured && policy.mode.prune.rows && tombstones.contains(name) => prop_assert_ne!(&row[0], &other[0]),
                Some(kept) => prop_assert_eq!(row, kept),
                None => {
                    prop_assert!(policy.mode.prune.rows && tombstones.contains(name), "row {name} is gone");
                    prop_assert!(!stage.flawed().contains(name) && name.as_str() != MANAGEMENT, "row {name} is gone");
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
        let ended = stage.run_with(&policy, wish.jobs, None, |look| {
            planned = look.plan.steps.len();
            stage.steal_lease();
        })?;
        let journal = stage.sandbox.journal().unwrap();
        prop_assert!(journal.records.is_empty(), "{journal:#?}");
        prop_assert_eq!(intent, stage.intent());
        if let Ended::Ran(run) = ended {
            let lost = run.rounds.iter().any(|(_, outcome)| outcome.lost_lease());
            prop_assert!(lost || planned == 0, "{run:#?}");
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
}

#[test]
fn a_strange_network_that_a_leaving_cluster_is_connected_to_stays() {
    let row = RowDraft::plain("kind", "dev");
    let stage = Stage::after(&Past::of(vec![row.clone()])).unwrap();
    stage.hand.damage(&row.id(), Damage::AttachNetwork);
    stage.edit("dev", Edit::Absent);
    let policy = stage.policy(&Wish::of(Way::Repair)).unwrap();
    let before = stage.look(&policy).unwrap();
    let view = stage.view(&row.id());
    assert!(
        view.is_some_and(|view| !view.networks.is_empty()),
        "it is on no network of its own"
    );
    stage.run(&policy, 1).unwrap();
    assert_eq!(stage.view(&row.id()), None);
    none(&harmed(&stage.sandbox.journal().unwrap(), &before)).unwrap();
}

#[test]
fn a_cluster_that_was_made_again_between_plan_and_deletion_stays() {
    let row = RowDraft::plain("k3d", "dev");
    let stage = Stage::after(&Past::of(vec![row.clone()])).unwrap();
    stage.edit("dev", Edit::Absent);
    let policy = stage.policy(&Wish::of(Way::Repair)).unwrap();
    let ended = stage.run_with(&policy, 1, None, |_| {
        stage.hand.damage(&row.id(), Damage::Remake);
    });
    let run = ended.unwrap().run().unwrap();
    let (plan, outcome) = run.rounds.first().unwrap();
    let delete = plan
        .steps
        .iter()
        .find(|step| step.action.kind() == ActionKind::Delete);
    assert_eq!(
        outcome.steps[&delete.unwrap().id].result,
        StepResult::Failed
    );
    assert!(stage.foreign().contains_key(&row.id()));
}

#[test]
fn an_orphan_that_a_row_wants_by_now_stays() {
    let row = RowDraft::plain("k3d", "dev");
    let stage = Stage::after(&Past::of(vec![row.clone()])).unwrap();
    stage.execute("DELETE FROM clusters", &[]);
    let policy = stage.policy(&Wish::of(Way::Prune)).unwrap();
    let ended = stage.run_with(&policy, 1, None, |_| stage.insert(&row));
    let run = ended.unwrap().run().unwrap();
    let (plan, outcome) = run.rounds.first().unwrap();
    assert!(plan.count(ActionKind::Delete) == 1, "{plan:#?}");
    let done = outcome
        .steps
        .values()
        .filter(|ended| ended.result == StepResult::Succeeded);
    assert_eq!(done.count(), 0, "{outcome:#?}");
    assert!(stage.living().contains(&row.id()));
}

#[test]
fn a_run_takes_no_more_away_than_its_first_plan_said() {
    let rows: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| RowDraft::plain("kind", name))
        .into();
    let stage = Stage::after(&Past::of(rows)).unwrap();
    stage.execute("DELETE FROM clusters WHERE name = 'b'", &[]);
    let policy = stage.policy(&Wish::of(Way::Prune)).unwrap();
    let ended = stage.run_with(&policy, 1, None, |_| {
        stage.execute("DELETE FROM clusters WHERE name = 'c'", &[]);
    });
    let run = ended.unwrap().run().unwrap();
    assert_eq!(run.unsettled, Some(Unsettled::WouldTakeAway));
    let there: Vec<_> = stage.living().iter().map(ToString::to_string).collect();
    assert_eq!(there, ["kind/a", "kind/c", "kind/d"]);
}

#[test]
fn a_replacement_that_cannot_be_made_deletes_nothing() {
    let row = RowDraft::plain("k3d", "dev");
    let stage = Stage::after(&Past::of(vec![row.clone()])).unwrap();
    let mut policy = stage.policy(&Wish::of(Way::Repair)).unwrap();
    policy.replace.insert(row.id());
    let before = stage.view(&row.id());
    stage.sandbox.tell("preflight k3d/dev fails").unwrap();
    let run = stage.run(&policy, 1).unwrap();
    assert!(!run.converged);
    assert_eq!(stage.view(&row.id()), before);
}
