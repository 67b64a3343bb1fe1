//! The engine, the tools and the registrars.

use super::finding::Finding;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Observed, RegistrarId, Seen, ToolView};
use crate::observe::{Ask, observe};
use crate::ports::World;
use crate::provider::Manifests;
use crate::registrar::{APPLICATIONSET, ARGOCD, HAPROXY, KUBECONFIG, NETWORK, PORTAINER};
use crate::report::ExitCode;

/// The world and what it said.
pub(super) type Looked = (World, Observed);

/// One look, and what it found. A world that cannot even be asked is a finding too.
pub(super) fn look(session: &Session) -> Result<(Option<Looked>, Vec<Finding>), CliError> {
    let world = match session.world() {
        Ok(world) => world,
        Err(error) => return Ok((None, vec![Finding::of_error("world", error)])),
    };
    let observed = Session::block_on(async { Ok(observe(&world, &Ask::default()).await) })?;
    let mut findings = vec![engine(session, &observed)];
    let tools = observed.tools.iter();
    findings.extend(tools.map(|(provider, tool)| match tool {
        ToolView::Found(path) => Finding::good(provider.as_str(), path.clone()),
        ToolView::Missing { program, hint } => {
            let said = format!("{program} is not installed; rows of {provider} cannot be made");
            let remedy = Some(hint.clone());
            Finding::bad(provider.as_str(), ExitCode::NotReady, said, remedy)
        }
    }));
    findings.extend(unreadable(session));
    let registrars = observed.registrars.iter();
    findings.extend(registrars.map(|(registrar, seen)| match seen {
        Seen::Known(view) if !view.installed => absent(session, registrar),
        Seen::Known(view) => Finding::good(
            registrar.as_str(),
            format!("{} clusters registered", view.entries.len()),
        ),
        Seen::Unknown(unseen) => Finding::of_silence(registrar.as_str(), unseen),
    }));
    findings.extend(switched_off(&observed));
    Ok((Some((world, observed)), findings))
}

/// A registrar that is proven not to be there. That may be meant, but a container's name is what people misspell.
fn absent(session: &Session, registrar: &RegistrarId) -> Finding {
    let container = session.settings.config.haproxy.container.as_deref();
    match container.filter(|_| registrar.as_str() == HAPROXY) {
        Some(container) => Finding::bad(
            HAPROXY,
            ExitCode::NotReady,
            format!("there is no container {container}"),
            Some(
                "make it, or set haproxy.container to the name of HAProxy's container: docker ps"
                    .to_owned(),
            ),
        ),
        None => Finding::good(registrar.as_str(), "switched on, and not installed"),
    }
}

/// The manifests that a creation would stumble over.
fn unreadable(session: &Session) -> impl Iterator<Item = Finding> + use<'_> {
    let providers = &session.settings.config.provider;
    let all = [("k3d", &providers.k3d), ("kind", &providers.kind)];
    all.into_iter().flat_map(|(name, provider)| {
        let all = provider.after_create.iter().flat_map(|one| &one.manifests);
        let read = all.map(|file| Manifests::read(std::slice::from_ref(file)));
        read.filter_map(move |read| {
            let error = read.err()?;
            let remedy =
                format!("mend the file, or name another one in provider.{name}.after_create");
            Some(Finding::bad(
                name,
                ExitCode::NotReady,
                error.message,
                Some(remedy),
            ))
        })
    })
}

/// The registrars that nobody switched on, with the key that does.
fn switched_off(observed: &Observed) -> impl Iterator<Item = Finding> {
    let all = [
        (KUBECONFIG, "kubeconfig.enabled"),
        (HAPROXY, "haproxy.dir"),
        (ARGOCD, "argocd.context"),
        (APPLICATIONSET, "applicationset.name"),
        (NETWORK, "argocd.context or network.containers"),
        (PORTAINER, "portainer.url"),
    ];
    let on = |name: &str| observed.registrars.keys().any(|id| id.as_str() == name);
    let off = all.into_iter().filter(move |(name, _)| !on(name));
    off.map(|(name, key)| Finding::good(name, format!("off; {key} switches it on")))
}

fn engine(session: &Session, observed: &Observed) -> Finding {
    match &observed.engine {
        Seen::Known(_) if session.settings.sandbox.is_some() => {
            Finding::good("sandbox", "a rehearsal engine")
        }
        Seen::Known(engine) => Finding::good(
            "docker",
            match &engine.facts.version {
                Some(version) => format!("answers, version {version}"),
                None => "answers".to_owned(),
            },
        ),
        Seen::Unknown(unseen) => Finding::of_silence("docker", unseen),
    }
}
