//! The documents: each is what its schema says.

use serde_json::Value;

use crate::scene::{Scene, assert_schema};

#[test]
fn every_document_matches_its_schema() {
    let scene = Scene::new().two_rows();
    for (schema, code, args) in [
        ("plan", 3, &["reconcile"][..]),
        ("run", 0, &["reconcile", "--repair"]),
        ("run", 0, &["reconcile", "--repair"]),
        ("status", 0, &["status"]),
    ] {
        let said = scene.rollcall(&[args, &["-o", "json"]].concat());
        assert_schema(&scene, schema, &said.code(code).json());
    }
    for args in [
        &["history"][..],
        &["last-run"],
        &["cluster", "list"],
        &["doctor"],
    ] {
        let document = scene
            .rollcall(&[args, &["-o", "json"]].concat())
            .code(0)
            .json();
        assert_schema(&scene, "list", &document);
    }
    let error = scene.rollcall(&["status", "nobody", "-o", "json"]).code(2);
    assert_schema(&scene, "error", &error.json());
    assert_schema(
        &scene,
        "explanation",
        &scene
            .rollcall(&["explain", "dev", "-o", "json"])
            .code(0)
            .json(),
    );
}

#[test]
fn every_command_answers_in_json_and_within_its_schema() {
    let scene = Scene::new();
    for (args, name) in [
        (&["init"][..], "init"),
        (&["cluster", "add", "k3d/dev"], "row"),
        (&["cluster", "adopt", "--rows"], "run"),
        (&["sandbox", "make", "kind/mine"], "sandbox"),
        (&["sandbox", "stop", "kind/mine"], "sandbox"),
        (&["sandbox", "say", "create", "takes", "1s"], "sandbox"),
        (&["sandbox", "forget"], "sandbox"),
        (&["sandbox", "advance", "1s"], "sandbox"),
        (&["cluster", "adopt", "mine"], "run"),
        (&["reconcile", "--repair"], "run"),
        (&["doctor"], "doctor"),
        (&["use", "mine"], "use"),
        (&["kubeconfig", "mine"], "kubeconfig"),
        (&["sandbox", "wipe", "kind/mine"], "sandbox"),
        (&["reconcile", "--prune=rows"], "run"),
        (&["cluster", "restore", "mine"], "row"),
        (&["cluster", "list"], "clusters"),
        (&["sandbox", "show"], "sandbox"),
        (&["history"], "history"),
        (&["last-run"], "history"),
        (&["lock", "show"], "lock"),
        (&["schema"], "enums"),
        (&["completions", "bash"], "completions"),
        (&["man"], "man"),
    ] {
        let said = scene.rollcall(&[&["-o", "json"], args].concat()).code(0);
        let document = said.json();
        assert_eq!(
            document["schema"],
            format!("rollcall.{name}/v1"),
            "{args:?}"
        );
        assert_eq!(document["exit"]["code"], 0, "{args:?}");
        assert_schema(&scene, name, &document);
    }
}

#[test]
fn a_wrong_command_line_is_a_document_where_json_was_asked_for() {
    let mut scene = Scene::new();
    let file = scene.path("answer.json");
    let place = format!("--output=json={}", file.display());
    for (args, message) in [
        (&["explain"][..], "not provided: <NAME>"),
        (&["reconsile"], "unrecognized subcommand"),
        (&["cluster"], "is missing"),
        (&["reconcile", "--step-timeout", "soon"], "no duration"),
    ] {
        let said = scene
            .rollcall(&[&["-o", "json", &place], args].concat())
            .code(2);
        let document = said.json();
        assert_schema(&scene, "error", &document);
        let told = document["message"].as_str().unwrap();
        assert!(told.contains(message), "{told}");
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written, document);
        assert!(!said.err.is_empty(), "a person reads it too");
    }
    let said = scene.rollcall(&["explain"]).code(2);
    assert!(said.out.is_empty(), "{}", said.out);
    scene
        .env
        .insert("ROLLCALL_OUTPUT".to_owned(), "json".to_owned());
    let said = scene.rollcall(&["explain"]).code(2);
    assert_eq!(said.json()["schema"], "rollcall.error/v1");
}

#[test]
fn the_words_of_all_documents_and_what_is_there_can_be_asked_for() {
    let scene = Scene::new();
    let names = scene.rollcall(&["schema"]).code(0).out;
    let words = scene.rollcall(&["schema", "-o", "json"]).code(0).json();
    let documents = words["documents"].as_array().unwrap();
    assert_eq!(names.lines().count(), documents.len());
    for name in names.lines() {
        scene.rollcall(&["schema", name]).code(0).json();
    }
    assert_eq!(words["providers"], serde_json::json!(["k3d", "kind"]));
    assert_eq!(
        words["registrars"],
        serde_json::json!([
            "applicationset",
            "argocd",
            "haproxy",
            "kubeconfig",
            "portainer"
        ])
    );
    assert_eq!(
        words["formats"],
        serde_json::json!(["table", "json", "ndjson", "markdown", "html", "junit"])
    );
    let has = |list: &str, key: &str, wanted: Value| {
        let list = words[list].as_array().unwrap();
        assert!(list.iter().any(|word| word[key] == wanted), "{wanted}");
    };
    has("actions", "word", "add_ports".into());
    has("phases", "word", "residue".into());
    has("sync", "word", "out_of_sync".into());
    has("health", "word", "degraded".into());
    has("events", "word", "run_finished".into());
    has("held", "code", "not_ours".into());
    has("exit_codes", "code", 12.into());
    let held = words["held"].as_array().unwrap();
    let stopped = held.iter().find(|word| word["code"] == "stopped_by_user");
    assert_eq!(stopped.unwrap()["classes"], serde_json::json!(["intended"]));
}
