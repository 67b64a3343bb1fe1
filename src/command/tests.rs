//! Real processes, each a small script.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(200);

fn script(dir: &TempDir, text: &str) -> PathBuf {
    let path = dir.path().join("tool");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn command(dir: &TempDir, text: &str, deadline: Duration) -> Command {
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let mut command = Command::new(script(dir, text), deadline).env(env);
    command.grace = SHORT;
    command
}

async fn run(command: &Command) -> (Ended, Vec<String>) {
    let lines = Mutex::new(Vec::new());
    let ended = loop {
        // Another test's fork may hold the script open for writing for a moment (ETXTBSY).
        match command
            .run(&|line| lines.lock().unwrap().push(line.to_owned()))
            .await
        {
            Ok(ended) => break ended,
            Err(CommandError::Spawn { source, .. })
                if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
            Err(error) => panic!("{error}"),
        }
    };
    (ended, lines.into_inner().unwrap())
}

/// Waits until the file is there and says what it holds.
async fn content(path: &Path) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Waits until no process of this number is alive; one that nobody collected counts as dead, for it is not our child.
async fn dead(pid: &str) {
    loop {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        match stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.trim().chars().next())
        {
            None | Some('Z' | 'X') => return,
            Some(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

#[tokio::test]
async fn lines_and_status_arrive() {
    let dir = TempDir::new().unwrap();
    let text = "echo \"$1 $MARK\"; echo problem >&2; printf 'no end'; exit 3";
    let mut command = command(&dir, text, LONG).args(["one two"]);
    command.env.insert("MARK".to_owned(), "$(id)".to_owned());
    let (ended, mut lines) = run(&command).await;
    lines.sort();
    assert_eq!(lines, ["no end", "one two $(id)", "problem"]);
    assert!(matches!(ended.how, How::Exit(status) if status.code() == Some(3)));
}

#[tokio::test]
async fn only_the_given_environment_is_handed_on() {
    let dir = TempDir::new().unwrap();
    let (_, lines) = run(&command(&dir, "env", LONG)).await;
    assert!(
        lines.iter().all(|line| ["PATH=", "PWD=", "_=", "SHLVL="]
            .iter()
            .any(|name| line.starts_with(name))),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_missing() {
    let outcome = Command::new("/nonexistent/tool", LONG).run(&|_| {}).await;
    assert!(
        matches!(outcome, Err(CommandError::Missing(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_megabyte_without_an_end_is_one_cut_line() {
    let dir = TempDir::new().unwrap();
    let text = "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo after";
    let (ended, lines) = run(&command(&dir, text, LONG)).await;
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("xxx") && lines[0].ends_with('…') && lines[0].len() < LINE + 8);
    assert_eq!(lines[1], "after");
    assert_eq!(ended.tail, lines);
}

#[tokio::test]
async fn of_many_lines_the_last_are_kept() {
    let dir = TempDir::new().unwrap();
    let (ended, lines) = run(&command(
        &dir,
        "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done",
        LONG,
    ))
    .await;
    assert_eq!(lines.len(), 5000);
    assert_eq!(ended.tail.len(), TAIL);
    assert_eq!(ended.tail.last().map(String::as_str), Some("5000"));
}

#[tokio::test]
async fn a_deadline_ends_even_who_ignores_term() {
    let dir = TempDir::new().unwrap();
    let text = "trap '' TERM; echo up; while :; do sleep 1; done";
    let (ended, lines) = run(&command(&dir, text, SHORT)).await;
    assert_eq!(ended.how, How::Deadline);
    assert!(lines.is_empty() || lines == ["up"]);
}

#[tokio::test]
async fn a_deadline_ends_the_child_of_the_child() {
    let dir = TempDir::new().unwrap();
    let note = dir.path().join("pid");
    let text = format!(
        "sh -c \"trap '' TERM; echo \\$\\$ >{}; while :; do sleep 1; done\" & wait",
        note.display()
    );
    let mut command = command(&dir, &text, LONG);
    command.deadline = Duration::from_secs(2);
    let (ended, _) = run(&command).await;
    assert_eq!(ended.how, How::Deadline);
    dead(&content(&note).await).await;
}

#[tokio::test]
async fn a_child_that_is_left_behind_does_not_hold_the_call_up() {
    let dir = TempDir::new().unwrap();
    let note = dir.path().join("pid");
    let text = format!("sleep 600 & echo $! >{}; echo done", note.display());
    let (ended, lines) = run(&command(&dir, &text, LONG)).await;
    assert!(matches!(ended.how, How::Exit(status) if status.success()));
    assert_eq!(lines, ["done"]);
    dead(&content(&note).await).await;
}

#[tokio::test]
async fn dropping_the_call_ends_everybody() {
    let dir = TempDir::new().unwrap();
    let (own, child) = (dir.path().join("own"), dir.path().join("child"));
    let text = format!(
        "trap '' TERM; echo $$ >{}; sleep 600 & echo $! >{}; wait; while :; do sleep 1; done",
        own.display(),
        child.display()
    );
    let command = command(&dir, &text, LONG);
    tokio::select! {
        _ = run(&command) => unreachable!("it never ends"),
        _ = content(&child) => {}
    }
    dead(&content(&own).await).await;
    dead(&content(&child).await).await;
}

#[test]
fn a_runtime_that_goes_down_takes_them_along() {
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("own");
    let command = command(
        &dir,
        &format!(
            "trap '' TERM; echo $$ >{}; while :; do sleep 1; done",
            own.display()
        ),
        LONG,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pid = runtime.block_on(async {
        tokio::select! {
            _ = run(&command) => unreachable!("it never ends"),
            pid = content(&own) => pid,
        }
    });
    drop(runtime);
    let again = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    again.block_on(dead(&pid));
}

#[tokio::test]
async fn a_tool_that_outlived_its_run_is_ended_with_all_it_started_and_no_other() {
    let dir = TempDir::new().unwrap();
    let text = format!(
        "setsid sleep 600 &\necho $! > {0}/child\necho $$ > {0}/pid\nsleep 600",
        dir.path().display()
    );
    let mut ours = command(&dir, &text, LONG);
    ours.env.insert(OWNER.to_owned(), "one".to_owned());
    let other_dir = TempDir::new().unwrap();
    let text = format!("echo $$ > {}/pid\nsleep 600", other_dir.path().display());
    let mut other = command(&other_dir, &text, LONG);
    other
        .env
        .insert(OWNER.to_owned(), "one-and-more".to_owned());
    let both = async { tokio::join!(run(&ours), run(&other)) };
    tokio::select! {
        _ = both => panic!("they ended by themselves"),
        ended = async {
            let (tool, child) = (content(&dir.path().join("pid")).await, content(&dir.path().join("child")).await);
            let bystander = content(&other_dir.path().join("pid")).await;
            let ended = end_strays("one").await;
            dead(&tool).await;
            dead(&child).await;
            assert!(fs::metadata(format!("/proc/{bystander}")).is_ok());
            ended
        } => assert!(ended >= 3, "{ended}"),
    }
    assert_eq!(end_strays("nobody").await, 0);
}
