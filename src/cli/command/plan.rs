//! `rollcall plan`: a plan that is saved, looked at, and applied once.

use std::io::Write as _;
use std::path::Path;

use clap::Parser as _;

use super::acting::{self, Deadline, Order};
use super::{aims, selecting};
use crate::cli::args::{Cli, Command, PlanArgs, PlanCommand, Probe, Reconcile, Running};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Nonce, shell_word};
use crate::ports::World;
use crate::reconcile::{Look, Question, look};
use crate::report::{Exit, ExitCode, Paint, SavedPlan, plan_doc, plan_sheet, plan_text};
use crate::store::Store;

pub(crate) fn run(session: &Session, args: &PlanArgs) -> Result<Exit, CliError> {
    match &args.what {
        None => make(session, args),
        Some(PlanCommand::Show { file }) => show(session, file),
        Some(PlanCommand::Apply { file, yes, running }) => apply(session, file, *yes, running),
    }
}

fn make(session: &Session, args: &PlanArgs) -> Result<Exit, CliError> {
    let world = session.world()?;
    let store = session.open_read()?;
    let mut question = aims::question(session, &world, &args.aims, args.probe)?;
    let seen = Session::block_on(async {
        if selecting::names_any(&args.aims) {
            let now = look(&world, &store, &blind(&question)).await?;
            selecting::resolve(&now, &args.aims, &mut question)?;
        }
        Ok(look(&world, &store, &question).await?)
    })?;
    let exit = Exit::of(Exit::of_plan(&seen.plan, true));
    let rows = seen.snapshot.desired.rows.len();
    let doc = plan_doc(&seen.plan, session.subject(&seen), rows, exit.clone());
    let apply = args.out.as_ref().map(|file| {
        let file = shell_word(&file.display().to_string());
        session.command(&format!("rollcall plan apply {file}"))
    });
    if let Some(file) = &args.out {
        let text = plan_text(&doc, Paint::default(), None);
        let plan = serde_json::to_value(&doc)
            .map_err(|error| CliError::new(ExitCode::Bug, error.to_string()))?;
        write(
            file,
            &saved(session, (&world, &store), args, &seen, plan, &text)?,
        )?;
    }
    let sheet = plan_sheet(&doc, apply.as_deref().unwrap_or("rollcall plan --out FILE"));
    session.answer_result(&doc, &sheet, |paint| {
        plan_text(&doc, paint, apply.as_deref())
    })?;
    if let (None, false) = (&args.out, seen.plan.is_empty()) {
        session.say("not saved: --out FILE saves it");
    }
    Ok(exit)
}

fn blind(question: &Question) -> Question {
    Question {
        probe: false,
        ..question.clone()
    }
}

fn saved(
    session: &Session,
    (world, store): (&World, &Store),
    args: &PlanArgs,
    seen: &Look,
    plan: serde_json::Value,
    text: &str,
) -> Result<SavedPlan, CliError> {
    let mut words = aims::words(&args.aims);
    if aims::are_bare(&args.aims) {
        words.insert(1, "--repair".to_owned());
    }
    words.extend(aims::limits(&args.aims));
    if args.probe == Probe::None {
        words.push("--probe none".to_owned());
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        CliError::new(
            ExitCode::Failed,
            format!("the system gives no random bytes: {error}"),
        )
    })?;
    Ok(SavedPlan {
        schema: SavedPlan::SCHEMA.to_owned(),
        id: Nonce::from_random(id).as_str().to_owned(),
        made_at: world.clock.now().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: session.settings.db.display().to_string(),
        call: words.join(" "),
        fingerprints: acting::fingerprints(world, store, seen),
        text: text.lines().map(str::to_owned).collect(),
        plan,
    })
}

/// In one piece, and never over what is there.
fn write(file: &Path, plan: &SavedPlan) -> Result<(), CliError> {
    let failed = |error: &std::io::Error| CliError::file("save the plan to", file, error);
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let json = serde_json::to_string_pretty(plan)
        .map_err(|error| CliError::new(ExitCode::Bug, error.to_string()))?;
    let mut temp = tempfile::Builder::new()
        .prefix(".rollcall-")
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    writeln!(temp, "{json}").map_err(|error| failed(&error))?;
    temp.as_file().sync_all().map_err(|error| failed(&error))?;
    temp.persist_noclobber(file)
        .map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                CliError::usage(format!("{} is there already", file.display()))
                    .hint("name a file that is not there")
            }
            _ => failed(&error.error),
        })?;
    Ok(())
}

fn read(file: &Path) -> Result<SavedPlan, CliError> {
    let wrong = |why: String| {
        CliError::usage(format!("{} is no saved plan: {why}", file.display()))
            .hint("make one: rollcall plan --out FILE")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let saved: SavedPlan = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if saved.schema != SavedPlan::SCHEMA {
        return Err(wrong(format!("its schema is {:?}", saved.schema)));
    }
    Ok(saved)
}

fn show(session: &Session, file: &Path) -> Result<Exit, CliError> {
    let saved = read(file)?;
    session.answer(&saved, |_| {
        format!(
            "made {} for {}: rollcall {}\n{}\n",
            saved.made_at,
            saved.database,
            saved.call,
            saved.text.join("\n")
        )
    })?;
    Ok(Exit::default())
}

fn apply(session: &Session, file: &Path, yes: bool, running: &Running) -> Result<Exit, CliError> {
    let saved = read(file)?;
    if saved.version != env!("CARGO_PKG_VERSION") {
        let (then, now) = (&saved.version, env!("CARGO_PKG_VERSION"));
        let why = format!("the plan was made by rollcall {then}, and this is {now}");
        return Err(
            CliError::new(ExitCode::Stale, why).hint("make a new plan: rollcall plan --out FILE")
        );
    }
    let asked = asked(file, &saved)?;
    let store = session.open_write()?;
    let world = session.world()?;
    let mut question = aims::question(session, &world, &asked.aims, asked.probe)?;
    Session::block_on(async {
        let deadline = Deadline::after(running.timeout);
        if selecting::names_any(&asked.aims) {
            let blind = blind(&question);
            let now = deadline.bound(look(&world, &store, &blind)).await??;
            selecting::resolve(&now, &asked.aims, &mut question)?;
        }
        let which: String = saved.id.chars().take(8).collect();
        let words = vec!["plan apply".to_owned(), format!("{which}: {}", saved.call)];
        let order = Order {
            yes,
            saved: Some(saved),
            ..Order::new(question, words, running, deadline)
        };
        acting::act(session, &world, store, order).await
    })
}

/// What the plan stands for, judged as if it had been typed.
fn asked(file: &Path, saved: &SavedPlan) -> Result<Reconcile, CliError> {
    let words = ["rollcall"]
        .into_iter()
        .chain(saved.call.split_whitespace());
    match Cli::try_parse_from(words).map(|cli| cli.command) {
        Ok(Some(Command::Reconcile(asked))) if !asked.dry_run && asked.observation.is_none() => {
            Ok(*asked)
        }
        _ => Err(CliError::usage(format!(
            "{} is no saved plan: its call is {:?}",
            file.display(),
            saved.call
        ))),
    }
}
