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

/// Leaves `copy` as a writer that was killed in the middle leaves a file: with what it had not finished beside it.
fn torn(db: &std::path::Path, copy: &std::path::Path, mode: &str) {
    let conn = rusqlite::Connection::open(db).unwrap();
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = {mode}; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; PRAGMA wal_autocheckpoint = 0;
         BEGIN IMMEDIATE; CREATE TABLE big (x);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO big SELECT randomblob(4000) FROM n;"
    ))
    .unwrap();
    std::fs::copy(db, copy).unwrap();
    for end in ["-journal", "-wal"] {
        let beside = |path: &std::path::Path| format!("{}{end}", path.display());
        if std::path::Path::new(&beside(db)).exists() {
            std::fs::copy(beside(db), beside(copy)).unwrap();
        }
    }
    drop(conn);
}

#[test]
fn whatever_is_wrong_with_the_file_every_command_says_so_with_the_way_out() {
    let scene = Scene::new().two_rows();
    let copy = |name: &str| {
        let path = scene.path(name);
        std::fs::copy(scene.db(), &path).unwrap();
        path
    };
    let newer = copy("newer.db");
    let sql = "UPDATE rollcall_meta SET value = '99' WHERE key = 'schema'";
    let conn = rusqlite::Connection::open(&newer).unwrap();
    conn.execute(sql, []).unwrap();
    let tableless = copy("tableless.db");
    let conn = rusqlite::Connection::open(&tableless).unwrap();
    conn.execute("DROP TABLE clusters", []).unwrap();
    let hot = scene.path("hot.db");
    torn(&scene.db(), &hot, "DELETE");
    for (path, way_out) in [(&newer, "newer"), (&tableless, "clusters"), (&hot, "init")] {
        let before = std::fs::read(path).unwrap();
        for command in [
            &["status"][..],
            &["reconcile"],
            &["explain", "dev"],
            &["history"],
            &["cluster", "list"],
        ] {
            let db = path.to_str().unwrap();
            let said = scene.rollcall(&[&["--db", db], command].concat()).code(12);
            assert!(said.err.contains(way_out), "{command:?}: {}", said.err);
            assert!(said.err.contains("->"), "{command:?}: {}", said.err);
            assert_eq!(std::fs::read(path).unwrap(), before, "{command:?}");
        }
    }
}

#[test]
fn a_log_that_a_killed_writer_left_loses_no_row() {
    let scene = Scene::new().two_rows();
    let wal = scene.path("wal.db");
    torn(&scene.db(), &wal, "WAL");
    let said = scene.rollcall(&["--db", wal.to_str().unwrap(), "cluster", "list"]);
    assert!(matches!(said.code, 0 | 12), "{}", said.err);
    let conn = rusqlite::Connection::open(&wal).unwrap();
    let rows: i64 = conn
        .query_row("SELECT count(*) FROM clusters", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 2);
}
