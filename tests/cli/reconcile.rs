//! Reconciling: dry runs, runs, and what they refuse.

use crate::scene::Scene;

#[test]
fn a_dry_run_says_what_a_guard_would_refuse() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("DELETE FROM clusters");
    let dry = scene
        .rollcall(&["reconcile", "--dry-run", "--prune"])
        .code(3);
    assert!(dry.out.contains("the table is empty"), "{}", dry.out);
    scene.rollcall(&["reconcile", "--prune"]).code(5);
    scene
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
}

#[test]
fn create_and_forget_are_not_asked_for_at_once() {
    let said = Scene::new()
        .rollcall(&["reconcile", "--repair", "--prune=rows"])
        .code(2);
    assert!(said.err.contains("opposite answers"), "{}", said.err);
    let said = Scene::new()
        .rollcall(&["reconcile", "--repair", "--prune"])
        .code(2);
    assert!(
        said.err.contains("--prune=orphans,registrations"),
        "{}",
        said.err
    );
}

#[test]
fn what_follows_a_creation_is_rehearsed_too() {
    let scene = Scene::new().two_rows();
    let after = "[[provider.k3d.after_create]]\nimages = ['whoami']\n";
    let file = scene.path("after.toml");
    std::fs::write(&file, after).unwrap();
    let with = |args: &[&str]| {
        let config = ["--config", file.to_str().unwrap()];
        scene.rollcall(&[config.as_slice(), args].concat())
    };
    let dry = with(&["reconcile"]).code(3);
    assert!(
        dry.out
            .contains("~ prepare    cluster/k3d/dev              what follows its creation"),
        "{}",
        dry.out
    );
    assert!(!dry.out.contains("prepare    cluster/kind"), "{}", dry.out);
    with(&["sandbox", "say", "prepare fails"]).code(0);
    let failed = with(&["reconcile", "--repair", "--retries", "0"]).code(1);
    assert!(
        failed.out.contains("~ prepare    cluster/k3d/dev"),
        "{}",
        failed.out
    );
    let status = with(&["status"]);
    assert!(status.out.contains("not prepared"), "{}", status.out);
    // What is not asked for any more is no debt, when it is asked for again.
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    with(&["sandbox", "forget"]).code(0);
    let again = with(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
}

#[test]
fn what_cannot_be_prepared_is_not_made_in_a_rehearsal_either() {
    let scene = Scene::new().two_rows();
    let file = scene.path("after.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let run = || {
        let config = ["--config", file.to_str().unwrap()];
        scene.rollcall(&[config.as_slice(), &["reconcile", "--repair"]].concat())
    };
    write("[[provider.k3d.after_create]]\nmanifests = ['nowhere.yaml']\n");
    let failed = run().code(1);
    assert!(
        failed.err.contains("nowhere.yaml cannot be read"),
        "{}",
        failed.err
    );
    write("[[provider.k3d.after_create]]\nimages = ['']\n");
    assert!(run().code(2).err.contains("provider.k3d.after_create"));
}

#[test]
fn a_failed_step_is_told_with_its_log_and_the_rest_goes_on() {
    let scene = Scene::new().two_rows();
    scene
        .rollcall(&["sandbox", "say", "create k3d/dev fails"])
        .code(0);
    let ran = scene
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(1);
    assert!(
        ran.err.contains("failed to create cluster/k3d/dev"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("log: "), "{}", ran.err);
    assert!(
        ran.err.contains("create cluster/kind/ops: done"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("skipped, because create cluster/k3d/dev did not succeed"),
        "{}",
        ran.err
    );
    scene.rollcall(&["sandbox", "forget"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
fn what_is_hostile_in_a_row_is_held_and_never_reaches_the_terminal() {
    let scene = Scene::new().two_rows();
    scene.sql("INSERT INTO clusters (name, provider) VALUES ('x;touch pwned', 'k3d'), (char(27) || '[31mred', 'kind')");
    scene.sql("INSERT INTO clusters (name, provider, http_port) VALUES ('big', 'k3d', 70000)");
    let ran = scene.rollcall(&["reconcile", "--repair"]).code(3);
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    assert!(ran.out.contains("70000"), "{}", ran.out);
    let status = scene.rollcall(&["status", "-o", "json"]).code(3).json();
    let synced = status["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["sync"] == "synced")
        .count();
    assert_eq!(synced, 2, "the good rows converge beside them: {status:#}");
}

#[test]
fn the_way_on_says_all_that_was_asked_and_lifts_what_refuses() {
    let scene = Scene::new().two_rows();
    let dry = scene
        .rollcall(&[
            "reconcile",
            "--probe",
            "none",
            "-j",
            "2",
            "--timeout",
            "90",
            "--dry-run",
        ])
        .code(3);
    let whole = "reconcile --repair --probe none -j 2 --timeout 90s\n";
    assert!(dry.out.contains(whole), "{}", dry.out);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.sql("DELETE FROM clusters");
    let dry = scene
        .rollcall(&["reconcile", "--prune", "--dry-run"])
        .code(3);
    assert!(
        dry.out.contains("reconcile --prune --allow-all\n"),
        "{}",
        dry.out
    );
}

#[test]
fn a_name_that_selects_nothing_is_2() {
    let scene = Scene::new().two_rows();
    for (args, said) in [
        (&["--only", "dve"][..], "did you mean dev?"),
        (&["--exclude", "nobody"], "named nobody"),
        (&["--only", "dev", "--exclude", "dev"], "leave nothing"),
        (&["--replace", "dev", "--exclude", "dev"], "leaves it out"),
    ] {
        for mode in [&["reconcile"][..], &["reconcile", "--repair"]] {
            let ran = scene.rollcall(&[mode, args].concat()).code(2);
            assert!(ran.err.contains(said), "{}", ran.err);
        }
    }
    let one = scene.rollcall(&["reconcile", "--only", "dev"]).code(3);
    assert!(one.out.contains("left out by --only"), "{}", one.out);
    assert!(!one.out.contains("kind/ops"), "{}", one.out);
}

#[test]
fn no_time_at_all_is_2() {
    let scene = Scene::new().two_rows();
    scene
        .rollcall(&["reconcile", "--repair", "--timeout", "0"])
        .code(2);
}

#[test]
fn a_cluster_that_the_configuration_leaves_out_is_not_registered() {
    let scene = Scene::new().two_rows().repaired();
    let config = scene.path("rollcall.toml");
    std::fs::write(&config, "[haproxy]\nexcept = ['dev']\n").unwrap();
    let config = config.display().to_string();
    let with = |words: &[&str]| scene.rollcall(&[&["--config", config.as_str()], words].concat());
    let dry = with(&["reconcile", "-o", "json"]).code(3).json();
    assert_eq!(dry["steps"].as_array().unwrap().len(), 1, "{dry:#}");
    assert_eq!(dry["steps"][0]["action"], "deregister");
    assert_eq!(dry["steps"][0]["address"], "haproxy/k3d/dev");
    with(&["reconcile", "--repair"]).code(0);
    with(&["reconcile"]).code(0);
    let status = with(&["status"]).code(0);
    assert!(
        status.out.contains("haproxy not asked for"),
        "{}",
        status.out
    );
    let replaced = with(&["reconcile", "--repair", "--replace", "dev"]).code(0);
    assert!(
        !replaced.out.contains("register   haproxy/k3d/dev"),
        "{}",
        replaced.out
    );
    let back = scene.rollcall(&["reconcile"]).code(3);
    assert!(
        back.out.contains("@ register   haproxy/k3d/dev"),
        "{}",
        back.out
    );
    std::fs::write(
        scene.path("rollcall.toml"),
        "[haproxy]\nexcept = ['Not A Name']\n",
    )
    .unwrap();
    with(&["reconcile"]).code(2);
}
