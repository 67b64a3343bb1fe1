//! `rollcall ensure`: what a harness calls. Enough rows, every one true, and for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::acting::{self, Deadline, Demand, Order};
use super::adding::known_provider;
use super::free::add_row;
use crate::cli::args::{EnsureArgs, Places, Wish};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterId, ClusterName, ClusterSpec, Port, Ports, Presence, ProviderId};
use crate::ports::World;
use crate::reconcile::{Look, look};
use crate::report::{Exit, ExitCode};
use crate::store::Store;

/// The in-cluster port behind `pf_port`, as nearly every row has it.
const NODE_PORT: i64 = 30080;

pub(crate) fn run(session: &Session, args: &EnsureArgs) -> Result<Exit, CliError> {
    let store = session.open_write()?;
    let world = session.world()?;
    for (provider, _) in &args.min {
        known_provider(&world, provider)?;
    }
    Session::block_on(async {
        let deadline = Deadline::after(args.running.timeout);
        let mut question = session.repair_question(&world, false);
        let now = deadline.bound(look(&world, &store, &question)).await??;
        let missing = missing(&now, &args.min);
        if !missing.is_empty() && !args.fill {
            return Err(too_few(args, &missing));
        }
        for id in &missing {
            fill(session, &world, &store, id).await?;
        }
        question.probe = true;
        let order = Order {
            ending: Demand::True(args.lasting.unwrap_or_default()),
            ..Order::new(question, words(args), &args.running, deadline)
        };
        acting::act(session, &world, store, order).await
    })
}

fn words(args: &EnsureArgs) -> Vec<String> {
    let mut words = vec!["ensure".to_owned()];
    let mut min = String::new();
    for (at, (provider, count)) in args.min.iter().enumerate() {
        let _ = write!(min, "{}{provider}={count}", if at > 0 { "," } else { "" });
    }
    if !min.is_empty() {
        words.push(format!("--min {min}"));
    }
    if args.fill {
        words.push("--fill".to_owned());
    }
    let lasting = args.lasting.map(|lasting| lasting.as_secs());
    words.extend(lasting.map(|seconds| format!("--for {seconds}s")));
    words
}

/// The clusters that rows would have to name, so that every provider has its minimum.
fn missing(now: &Look, min: &[(ProviderId, usize)]) -> Vec<ClusterId> {
    let desired = &now.snapshot.desired;
    let claimed = desired.rows.iter().filter_map(|row| row.claim.name());
    let live = now.observed.clusters().map(|view| &view.id.name);
    let ledger = now
        .snapshot
        .ledger
        .entries
        .iter()
        .map(|entry| &entry.id.name);
    let mut taken: BTreeSet<ClusterName> = claimed.chain(live).chain(ledger).cloned().collect();
    let mut missing = Vec::new();
    let mut highest: BTreeMap<&ProviderId, usize> = BTreeMap::new();
    for (provider, count) in min {
        let most = highest.entry(provider).or_default();
        *most = (*most).max(*count);
    }
    for (provider, count) in highest {
        let present = desired.intents().filter(|(_, intent)| {
            intent.presence == Presence::Present
                && intent.spec.id.provider == *provider
                && intent.spec.id.name != now.policy.management
        });
        let there = present.count();
        let names = (1..).filter_map(|n| ClusterName::parse(&format!("{provider}{n}")).ok());
        let names: Vec<ClusterName> = names
            .filter(|name| !taken.contains(name))
            .take(count.saturating_sub(there))
            .collect();
        taken.extend(names.iter().cloned());
        let ids = names
            .into_iter()
            .map(|name| ClusterId::new(provider.clone(), name));
        missing.extend(ids);
    }
    missing
}

/// Nothing is begun that cannot come true.
fn too_few(args: &EnsureArgs, missing: &[ClusterId]) -> CliError {
    let rows = if missing.len() == 1 { "row" } else { "rows" };
    let why = format!(
        "the table has {} {rows} too few; nothing was changed",
        missing.len()
    );
    let error = CliError::new(ExitCode::Drift, why);
    let error = missing.iter().fold(error, |error, id| {
        error.hint(format!(
            "rollcall cluster add {id} --http-port free --https-port free --subnet free"
        ))
    });
    error.hint(format!(
        "rollcall {} --fill   (adds them)",
        words(args).join(" ")
    ))
}

/// Adds one row, with ports and a subnet that nobody has.
async fn fill(
    session: &Session,
    world: &World,
    store: &Arc<Store>,
    id: &ClusterId,
) -> Result<(), CliError> {
    let places = Places {
        http_port: Some(Wish::Free),
        https_port: Some(Wish::Free),
        subnet: Some(Wish::Free),
        pf_port: None,
    };
    let spec = ClusterSpec {
        id: id.clone(),
        subnet: None,
        ports: Ports {
            node: Port::parse(NODE_PORT).ok(),
            ..Ports::default()
        },
    };
    match add_row(session, world, store, &spec, &places).await {
        Ok(_) => {
            session.say(&format!("added row {}, which wants {id}", id.name));
            Ok(())
        }
        // Somebody else was faster: it is there.
        Err(error) if error.code == ExitCode::Conflict && is_there(world, store, id)? => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_there(world: &World, store: &Store, id: &ClusterId) -> Result<bool, CliError> {
    let providers = world.providers.keys().cloned().collect();
    let desired = store.desired(&providers, world.clock.now())?;
    let mut names = desired.rows.iter().filter_map(|row| row.claim.name());
    Ok(names.any(|name| *name == id.name))
}
