//! Rows: added, adopted, brought back.

use crate::scene::Scene;

#[test]
fn an_adopted_cluster_gets_a_row_and_a_forgotten_row_comes_back() {
    let scene = Scene::new();
    scene.rollcall(&["sandbox", "make", "kind/mine"]).code(0);
    let adopted = scene.rollcall(&["cluster", "adopt", "mine"]).code(0);
    assert!(
        adopted.out.contains("this mode does not register"),
        "{}",
        adopted.out
    );
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.rollcall(&["sandbox", "wipe", "kind/mine"]).code(0);
    scene.rollcall(&["reconcile", "--prune=rows"]).code(0);
    scene.rollcall(&["cluster", "restore", "mine"]).code(0);
    let list = scene.rollcall(&["cluster", "list"]).code(0);
    assert!(list.out.contains("kind/mine"), "{}", list.out);
}

#[test]
fn a_row_that_cannot_be_right_is_not_added() {
    let scene = Scene::new();
    let said = scene
        .rollcall(&[
            "cluster",
            "add",
            "k3d/dev",
            "--http-port",
            "18080",
            "--https-port",
            "18080",
            "-o",
            "json",
        ])
        .code(2);
    assert!(
        said.err.contains("the same port as http_port"),
        "{}",
        said.err
    );
    assert_eq!(said.json()["schema"], "rollcall.error/v1");
    let said = scene.rollcall(&["cluster", "add", "k3d/dev", "--subnet", "10.101.0.1/24"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let said = scene.rollcall(&["cluster", "add", "vcluster/dev"]).code(2);
    assert!(said.err.contains("one of: k3d, kind"), "{}", said.err);
    let list = scene.rollcall(&["cluster", "list"]).code(0);
    assert!(list.out.contains("no rows"), "{}", list.out);
    // A port inside the cluster competes with none of the host's.
    scene
        .rollcall(&["cluster", "add", "k3d/dev", "--http-port", "30080"])
        .code(0);
}

#[test]
fn a_row_that_wants_what_another_wants_is_added_with_a_warning() {
    let scene = Scene::new().two_rows();
    let added = |args: &[&str]| {
        let said = scene.rollcall(&[&["cluster", "add", "-o", "json"], args].concat());
        let said = said.code(0);
        let warnings = said.json()["warnings"].clone();
        for warning in warnings.as_array().unwrap() {
            let line = format!("warning: {}\n", warning.as_str().unwrap());
            assert!(said.err.contains(&line), "{line} in {}", said.err);
        }
        warnings
    };
    assert_eq!(
        added(&["kind/one", "--pf-port", "18080"]),
        serde_json::json!([
            "pf_port 18080 is also http_port of row dev: only one of them can have it"
        ])
    );
    assert_eq!(
        added(&["kind/two", "--subnet", "10.101.0.0/16"]),
        serde_json::json!([
            "subnet 10.101.0.0/16 overlaps 10.101.0.0/24 of row dev: only one of them can have it"
        ])
    );
    assert_eq!(added(&["kind/three"]), serde_json::json!([]));
    scene.sql("UPDATE clusters SET desired_state = 'absent'");
    assert_eq!(
        added(&["kind/four", "--pf-port", "18080"]),
        serde_json::json!([])
    );
}

#[test]
fn a_row_is_changed_column_by_column() {
    let scene = Scene::new().two_rows();
    let set = |args: &[&str]| scene.rollcall(&[&["cluster", "set", "dev"], args].concat());
    let said = set(&["--http-port", "free", "--subnet", "10.140.0.0/24"]).code(0);
    assert!(
        said.err.contains("http_port 18081, subnet 10.140.0.0/24"),
        "{}",
        said.err
    );
    let doc = set(&["--subnet", "none", "--absent", "-o", "json"])
        .code(0)
        .json();
    assert_eq!(doc["change"], "changed");
    assert_eq!(doc["spec"]["subnet"], serde_json::Value::Null);
    let listed = scene.rollcall(&["cluster", "list"]).code(0).out;
    assert!(listed.contains("absent"), "{listed}");
    set(&["--present", "--provider", "kind"]).code(0);
    let listed = scene.rollcall(&["cluster", "list"]).code(0).out;
    assert!(listed.contains("kind/dev"), "{listed}");
    let warned = set(&["--http-port", "19080"]).code(0);
    assert!(warned.err.contains("pf_port of row ops"), "{}", warned.err);
    set(&[]).code(2);
    set(&["--http-port", "70000"]).code(2);
    set(&["--provider", "vcluster"]).code(2);
    let missing = scene.rollcall(&["cluster", "set", "nobody", "--present"]);
    assert_ne!(missing.code, 0);
    assert!(missing.err.contains("nobody"), "{}", missing.err);
}

#[test]
fn a_row_that_cannot_be_right_is_mended_column_by_column() {
    let scene = Scene::new().two_rows();
    scene.sql("UPDATE clusters SET http_port = 70000, subnet = 'x' WHERE name = 'dev'");
    let half = scene
        .rollcall(&["cluster", "set", "dev", "--http-port", "18080"])
        .code(0);
    assert!(half.err.contains("still cannot be right"), "{}", half.err);
    let whole = scene
        .rollcall(&["cluster", "set", "dev", "--subnet", "none"])
        .code(0);
    assert!(whole.err.contains("wants k3d/dev"), "{}", whole.err);
}

#[test]
fn a_removed_row_says_absent_and_its_cluster_goes_with_the_next_repair() {
    let scene = Scene::new().two_rows().repaired();
    let said = scene.rollcall(&["cluster", "remove", "dev"]).code(0);
    assert!(
        said.err.contains("reconcile --repair --only dev"),
        "{}",
        said.err
    );
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(1));
    scene.rollcall(&["cluster", "remove", "devops"]).code(2);
}

#[test]
fn the_environment_says_nothing_of_what_a_row_is_to_be() {
    let mut scene = Scene::new().two_rows();
    for (name, value) in [("ABSENT", "true"), ("PROVIDER", "kind"), ("HTTP_PORT", "1")] {
        scene
            .env
            .insert(format!("ROLLCALL_{name}"), value.to_owned());
    }
    scene
        .rollcall(&["cluster", "set", "dev", "--subnet", "none"])
        .code(0);
    let listed = scene.rollcall(&["cluster", "list"]).code(0).out;
    assert!(listed.contains("k3d/dev"), "{listed}");
    assert!(!listed.contains("absent"), "{listed}");
    assert!(listed.contains("18080->80"), "{listed}");
}

#[test]
fn the_management_clusters_row_neither_moves_nor_ends() {
    let scene = Scene::new();
    scene.rollcall(&["cluster", "add", "k3d/devops"]).code(0);
    for args in [["--absent", ""], ["--provider", "kind"]] {
        let args: Vec<&str> = args.into_iter().filter(|arg| !arg.is_empty()).collect();
        scene
            .rollcall(&[&["cluster", "set", "devops"], args.as_slice()].concat())
            .code(2);
    }
    let said = scene.rollcall(&["cluster", "remove", "devop"]).code(2);
    assert!(said.err.contains("did you mean devops"), "{}", said.err);
}
