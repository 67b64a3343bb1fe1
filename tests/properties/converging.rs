//! Runs converge: after whatever went wrong, in one pass when nothing did, and in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use rollcall::reconcile::Run;

use crate::draft::{RowDraft, Way, Wish, fault, past, wish};
use crate::gate::{Gate, Happening};
use crate::stage::{Ended, Stage, shuffled};
use crate::truth::{left_over, orphans, unmet};
use crate::{cases, moment, none};

/// How every subnet begins that a row asks for, and none that the engine deals.
const ASKED: &str = "10.";

/// The final state, up to what the engine deals: identities, addresses, API ports and subnets that nobody asked for.
fn outcome(stage: &Stage, run: &Run) -> BTreeMap<String, String> {
    let shown = stage.sandbox.show().unwrap();
    let mut outcome = BTreeMap::new();
    for cluster in shown.clusters {
        let subnet = cluster.subnet.map(|subnet| subnet.to_string());
        let subnet = subnet.filter(|subnet| subnet.starts_with(ASKED));
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
    #![proptest_config(cases(140))]

    #[test]
    fn one_pass_suffices_when_nothing_fails(past in past(), wish in wish()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let mut run = stage.run(&policy, wish.jobs)?;
        if !policy.adopt.is_empty() {
            // What was just taken over is changed only by a run that was shown it as ours.
            run = stage.run(&policy, wish.jobs)?;
        }
        none(&left_over(&stage, &run.last))?;
    }

    #[test]
    fn a_run_converges_after_a_crash_anywhere(past in past(), wish in wish(), at in moment()) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let gate = Gate::new(at, Happening::Death);
        drop(stage.run_with(&policy, wish.jobs, Some(&gate), |_| {})?);
        stage.run(&policy, wish.jobs)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(&left_over(&stage, &last))?;
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
        none(&left_over(&stage, &last))?;
    }

    #[test]
    fn after_a_repair_every_row_is_true(past in past(), mut wish in wish()) {
        wish.way = if wish.replace_broken { Way::RepairAndPrune } else { Way::Repair };
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        stage.run(&policy, wish.jobs)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(&unmet(&stage, &last))?;
        if wish.way == Way::RepairAndPrune {
            none(&orphans(&stage, &last))?;
        }
    }

    #[test]
    fn after_a_prune_no_orphan_is_left(past in past(), mut wish in wish()) {
        wish.way = if wish.replace_broken { Way::Prune } else { Way::PruneOrphans };
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let last = stage.run(&policy, wish.jobs)?.last;
        none(&orphans(&stage, &last))?;
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
    fn doing_it_twice_is_doing_it_once(past in past(), mut wish in wish()) {
        wish.replace.clear();
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        let first = stage.run(&policy, wish.jobs)?;
        if !first.last.plan.is_empty() {
            return Ok(());
        }
        let (world, rows) = (outcome(&stage, &first), stage.table());
        stage.sandbox.clear_journal().unwrap();
        let second = stage.run(&policy, wish.jobs)?;
        prop_assert!(second.rounds.is_empty(), "{:#?}", second.rounds);
        prop_assert!(stage.sandbox.journal().unwrap().records.is_empty());
        prop_assert_eq!(world, outcome(&stage, &second));
        prop_assert_eq!(rows, stage.table());
    }
}

#[test]
fn a_first_repair_converges_after_a_crash_at_every_moment() {
    for provider in ["k3d", "kind"] {
        let mut moments = 0;
        loop {
            let stage = Stage::new(moments);
            stage.insert(&RowDraft::plain(provider, "dev"));
            let policy = stage.policy(&Wish::of(Way::Repair)).unwrap();
            let gate = Gate::new(moments, Happening::Death);
            let ended = stage.run_with(&policy, 1, Some(&gate), |_| {}).unwrap();
            let last = stage.run(&policy, 1).unwrap().last;
            none(&left_over(&stage, &last)).unwrap();
            none(&unmet(&stage, &last)).unwrap();
            if let Ended::Ran(_) = ended {
                break;
            }
            moments += 1;
        }
        assert!(moments > 20, "a repair of {provider} has {moments} moments");
    }
}
