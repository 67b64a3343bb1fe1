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

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use rollcall::execute::StepResult;
use rollcall::model::{ClusterId, Phase, RegistrarId};
use rollcall::plan::{Action, ActionKind};
use rollcall::reconcile::{Look, Run};
use rollcall::sandbox::{Actor, Deed, Journal, Outage, Thing};

use draft::{Damage, Edit, Past, Way, Wish, damage, edit, fault, past, wish};
use gate::{Gate, Happening};
use stage::{Ended, Stage, shuffled};
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
        past in past(), wish in wish(), engine in prop::option::of(any::<bool>()), registrar in prop::option::of(any::<bool>()),
    ) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let registered: BTreeSet<ClusterId> = stage.look(&policy)?.snapshot.ledger.registrations
            .into_iter().map(|entry| entry.cluster).collect();
        let (table, world) = (stage.table(), stage.world());
        if let Some(silent) = engine {
            stage.sandbox.engine_down(if silent { Outage::Silent } else { Outage::NotReady }).unwrap();
        }
        if let Some(silent) = registrar {
            stage.sandbox.tell(if silent { "kubeconfig is silent" } else { "kubeconfig is down" }).unwrap();
        }
        let run = stage.run(&policy, wish.jobs)?;
        let journal = stage.sandbox.journal().unwrap();
        if engine.is_some() {
            prop_assert!(journal.records.is_empty(), "{journal:#?}");
            prop_assert_eq!(table, stage.table());
            stage.sandbox.engine_up().unwrap();
        }
        if registrar.is_some() {
            stage.sandbox.tell("kubeconfig is up").unwrap();
            for record in &journal.records {
                let id = record.cluster.as_ref();
                prop_assert!(record.thing != Thing::Registration, "{record:?}");
                let replaced = |id: &ClusterId| succeeded(&run).any(|(_, action)| matches!(action, Action::Create { spec } if spec.id == *id))
                    || run.rounds.iter().any(|(plan, _)| plan.steps.iter().any(|step| step.replaces && step.action.cluster().as_ref() == Some(id)));
                let gone = record.deed == Deed::Remove && record.thing == Thing::Container
                    && id.is_some_and(|id| registered.contains(id) && !replaced(id));
                prop_assert!(!gone, "a registered cluster went: {record:?}");
            }
        }
        if engine.is_some() && registrar.is_none() {
            prop_assert_eq!(world, stage.world());
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
