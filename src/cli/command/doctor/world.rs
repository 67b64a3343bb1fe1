//! The engine, the tools and the registrars.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;

use super::finding::Finding;
use super::host::{Reading, docker};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{EngineDescription, Observed, ProviderId, RegistrarId, Seen, ToolView};
use crate::observe::{Ask, observe};
use crate::ports::World;
use crate::provider::{Manifests, ProviderError};
use crate::registrar::{APPLICATIONSET, ARGOCD, HAPROXY, KUBECONFIG, NETWORK, PORTAINER};
use crate::report::ExitCode;

/// How long the engine and each tool may take to say what they are.
const PATIENCE: Duration = Duration::from_secs(10);

/// The world and what it said.
pub(super) struct Looked {
    pub(super) world: World,
    pub(super) observed: Observed,
    /// What the engine says of itself and of its machine.
    pub(super) described: Reading<EngineDescription>,
}

impl Looked {
    /// Who can make clusters there.
    pub(super) fn providers(&self) -> BTreeSet<ProviderId> {
        self.world.providers.keys().cloned().collect()
    }
}

/// What a program says that it is.
type Version = Result<String, ProviderError>;

/// What the tools, and the programs of registrars, say that they are.
#[derive(Default)]
struct Versions {
    tools: BTreeMap<ProviderId, Version>,
    registrars: BTreeMap<RegistrarId, Version>,
}

/// One look, and what it found. A world that cannot even be asked is a finding too.
pub(super) fn look(session: &Session) -> Result<(Option<Looked>, Vec<Finding>), CliError> {
    let world = match session.world() {
        Ok(world) => world,
        Err(error) => return Ok((None, vec![Finding::of_error("world", error)])),
    };
    let (observed, described, versions) = Session::block_on(async {
        let observed = observe(&world, &Ask::default()).await;
        let described = described(&world, &observed).await;
        let versions = versions(&world, &observed).await;
        Ok((observed, described, versions))
    })?;
    let mut findings = vec![engine(session, &observed, &described)];
    let tools = observed.tools.iter();
    findings.extend(tools.map(|(provider, tool)| match tool {
        ToolView::Found(path) => {
            with_version(provider.as_str(), path, versions.tools.get(provider))
        }
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
        Seen::Known(view) => {
            let said = format!("{} clusters registered", view.entries.len());
            with_version(
                registrar.as_str(),
                &said,
                versions.registrars.get(registrar),
            )
        }
        Seen::Unknown(unseen) => Finding::of_silence(registrar.as_str(), unseen),
    }));
    findings.extend(switched_off(&observed));
    let looked = Looked {
        world,
        observed,
        described,
    };
    Ok((Some(looked), findings))
}

/// What the engine is, if it answers at all.
async fn described(world: &World, observed: &Observed) -> Reading<EngineDescription> {
    if observed.engine.known().is_none() {
        return Err("Docker did not answer".to_owned());
    }
    match world.engine.describe(PATIENCE).await {
        Seen::Known(described) => Ok(described),
        Seen::Unknown(unseen) => Err(unseen.error),
    }
}

/// Asks every program that is there, all at once.
async fn versions(world: &World, observed: &Observed) -> Versions {
    let found = world.providers.iter().filter(|(id, _)| {
        let tool = observed.tools.get(*id);
        tool.is_some_and(|tool| matches!(tool, ToolView::Found(_)))
    });
    let tools = found.map(|(id, provider)| async move {
        let version = provider.version(PATIENCE).await;
        (id.clone(), version)
    });
    let installed = world.registrars.iter().filter(|(id, _)| {
        let seen = observed.registrars.get(*id).and_then(Seen::known);
        seen.is_some_and(|view| view.installed)
    });
    let registrars = installed.map(|(id, registrar)| async move {
        let version = registrar.version(PATIENCE).await?;
        Some((id.clone(), version))
    });
    let (tools, registrars) = tokio::join!(join_all(tools), join_all(registrars));
    Versions {
        tools: tools.into_iter().collect(),
        registrars: registrars.into_iter().flatten().collect(),
    }
}

/// What is fine about a program, with what it says that it is.
fn with_version(what: &str, said: &str, version: Option<&Version>) -> Finding {
    match version {
        None => Finding::good(what, said),
        Some(Ok(version)) => Finding::good(what, format!("{said}; {version}")),
        Some(Err(error)) => {
            let said = format!("{said}; its version could not be found out: {error}");
            Finding::unknown(what, said, error.hint.clone())
        }
    }
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

fn engine(
    session: &Session,
    observed: &Observed,
    described: &Reading<EngineDescription>,
) -> Finding {
    match (&observed.engine, described) {
        (Seen::Known(_), _) if session.settings.sandbox.is_some() => {
            Finding::good("sandbox", "a rehearsal engine")
        }
        (Seen::Known(_), Ok(described)) => docker(described),
        (Seen::Known(_), Err(why)) => {
            let said = format!("answers; its version could not be found out: {why}");
            Finding::unknown("docker", said, Some("docker version".to_owned()))
        }
        (Seen::Unknown(unseen), _) => Finding::of_silence("docker", unseen),
    }
}
