//! Looking: it writes nothing, and what it cannot see has no verdict.

use rusqlite::Connection;

use crate::scene::Scene;

#[test]
fn looking_writes_nothing() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "wipe", "k3d/dev"]).code(0);
    let before = std::fs::read(scene.db()).unwrap();
    for args in [
        &["reconcile"][..],
        &["reconcile", "--dry-run", "--repair"],
        &["reconcile", "--dry-run", "--prune"],
        &["status"],
        &["explain", "dev"],
        &["history"],
        &["last-run"],
        &["doctor"],
        &["cluster", "list"],
        &["backup", "/nowhere/copy.db"],
        &["use", "ops"],
        &["kubeconfig", "ops"],
        &["lock", "show"],
        &[],
    ] {
        scene.rollcall(args);
        assert_eq!(std::fs::read(scene.db()).unwrap(), before, "{args:?}");
    }
}

#[test]
fn a_saved_observation_gives_the_same_plan_and_never_acts() {
    let scene = Scene::new().two_rows().repaired();
    scene
        .rollcall(&["sandbox", "wipe", "k3d/dev", "--leave-residue"])
        .code(0);
    let path = scene.path("seen.json");
    let path = path.to_str().unwrap();
    let live = scene
        .rollcall(&["reconcile", "-o", "json", "--save-observation", path])
        .code(3)
        .json();
    let saved = scene
        .rollcall(&["reconcile", "-o", "json", "--observation", path])
        .code(3)
        .json();
    assert_eq!(live["steps"], saved["steps"]);
    assert_eq!(live["observed_at"], saved["observed_at"]);
    scene
        .rollcall(&["reconcile", "--repair", "--observation", path])
        .code(2);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(rollcall::sandbox::SECRET_MARK));
}

#[test]
fn docker_down_is_12_and_silent_is_9_in_every_mode() {
    let scene = Scene::new().two_rows().repaired();
    for (state, code) in [("down", 12), ("silent", 9)] {
        scene
            .rollcall(&["sandbox", "say", &format!("docker is {state}")])
            .code(0);
        let before = std::fs::read(scene.db()).unwrap();
        for args in [
            &["reconcile"][..],
            &["reconcile", "--repair"],
            &["reconcile", "--prune", "--allow-all"],
            &["status"],
            &["explain", "dev"],
            &["doctor"],
        ] {
            scene.rollcall(args).code(code);
        }
        let rows = |_: &Scene| {
            Connection::open(scene.db()).unwrap().query_row(
                "SELECT count(*) FROM clusters",
                [],
                |r| r.get(0),
            )
        };
        assert_eq!(rows(&scene), Ok(2));
        assert!(!before.is_empty());
        scene.rollcall(&["sandbox", "say", "docker is up"]).code(0);
    }
    scene.rollcall(&["reconcile"]).code(0);
}

#[test]
fn what_a_person_stopped_is_not_in_sync() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "stop", "k3d/dev"]).code(0);
    scene.sql("INSERT INTO rollcall_stops (name, since) VALUES ('dev', '2026-01-01T00:00:00Z')");
    let home = scene.rollcall(&[]).code(0);
    assert!(
        home.err.contains("1 out of sync on purpose"),
        "{}",
        home.err
    );
    assert!(home.out.contains("start k3d/dev"), "{}", home.out);
}

#[test]
fn an_import_says_what_it_needs() {
    let scene = Scene::new();
    let said = scene.rollcall(&["import", "haproxy", "/nowhere"]).code(2);
    assert!(
        said.err.contains("a sandbox has no HAProxy"),
        "{}",
        said.err
    );
    assert!(said.err.contains("-> leave --sandbox"), "{}", said.err);
    scene.rollcall(&["import", "haproxy"]).code(2);
    let help = scene.rollcall(&["import", "haproxy", "--help"]).code(0);
    assert!(help.out.contains("changes nothing without --write"));
    for code in [0, 1, 2, 3, 5, 7, 9, 12] {
        assert!(help.out.contains(&format!("\n  {code:<4}")), "{}", help.out);
    }
}
