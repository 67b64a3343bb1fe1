//! Runs are honest: what they say is done is done, and rows, guards and the ledger say what is there.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use rollcall::execute::StepResult;
use rollcall::model::{
    ClusterId, ClusterName, ClusterView, ContainerId, Entry, EntryKey, EntryState, Ledger,
    NodeRole, NodeState, NodeView, Nonce, Origin, Ownership, Phase, PortMap, Preparation, Selector,
};
use rollcall::plan::{Action, ActionKind};
use rollcall::reconcile::Run;
use rollcall::store::{Store, StoreError};

use crate::cases;
use crate::draft::{
    Edit, MANAGEMENT, NAMES, PROVIDERS, RowDraft, Way, fault, lie, past, rows, wish,
};
use crate::stage::Stage;

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
    #![proptest_config(cases(120))]

    #[test]
    fn a_step_that_says_it_is_done_is_done(
        past in past(), wish in wish(), faults in prop::collection::vec(prop_oneof![lie(), fault()], 1..3),
    ) {
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
    fn the_status_columns_say_what_is_there(past in past(), wish in wish(), faults in prop::collection::vec(fault(), 0..2)) {
        let stage = Stage::after(&past)?;
        let policy = stage.policy(&wish)?;
        faults.iter().for_each(|fault| stage.sandbox.tell(fault).unwrap());
        let last = stage.run(&policy, wish.jobs)?.last;
        let said = stage.status();
        for (row, intent) in last.snapshot.desired.intents() {
            let id = &intent.spec.id;
            if !policy.scope.includes(id) {
                continue;
            }
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
    fn guards_count_the_whole_world(
        mut past in past(), crowd in rows(3..5), provider in prop::sample::select(&PROVIDERS[..]),
        gone in prop::collection::vec(any::<Index>(), 1..5), excluded in prop::collection::vec(any::<Index>(), 0..3), mut wish in wish(),
    ) {
        past.rows = crowd;
        past.rows.iter_mut().for_each(|row| {
            *row = RowDraft { provider, http: None, forward: None, subnet: None, flaw: None, stopped: false, ..row.clone() };
        });
        past.edits = gone.into_iter().map(|place| (place, Edit::Remove)).collect();
        wish.way = if wish.replace_broken { Way::Prune } else { Way::RepairAndPrune };
        let stage = Stage::after(&past)?;
        let mut policy = stage.policy(&wish)?;
        policy.guards.allow_all = false;
        let names = NAMES.map(|name| ClusterName::parse(name).unwrap());
        policy.scope.exclude.extend(excluded.iter().map(|place| Selector::Name(place.get(&names).clone())));
        let seen = stage.look(&policy)?;
        // By hand: what is ours, per provider, and how much of it goes without a row or a flag that says so.
        let ours: Vec<ClusterId> = stage.living().into_iter()
            .filter(|id| !stage.hand.made(id) && id.name != policy.management).collect();
        for provider in PROVIDERS {
            let of = |id: &ClusterId| id.provider.as_str() == provider;
            let total = ours.iter().filter(|id| of(id)).count();
            let deletes: Vec<_> = seen.plan.steps.iter()
                .filter(|step| step.action.kind() == ActionKind::Delete && step.action.cluster().is_some_and(|id| of(&id))).collect();
            let inferred = deletes.iter().filter(|step| step.inferred).count();
            let empty = seen.snapshot.desired.rows.iter().all(|row| row.shown == MANAGEMENT);
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
            preparation: Preparation::None,
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
        let ledger = Ledger { entries: vec![entry], ..Ledger::default() };
        let mut servers = nodes.iter().filter(|node| node.2).peekable();
        let proven = servers.peek().is_some()
            && servers.all(|(listed, marked, _)| *listed || (*marked == Some(1) && state != EntryState::Live));
        prop_assert_eq!(matches!(ledger.ownership(&view), Ownership::Ours(_)), proven, "{:?}", view);
        let other = ClusterView { id: "kind/dev".parse().unwrap(), ..view };
        prop_assert!(matches!(ledger.ownership(&other), Ownership::Foreign(_)));
    }
}

#[test]
fn a_copy_of_the_database_is_refused_for_writing_and_may_be_looked_at() {
    let stage = Stage::new(1);
    let copy = stage.path().with_file_name("copy.db");
    std::fs::copy(stage.path(), &copy).unwrap();
    let clock = stage.sandbox.clock();
    let refused = Store::open_write(&copy, &*clock).map(drop);
    assert!(
        matches!(refused, Err(StoreError::Copied { .. })),
        "{refused:?}"
    );
    Store::open_read(&copy).map(drop).unwrap();
    Store::open_write(&stage.path(), &*clock).map(drop).unwrap();
}
