//! What is free on this machine, for rows that ask for it.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::cli::args::{Places, Wish};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterSpec, Subnet, UnseenKind, Vacancy};
use crate::ports::World;
use crate::reconcile::{Look, look, on_store};
use crate::report::ExitCode;
use crate::store::Store;

/// Where ports are looked for: those that the bash scripts of Kindler begin with.
const HTTP: u16 = 18080;
const HTTPS: u16 = 18443;
const FORWARD: u16 = 19000;

/// What is free. Without the engine nobody knows.
pub(super) fn vacancy(session: &Session, now: &Look) -> Result<Vacancy, CliError> {
    let engine = &now.observed.engine;
    if let Some(unseen) = engine.unknown() {
        let code = match unseen.kind {
            UnseenKind::NotReady => ExitCode::NotReady,
            _ => ExitCode::Unknown,
        };
        let why = format!(
            "what is free cannot be told: {}: {}",
            unseen.source, unseen.error
        );
        let error = CliError::new(code, why).hint(
            "rollcall cluster add k3d/NAME --http-port PORT   (takes the port that is named)",
        );
        return Err(unseen
            .hint
            .iter()
            .fold(error, |error, hint| error.hint(hint.clone())));
    }
    let routes = match session.settings.sandbox {
        Some(_) => Vec::new(),
        None => routes(&fs::read_to_string("/proc/net/route").unwrap_or_default()),
    };
    let facts = engine.known().map(|engine| &engine.facts);
    let vacancy = facts.map(|facts| Vacancy::of(&now.snapshot.desired, facts, &routes));
    Ok(vacancy.unwrap_or_default())
}

/// How often something is chosen anew because somebody else took it meanwhile.
const TRIES: usize = 20;

/// Adds a row with what is free where that is asked for: chosen, and written only while no other row asks for it.
pub(super) async fn add_row(
    session: &Session,
    world: &World,
    store: &Arc<Store>,
    spec: &ClusterSpec,
    places: &Places,
) -> Result<ClusterSpec, CliError> {
    let question = session.repair_question(world, false);
    let providers: BTreeSet<_> = world.providers.keys().cloned().collect();
    for _ in 0..TRIES {
        let now = look(world, store, &question).await?;
        let mut chosen = spec.clone();
        place(&mut chosen, places, Some(&mut vacancy(session, &now)?))?;
        let (row, providers, at) = (chosen.clone(), providers.clone(), world.clock.now());
        let written = on_store(store, move |store| {
            store.add_row_without_rival(&row, &providers, at)
        });
        if written.await? {
            return Ok(chosen);
        }
    }
    Err(CliError::new(
        ExitCode::Conflict,
        format!(
            "whatever was free for {} another row asked for at the same time",
            spec.id
        ),
    )
    .hint("try again"))
}

/// Puts what was asked for into a spec, and takes what is free where that was asked for.
pub(super) fn place(
    spec: &mut ClusterSpec,
    places: &Places,
    vacancy: Option<&mut Vacancy>,
) -> Result<(), CliError> {
    let none = &mut Vacancy::default();
    let vacancy = vacancy.unwrap_or(none);
    let full = |what: &str| CliError::new(ExitCode::Conflict, format!("no {what} is free"));
    let ports = &mut spec.ports;
    for (column, wish, from) in [
        (&mut ports.http, places.http_port, HTTP),
        (&mut ports.https, places.https_port, HTTPS),
        (&mut ports.forward, places.pf_port, FORWARD),
    ] {
        match wish {
            None => {}
            Some(Wish::None) => *column = None,
            Some(Wish::Is(port)) => *column = Some(port),
            Some(Wish::Free) => {
                *column = Some(vacancy.take_port(from).ok_or_else(|| full("port"))?);
            }
        }
    }
    match places.subnet {
        None => {}
        Some(Wish::None) => spec.subnet = None,
        Some(Wish::Is(subnet)) => spec.subnet = Some(subnet),
        Some(Wish::Free) => {
            spec.subnet = Some(vacancy.take_subnet().ok_or_else(|| full("subnet"))?);
        }
    }
    Ok(())
}

/// Where the routes of `/proc/net/route` lead, but for the default one. What is smaller than a subnet counts as the
/// smallest one.
fn routes(table: &str) -> Vec<Subnet> {
    let address = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let lines = table.lines().skip(1);
    let found = lines.filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (to, mask) = (address(fields.get(1)?)?, address(fields.get(7)?)?);
        let bits = mask.leading_ones().min(29);
        let to = Ipv4Addr::from(to & (u32::MAX.checked_shl(32 - bits).unwrap_or(0)));
        Subnet::parse(&format!("{to}/{bits}")).ok()
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_lead_to_subnets() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n\
             eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\n\
             br0\t0000650A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n\
             wg0\t0542A8C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\n\
             garbage\n";
        let found: Vec<_> = routes(table).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.101.0.0/16", "192.168.66.0/29"]);
    }
}
