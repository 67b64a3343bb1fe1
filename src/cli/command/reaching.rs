//! Whether a person can reach a cluster, and the way out where not.

use crate::cli::error::CliError;
use crate::model::{Address, ClusterId, ClusterView, Phase, RegistrarId, Selector};
use crate::plan::ActionKind;
use crate::reconcile::Look;
use crate::registrar::KUBECONFIG;
use crate::report::ExitCode;

/// A cluster that is there, as it was seen.
pub(super) fn there<'l>(now: &'l Look, id: &ClusterId) -> Result<&'l ClusterView, CliError> {
    if let Some(unseen) = now.observed.engine.unknown() {
        return Err(unseen.into());
    }
    let view = now.observed.cluster(id).filter(|view| view.has_nodes());
    view.ok_or_else(|| {
        let error = CliError::new(ExitCode::Drift, format!("{id} is not there"));
        if has_row(now, id) {
            error.hint(format!("rollcall reconcile --repair --only {id}"))
        } else {
            error.hint("rollcall status   (shows all)")
        }
    })
}

/// Why nobody can talk to it now, and what makes it run.
pub(super) fn does_not_run(view: &ClusterView) -> Option<(String, String)> {
    let id = &view.id;
    let way_out = match view.phase {
        Phase::Running | Phase::Ready => return None,
        Phase::Stopped | Phase::Paused | Phase::Created => format!("rollcall start {id}"),
        _ => format!("rollcall explain {id}"),
    };
    Some((format!("{id} does not run: it is {}", view.phase), way_out))
}

/// Makes sure that the user's kubeconfig has an entry that leads to this cluster.
pub(super) fn registered(now: &Look, view: &ClusterView) -> Result<(), CliError> {
    let (id, registrar) = (&view.id, RegistrarId::new(KUBECONFIG));
    let seen = now.observed.registrars.get(&registrar).ok_or_else(off)?;
    if let Some(unseen) = seen.unknown() {
        return Err(unseen.into());
    }
    let entry = seen.known().and_then(|known| known.entries.get(id));
    let Some(entry) = entry else {
        let said = format!("{id} is not registered in the kubeconfig");
        return Err(CliError::new(ExitCode::Drift, said).hint(to_register(now, id)));
    };
    let leads = entry.leads_to.values().next();
    if view.api_port.is_some() && leads != view.api_port.as_ref() {
        let said = format!(
            "the entry of {id} in the kubeconfig leads elsewhere: {}",
            entry.endpoint
        );
        return Err(CliError::new(ExitCode::Drift, said).hint(to_register(now, id)));
    }
    Ok(())
}

/// Whether the entry in the kubeconfig is to be written anew.
pub(super) fn is_stale(now: &Look, id: &ClusterId) -> bool {
    now.plan.steps.iter().any(|step| {
        let here = Address::Registration(RegistrarId::new(KUBECONFIG), id.clone());
        step.action.kind() == ActionKind::Register && step.action.address() == here
    })
}

/// The registrar is off.
pub(super) fn off() -> CliError {
    let said = "the registrar kubeconfig is off";
    CliError::new(ExitCode::NotReady, said).hint(
        "kubeconfig.enabled in the configuration switches it on; or print one: rollcall kubeconfig NAME",
    )
}

fn to_register(now: &Look, id: &ClusterId) -> String {
    let left_out = now
        .policy
        .unregistered
        .get(&RegistrarId::new(KUBECONFIG))
        .is_some_and(|except| {
            except
                .iter()
                .any(|selector: &Selector| selector.matches(id))
        });
    if left_out {
        format!("kubeconfig.except leaves it out; print one: rollcall kubeconfig {id}")
    } else if has_row(now, id) {
        format!("rollcall reconcile --repair --only {id}")
    } else {
        format!(
            "no row names it: rollcall cluster adopt {id}; or print one: rollcall kubeconfig {id}"
        )
    }
}

fn has_row(now: &Look, id: &ClusterId) -> bool {
    let mut rows = now.snapshot.desired.intents();
    rows.any(|(_, intent)| intent.spec.id == *id)
}
