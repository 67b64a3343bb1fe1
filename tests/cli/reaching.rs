//! Reaching a cluster: the current context, and a kubeconfig of its own.

use rollcall::model::{ClusterId, RegistrarId};
use rollcall::sandbox::{SECRET_MARK, Sandbox};
use serde_json::Value;

use crate::scene::{Scene, assert_schema};

fn world(scene: &Scene) -> Sandbox {
    rollcall::sandbox::open(&scene.path("world")).unwrap()
}

fn dev() -> ClusterId {
    "k3d/dev".parse().unwrap()
}

fn kubeconfig() -> RegistrarId {
    RegistrarId::new("kubeconfig")
}

/// The context that is current, told by switching to what is there for sure.
#[track_caller]
fn current(scene: &Scene) -> Value {
    scene.json(0, &["use", "kind/ops"])["before"].clone()
}

#[test]
fn it_says_which_context_it_was_and_how_to_get_back() {
    let scene = Scene::new().two_rows().repaired();
    let said = scene.rollcall(&["use", "dev"]).code(0);
    assert!(said.out.is_empty(), "{}", said.out);
    let first = "the current context is k3d-dev now; there was none\n";
    assert!(said.err.contains(first), "{}", said.err);
    let said = scene.rollcall(&["use", "kind/ops"]).code(0);
    let back = format!(
        "to get back: rollcall --sandbox={} use k3d/dev\n",
        scene.path("world").display()
    );
    assert!(said.err.contains("it was k3d-dev\n"), "{}", said.err);
    assert!(said.err.contains(&back), "{}", said.err);
    let document = scene.json(0, &["use", "ops"]);
    assert_schema(&scene, "use", &document);
    assert_eq!(document["changed"], false);
    assert_eq!(document["back"], Value::Null);
    let document = scene.json(0, &["use", "dev"]);
    assert_eq!(document["changed"], true);
    assert_eq!(document["before"], "kind-ops");
    // Everything is as it should be all the same: the current context is nobody's drift.
    scene.rollcall(&["reconcile"]).code(0);
}

#[test]
fn a_name_of_nobody_or_of_several_switches_nothing() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "make", "kind/dev"]).code(0);
    for command in ["use", "kubeconfig"] {
        let said = scene.rollcall(&[command, "dev"]).code(2);
        assert!(said.err.contains("is ambiguous"), "{}", said.err);
        assert!(said.err.contains("k3d/dev or kind/dev"), "{}", said.err);
        let said = scene.rollcall(&[command, "opps"]).code(2);
        assert!(said.err.contains("did you mean ops?"), "{}", said.err);
        scene.sql("UPDATE clusters SET http_port = 70000 WHERE name = 'ops'");
        scene.rollcall(&[command, "kind/ops"]).code(0);
        scene.sql("INSERT INTO clusters (name, provider) VALUES ('odd', 'nobody')");
        let said = scene.rollcall(&[command, "odd"]).code(2);
        assert!(said.err.contains("cannot be right"), "{}", said.err);
        scene.sql("DELETE FROM clusters WHERE name = 'odd'");
        scene.rollcall(&[command, "k3d/dev"]).code(0);
    }
    assert_eq!(current(&scene), "k3d-dev");
}

#[test]
fn what_cannot_be_reached_is_said_with_the_way_out_and_nothing_is_switched() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["use", "ops"]).code(0);
    let refused = |code: u8, said: &str, way_out: &str| {
        let told = scene.rollcall(&["use", "dev"]).code(code).err;
        assert!(told.contains(said), "{told}");
        assert!(told.contains(way_out), "{told}");
        let told = scene.rollcall(&["use", "dev", "-o", "json"]).json();
        assert_schema(&scene, "error", &told);
        assert_eq!(told["exit"]["code"], code);
    };
    let repair = "reconcile --repair --only k3d/dev";
    world(&scene)
        .drop_registration(&kubeconfig(), &dev())
        .unwrap();
    refused(3, "k3d/dev is not registered", repair);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    world(&scene)
        .edit_registration(&kubeconfig(), &dev(), "https://127.0.0.1:1")
        .unwrap();
    refused(3, "leads elsewhere: https://127.0.0.1:1", repair);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.rollcall(&["sandbox", "stop", "k3d/dev"]).code(0);
    refused(3, "k3d/dev does not run: it is stopped", "start k3d/dev");
    scene.rollcall(&["sandbox", "wipe", "k3d/dev"]).code(0);
    refused(3, "k3d/dev is not there", repair);
    for (state, code) in [("down", 12), ("silent", 9)] {
        for source in ["docker", "kubeconfig"] {
            if source == "kubeconfig" {
                scene.rollcall(&["reconcile", "--repair"]).code(0);
            }
            let say = |how: &str| {
                let words = format!("{source} is {how}");
                scene.rollcall(&["sandbox", "say", &words]).code(0);
            };
            say(state);
            refused(code, source, &format!("{source} is up"));
            say("up");
        }
    }
    assert_eq!(current(&scene), "kind-ops");
}

#[test]
fn of_a_cluster_that_no_row_names_the_way_out_is_another() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "make", "kind/mine"]).code(0);
    let told = scene.rollcall(&["use", "mine"]).code(3).err;
    assert!(told.contains("cluster adopt kind/mine"), "{told}");
    assert!(told.contains("kubeconfig kind/mine"), "{told}");
    let config = scene.path("rollcall.toml");
    std::fs::write(&config, "[kubeconfig]\nexcept = ['dev']\n").unwrap();
    let config = config.to_str().unwrap();
    scene
        .rollcall(&["--config", config, "reconcile", "--repair"])
        .code(0);
    let told = scene
        .rollcall(&["--config", config, "use", "dev"])
        .code(3)
        .err;
    assert!(told.contains("kubeconfig.except leaves it out"), "{told}");
}

#[test]
fn a_kubeconfig_works_by_itself_and_is_told_nowhere_else() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "make", "kind/mine"]).code(0);
    for (name, context) in [
        ("dev", "k3d-dev"),
        ("ops", "kind-ops"),
        ("mine", "kind-mine"),
    ] {
        let said = scene.rollcall(&["kubeconfig", name, "-vv"]).code(0);
        assert!(!said.err.contains(SECRET_MARK), "{}", said.err);
        let yaml: Value = serde_saphyr::from_str(&said.out).unwrap();
        assert_eq!(yaml["current-context"], context);
        let user = &yaml["users"][0]["user"];
        let key = user["client-key-data"].as_str().unwrap();
        assert!(key.starts_with(SECRET_MARK), "{key}");
        let document = scene.json(0, &["kubeconfig", name]);
        assert_schema(&scene, "kubeconfig", &document);
        assert_eq!(document["kubeconfig"], yaml);
        assert_eq!(document["server"], yaml["clusters"][0]["cluster"]["server"]);
    }
    let database = std::fs::read(scene.db()).unwrap();
    assert!(!String::from_utf8_lossy(&database).contains(SECRET_MARK));
}

#[test]
fn a_kubeconfig_goes_to_no_file_of_an_answer() {
    let scene = Scene::new().two_rows().repaired();
    let file = scene.path("answer");
    for format in ["json", "table"] {
        let place = format!("{format}={}", file.display());
        let said = scene.rollcall(&["kubeconfig", "dev", "-o", &place]).code(2);
        assert!(said.err.contains("holds a client key"), "{}", said.err);
        assert!(said.err.contains("umask 077"), "{}", said.err);
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(!written.contains(SECRET_MARK), "{written}");
        assert!(!said.out.contains(SECRET_MARK), "{}", said.out);
    }
}

#[test]
fn a_kubeconfig_is_of_the_present_life_or_there_is_none() {
    let scene = Scene::new().two_rows().repaired();
    let printed = || scene.rollcall(&["kubeconfig", "dev"]).code(0).out;
    let first = printed();
    scene.rollcall(&["sandbox", "stop", "k3d/dev"]).code(0);
    let said = scene.rollcall(&["kubeconfig", "dev"]).code(0);
    assert_eq!(said.out, first);
    assert!(
        said.err.contains("warning: k3d/dev does not run"),
        "{}",
        said.err
    );
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    // The node says nothing: what was written for this life is as good.
    let fails = || scene.rollcall(&["sandbox", "say", "access fails"]).code(0);
    fails();
    assert_eq!(printed(), first);
    scene.rollcall(&["sandbox", "forget"]).code(0);
    scene.rollcall(&["sandbox", "wipe", "k3d/dev"]).code(0);
    let said = scene.rollcall(&["kubeconfig", "dev"]).code(3);
    assert!(said.out.is_empty(), "{}", said.out);
    // Another life of the same name: the entry is still of the one before.
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    fails();
    let said = scene.rollcall(&["kubeconfig", "dev"]).code(1);
    assert!(!said.out.contains(SECRET_MARK), "{}", said.out);
    scene.rollcall(&["sandbox", "forget"]).code(0);
    assert_ne!(printed(), first);
}

#[test]
fn an_entry_that_is_to_be_written_anew_is_switched_to_with_a_warning() {
    let scene = Scene::new();
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    scene.rollcall(&["cluster", "adopt", "dev"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(
        scene.json(0, &["use", "dev"])["warnings"],
        serde_json::json!([])
    );
    // Somebody writes other credentials for the same address.
    let entry = |port: &str| format!("https://127.0.0.1:{port}");
    let server = scene.json(0, &["kubeconfig", "dev"])["server"].clone();
    let port = server
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    let same = entry(&port).replace("127.0.0.1", "localhost");
    world(&scene)
        .edit_registration(&kubeconfig(), &dev(), &same)
        .unwrap();
    let warnings = scene.json(0, &["use", "dev"])["warnings"].to_string();
    assert!(
        warnings.contains("reconcile --repair --only k3d/dev"),
        "{warnings}"
    );
}
