//! Whole histories: rows are edited, clusters damaged, the engine goes and comes, tools fail, runs are killed, strangers
//! come. Each ends converged, and nothing of anybody else's was harmed on the way.

use proptest::prelude::*;
use proptest::sample::Index;
use rollcall::model::Policy;
use rollcall::sandbox::Outage;

use crate::draft::{
    Damage, Edit, Past, RowDraft, Stranger, Way, Wish, damage, edit, fault, past, rows, stranger,
    wish,
};
use crate::gate::{Gate, Happening};
use crate::harmless::harmed;
use crate::stage::{Checked, Ended, Stage};
use crate::truth::{orphans, unmet};
use crate::{cases, moment, none};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody edits a row.
    Edit(Index, Edit),
    /// Somebody writes rows.
    Rows(Vec<RowDraft>),
    /// Something befalls a cluster.
    Damage(Index, Damage),
    /// Somebody makes something of their own.
    Stranger(Stranger),
    /// The engine goes, rollcall runs, and it comes back.
    Outage(Wish),
    /// A tool fails from now on, until the end or the next run.
    Fault(String),
    /// rollcall runs.
    Run(Wish),
    /// rollcall runs and is killed.
    Killed(Wish, u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (any::<Index>(), edit()).prop_map(|(place, edit)| Event::Edit(place, edit)),
        1 => rows(1..3).prop_map(Event::Rows),
        3 => (any::<Index>(), damage()).prop_map(|(place, damage)| Event::Damage(place, damage)),
        1 => stranger().prop_map(Event::Stranger),
        1 => wish().prop_map(Event::Outage),
        1 => fault().prop_map(Event::Fault),
        3 => wish().prop_map(Event::Run),
        2 => (wish(), moment()).prop_map(|(wish, at)| Event::Killed(wish, at)),
    ]
}

/// A run, killed or not, that harms nobody.
fn act(stage: &Stage, policy: &Policy, jobs: usize, gate: Option<&Gate>) -> Checked<()> {
    let before = stage.look(policy)?;
    // The journal is kept: it also says what of a cluster was made through the ports.
    let earlier = stage.sandbox.journal().unwrap().records.len();
    match stage.run_with(policy, jobs, gate, |_| {})? {
        Ended::Ran(_) | Ended::Died | Ended::Robbed => {}
    }
    let mut journal = stage.sandbox.journal().unwrap();
    let earlier = earlier.min(journal.records.len());
    journal.records.drain(..earlier);
    none(&harmed(&journal, &before))
}

fn happen(stage: &Stage, event: &Event) -> Checked<()> {
    let names: Vec<String> = stage.intent().into_keys().collect();
    let known = stage.known();
    match event {
        Event::Edit(place, edit) if !names.is_empty() => {
            let name: &String = place.get(&names);
            stage.edit(name, *edit);
        }
        Event::Damage(place, damage) if !known.is_empty() => {
            stage.hand.damage(place.get(&known), *damage);
        }
        Event::Edit(..) | Event::Damage(..) => {}
        Event::Rows(rows) => rows.iter().for_each(|row| stage.insert(row)),
        Event::Stranger(stranger) => stage.hand.admit(stranger),
        Event::Outage(wish) => {
            let policy = stage.policy(wish)?;
            stage.sandbox.engine_down(Outage::Silent).unwrap();
            let acted = act(stage, &policy, wish.jobs, None);
            stage.sandbox.engine_up().unwrap();
            acted?;
        }
        Event::Fault(fault) => stage.sandbox.tell(fault).unwrap(),
        Event::Run(wish) => {
            act(stage, &stage.policy(wish)?, wish.jobs, None)?;
            stage.sandbox.forget_faults().unwrap();
        }
        Event::Killed(wish, at) => {
            let gate = Gate::new(*at, Happening::Death);
            act(stage, &stage.policy(wish)?, wish.jobs, Some(&gate))?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_history_ends_converged_and_harms_nobody(past in past(), events in prop::collection::vec(event(), 3..9)) {
        let stage = Stage::after(&Past { damages: Vec::new(), edits: Vec::new(), ..past })?;
        for event in &events {
            happen(&stage, event)?;
        }
        stage.sandbox.forget_faults().unwrap();
        let last_wish = Wish { replace_broken: true, jobs: 2, ..Wish::of(Way::RepairAndPrune) };
        let policy = stage.policy(&last_wish)?;
        act(&stage, &policy, 2, None)?;
        let last = stage.run(&policy, 2)?.last;
        none(&unmet(&stage, &last))?;
        none(&orphans(&stage, &last))?;
    }
}
