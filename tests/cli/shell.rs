//! What a shell and `man` get: completions and manual pages, without a database, a configuration or a home.

use std::path::Path;
use std::process::{Command, Output};

use clap::ValueEnum;
use clap_complete::Shell;

use crate::scene::{Said, Scene};

/// A call that has nothing to hold on to.
fn alone(args: &[&str]) -> Said {
    let mut scene = Scene::new();
    scene.env.clear();
    let all = [&["rollcall", "--config", "/nowhere.toml"], args].concat();
    scene.call(all.into_iter().map(Into::into).collect())
}

#[expect(clippy::disallowed_methods, reason = "the shell that sources it")]
fn bash(script: &str, file: &Path) -> Output {
    Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .arg(file)
        .output()
        .unwrap()
}

fn stdout(ran: &Output) -> String {
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && err.is_empty(), "{err}");
    String::from_utf8(ran.stdout.clone()).unwrap()
}

#[test]
fn every_shell_gets_its_script_as_it_is() {
    for shell in Shell::value_variants() {
        let mut made = Vec::new();
        let mut command = rollcall::cli::command();
        clap_complete::generate(*shell, &mut command, "rollcall", &mut made);
        let said = alone(&["completions", &shell.to_string()]).code(0);
        assert_eq!(said.out, String::from_utf8(made).unwrap(), "{shell}");
        assert!(said.out.contains("reconcile"), "{shell}");
        assert!(said.err.is_empty(), "{}", said.err);
    }
    let said = alone(&["completions", "tcsh"]).code(2);
    assert!(said.err.contains("powershell"), "{}", said.err);
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rollcall");
    std::fs::write(&file, alone(&["completions", "bash"]).out).unwrap();
    stdout(&bash("bash -n \"$1\"", &file));
    let known = stdout(&bash("source \"$1\" && complete -p rollcall", &file));
    assert!(known.contains("-F _rollcall"), "{known}");
    for (typed, completed) in [
        ("rec", "reconcile"),
        ("cluster ad", "add adopt"),
        ("reconcile --replace-b", "--replace-broken"),
        ("reconcile --on-lock f", "fail"),
        ("completions z", "zsh"),
    ] {
        let words = format!("rollcall {typed}");
        let at = words.split(' ').count() - 1;
        let ask = format!(
            "source \"$1\"; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _rollcall rollcall \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{at}-1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        assert_eq!(stdout(&bash(&ask, &file)).trim(), completed, "{typed}");
    }
}

#[test]
fn the_manual_page_is_what_help_says_with_its_examples_line_by_line() {
    let page = alone(&["man"]).code(0).out;
    assert!(page.contains("\n.TH rollcall 1"), "{page}");
    assert!(page.contains("\n.SH NAME\nrollcall \\- Keeps"), "{page}");
    let examples = page.split("\n.SH EXAMPLES\n").nth(1).unwrap();
    assert!(
        examples.starts_with(".nf\n  rollcall                "),
        "{examples}"
    );
    assert!(page.contains("rollcall\\-reconcile(1)"), "{page}");
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man/man1");
    let place = folder.to_str().unwrap();
    let said = alone(&["man", place]).code(0);
    assert!(said.out.is_empty(), "{}", said.out);
    assert!(said.err.contains("manual pages are in"), "{}", said.err);
    // Another time it replaces what it wrote.
    std::fs::write(folder.join("rollcall.1"), "old").unwrap();
    let told = alone(&["man", place, "-o", "json"]).code(0).json();
    let mut pages: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut named: Vec<_> = told["pages"].as_array().unwrap().iter().collect();
    named.sort_by_key(|name| name.as_str());
    assert_eq!(named, pages.iter().collect::<Vec<_>>());
    for name in [
        "rollcall.1",
        "rollcall-reconcile.1",
        "rollcall-cluster.1",
        "rollcall-cluster-add.1",
    ] {
        assert!(pages.iter().any(|page| page == name), "{name} in {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("help")), "{pages:?}");
    for page in &pages {
        let path = folder.join(page);
        sound(page, &std::fs::read_to_string(&path).unwrap());
        rendered(&path);
    }
    let taken = dir.path().join("file");
    std::fs::write(&taken, "").unwrap();
    let said = alone(&["man", taken.to_str().unwrap()]).code(12);
    assert!(said.err.contains("failed to"), "{}", said.err);
}

/// Every request of a page is one that man knows, and what is kept as it is ends.
fn sound(page: &str, text: &str) {
    let known = [
        "ie", "el", "TH", "SH", "SS", "TP", "RS", "RE", "br", "nf", "fi", "PP", "IP",
    ];
    for line in text.lines() {
        let Some(request) = line.strip_prefix('.') else {
            continue;
        };
        let word = request.split([' ', '\\']).next().unwrap();
        assert!(known.contains(&word), "{page}: {line}");
    }
    for section in ["NAME", "SYNOPSIS"] {
        assert!(text.contains(&format!(".SH {section}\n")), "{page}");
    }
    let title = page.strip_suffix(".1").unwrap();
    assert!(text.contains(&format!(".TH {title} 1 ")), "{page}");
    assert_eq!(text.matches("\n.nf").count(), text.matches("\n.fi").count());
}

/// The same by man itself, where it is.
fn rendered(path: &Path) {
    if which::which("man").is_err() || which::which("groff").is_err() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the one who reads it")]
    let ran = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l"])
        .arg(path)
        .env("MANWIDTH", "100")
        .output()
        .unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().to_lowercase();
    let shown = stdout(&ran).to_lowercase();
    assert!(shown.contains(&name), "{shown}");
}
