//! The command line.

mod backup;
mod completions;
mod cycle;
mod daily;
mod doctor;
mod man;
mod plan;
mod reaching;
mod reconcile;
mod rows;
mod running;
mod sandbox;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::format::Format;
use crate::model::{ClusterName, Selector};
use crate::report::Flags;
pub(crate) use backup::BackupArgs;
pub(crate) use completions::CompletionsArgs;
pub(crate) use cycle::{CleanArgs, EnsureArgs, VerifyArgs};
pub(crate) use daily::{StartArgs, StopArgs};
pub(crate) use man::ManArgs;
pub(crate) use plan::{PlanArgs, PlanCommand};
pub(crate) use reaching::{KubeconfigArgs, UseArgs};
pub(crate) use reconcile::{Aims, Probe, Reconcile};
pub(crate) use rows::{AddArgs, Places, SetArgs, Wish};
pub(crate) use running::{LOCK_TIMEOUT, OnLock, Running};
pub(crate) use sandbox::SandboxCommand;

const RUNNING: &str = "How it runs";
const SAFETY: &str = "Safety";
const WHERE: &str = "Where";
const OUTPUT: &str = "Output";

/// Keeps a developer's local k3d and kind clusters true to one SQLite table.
#[derive(Debug, Parser)]
#[command(
    name = "rollcall",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  rollcall                                  the status, and what to type next
  rollcall cluster add k3d/dev --http-port 18080
  rollcall reconcile                        what would be done, and why; changes nothing
  rollcall reconcile --repair               do it
  rollcall --sandbox reconcile --repair     rehearse it, without Docker

Every flag that destroys nothing has a twin in the environment: --db is ROLLCALL_DB.
Exit codes: 'rollcall reconcile --help', and docs/EXIT_CODES.md."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The database with the table `clusters` [default: rollcall.db in the user's data directory].
    #[arg(long, global = true, value_name = "PATH", help_heading = WHERE)]
    pub(crate) db: Option<PathBuf>,
    /// Act on a rehearsal world kept in DIR instead of this machine's Docker.
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true, help_heading = WHERE)]
    #[expect(
        clippy::option_option,
        reason = "absent, given without a folder, given with one: three different wishes"
    )]
    pub(crate) sandbox: Option<Option<PathBuf>>,
    /// The configuration [default: rollcall.toml in the user's configuration directory].
    #[arg(long, global = true, value_name = "PATH", help_heading = WHERE)]
    pub(crate) config: Option<PathBuf>,
    /// What standard output, or a file, gets: `table`, `json` or `ndjson`; a result also as `markdown`, `html` or `junit`.
    /// May be given several times.
    #[arg(short, long, global = true, value_name = "FORMAT[=PATH]", help_heading = OUTPUT)]
    pub(crate) output: Vec<OutputSpec>,
    /// Write every event as one JSON object per line, beside the normal output.
    #[arg(long, global = true, value_name = "PATH|fd:N", help_heading = OUTPUT)]
    pub(crate) events: Option<String>,
    /// How progress is shown.
    #[arg(long, global = true, value_enum, default_value_t, help_heading = OUTPUT)]
    pub(crate) progress: ProgressMode,
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t, help_heading = OUTPUT)]
    pub(crate) color: ColorMode,
    /// Say more on standard error; twice says everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = OUTPUT)]
    pub(crate) verbose: u8,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub(crate) quiet: bool,
}

impl Global {
    /// The flags that say which world and which database a call is about.
    pub(crate) fn flags(&self) -> Flags {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let sandbox = self.sandbox.as_ref().map(|dir| match dir {
            Some(dir) => format!("--sandbox={}", path(dir)),
            None => "--sandbox".to_owned(),
        });
        let config = self
            .config
            .as_ref()
            .map(|file| format!("--config={}", path(file)));
        Flags::new(
            self.db.as_ref().map(path).as_deref(),
            sandbox.into_iter().chain(config),
        )
    }
}

/// `FORMAT` or `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputSpec {
    pub(crate) format: Format,
    pub(crate) path: Option<PathBuf>,
}

impl std::fmt::Display for OutputSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.format.name())?;
        let path = self.path.as_ref();
        path.map_or(Ok(()), |path| write!(f, "={}", path.display()))
    }
}

impl std::str::FromStr for OutputSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = match text.split_once('=') {
            Some((format, "")) => return Err(format!("'{format}=' names no file")),
            Some((format, path)) => (format, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let format = Format::from_str(format, false)
            .map_err(|_| format!("'{format}' is none of {}", Format::names()))?;
        Ok(Self { format, path })
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// Live rows on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Live rows.
    Tty,
    /// One line per change.
    Plain,
    /// Nothing.
    None,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorMode {
    /// On a terminal, unless `NO_COLOR` says no or `CLICOLOR_FORCE` says yes.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands, the daily ones first.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what differs from the table and, with --repair or --prune, make it so
    #[command(after_help = "\
Without --repair, --prune or --adopt it changes nothing and shows what --repair would do.

Examples:
  rollcall reconcile --repair --only dev            one cluster
  rollcall reconcile --repair --replace dev         one cluster, deleted and made again
  rollcall reconcile --repair --prune=orphans,registrations
                                                    and take away what no row wants
  rollcall reconcile --prune --dry-run              what bare --prune would take away
  rollcall reconcile --repair -o json               for a program

Exit codes: 0 in sync or converged, 1 a step failed, 2 usage, 3 drift found or left,
5 refused by a guard, 7 locked by another run, 9 could not be observed, 12 not ready.
All of them: docs/EXIT_CODES.md.")]
    Reconcile(Box<Reconcile>),
    /// Save a plan for later, look at it, apply it once
    #[command(after_help = plan::PLAN_HELP, args_conflicts_with_subcommands = true)]
    Plan(Box<PlanArgs>),
    /// Show what should be there beside what is there
    Status(StatusArgs),
    /// Show one cluster: what the row wants, what is there, whose it is, and what would be done or why not
    Explain(ExplainArgs),
    /// Say whether every row is true everywhere: the data-consistency check of a pipeline
    #[command(after_help = cycle::VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Make every row true, see that it stays so, and say how it ended: what a harness calls
    #[command(after_help = cycle::ENSURE_HELP)]
    Ensure(EnsureArgs),
    /// Stop clusters and keep them: no repair starts them until the wish ends
    #[command(after_help = daily::STOP_HELP)]
    Stop(StopArgs),
    /// Start clusters that were stopped
    #[command(after_help = daily::START_HELP)]
    Start(StartArgs),
    /// Delete every cluster and registration that is ours, and leave the rows
    #[command(after_help = cycle::CLEAN_HELP)]
    Clean(CleanArgs),
    /// Show past runs, or replay one
    History(HistoryArgs),
    /// Replay the last run that changed something
    LastRun,
    /// Look at, take over or bring back rows and clusters
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Switch the current context of the kubeconfig to a cluster
    #[command(after_help = reaching::USE_HELP)]
    Use(UseArgs),
    /// Print a kubeconfig of one cluster that works by itself
    #[command(after_help = reaching::KUBECONFIG_HELP)]
    Kubeconfig(KubeconfigArgs),
    /// Take out of a file of yours what the scripts before rollcall wrote there, once rollcall has it too
    #[command(subcommand)]
    Import(ImportCommand),
    /// Make the database, or the side tables in an existing one
    Init(InitArgs),
    /// Copy the database to a file
    #[command(after_help = backup::HELP)]
    Backup(BackupArgs),
    /// Say what is missing on this machine, with the command that mends it
    #[command(after_help = doctor::HELP)]
    Doctor,
    /// Look at or break the lock of a running rollcall
    #[command(subcommand)]
    Lock(LockCommand),
    /// Print the JSON Schema of a document; with -o json and no name, every word that documents use
    Schema(SchemaArgs),
    /// Print what makes a shell complete commands and flags
    #[command(after_help = completions::HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one per command to a folder
    #[command(after_help = man::HELP)]
    Man(ManArgs),
    /// Rehearse: look at, damage and script a sandbox world
    #[command(subcommand)]
    Sandbox(SandboxCommand),
}

impl Command {
    /// Whether it is, or replays, a run: only that has events.
    pub(crate) fn has_events(&self) -> bool {
        match self {
            Self::Plan(args) => matches!(args.what, Some(PlanCommand::Apply { .. })),
            Self::Reconcile(_)
            | Self::Ensure(_)
            | Self::Clean(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::LastRun => true,
            Self::History(args) => args.run.is_some(),
            Self::Cluster(what) => matches!(what, ClusterCommand::Adopt { .. }),
            _ => false,
        }
    }

    /// Whether it answers with a result, which `markdown`, `html` and `junit` can say.
    pub(crate) fn has_result(&self) -> bool {
        match self {
            Self::Status(_) | Self::Verify(_) | Self::Doctor => true,
            Self::Plan(args) => !matches!(args.what, Some(PlanCommand::Show { .. })),
            _ => self.has_events(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only this cluster, NAME or PROVIDER/NAME.
    pub(crate) name: Option<Selector>,
    /// Whether the clusters' API servers are asked.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) probe: Probe,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Which cluster, NAME or PROVIDER/NAME.
    pub(crate) name: Selector,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Replay this run.
    pub(crate) run: Option<i64>,
    /// How many runs to list.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// List the rows, and the rows that were pruned
    List,
    /// Add a row that wants a cluster
    #[command(after_help = rows::ADD_HELP)]
    Add(AddArgs),
    /// Change what a row asks for
    #[command(after_help = rows::SET_HELP)]
    Set(SetArgs),
    /// Say that a row's cluster is to be absent
    #[command(after_help = rows::REMOVE_HELP)]
    Remove {
        /// The row's name.
        name: ClusterName,
    },
    /// Take a live cluster into the ledger, so that rollcall may change and delete it
    #[command(after_help = "\
Examples:
  rollcall cluster adopt k3d/dev        one that somebody else made
  rollcall cluster adopt --rows         every live cluster that a row names")]
    Adopt {
        /// Which, NAME or PROVIDER/NAME.
        #[arg(required_unless_present = "rows", conflicts_with = "rows")]
        name: Vec<Selector>,
        /// Every live cluster that a row names.
        #[arg(long)]
        rows: bool,
    },
    /// Bring a pruned row back
    Restore {
        /// Its name.
        name: ClusterName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// This file is a copy: give it a ledger of its own, empty.
    #[arg(long, conflicts_with = "moved")]
    pub(crate) new_owner: bool,
    /// This file was moved: keep its ledger.
    #[arg(long)]
    pub(crate) moved: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Routes between '# BEGIN DYNAMIC' and '# END DYNAMIC' of HAProxy's own file
    #[command(after_help = "\
It shows the lines that go, and changes nothing without --write. Only routes of clusters go that
rollcall routes to by now, only lines as those scripts wrote them, and only where the frontend asks
rollcall's map for the same word of the host and nothing else names their backend. What is left is
checked by HAProxy before it is put in place, FILE.before-rollcall is what it was, and it is put
back if HAProxy does not load it. --write needs the database, and waits for its lock as a run does.

Exit codes:
  0   nothing to take out, or taken out
  1   it could not be written or loaded, and was put back
  2   FILE is none of HAProxy's
  3   shown and not taken out yet; or something stays that rollcall routes to as well
  5   HAProxy refuses what would be left, has not loaded rollcall's routes, the file changed
      meanwhile, or the database is a copy
  7   another run holds the lock
  9   HAProxy does not answer, or another engine does
  12  haproxy is off or cannot be used; --write without a database")]
    Haproxy {
        /// The file, on this host.
        file: PathBuf,
        /// Take them out.
        #[arg(long)]
        write: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LockCommand {
    /// Show who holds the lock
    Show,
    /// Take the lock away from its holder
    Break,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Which document; without one, all names.
    pub(crate) document: Option<String>,
}
