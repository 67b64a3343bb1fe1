//! The settings that hold, and where each comes from.

use std::path::PathBuf;

use clap::{CommandFactory, ValueEnum};

use super::finding::Finding;
use crate::cli::args::Cli;
use crate::cli::config::ProviderConfig;
use crate::cli::environment::{in_force, twin};
use crate::cli::session::Session;
use crate::cli::settings::Origin;
use crate::model::{printable, redact};
use crate::report::{ExitCode, SettingDoc};

/// The configuration file.
pub(super) fn configuration(session: &Session) -> Finding {
    let file = &session.settings.file;
    match (&file.problem, &file.path) {
        (Some(error), _) => {
            let said = format!("{}; every default holds here", error.message);
            let remedy = Some(error.hints.join("; ")).filter(|hints| !hints.is_empty());
            let remedy = remedy.or_else(|| Some("name another file with --config".to_owned()));
            Finding::bad("configuration", ExitCode::NotReady, said, remedy)
        }
        (None, Some(path)) => Finding::good("configuration", path.display().to_string()),
        (None, None) => Finding::good("configuration", "none; every default holds"),
    }
}

/// Every setting, a secret's value never.
pub(super) fn effective(session: &Session) -> Vec<SettingDoc> {
    let mut all = flags(session);
    all.extend(keys(session));
    all.extend(["DOCKER_HOST", "DOCKER_CONTEXT"].map(|name| {
        let value = session.streams.var(name).map(str::to_owned);
        let origin = origin_of(value.as_deref(), Origin::Environment);
        setting(name, value, origin)
    }));
    let command = Cli::command();
    if let Some(reconcile) = command.find_subcommand("reconcile") {
        let flags = in_force(reconcile, &session.streams.env);
        all.extend(flags.into_iter().map(|(flag, value, origin)| {
            setting(&format!("reconcile --{flag}"), Some(value), origin)
        }));
    }
    all
}

/// The flags that every command takes.
fn flags(session: &Session) -> Vec<SettingDoc> {
    let (settings, global) = (&session.settings, &session.global);
    let path = |path: &std::path::Path| path.display().to_string();
    let outputs: Vec<_> = global.output.iter().map(ToString::to_string).collect();
    let outputs = Some(outputs.join(" ")).filter(|outputs| !outputs.is_empty());
    let given = |name: &str, value: Option<String>| {
        let from = match session.streams.var(&twin(name)) {
            Some(set) if value.as_deref() == Some(set) => Origin::Environment,
            _ => Origin::Flag,
        };
        let origin = origin_of(value.as_deref(), from);
        setting(&format!("--{name}"), value, origin)
    };
    let mut sandbox = given("sandbox", settings.sandbox.as_deref().map(path));
    if sandbox.value.is_some() && session.streams.var(&twin("sandbox")).is_some() {
        Origin::Environment.text().clone_into(&mut sandbox.origin);
    }
    let mut config = given("config", global.config.as_deref().map(path));
    if config.value.is_none() {
        config.value = settings.file.path.as_deref().map(path);
    }
    vec![
        setting("--db", Some(path(&settings.db)), settings.db_origin),
        sandbox,
        config,
        given("output", outputs),
        given("events", global.events.clone()),
        chosen(session, "progress", &global.progress),
        chosen(session, "color", &global.color),
    ]
}

/// A flag that always has a value.
fn chosen<V: ValueEnum + Default + PartialEq>(
    session: &Session,
    name: &str,
    value: &V,
) -> SettingDoc {
    let word = value.to_possible_value();
    let word = word.as_ref().map(|word| word.get_name().to_owned());
    let origin = match session.streams.var(&twin(name)) {
        Some(set) if word.as_deref() == Some(set) => Origin::Environment,
        _ if *value == V::default() => Origin::Default,
        _ => Origin::Flag,
    };
    setting(&format!("--{name}"), word, origin)
}

/// The keys of the configuration.
fn keys(session: &Session) -> Vec<SettingDoc> {
    let config = &session.settings.config;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let (k3d, kind) = (&config.provider.k3d, &config.provider.kind);
    let mut kubeconfig = key(
        session,
        "kubeconfig.path",
        Some(session.settings.kubeconfig.display().to_string()),
    );
    let unset = kubeconfig.origin == Origin::Default.text();
    if unset && session.streams.var("KUBECONFIG").is_some() {
        Origin::Environment
            .text()
            .clone_into(&mut kubeconfig.origin);
    }
    let mut all = vec![
        key(
            session,
            "management.name",
            Some(config.management.name.clone()),
        ),
        key(session, "provider.k3d.image", k3d.image.clone()),
        key(session, "provider.k3d.program", path(&k3d.program)),
        key(session, "provider.k3d.after_create", follows(k3d)),
        key(session, "provider.kind.image", kind.image.clone()),
        key(session, "provider.kind.program", path(&kind.program)),
        key(session, "provider.kind.after_create", follows(kind)),
        key(
            session,
            "kubeconfig.enabled",
            Some(config.kubeconfig.enabled.to_string()),
        ),
        kubeconfig,
        key(
            session,
            "kubeconfig.except",
            listed(&config.kubeconfig.except),
        ),
    ];
    all.extend(keys_of_argocd(session));
    all.extend(keys_of_haproxy(session));
    all.extend(keys_of_registrars(session));
    all
}

/// What follows each creation.
fn follows(provider: &ProviderConfig) -> Option<String> {
    let words = provider.after_create.iter().flat_map(|one| {
        let manifests = one.manifests.iter().map(|file| file.display().to_string());
        one.images.iter().cloned().chain(manifests)
    });
    listed(words)
}

/// Those of Argo CD.
fn keys_of_argocd(session: &Session) -> Vec<SettingDoc> {
    let config = &session.settings.config;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    vec![
        key(session, "argocd.context", config.argocd.context.clone()),
        key(
            session,
            "argocd.kubeconfig",
            path(&config.argocd.kubeconfig),
        ),
        key(
            session,
            "argocd.namespace",
            Some(config.argocd.namespace.clone()),
        ),
        key(session, "argocd.reach", Some(config.argocd.reach.clone())),
        key(session, "argocd.except", listed(&config.argocd.except)),
        key(
            session,
            "applicationset.name",
            config.applicationset.name.clone(),
        ),
        key(
            session,
            "applicationset.way",
            Some(config.applicationset.way.text().to_owned()),
        ),
        key(
            session,
            "applicationset.key",
            Some(config.applicationset.key.clone()),
        ),
        key(
            session,
            "applicationset.element",
            listed(
                config
                    .applicationset
                    .element
                    .iter()
                    .map(|(key, value)| format!("{key}={value}")),
            ),
        ),
        key(
            session,
            "applicationset.except",
            listed(&config.applicationset.except),
        ),
    ]
}

/// Those of the other registrars.
fn keys_of_registrars(session: &Session) -> Vec<SettingDoc> {
    let config = &session.settings.config;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    vec![
        key(
            session,
            "network.containers",
            listed(&config.network.containers),
        ),
        key(session, "portainer.url", config.portainer.url.clone()),
        key(
            session,
            "portainer.agent_url",
            config.portainer.agent_url.clone(),
        ),
        key(session, "portainer.tunnel", config.portainer.tunnel.clone()),
        key(
            session,
            "portainer.api_key_file",
            path(&config.portainer.api_key_file),
        ),
        key(
            session,
            "portainer.username",
            config.portainer.username.clone(),
        ),
        key(
            session,
            "portainer.password_file",
            path(&config.portainer.password_file),
        ),
        key(
            session,
            "portainer.ca_file",
            path(&config.portainer.ca_file),
        ),
        key(
            session,
            "portainer.insecure_skip_verify",
            Some(config.portainer.insecure_skip_verify.to_string()),
        ),
        key(session, "portainer.group", config.portainer.group.clone()),
        key(session, "portainer.tag", Some(config.portainer.tag.clone())),
        key(
            session,
            "portainer.agent_image",
            config.portainer.agent_image.clone(),
        ),
        key(
            session,
            "portainer.namespace",
            Some(config.portainer.namespace.clone()),
        ),
        key(
            session,
            "portainer.checkin",
            config.portainer.checkin.map(|s| s.to_string()),
        ),
        key(
            session,
            "portainer.except",
            listed(&config.portainer.except),
        ),
    ]
}

/// Those of HAProxy.
fn keys_of_haproxy(session: &Session) -> Vec<SettingDoc> {
    let config = &session.settings.config.haproxy;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let files: Vec<_> = config.files.iter().map(|file| file.display()).collect();
    vec![
        key(session, "haproxy.dir", path(&config.dir)),
        key(session, "haproxy.container", config.container.clone()),
        key(session, "haproxy.files", listed(files)),
        key(session, "haproxy.socket", path(&config.socket)),
        key(
            session,
            "haproxy.proof_port",
            Some(config.proof_port.to_string()),
        ),
        key(session, "haproxy.program", path(&config.program)),
        key(session, "haproxy.address", Some(config.address.clone())),
        key(session, "haproxy.port", Some(config.port.to_string())),
        key(session, "haproxy.except", listed(&config.except)),
    ]
}

/// A key with its value, and where that comes from.
fn key(session: &Session, name: &str, value: Option<String>) -> SettingDoc {
    let set = session.settings.file.sets(name);
    let origin = if set { Origin::File } else { Origin::Default };
    setting(name, value, origin)
}

/// Several values as one text; none: nothing.
fn listed(values: impl IntoIterator<Item = impl ToString>) -> Option<String> {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn origin_of(value: Option<&str>, from: Origin) -> Origin {
    value.map_or(Origin::Default, |_| from)
}

fn setting(name: &str, value: Option<String>, origin: Origin) -> SettingDoc {
    SettingDoc {
        name: name.to_owned(),
        value: value.map(|value| redact(&printable(&value)).into_owned()),
        origin: origin.text().to_owned(),
    }
}
