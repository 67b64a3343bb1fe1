//! `rollcall kubeconfig`: one kubeconfig that works by itself, for whoever asked for it and for nobody else.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::reaching::{does_not_run, there};
use super::selecting::to_reach;
use crate::cli::args::KubeconfigArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterView, RegistrarId};
use crate::ports::World;
use crate::provider::Access;
use crate::reconcile::{Look, look};
use crate::registrar::{KUBECONFIG, Standalone, context_of};
use crate::report::{Exit, ExitCode, KubeconfigDoc};

/// How long a node may take to give its kubeconfig.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(session: &Session, args: &KubeconfigArgs) -> Result<Exit, CliError> {
    to_standard_output_alone(session)?;
    let store = session.open_read()?;
    let world = session.world()?;
    let question = session.repair_question(&world, false);
    let (access, asleep) = Session::block_on(async {
        let now = look(&world, &store, &question).await?;
        let id = to_reach(&now, &args.name)?;
        let view = there(&now, &id)?;
        Ok((access(&world, &now, view).await?, does_not_run(view)))
    })?;
    let warnings = asleep.map(|(said, way_out)| session.command(&format!("{said}: {way_out}")));
    let warnings: Vec<String> = warnings.into_iter().collect();
    for warning in &warnings {
        session.say(&format!("warning: {warning}"));
    }
    let standalone = Standalone::of(&access);
    let yaml = standalone.yaml()?;
    let doc = KubeconfigDoc {
        schema: "rollcall.kubeconfig/v1".to_owned(),
        cluster: access.id.to_string(),
        context: context_of(&access.id),
        server: access.server.clone(),
        kubeconfig: standalone.into_value(),
        warnings,
        exit: Exit::default(),
    };
    session.answer(&doc, |_| yaml.expose_secret().to_owned())?;
    Ok(doc.exit)
}

/// A file of an answer may be read by others.
fn to_standard_output_alone(session: &Session) -> Result<(), CliError> {
    if session.global.output.iter().all(|spec| spec.path.is_none()) {
        return Ok(());
    }
    let said = "a kubeconfig holds a client key: it is not written to the file of an answer";
    Err(CliError::usage(said).hint(
        "print it, and keep the file for yourself: (umask 077; rollcall kubeconfig NAME > FILE)",
    ))
}

/// The credentials that the cluster's own node has; where it gives none, those in the user's kubeconfig, if they are of
/// this life.
async fn access(world: &World, now: &Look, view: &ClusterView) -> Result<Access, CliError> {
    let id = &view.id;
    let provider = world.providers.get(&id.provider).ok_or_else(|| {
        CliError::new(
            ExitCode::NotReady,
            format!("there is no provider {}", id.provider),
        )
    })?;
    let silent = match tokio::time::timeout(PATIENCE, provider.access(view)).await {
        Ok(Ok(access)) => return Ok(access),
        Ok(Err(error)) => CliError::from(error),
        Err(_) => CliError::new(
            ExitCode::Unknown,
            format!("{id}: its node gave no kubeconfig within {PATIENCE:?}"),
        ),
    };
    registered(world, now, view).await.ok_or(silent)
}

/// The credentials in the user's kubeconfig, where rollcall wrote them for this life and nobody changed them since.
async fn registered(world: &World, now: &Look, view: &ClusterView) -> Option<Access> {
    let registrar = RegistrarId::new(KUBECONFIG);
    let ours = now.snapshot.ledger.registration(&registrar, &view.id)?;
    let there = now.observed.registrars.get(&registrar)?.known()?;
    let entry = there.entries.get(&view.id)?;
    let same = Some(&ours.incarnation) == view.incarnation.as_ref()
        && ours.fingerprint == entry.fingerprint;
    if !same {
        return None;
    }
    world.registrars.get(&registrar)?.access(&view.id).await
}
