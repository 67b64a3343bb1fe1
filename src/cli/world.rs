//! Which world a call acts on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::config::{AfterCreateConfig, ProviderConfig};
use super::error::CliError;
use super::settings::Settings;
use super::streams::Streams;
use crate::clock::SystemClock;
use crate::model::{ClusterId, ClusterName, ProviderId, RegistrarId, Unseen, UnseenKind};
use crate::ports::World;
use crate::provider::{AfterCreate, DockerSettings, Engine, ProviderSettings, Wait};
use crate::registrar::{
    ApplicationSet, ApplicationSetSettings, ArgoCd, ArgoCdSettings, Haproxy, HaproxyInContainer,
    HaproxyOnHost, HaproxyPlace, HaproxySettings, Kubeconfig, NetworkSettings, Networks, Portainer,
    PortainerCredentials, PortainerGroup, PortainerSettings, Reach, SharedRegistrar, Unready,
};
use crate::sandbox;

/// The environment's place for Portainer's API key, and for the password of its user.
const PORTAINER_API_KEY: &str = "ROLLCALL_PORTAINER_API_KEY";
const PORTAINER_PASSWORD: &str = "ROLLCALL_PORTAINER_PASSWORD";

/// The sandbox's world, or this machine's Docker.
pub(crate) fn build(settings: &Settings, streams: &Streams) -> Result<World, CliError> {
    if let Some(dir) = &settings.sandbox {
        let config = &settings.config.provider;
        let all = [("k3d", &config.k3d), ("kind", &config.kind)].into_iter();
        let preparing = all.filter(|(_, provider)| !provider.after_create.is_empty());
        let preparing = preparing.map(|(name, provider)| {
            let all = provider.after_create.iter();
            let manifests = all.flat_map(|one| one.manifests.clone()).collect();
            (ProviderId::new(name), manifests)
        });
        return Ok(sandbox::open(dir)?.preparing(preparing).world());
    }
    let docker = DockerSettings {
        env: without_secrets(&streams.env),
        owner: owner(&settings.db),
        state_dir: settings.state_dir.clone(),
        k3d: provider(&settings.config.provider.k3d),
        kind: provider(&settings.config.provider.kind),
    };
    let mut world = World::docker(&docker, BTreeMap::new(), Arc::new(SystemClock));
    world.registrars = registrars(settings, &streams.env, &world);
    Ok(world)
}

/// What a tool may know.
fn without_secrets(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut env = env.clone();
    env.retain(|name, _| name != PORTAINER_API_KEY && name != PORTAINER_PASSWORD);
    env
}

/// The database's file, as one word that every name of it shares.
fn owner(db: &Path) -> String {
    match fs::metadata(db) {
        Ok(file) => format!("{}-{}", file.dev(), file.ino()),
        Err(_) => db.display().to_string(),
    }
}

fn provider(config: &ProviderConfig) -> ProviderSettings {
    ProviderSettings {
        image: config.image.clone(),
        program: config.program.clone(),
        after_create: config.after_create.iter().map(after_create).collect(),
    }
}

fn after_create(config: &AfterCreateConfig) -> AfterCreate {
    AfterCreate {
        images: config.images.clone(),
        manifests: config.manifests.clone(),
        wait: if config.wait { Wait::UntilUp } else { Wait::No },
    }
}

/// The registrars that are on.
fn registrars(
    settings: &Settings,
    env: &BTreeMap<String, String>,
    world: &World,
) -> BTreeMap<RegistrarId, SharedRegistrar> {
    let providers: Vec<ProviderId> = world.providers.keys().cloned().collect();
    let mut on: BTreeMap<RegistrarId, SharedRegistrar> = BTreeMap::new();
    if settings.config.kubeconfig.enabled {
        let kubeconfig = Kubeconfig::new(settings.kubeconfig.clone(), providers.clone());
        on.insert(Kubeconfig::registrar_id(), Arc::new(kubeconfig));
    }
    if let Some(haproxy) = haproxy(settings, env, world) {
        let haproxy = Haproxy::new(haproxy, providers.clone());
        on.insert(Haproxy::registrar_id(), Arc::new(haproxy));
    }
    if let Some(networks) = networks(settings, world) {
        on.insert(Networks::registrar_id(), Arc::new(networks));
    }
    if let Some(argocd) = argocd(settings, &providers) {
        if let Some(set) = application_set(settings, &argocd) {
            let set = ApplicationSet::new(set, providers.clone());
            on.insert(ApplicationSet::registrar_id(), Arc::new(set));
        }
        let argocd = ArgoCd::new(argocd, providers.clone());
        on.insert(ArgoCd::registrar_id(), Arc::new(argocd));
    }
    let id = Portainer::registrar_id();
    match portainer(settings, env) {
        Ok(None) => {}
        Ok(Some(portainer)) => {
            let portainer = Portainer::new(portainer, providers);
            on.insert(id, Arc::new(portainer));
        }
        Err(error) => {
            let why = Unseen {
                source: id.to_string(),
                kind: UnseenKind::Silent,
                error: error.message,
                hint: Some(error.hints.join("; ")).filter(|hints| !hints.is_empty()),
            };
            on.insert(id.clone(), Arc::new(Unready::new(id, why)));
        }
    }
    on
}

/// HAProxy, on this host or in its container.
fn haproxy(
    settings: &Settings,
    env: &BTreeMap<String, String>,
    world: &World,
) -> Option<HaproxySettings> {
    let config = &settings.config.haproxy;
    let dir = config.dir.clone()?;
    let program = config.program.clone();
    let place = match &config.container {
        Some(name) => HaproxyPlace::Container(HaproxyInContainer {
            name: name.clone(),
            containers: Arc::<dyn Engine>::clone(&world.engine),
            program: program.map_or_else(
                || "haproxy".to_owned(),
                |program| program.display().to_string(),
            ),
            socket: config.socket.clone(),
            proof: config.proof_port,
            after: vec![Networks::registrar_id()],
        }),
        None => HaproxyPlace::Host(HaproxyOnHost {
            program: program.unwrap_or_else(installed_haproxy),
            socket: config.socket.clone()?,
            address: config.address.clone(),
            env: without_secrets(env),
        }),
    };
    Some(HaproxySettings {
        dir,
        files: config.files.clone(),
        inside: config.port,
        place,
    })
}

/// Who is put on clusters' networks: the management cluster where Argo CD is to reach them that way, a HAProxy in a
/// container, and whoever is named.
fn networks(settings: &Settings, world: &World) -> Option<Networks> {
    let argocd = &settings.config.argocd;
    let reaches = argocd.context.is_some() && argocd.reach() == Reach::Network;
    let settings = NetworkSettings {
        management: reaches.then(|| settings.management.clone()),
        containers: settings.config.network.containers.clone(),
        seats: settings.config.haproxy.container.iter().cloned().collect(),
    };
    let asked = settings != NetworkSettings::default();
    asked.then(|| Networks::new(settings, Arc::clone(&world.engine)))
}

fn argocd(settings: &Settings, providers: &[ProviderId]) -> Option<ArgoCdSettings> {
    let config = &settings.config.argocd;
    let context = config.context.clone()?;
    let kubeconfig = config.kubeconfig.as_ref();
    let reach = config.reach();
    let after = match reach {
        Reach::Network => vec![Networks::registrar_id()],
        Reach::Host(_) => Vec::new(),
    };
    Some(ArgoCdSettings {
        kubeconfig: kubeconfig.unwrap_or(&settings.kubeconfig).clone(),
        host: host(&context, &settings.management, providers),
        context,
        namespace: config.namespace.clone(),
        reach,
        after,
    })
}

/// The registrars that live in the management cluster, as a provider makes it and the user's kubeconfig leads to it.
pub(crate) fn hosted(settings: &Settings, world: &World) -> BTreeMap<RegistrarId, ClusterId> {
    let providers: Vec<ProviderId> = world.providers.keys().cloned().collect();
    // A file of its own may lead to another host's cluster of that name.
    let elsewhere = settings.sandbox.is_some() || settings.config.argocd.kubeconfig.is_some();
    let argocd = argocd(settings, &providers).filter(|_| !elsewhere);
    let host = argocd.and_then(|argocd| argocd.host);
    let both = [ArgoCd::registrar_id(), ApplicationSet::registrar_id()];
    both.into_iter()
        .filter_map(|registrar| Some((registrar, host.clone()?)))
        .collect()
}

/// The set is where Argo CD is.
fn application_set(settings: &Settings, argocd: &ArgoCdSettings) -> Option<ApplicationSetSettings> {
    let config = &settings.config.applicationset;
    Some(ApplicationSetSettings {
        name: config.name.clone()?,
        way: config.way(),
        kubeconfig: argocd.kubeconfig.clone(),
        context: argocd.context.clone(),
        host: argocd.host.clone(),
        namespace: argocd.namespace.clone(),
    })
}

fn portainer(
    settings: &Settings,
    env: &BTreeMap<String, String>,
) -> Result<Option<PortainerSettings>, CliError> {
    let config = &settings.config.portainer;
    let (Some(url), Some(agent_url)) = (&config.url, &config.agent_url) else {
        return Ok(None);
    };
    let key = secret(env, PORTAINER_API_KEY, config.api_key_file.as_deref())?;
    let password = match key {
        Some(_) => None,
        None => secret(env, PORTAINER_PASSWORD, config.password_file.as_deref())?,
    };
    let credentials = match (key, &config.username, password) {
        (Some(key), _, _) => PortainerCredentials::ApiKey(key),
        (None, Some(username), Some(password)) => PortainerCredentials::Login {
            username: username.clone(),
            password,
        },
        _ => {
            let missing = "it is switched on, and nothing says who asks it";
            return Err(CliError::usage(missing).hint(format!(
                "set {PORTAINER_API_KEY} or portainer.api_key_file; or portainer.username with \
                 {PORTAINER_PASSWORD} or portainer.password_file"
            )));
        }
    };
    let usual = PortainerSettings::new(url, agent_url, credentials);
    let group = config.group.clone().map(|group| match group.parse() {
        Ok(number) => PortainerGroup::Id(number),
        Err(_) => PortainerGroup::Name(group),
    });
    Ok(Some(PortainerSettings {
        tunnel: config.tunnel.clone(),
        ca_file: config.ca_file.clone(),
        insecure_skip_verify: config.insecure_skip_verify,
        group,
        tag: config.tag.clone(),
        agent_image: config.agent_image.clone(),
        namespace: config.namespace.clone(),
        checkin: config.checkin,
        ..usual
    }))
}

/// A secret of the environment, or of a file; its last line end is none of it.
fn secret(
    env: &BTreeMap<String, String>,
    variable: &str,
    file: Option<&Path>,
) -> Result<Option<SecretString>, CliError> {
    if let Some(value) = env.get(variable).filter(|value| !value.is_empty()) {
        return Ok(Some(SecretString::from(value.clone())));
    }
    let Some(path) = file else {
        return Ok(None);
    };
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| CliError::file("read the secret", path, &error))?;
    Ok(Some(SecretString::from(text.trim_end().to_owned())))
}

/// The management cluster, if the context is one that a provider gives it.
fn host(context: &str, name: &ClusterName, providers: &[ProviderId]) -> Option<ClusterId> {
    let mut providers = providers.iter();
    let provider = providers.find(|provider| context == format!("{provider}-{name}"))?;
    Some(ClusterId::new(provider.clone(), name.clone()))
}

/// Debian's place for it is on no user's PATH.
fn installed_haproxy() -> PathBuf {
    which::which("haproxy").unwrap_or_else(|_| PathBuf::from("/usr/sbin/haproxy"))
}
