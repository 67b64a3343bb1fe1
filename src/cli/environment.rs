//! Flags from the environment: `ROLLCALL_STEP_TIMEOUT=10m` is `--step-timeout 10m`, unless the flag is given.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{ArgAction, ArgMatches, Command, parser::ValueSource};

use super::settings::Origin;

/// Flags that make a run destructive, and those that say what a row is to be, exist on the command line alone.
const COMMAND_LINE_ONLY: [&str; 22] = [
    "all",
    "repair",
    "prune",
    "replace",
    "replace-broken",
    "adopt",
    "allow-all",
    "max-deletes",
    "yes",
    "accept-engine",
    "rows",
    "absent",
    "present",
    "provider",
    "http-port",
    "https-port",
    "pf-port",
    "node-port",
    "subnet",
    "min",
    "fill",
    "out",
];

/// The name of a flag's twin.
pub(crate) fn twin(long: &str) -> String {
    format!("ROLLCALL_{}", long.to_ascii_uppercase().replace('-', "_"))
}

/// The arguments with those of the environment added at the end, so that clap checks them like any other.
pub(crate) fn with_environment(
    mut command: Command,
    args: Vec<OsString>,
    env: &BTreeMap<String, String>,
) -> Vec<OsString> {
    if !env.keys().any(|key| key.starts_with("ROLLCALL_")) {
        return args;
    }
    let Ok(mut matches) = command
        .clone()
        .ignore_errors(true)
        .try_get_matches_from(&args)
    else {
        return args;
    };
    command.build();
    let mut added: Vec<OsString> = flags_of(&command, &matches, env);
    while let Some((name, inner)) = matches.remove_subcommand() {
        let Some(sub) = command.find_subcommand(&name).cloned() else {
            break;
        };
        added.extend(flags_of(&sub, &inner, env));
        (command, matches) = (sub, inner);
    }
    added.sort();
    added.dedup();
    // What follows `--` is no flag any more.
    let end = args
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(args.len());
    let mut all = args;
    all.splice(end..end, added);
    all
}

/// What holds for the flags of a command that nobody gives: their twins, or their defaults.
pub(crate) fn in_force(
    command: &Command,
    env: &BTreeMap<String, String>,
) -> Vec<(String, String, Origin)> {
    let flags = command.get_arguments().filter_map(|arg| {
        let long = arg
            .get_long()
            .filter(|long| !COMMAND_LINE_ONLY.contains(long))?;
        let set = env.get(&twin(long)).filter(|value| !value.is_empty());
        let default = arg.get_default_values().first();
        let default = default.map(|value| value.to_string_lossy().into_owned());
        let takes_one = arg.get_action().takes_values();
        Some(match set {
            Some(value) => (long.to_owned(), value.clone(), Origin::Environment),
            None => (
                long.to_owned(),
                default.filter(|_| takes_one)?,
                Origin::Default,
            ),
        })
    });
    flags.collect()
}

fn flags_of(
    command: &Command,
    matches: &ArgMatches,
    env: &BTreeMap<String, String>,
) -> Vec<OsString> {
    command
        .get_arguments()
        .filter_map(|arg| {
            let long = arg
                .get_long()
                .filter(|long| !COMMAND_LINE_ONLY.contains(long))?;
            let value = env.get(&twin(long)).filter(|value| !value.is_empty())?;
            let given = matches
                .try_contains_id(arg.get_id().as_str())
                .unwrap_or(false)
                && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
            if given {
                return None;
            }
            match arg.get_action() {
                ArgAction::SetTrue | ArgAction::Count => {
                    matches!(value.as_str(), "1" | "true" | "yes")
                        .then(|| OsString::from(format!("--{long}")))
                }
                ArgAction::Set | ArgAction::Append => {
                    Some(OsString::from(format!("--{long}={value}")))
                }
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;

    fn with(env: &[(&str, &str)], args: &[&str]) -> Vec<String> {
        let env = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let args = args.iter().map(OsString::from).collect();
        let all = with_environment(Cli::command(), args, &env);
        all.into_iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_flag_has_a_twin_and_the_command_line_wins() {
        assert_eq!(
            with(&[("ROLLCALL_DB", "/x")], &["rollcall", "status"]),
            ["rollcall", "status", "--db=/x"]
        );
        assert_eq!(
            with(
                &[("ROLLCALL_DB", "/x")],
                &["rollcall", "status", "--db", "/y"]
            ),
            ["rollcall", "status", "--db", "/y"]
        );
        assert_eq!(
            with(
                &[("ROLLCALL_STEP_TIMEOUT", "1m")],
                &["rollcall", "reconcile"]
            ),
            ["rollcall", "reconcile", "--step-timeout=1m"]
        );
    }

    #[test]
    fn what_destroys_has_no_twin() {
        for flag in COMMAND_LINE_ONLY {
            assert_eq!(
                with(&[(&twin(flag), "1")], &["rollcall", "reconcile"]),
                ["rollcall", "reconcile"],
                "{flag}"
            );
        }
    }
}
