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
use crate::model::{ProviderId, RegistrarId};
use crate::ports::World;
use crate::provider::{DockerSettings, ProviderSettings};
use crate::registrar::{Haproxy, HaproxySettings, Kubeconfig, SharedRegistrar};
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
    let providers: Vec<ProviderId> = world.providers.keys().cloned().collect();
    world.registrars = registrars(settings, &streams.env, providers);
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
    providers: Vec<ProviderId>,
) -> BTreeMap<RegistrarId, SharedRegistrar> {
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
        let haproxy = Haproxy::new(haproxy, providers);
        on.insert(Haproxy::registrar_id(), Arc::new(haproxy));
    }
    on
}

/// Debian's place for it is on no user's PATH.
fn installed_haproxy() -> PathBuf {
    which::which("haproxy").unwrap_or_else(|_| PathBuf::from("/usr/sbin/haproxy"))
}
