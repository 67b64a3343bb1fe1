//! What a reconcile, or a plan of one, is for: from flags to a question, and back to words.

use crate::cli::args::{Aims, Probe};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{DeleteLimit, Mode, Prune, Scope};
use crate::observe::Ask;
use crate::ports::World;
use crate::reconcile::Question;

/// The mode that was asked for. Without one, what a repair would do.
pub(super) fn mode(aims: &Aims) -> Result<Mode, CliError> {
    let prune = aims.prunes();
    if aims.repair && prune.rows {
        return Err(CliError::usage(
            "--repair and --prune=rows are opposite answers to one drift: create, or forget",
        )
        .hint("rollcall reconcile --repair --prune=orphans,registrations")
        .hint("rollcall reconcile --prune=rows"));
    }
    let bare = !aims.repair && !prune.any() && aims.adopt.is_empty();
    let repair = aims.repair || bare;
    if !repair && (aims.replace_broken || !aims.replace.is_empty()) {
        return Err(CliError::usage(
            "--replace makes a cluster again, and without --repair nothing is made",
        )
        .hint("rollcall reconcile --repair --replace NAME"));
    }
    Ok(Mode {
        repair,
        prune: if bare { Prune::default() } else { prune },
        clean: None,
    })
}

/// What is asked of every look. The clusters that are named are still to be found.
pub(super) fn question(
    session: &Session,
    world: &World,
    aims: &Aims,
    probe: Probe,
) -> Result<Question, CliError> {
    let mut policy = session.policy(world, mode(aims)?);
    policy.scope = Scope {
        only: aims.only.clone(),
        exclude: aims.exclude.clone(),
    };
    policy.replace_broken = aims.replace_broken;
    policy.guards.allow_all = aims.allow_all;
    if let Some(limit) = aims.max_deletes {
        policy.guards.limit = limit;
    }
    Ok(Question {
        policy,
        ask: Ask::default(),
        probe: probe == Probe::Auto,
        accept_engine: aims.accept_engine,
        respect_others: true,
    })
}

/// Whether they name no mode: then they show what a repair would do.
pub(super) fn are_bare(aims: &Aims) -> bool {
    !aims.repair && aims.prune.is_empty() && aims.adopt.is_empty()
}

/// The call as words, for the record and for the way on. What only tunes it is left to [`limits`].
pub(super) fn words(aims: &Aims) -> Vec<String> {
    let mut words = vec!["reconcile".to_owned()];
    let mut flag = |on: bool, text: String| {
        if on {
            words.push(text);
        }
    };
    flag(aims.repair, "--repair".to_owned());
    let prune = aims.prunes();
    let what: Vec<_> = [
        (prune.rows, "rows"),
        (prune.orphans, "orphans"),
        (prune.registrations, "registrations"),
    ]
    .into_iter()
    .filter_map(|(on, what)| on.then_some(what))
    .collect();
    flag(prune == Prune::ALL, "--prune".to_owned());
    flag(
        prune.any() && prune != Prune::ALL,
        format!("--prune={}", what.join(",")),
    );
    flag(aims.replace_broken, "--replace-broken".to_owned());
    flag(aims.allow_all, "--allow-all".to_owned());
    let lists = [
        ("only", &aims.only),
        ("exclude", &aims.exclude),
        ("replace", &aims.replace),
        ("adopt", &aims.adopt),
    ];
    for (name, list) in lists {
        list.iter()
            .for_each(|selector| flag(true, format!("--{name} {selector}")));
    }
    words
}

/// What only tunes them, as far as it is not the default.
pub(super) fn limits(aims: &Aims) -> Vec<String> {
    let engine = aims.accept_engine.then(|| "--accept-engine".to_owned());
    let limit = aims.max_deletes.map(|limit| match limit {
        DeleteLimit::Count(count) => count.to_string(),
        DeleteLimit::Percent(percent) => format!("{percent}%"),
    });
    let limit = limit.map(|limit| format!("--max-deletes {limit}"));
    engine.into_iter().chain(limit).collect()
}
