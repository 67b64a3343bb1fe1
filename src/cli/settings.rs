//! Settings: flags beat the environment, which beats the file, which beats the default.

use std::path::{Path, PathBuf};

use super::args::Global;
use super::config::{Config, ConfigFile};
use super::error::CliError;
use super::streams::Streams;
use crate::model::ClusterName;

/// Where a setting comes from, for `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

impl Origin {
    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Flag => "command line",
            Self::Environment => "environment",
            Self::File => "file",
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
    /// The configuration file.
    pub(crate) file: ConfigFile,
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
    /// Settles everything. A configuration that cannot be used is an error.
    pub(crate) fn resolve(global: &Global, streams: &Streams) -> Result<Self, CliError> {
        let mut file = ConfigFile::read(global, streams);
        file.problem.take().map_or(Ok(()), Err)?;
        Self::with_file(global, streams, file)
    }

    /// The same for one who looks what is wrong: without a configuration that can be used, every default holds.
    pub(crate) fn resolve_in_spite(global: &Global, streams: &Streams) -> Result<Self, CliError> {
        Self::with_file(global, streams, ConfigFile::read(global, streams))
    }

    /// For what needs no database and no configuration: not even a home.
    pub(crate) fn of_nobody() -> Result<Self, CliError> {
        let file = ConfigFile::default();
        let config = file.config.clone();
        Ok(Self {
            db: PathBuf::new(),
            db_origin: Origin::Default,
            sandbox: None,
            management: ClusterName::parse(&config.management.name)?,
            file,
            config,
            state_dir: PathBuf::new(),
            kubeconfig: PathBuf::new(),
        })
    }

    fn with_file(global: &Global, streams: &Streams, file: ConfigFile) -> Result<Self, CliError> {
        let dirs = Dirs::of(streams);
        let below_home = |path: &Option<PathBuf>, what| path.clone().ok_or_else(|| no_home(what));
        let config = file.config.clone();
        let management = ClusterName::parse(&config.management.name)?;
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
            file,
            config,
            management,
            state_dir,
            kubeconfig,
        })
    }
}

/// The user's folders. The working directory is never one of them: a cloned repository must not redirect anything.
/// Without HOME some of them are nowhere.
pub(super) struct Dirs {
    data: Option<PathBuf>,
    state: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Dirs {
    pub(super) fn of(streams: &Streams) -> Self {
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

/// Nothing is looked for in a folder that nobody named.
pub(super) fn no_home(what: &str) -> CliError {
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
