//! `rollcall clean`: what is ours goes, what is not stays, the rows stay, and one repair brings all back.

use crate::scene::Scene;

#[test]
fn a_clean_takes_all_of_ours_and_one_repair_brings_it_back() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "make", "kind/theirs"]).code(0);
    let rows = scene.rollcall(&["cluster", "list"]).code(0).out;
    let dry = scene.rollcall(&["clean", "--dry-run"]).code(3);
    assert!(dry.out.contains("2 delete"), "{}", dry.out);
    assert!(
        dry.out.contains("to apply this: rollcall --sandbox="),
        "{}",
        dry.out
    );
    let done = scene.rollcall(&["clean"]).code(0);
    assert!(done.out.contains("clean: "), "{}", done.out);
    assert!(done.out.contains("cluster/kind/theirs"), "{}", done.out);
    assert!(done.err.contains("reconcile --repair"), "{}", done.err);
    assert_eq!(scene.rollcall(&["cluster", "list"]).code(0).out, rows);
    let world = scene.world();
    let clusters = world["clusters"].as_array().unwrap();
    let left: Vec<_> = clusters.iter().map(|c| c["cluster"].to_string()).collect();
    assert_eq!(left, ["\"kind/theirs\""]);
    assert_eq!(world["registrations"].as_array().map(Vec::len), Some(0));
    let again = scene.rollcall(&["clean"]).code(0);
    assert!(
        again.out.contains("nothing is left to delete"),
        "{}",
        again.out
    );
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    let status = scene.rollcall(&["status"]);
    assert!(status.out.contains("2 synced"), "{}", status.out);
}

#[test]
fn a_clean_with_an_emptied_table_needs_no_other_consent() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("DELETE FROM clusters");
    scene.rollcall(&["reconcile", "--prune"]).code(5);
    scene.rollcall(&["clean"]).code(0);
}

#[test]
fn what_cannot_be_seen_is_not_cleaned() {
    let scene = Scene::new().two_rows().repaired();
    scene
        .rollcall(&["sandbox", "say", "argocd is silent"])
        .code(0);
    let said = scene.rollcall(&["clean"]).code(9);
    assert!(said.out.contains("argocd"), "{}", said.out);
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    scene.rollcall(&["clean"]).code(9);
    scene.rollcall(&["sandbox", "forget"]).code(0);
    scene.rollcall(&["sandbox", "say", "docker is up"]).code(0);
    scene.rollcall(&["sandbox", "say", "argocd is up"]).code(0);
    let world = scene.world();
    assert_eq!(world["clusters"].as_array().map(Vec::len), Some(2));
    scene.rollcall(&["clean"]).code(0);
}

#[test]
fn a_clean_of_everything_takes_the_management_cluster_along_if_it_is_ours() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "make", "k3d/devops"]).code(0);
    let said = scene.rollcall(&["clean", "--all"]).code(0);
    assert!(
        said.out.contains("cluster/k3d/devops"),
        "not ours: {}",
        said.out
    );
}

#[test]
fn what_a_clean_did_is_recorded_and_replayed() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["clean"]).code(0);
    let last = scene.rollcall(&["last-run"]).code(0);
    assert!(last.out.contains("clean"), "{}", last.out);
    let doc = scene
        .rollcall(&["clean", "--all", "-o", "json"])
        .code(0)
        .json();
    assert_eq!(doc["mode"]["clean"], "everything");
}

#[test]
fn a_dry_run_that_the_environment_asks_for_is_dry() {
    let mut scene = Scene::new().two_rows().repaired();
    scene
        .env
        .insert("ROLLCALL_DRY_RUN".to_owned(), "true".to_owned());
    scene.rollcall(&["clean"]).code(3);
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(2));
}
