//! The documents: each is what its schema says.

use crate::scene::{Scene, assert_schema};

#[test]
fn every_document_matches_its_schema() {
    let scene = Scene::new().two_rows();
    assert_schema(
        &scene,
        "plan",
        &scene.rollcall(&["reconcile", "-o", "json"]).code(3).json(),
    );
    assert_schema(
        &scene,
        "run",
        &scene
            .rollcall(&["reconcile", "--repair", "-o", "json"])
            .code(0)
            .json(),
    );
    assert_schema(
        &scene,
        "run",
        &scene
            .rollcall(&["reconcile", "--repair", "-o", "json"])
            .code(0)
            .json(),
    );
    assert_schema(
        &scene,
        "status",
        &scene.rollcall(&["status", "-o", "json"]).code(0).json(),
    );
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
