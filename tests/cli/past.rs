//! What `history` says of past runs, and what `status` says of now.

use rollcall::store::Holder;

use crate::runs::{begun_by, dead, store};
use crate::scene::Scene;

#[test]
fn history_tells_a_run_at_work_from_one_that_died_and_one_that_ended() {
    let scene = Scene::new().with_row();
    let died = begun_by(&scene, &dead());
    let before = scene.says(0, &["history"]);
    assert!(before.contains("died"), "{before}");
    assert!(before.contains("it was killed"), "{before}");
    scene.says(0, &["reconcile", "--repair"]);
    let working = begun_by(
        &scene,
        &Holder::of_this_process("rollcall reconcile --repair"),
    );

    let text = scene.says(0, &["history"]);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("running"), "{text}");
    assert!(lines[1].contains("exit 0"), "{text}");
    assert!(lines[2].contains("died"), "{text}");
    assert!(lines[2].contains("it was killed"), "{text}");
    assert!(!text.contains("unfinished"), "{text}");

    let items = scene.json(0, &["history"])["items"].clone();
    let states: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["state"])
        .collect();
    assert_eq!(states, ["running", "ended", "died"]);
    assert!(items[2]["finished_at"].is_string() && items[2]["exit_code"].is_null());
    let number = died.0.to_string();
    assert!(
        scene
            .says(0, &["history", &number])
            .contains("it was killed")
    );
    let number = working.0.to_string();
    assert!(
        scene
            .says(0, &["history", &number])
            .contains("it still runs")
    );
    let steps = store(&scene).steps(died).unwrap();
    assert!(steps.iter().all(|step| step.finished_at.is_some()));
}

#[test]
fn a_registration_whose_cluster_is_not_seen_is_unknown() {
    let scene = Scene::new().with_row();
    scene.says(0, &["reconcile", "--repair"]);
    let before = scene.cluster(0, "cluster/k3d/dev");
    assert_eq!(before["registrations"][0]["state"], "registered");
    scene.says(0, &["sandbox", "say", "docker", "is", "down"]);
    let unseen = scene.cluster(12, "cluster/k3d/dev");
    assert_eq!(unseen["sync"], "unknown");
    for registration in unseen["registrations"].as_array().unwrap() {
        assert_eq!(registration["state"], "unknown", "{unseen:#}");
    }
    assert!(!scene.says(12, &["status"]).contains("stale"));
    scene.says(0, &["sandbox", "say", "docker", "is", "up"]);
    scene.says(0, &["sandbox", "wipe", "k3d/dev"]);
    let gone = scene.cluster(3, "cluster/k3d/dev");
    assert_eq!(gone["registrations"][0]["state"], "stale");
}

#[test]
fn what_is_ours_without_a_row_is_an_orphan_and_not_unmanaged() {
    let scene = Scene::new().with_row();
    scene.says(0, &["cluster", "add", "kind/ops"]);
    scene.says(0, &["reconcile", "--repair"]);
    scene.says(0, &["sandbox", "make", "kind/mine"]);
    scene.sql("DELETE FROM clusters WHERE name = 'dev'");
    assert_eq!(scene.cluster(3, "cluster/k3d/dev")["sync"], "orphan");
    assert_eq!(scene.cluster(3, "cluster/kind/mine")["sync"], "unmanaged");
    let text = scene.says(3, &["status"]);
    let head = text.lines().next().unwrap();
    assert!(
        head.ends_with("3 clusters: 1 synced, 1 orphan, 1 unmanaged"),
        "{text}"
    );
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("k3d/dev"));
    assert!(line.unwrap().contains("orphan"), "{text}");
    scene.sql("DELETE FROM clusters");
    assert!(
        scene
            .says(3, &["status"])
            .contains("2 orphans, 1 unmanaged")
    );
    // What is left of one is an orphan too.
    scene.says(0, &["sandbox", "wipe", "k3d/dev", "--leave-residue"]);
    assert_eq!(scene.cluster(3, "cluster/k3d/dev")["sync"], "orphan");
}

#[test]
fn a_strangers_cluster_under_the_management_name_is_not_in_sync() {
    let scene = Scene::new();
    scene.sql("INSERT INTO clusters (name, provider) VALUES ('devops', 'k3d')");
    let absent = scene.cluster(0, "cluster/k3d/devops");
    assert_eq!(
        (&absent["sync"], &absent["owner"]),
        (&"out_of_sync".into(), &"nobody".into())
    );
    scene.says(0, &["sandbox", "make", "k3d/devops"]);
    let foreign = scene.cluster(0, "cluster/k3d/devops");
    assert_eq!(
        (&foreign["sync"], &foreign["owner"]),
        (&"out_of_sync".into(), &"foreign".into())
    );
    assert!(
        foreign["held"][0]["message"]
            .as_str()
            .unwrap()
            .contains("not ours"),
        "{foreign:#}"
    );
    scene.sql("UPDATE clusters SET desired_state = 'absent'");
    assert_eq!(
        scene.cluster(0, "cluster/k3d/devops")["sync"],
        "out_of_sync"
    );
    scene.says(0, &["sandbox", "wipe", "k3d/devops"]);
    assert_eq!(scene.cluster(0, "cluster/k3d/devops")["sync"], "synced");
}

#[test]
fn what_a_mistyped_row_claims_is_no_orphan() {
    let scene = Scene::new().with_row();
    scene.says(0, &["reconcile", "--repair"]);
    scene.sql("UPDATE clusters SET name = 'DEV '");
    let text = scene.says(3, &["status"]);
    assert!(text.contains("1 cluster: 1 out of sync"), "{text}");
    assert!(!text.contains("orphan"), "{text}");
}

#[test]
fn what_others_wrote_into_the_side_tables_moves_no_cursor() {
    let scene = Scene::new().with_row();
    scene.says(0, &["reconcile", "--repair"]);
    begun_by(&scene, &dead());
    scene.sql(
        "UPDATE rollcall_lock SET command = command || char(27) || '[31m', host = char(27) || ']0;t' || char(7);
         UPDATE rollcall_runs SET mode = mode || char(27) || '[2J', actor = char(27) || '[31m';
         UPDATE rollcall_events SET json = replace(json, '\"message\":\"', '\"message\":\"\\u001b[31m\\r');
         UPDATE rollcall_steps SET error = char(27) || '[31m', action = char(27) || '[31m';
         INSERT INTO rollcall_stops (name, who, why, since) VALUES ('dev', char(27) || '[31m', char(27) || '[2J', '2026-01-01T00:00:00Z');",
    );
    for args in [
        &["status"][..],
        &["reconcile"],
        &["explain", "dev"],
        &["lock", "show"],
        &["history"],
        &["history", "1"],
        &["last-run"],
        &["doctor"],
        &["cluster", "list"],
    ] {
        let said = scene.rollcall(args);
        let all = format!("{}{}", said.out, said.err);
        assert!(
            !all.contains(['\u{1b}', '\r', '\u{7}']),
            "{args:?}: {all:?}"
        );
    }
}
