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
        let below_home = |path: &Option<PathBuf>, what| path.clone().ok_or_else(|| no_home(what));
        let (config_path, config) = config(global, &dirs)?;
        let management = ClusterName::parse(&config.management.name).map_err(|error| {
            CliError::usage(format!("management.name in the configuration: {error}"))
        })?;
        let sandbox = match &global.sandbox {
            None => None,
            Some(Some(dir)) => Some(dir.clone()),
            Some(None) => Some(below_home(&dirs.data, "the sandbox")?.join("sandbox")),
        };
        let (db, db_origin) = match (&global.db, &sandbox) {
            (Some(path), _) if streams.var("ROLLCALL_DB").map(Path::new) == Some(path) => {
                (path.clone(), Origin::Environment)
            }
            (Some(path), _) => (path.clone(), Origin::Flag),
            (None, Some(dir)) => (dir.join("rollcall.db"), Origin::Default),
            (None, None) => {
                let data = below_home(&dirs.data, "the database")?;
                (data.join("rollcall.db"), Origin::Default)
            }
        };
        let state_dir = match (&sandbox, &dirs.state) {
            (Some(dir), _) => dir.join("state"),
            (None, Some(state)) => state.clone(),
            (None, None) => beside(&db)?,
        };
        let needed = sandbox.is_none() && config.kubeconfig.enabled;
        let named = config.kubeconfig.path.clone();
        let kubeconfig = match named.or_else(|| kubeconfig(streams, &dirs)) {
            Some(path) => path,
            None if needed => return Err(no_home("the kubeconfig")),
            None => PathBuf::new(),
        };
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
/// Without HOME some of them are nowhere.
struct Dirs {
    data: Option<PathBuf>,
    state: Option<PathBuf>,
    config: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Dirs {
    fn of(streams: &Streams) -> Self {
        let home = streams
            .var("HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let below = |folder: &str| home.as_ref().map(|home| home.join(folder));
        let folder = |variable: &str, folder: &str| {
            let set = streams
                .var(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute());
            match set {
                Some(path) => Some(path.join("rollcall")),
                None if cfg!(target_os = "macos") => below("Library/Application Support/rollcall"),
                None => below(folder).map(|path| path.join("rollcall")),
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
    let path = match (&global.config, &dirs.config) {
        (Some(path), _) => path.clone(),
        (None, Some(dir)) => dir.join("rollcall.toml"),
        (None, None) => return Err(no_home("the configuration")),
    };
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

/// Nothing is looked for in a folder that nobody named.
fn no_home(what: &str) -> CliError {
    CliError::usage(format!(
        "HOME is not set, and {what} is looked for below it"
    ))
    .hint("set HOME, or give --db and --config (an empty file: every default holds)")
}

/// Where step logs go when there is no home: beside the database.
fn beside(db: &Path) -> Result<PathBuf, CliError> {
    let db = std::path::absolute(db).map_err(|error| CliError::file("find", db, &error))?;
    Ok(db.with_extension("state"))
}

/// The file that kubectl writes: the first of KUBECONFIG, or `~/.kube/config`.
fn kubeconfig(streams: &Streams, dirs: &Dirs) -> Option<PathBuf> {
    let first = streams
        .var("KUBECONFIG")
        .and_then(|list| list.split(':').find(|path| !path.is_empty()));
    match (first, &dirs.home) {
        (Some(path), _) => Some(PathBuf::from(path)),
        (None, home) => home.as_ref().map(|home| home.join(".kube/config")),
    }
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
