//! The command line itself.

use crate::scene::Scene;

#[test]
fn flags_have_twins_and_what_destroys_has_none() {
    let mut scene = Scene::new().two_rows();
    scene
        .env
        .insert("ROLLCALL_OUTPUT".to_owned(), "json".to_owned());
    scene
        .env
        .insert("ROLLCALL_REPAIR".to_owned(), "1".to_owned());
    let said = scene.rollcall(&["reconcile"]).code(3);
    assert_eq!(said.json()["schema"], "rollcall.plan/v1");
}

#[test]
fn the_examples_of_every_help_are_understood() {
    let scene = Scene::new().two_rows().repaired();
    let home = format!("{}/", scene.dir.path().display());
    let mut count = 0;
    for command in [
        &[][..],
        &["reconcile"],
        &["cluster", "add"],
        &["cluster", "adopt"],
        &["backup"],
        &["completions"],
        &["use"],
        &["kubeconfig"],
        &["doctor"],
        &["man"],
    ] {
        let help = scene.rollcall(&[command, &["--help"]].concat()).code(0).out;
        let lines = help
            .lines()
            .filter_map(|line| line.strip_prefix("  rollcall"));
        for line in lines {
            let call = line.split("   ").next().unwrap();
            // What a shell makes of a call before rollcall sees it.
            let call = call.split(" > ").next().unwrap().replace("~/", &home);
            let words: Vec<&str> = call
                .split_whitespace()
                .filter(|word| *word != "--sandbox")
                .collect();
            let said = scene.rollcall(&words);
            let understood = !said.err.contains("try '--help'") && said.code != 70;
            assert!(understood, "{line}: {}", said.err);
            count += 1;
        }
    }
    assert!(count >= 27, "{count} examples");
}

#[test]
fn help_answers_and_a_misspelt_word_is_2() {
    let scene = Scene::new();
    let help = scene.rollcall(&["--help"]).code(0);
    let daily = help.out.find("reconcile").unwrap();
    assert!(
        daily < help.out.find("schema").unwrap(),
        "the daily ones come first"
    );
    let said = scene.rollcall(&["--repair"]).code(2);
    assert!(
        said.err.contains("-> rollcall reconcile --repair"),
        "{}",
        said.err
    );
    let said = scene.rollcall(&["reconsile"]).code(2);
    assert!(said.err.contains("reconcile"), "{}", said.err);
    scene
        .rollcall(&["reconcile", "--step-timeout", "soon"])
        .code(2);
    scene
        .rollcall(&["reconcile", "--max-deletes", "101%"])
        .code(2);
    scene
        .rollcall(&["reconcile", "--only", "NOT A NAME"])
        .code(2);
}

#[test]
fn every_hint_that_is_a_command_speaks_of_the_same_world() {
    let scene = Scene::new().two_rows();
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    let config = scene.path("my config.toml");
    std::fs::write(&config, "").unwrap();
    let flags = format!(
        "rollcall --sandbox={} '--config={}' ",
        scene.path("world").display(),
        config.display()
    );
    let given = ["--config", config.to_str().unwrap()];
    let dry = scene
        .rollcall(&[&given[..], &["reconcile"]].concat())
        .code(3);
    for command in ["cluster adopt k3d/dev", "reconcile --repair"] {
        let whole = format!("{flags}{command}");
        assert!(dry.out.contains(&whole), "{whole} in {}", dry.out);
    }
    let unknown = scene.rollcall(&[&given[..], &["cluster", "restore", "gone"]].concat());
    let whole = format!("{flags}cluster list");
    assert!(unknown.code(2).err.contains(&whole), "{whole}");
}

#[test]
fn a_duration_that_no_clock_can_count_is_a_usage_error() {
    let scene = Scene::new().two_rows();
    for flag in ["--step-timeout", "--timeout", "--lock-timeout"] {
        let said = scene
            .rollcall(&["reconcile", "--repair", flag, "18446744073709551615"])
            .code(2);
        assert!(said.err.contains("more than a year"), "{}", said.err);
    }
}

#[test]
fn an_error_document_tells_no_secret_anywhere() {
    let scene = Scene::new();
    let said = scene.rollcall(&["-o", "json=/nowhere/token=abc/x", "-o", "json", "status"]);
    assert!(
        !said.out.contains("abc") && !said.err.contains("abc"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn a_hint_that_names_a_command_gets_the_flags_of_the_call() {
    let flags = rollcall::report::Flags::new(Some("x.db"), []);
    for command in rollcall::cli::command().get_subcommands() {
        // What needs no database takes no flag that names one.
        if ["completions", "man"].contains(&command.get_name()) {
            continue;
        }
        let said = flags.apply(&format!("rollcall {}", command.get_name()));
        assert!(said.contains("--db x.db"), "{said}");
    }
}
