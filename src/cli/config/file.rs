//! The configuration file as a whole: where it is, what it says, and what cannot be right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::providers::Providers;
use super::registrars::{
    ApplicationSetConfig, ArgoCdConfig, HaproxyConfig, Kubeconfig, NetworkConfig, PortainerConfig,
};
use crate::cli::args::Global;
use crate::cli::error::CliError;
use crate::cli::settings::{Dirs, no_home};
use crate::cli::streams::Streams;
use crate::model::{ClusterName, RegistrarId, Selector};
use crate::registrar::{APPLICATIONSET, ARGOCD, HAPROXY, KUBECONFIG, NETWORK, PORTAINER};
use crate::report::ExitCode;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The management cluster.
    pub(crate) management: Management,
    /// The providers.
    pub(crate) provider: Providers,
    /// The registrar of the user's kubeconfig.
    pub(crate) kubeconfig: Kubeconfig,
    /// The registrar that routes requests to clusters.
    pub(crate) haproxy: HaproxyConfig,
    /// The registrar of Argo CD's clusters.
    pub(crate) argocd: ArgoCdConfig,
    /// The registrar of Argo CD's `ApplicationSet`.
    pub(crate) applicationset: ApplicationSetConfig,
    /// Who is put on clusters' networks.
    pub(crate) network: NetworkConfig,
    /// The registrar of Portainer's environments.
    pub(crate) portainer: PortainerConfig,
}

/// `[management]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Management {
    /// The name of its row.
    pub(crate) name: String,
}

impl Default for Management {
    fn default() -> Self {
        Self {
            name: "devops".to_owned(),
        }
    }
}

impl Config {
    /// The clusters that are not to be registered, per registrar.
    pub(crate) fn unregistered(&self) -> BTreeMap<RegistrarId, BTreeSet<Selector>> {
        let own = ClusterName::parse(&self.management.name).map(Selector::Name);
        let own: Vec<Selector> = own.into_iter().collect();
        let no_one = Vec::new();
        // Argo CD knows its own cluster by itself, and is on its network. What it does not know is in no set.
        let sets = self.argocd.except.iter().chain(&self.applicationset.except);
        let sets: Vec<Selector> = sets.cloned().collect();
        [
            (APPLICATIONSET, &sets, &own),
            (KUBECONFIG, &self.kubeconfig.except, &no_one),
            (HAPROXY, &self.haproxy.except, &no_one),
            (ARGOCD, &self.argocd.except, &own),
            (NETWORK, &no_one, &own),
            (PORTAINER, &self.portainer.except, &no_one),
        ]
        .into_iter()
        .map(|(name, except, own)| {
            let all = except.iter().chain(own).cloned().collect();
            (RegistrarId::new(name), all)
        })
        .collect()
    }

    /// A path of this host without a root begins in this folder: where the configuration is, whatever the working
    /// directory.
    fn begin_paths_at(&mut self, folder: &Path) {
        // What cannot be said as an absolute path is what it is.
        let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
        let registrars = self.haproxy.paths().chain(self.portainer.paths());
        let kubeconfigs = self.kubeconfig.path.iter_mut();
        let kubeconfigs = kubeconfigs.chain(&mut self.argocd.kubeconfig);
        for path in registrars.chain(kubeconfigs).chain(self.provider.paths()) {
            *path = folder.join(&*path);
        }
    }

    /// What is missing, or cannot be right.
    fn problem(&self) -> Option<String> {
        let provider = self.provider.problem();
        let haproxy = provider.or_else(|| self.haproxy.problem());
        let argocd = haproxy.or_else(|| self.argocd.problem());
        let argocd = argocd.or_else(|| {
            let alone = self.applicationset.name.is_some() && self.argocd.context.is_none();
            alone.then(|| "applicationset.name is set, and argocd.context is not".to_owned())
        });
        let set = argocd.or_else(|| self.applicationset.problem());
        set.or_else(|| self.portainer.problem())
    }
}

/// The file, as it was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigFile {
    /// Where it is; none: there is none.
    pub(crate) path: Option<PathBuf>,
    /// What it says; where it is silent, or cannot be used, the defaults.
    pub(crate) config: Config,
    /// Why it cannot be used.
    pub(crate) problem: Option<CliError>,
    keys: toml::Table,
}

impl ConfigFile {
    /// Reads the file that is named, or the user's own.
    pub(crate) fn read(global: &Global, streams: &Streams) -> Self {
        let mut file = Self::default();
        file.problem = file.fill(global, streams).err();
        file
    }

    /// Whether the file sets a key, such as `provider.k3d.image`.
    pub(crate) fn sets(&self, key: &str) -> bool {
        let mut words = key.split('.');
        let first = words.next().and_then(|word| self.keys.get(word));
        words
            .try_fold(first, |value, word| value.map(|value| value.get(word)))
            .flatten()
            .is_some()
    }

    fn fill(&mut self, global: &Global, streams: &Streams) -> Result<(), CliError> {
        let path = match (&global.config, Dirs::of(streams).config) {
            (Some(path), _) => path.clone(),
            (None, Some(dir)) => dir.join("rollcall.toml"),
            (None, None) => return Err(no_home("the configuration")),
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && global.config.is_none() =>
            {
                return Ok(());
            }
            Err(error) => return Err(CliError::file("read the configuration", &path, &error)),
        };
        self.path = Some(path.clone());
        let mut config: Config = toml::from_str(&text).map_err(|error| wrong(&path, &error))?;
        config.begin_paths_at(path.parent().unwrap_or(Path::new("")));
        ClusterName::parse(&config.management.name).map_err(|error| {
            CliError::usage(format!("management.name in the configuration: {error}"))
        })?;
        if let Some(problem) = config.problem() {
            return Err(CliError::usage(format!(
                "the configuration {}: {problem}",
                path.display()
            ))
            .hint("docs/rollcall.example.toml shows every key"));
        }
        self.keys = toml::from_str(&text).map_err(|error| wrong(&path, &error))?;
        self.config = config;
        Ok(())
    }
}

fn wrong(path: &Path, error: &toml::de::Error) -> CliError {
    CliError::new(
        ExitCode::Usage,
        format!(
            "the configuration {} cannot be read: {}",
            path.display(),
            error.message()
        ),
    )
    .hint("docs/rollcall.example.toml shows every key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_an_error_and_an_empty_file_is_not() {
        assert!(toml::from_str::<Config>("").is_ok_and(|config| config == Config::default()));
        assert!(toml::from_str::<Config>("[provider.k3d]\nimgae = 'x'\n").is_err());
    }

    #[test]
    fn every_path_of_this_host_begins_where_the_configuration_is() {
        let example = include_str!("../../../docs/rollcall.example.toml");
        let keys = example.lines().map(|line| line.trim_start_matches("# "));
        let is_path = |value: &str| value.starts_with("\"/") || value.starts_with("[\"/");
        let paths = keys.filter(|line| {
            line.split_once(" = ")
                .is_some_and(|(_, value)| is_path(value))
        });
        // Those of the example, each without its root.
        let mut paths: Vec<String> = paths.map(|line| line.replace("\"/", "\"x/")).collect();
        paths.sort();
        assert_eq!(paths.len(), 11, "{paths:?}");
        let value = |key: &str| {
            let line = paths.iter().find(|line| line.starts_with(key)).unwrap();
            line.clone() + "\n"
        };
        let text = |container: &str| {
            let [program, manifests] = ["program = 'x/k3d'\n", "manifests = ['x/a.yaml']\n"];
            let haproxy = ["dir", "files", "socket", "program"].map(value).concat();
            let portainer = ["api_key_file", "password_file", "ca_file"]
                .map(value)
                .concat();
            format!(
                "[provider.k3d]\n{program}[[provider.k3d.after_create]]\n{manifests}[kubeconfig]\n{}[argocd]\n{}\
                 [haproxy]\n{container}{haproxy}[portainer]\n{portainer}",
                value("path"),
                value("kubeconfig")
            )
        };
        let below = |text: &str, folder: &str| {
            let mut config: Config = toml::from_str(text).unwrap();
            config.begin_paths_at(Path::new(folder));
            let all = format!("{config:?}");
            [all.matches("\"/f/x/").count(), all.matches("\"x/").count()]
        };
        assert_eq!(below(&text(""), "/f"), [11, 0]);
        assert_eq!(below(&text("container = 'gw'\n"), "/f"), [8, 3]);
        assert_eq!(below(&text("").replace("x/", "/x/"), "/f"), [0, 0]);
        let mut here: Config = toml::from_str("[haproxy]\ndir = 'x'\n").unwrap();
        here.begin_paths_at(Path::new(""));
        assert!(here.haproxy.dir.unwrap().is_absolute());
    }

    #[test]
    fn a_haproxy_in_a_container_needs_its_folder_alone() {
        let problem = |text: &str| {
            let config: Config = toml::from_str(&format!("[haproxy]\n{text}")).unwrap();
            config.problem().unwrap_or_default()
        };
        assert_eq!(problem("container = 'gw'\ndir = '/srv/haproxy'\n"), "");
        assert!(problem("container = 'gw'\n").contains("haproxy.dir"));
        assert!(problem("container = 'a b'\ndir = '/x'\n").contains("no container's name"));
        let both = "container = 'gw'\ndir = '/x'\naddress = '10.0.0.1'\n";
        assert!(problem(both).contains("haproxy.address"));
        assert!(problem("dir = '/x'\n").contains("haproxy.files"));
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        let set = |more: &str| {
            let text = format!(
                "[argocd]\ncontext = 'c'\n[applicationset]\nname = 'whoami'\nexcept = ['dev']\n{more}"
            );
            let config: Config = toml::from_str(&text).unwrap();
            config.problem()
        };
        assert!(set("").is_some_and(|problem| problem.contains("argocd.except")));
        assert_eq!(set("way = 'elements'\n"), None);
    }

    #[test]
    fn the_example_says_what_the_program_reads() {
        let example = include_str!("../../../docs/rollcall.example.toml");
        let read: Result<Config, _> = toml::from_str(example);
        let commented: String = example
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                // What is switched off in the example is read as well.
                Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let all: Result<Config, _> = toml::from_str(&commented);
        assert!(read.is_ok(), "{read:?}");
        assert_eq!(all.map(|config| config.problem()), Ok(None));
    }
}
