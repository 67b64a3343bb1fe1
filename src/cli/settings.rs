//! Settings: flags beat the environment, which beats the file, which beats the default.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::args::Global;
use super::error::CliError;
use super::streams::Streams;
use crate::model::ClusterName;
use crate::report::ExitCode;

/// The configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The management cluster.
    pub(crate) management: Management,
    /// The providers.
    pub(crate) provider: Providers,
    /// The registrar of the user's kubeconfig.
    pub(crate) kubeconfig: Kubeconfig,
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

/// `[provider.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Providers {
    /// `[provider.k3d]`.
    pub k3d: ProviderConfig,
    /// `[provider.kind]`.
    pub(crate) kind: ProviderConfig,
}

/// What can be set of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProviderConfig {
    /// The image of its nodes.
    pub(crate) image: Option<String>,
    /// The program, if it is not the one on the PATH.
    pub(crate) program: Option<PathBuf>,
}

/// `[kubeconfig]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kubeconfig {
    /// Whether clusters are registered there.
    pub(crate) enabled: bool,
    /// The file, if it is not the one of kubectl.
    pub(crate) path: Option<PathBuf>,
}

impl Default for Kubeconfig {
    fn default() -> Self {
        Self {
            enabled: true,
            path: None,
        }
    }
}

/// Where a setting comes from, for `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment,
    Default,
}

impl Origin {
    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Flag => "command line",
            Self::Environment => "environment",
            Self::Default => "default",
        }
    }
}

/// Everything that is settled before a command starts.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The database.
    pub(crate) db: PathBuf,
    /// Where that comes from.
    pub(crate) db_origin: Origin,
    /// The sandbox's folder, if the world is one.
    pub(crate) sandbox: Option<PathBuf>,
    /// The configuration file that was read, if there is one.
    pub(crate) config_path: Option<PathBuf>,
    /// What it says.
    pub(crate) config: Config,
    /// The management cluster's name.
    pub(crate) management: ClusterName,
    /// Where step logs and the like go.
    pub(crate) state_dir: PathBuf,
    /// The user's kubeconfig.
    pub(crate) kubeconfig: PathBuf,
}

impl Settings {
    /// Settles everything.
    pub(crate) fn resolve(global: &Global, streams: &Streams) -> Result<Self, CliError> {
        let dirs = Dirs::of(streams);
        let (config_path, config) = config(global, &dirs)?;
        let management = ClusterName::parse(&config.management.name).map_err(|error| {
            CliError::usage(format!("management.name in the configuration: {error}"))
        })?;
        let sandbox = global
            .sandbox
            .clone()
            .map(|dir| dir.unwrap_or_else(|| dirs.data.join("sandbox")));
        let (db, db_origin) = match (&global.db, &sandbox) {
            (Some(path), _) if streams.var("ROLLCALL_DB").map(Path::new) == Some(path) => {
                (path.clone(), Origin::Environment)
            }
            (Some(path), _) => (path.clone(), Origin::Flag),
            (None, Some(dir)) => (dir.join("rollcall.db"), Origin::Default),
            (None, None) => (dirs.data.join("rollcall.db"), Origin::Default),
        };
        let state_dir = sandbox
            .as_ref()
            .map_or_else(|| dirs.state.clone(), |dir| dir.join("state"));
        let kubeconfig = config
            .kubeconfig
            .path
            .clone()
            .unwrap_or_else(|| kubeconfig(streams, &dirs));
        Ok(Self {
            db,
            db_origin,
            sandbox,
            config_path,
            config,
            management,
            state_dir,
            kubeconfig,
        })
    }
}

/// The user's folders. The working directory is never one of them: a cloned repository must not redirect anything.
struct Dirs {
    data: PathBuf,
    state: PathBuf,
    config: PathBuf,
    home: PathBuf,
}

impl Dirs {
    fn of(streams: &Streams) -> Self {
        let home = PathBuf::from(streams.var("HOME").unwrap_or("/"));
        let mac = home.join("Library/Application Support/rollcall");
        let folder = |variable: &str, below: &str| {
            let set = streams
                .var(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute());
            match set {
                Some(path) => path.join("rollcall"),
                None if cfg!(target_os = "macos") => mac.clone(),
                None => home.join(below).join("rollcall"),
            }
        };
        Self {
            data: folder("XDG_DATA_HOME", ".local/share"),
            state: folder("XDG_STATE_HOME", ".local/state"),
            config: folder("XDG_CONFIG_HOME", ".config"),
            home,
        }
    }
}

fn config(global: &Global, dirs: &Dirs) -> Result<(Option<PathBuf>, Config), CliError> {
    let named = global.config.is_some();
    let path = global
        .config
        .clone()
        .unwrap_or_else(|| dirs.config.join("rollcall.toml"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {
            return Ok((None, Config::default()));
        }
        Err(error) => return Err(CliError::file("read the configuration", &path, &error)),
    };
    let config = toml::from_str(&text).map_err(|error| {
        CliError::new(
            ExitCode::Usage,
            format!(
                "the configuration {} cannot be read: {}",
                path.display(),
                error.message()
            ),
        )
        .hint("docs/rollcall.example.toml shows every key")
    })?;
    Ok((Some(path), config))
}

/// The file that kubectl writes: the first of KUBECONFIG, or `~/.kube/config`.
fn kubeconfig(streams: &Streams, dirs: &Dirs) -> PathBuf {
    let first = streams
        .var("KUBECONFIG")
        .and_then(|list| list.split(':').find(|path| !path.is_empty()));
    first.map_or_else(|| dirs.home.join(".kube/config"), PathBuf::from)
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
    fn the_example_says_what_the_program_reads() {
        let example = include_str!("../../docs/rollcall.example.toml");
        let read: Result<Config, _> = toml::from_str(example);
        assert!(read.is_ok(), "{read:?}");
    }
}
