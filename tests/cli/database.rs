//! The database: where it is, and what can be wrong with it.

use std::ffi::OsString;

use crate::scene::Scene;

#[test]
fn a_missing_or_wrong_database_is_12_with_the_way_out() {
    let scene = Scene::new();
    let missing = scene.path("none.db");
    let said = scene
        .rollcall(&["--db", missing.to_str().unwrap(), "reconcile"])
        .code(12);
    assert!(said.err.contains("init"), "{}", said.err);
    let text = scene.path("text.db");
    std::fs::write(
        &text,
        "this is no database, and it is long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let said = scene
        .rollcall(&["--db", text.to_str().unwrap(), "status", "-o", "json"])
        .code(12);
    assert_eq!(said.json()["schema"], "rollcall.error/v1");
    let mut other = Scene::new();
    other.env.insert("HOME".to_owned(), "/nowhere".to_owned());
    let alone = other.call(vec!["rollcall".into()]).code(0);
    assert!(alone.err.contains("rollcall init"), "{}", alone.err);
}

#[test]
fn without_a_home_nothing_is_looked_for_at_the_root() {
    let mut scene = Scene::new();
    let db = scene.db();
    let config = scene.path("config.toml");
    std::fs::write(&config, "[kubeconfig]\nenabled = false\n").unwrap();
    for home in [None, Some("")] {
        scene.env.remove("HOME");
        scene
            .env
            .extend(home.map(|home| ("HOME".to_owned(), home.to_owned())));
        let said = scene
            .call(vec!["rollcall".into(), "cluster".into(), "list".into()])
            .code(2);
        assert!(said.err.contains("HOME is not set"), "{}", said.err);
        let mut args: Vec<OsString> = vec!["rollcall".into(), "--db".into(), db.clone().into()];
        args.extend(["--config".into(), config.clone().into()]);
        args.extend(["cluster".into(), "list".into()]);
        scene.call(args).code(0);
    }
}

#[test]
fn a_damaged_database_says_once_what_is_wrong_with_it() {
    let scene = Scene::new().two_rows();
    let mut bytes = std::fs::read(scene.db()).unwrap();
    bytes[100..].fill(0xff);
    std::fs::write(scene.db(), bytes).unwrap();
    let said = scene.rollcall(&["status"]).code(12);
    assert_eq!(said.err.matches("malformed").count(), 1, "{}", said.err);
    assert!(said.err.contains("is damaged"), "{}", said.err);
}
