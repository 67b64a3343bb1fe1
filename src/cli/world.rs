//! Which world a call acts on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::ProviderConfig;
use super::error::CliError;
use super::settings::Settings;
use super::streams::Streams;
use crate::clock::SystemClock;
use crate::model::{ClusterId, ClusterName, ProviderId, RegistrarId};
use crate::ports::World;
use crate::provider::{DockerSettings, ProviderSettings};
use crate::registrar::{
    ArgoCd, ArgoCdSettings, Haproxy, HaproxySettings, Kubeconfig, NetworkSettings, Networks, Reach,
    SharedRegistrar,
};
use crate::sandbox;

/// The sandbox's world, or this machine's Docker.
pub(crate) fn build(settings: &Settings, streams: &Streams) -> Result<World, CliError> {
    if let Some(dir) = &settings.sandbox {
        return Ok(sandbox::open(dir)?.world());
    }
    let docker = DockerSettings {
        env: streams.env.clone(),
        owner: owner(&settings.db),
        state_dir: settings.state_dir.clone(),
        k3d: provider(&settings.config.provider.k3d),
        kind: provider(&settings.config.provider.kind),
    };
    let mut world = World::docker(&docker, BTreeMap::new(), Arc::new(SystemClock));
    world.registrars = registrars(settings, &streams.env, &world);
    Ok(world)
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
    let haproxy = &settings.config.haproxy;
    if let (Some(dir), Some(socket)) = (&haproxy.dir, &haproxy.socket) {
        let haproxy = HaproxySettings {
            dir: dir.clone(),
            files: haproxy.files.clone(),
            program: haproxy.program.clone().unwrap_or_else(installed_haproxy),
            socket: socket.clone(),
            address: haproxy.address.clone(),
            inside: haproxy.port,
            env: env.clone(),
        };
        let haproxy = Haproxy::new(haproxy, providers.clone());
        on.insert(Haproxy::registrar_id(), Arc::new(haproxy));
    }
    if let Some(networks) = networks(settings, world) {
        on.insert(Networks::registrar_id(), Arc::new(networks));
    }
    if let Some(argocd) = argocd(settings, providers) {
        on.insert(ArgoCd::registrar_id(), Arc::new(argocd));
    }
    on
}

/// Who is put on clusters' networks: the management cluster where Argo CD is to reach them that way, and whoever is named.
fn networks(settings: &Settings, world: &World) -> Option<Networks> {
    let (argocd, containers) = (&settings.config.argocd, &settings.config.network.containers);
    let reaches = argocd.context.is_some() && argocd.reach() == Reach::Network;
    let settings = NetworkSettings {
        management: reaches.then(|| settings.management.clone()),
        containers: containers.clone(),
    };
    let asked = settings != NetworkSettings::default();
    asked.then(|| Networks::new(settings, Arc::clone(&world.engine)))
}

fn argocd(settings: &Settings, providers: Vec<ProviderId>) -> Option<ArgoCd> {
    let config = &settings.config.argocd;
    let context = config.context.clone()?;
    let kubeconfig = config.kubeconfig.as_ref();
    let reach = config.reach();
    let after = match reach {
        Reach::Network => vec![Networks::registrar_id()],
        Reach::Host(_) => Vec::new(),
    };
    let settings = ArgoCdSettings {
        kubeconfig: kubeconfig.unwrap_or(&settings.kubeconfig).clone(),
        host: host(&context, &settings.management, &providers),
        context,
        namespace: config.namespace.clone(),
        reach,
        after,
    };
    Some(ArgoCd::new(settings, providers))
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
