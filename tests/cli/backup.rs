//! A copy of the database: whole, private, and nothing where it could not be made.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use crate::scene::{Scene, assert_schema};

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_copy_is_whole_and_private_and_owns_nothing() {
    let scene = Scene::new().two_rows().repaired();
    let to = scene.path("it's a copy.db");
    let to = to.to_str().unwrap();
    let said = scene.rollcall(&["backup", to]).code(0);
    assert!(said.out.is_empty(), "{}", said.out);
    assert!(said.err.contains("is copied to"), "{}", said.err);
    assert!(said.err.contains("init --new-owner"), "{}", said.err);
    let mode = std::fs::metadata(to).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let list = scene.rollcall(&["--db", to, "cluster", "list"]).code(0).out;
    assert!(
        list.contains("k3d/dev") && list.contains("kind/ops"),
        "{list}"
    );
    let refused = scene
        .rollcall(&["--db", to, "reconcile", "--repair"])
        .code(5);
    assert!(refused.err.contains("is a copy"), "{}", refused.err);
    scene.rollcall(&["--db", to, "init", "--new-owner"]).code(0);
    scene.rollcall(&["--db", to, "reconcile"]).code(3);
    scene.rollcall(&["reconcile"]).code(0);
}

#[test]
fn the_answer_says_where_the_copy_is_and_how_it_is_used() {
    let scene = Scene::new();
    let to = scene.path("copy.db");
    let document = scene.json(0, &["backup", to.to_str().unwrap()]);
    assert_schema(&scene, "backup", &document);
    assert_eq!(document["file"], to.to_str().unwrap());
    let size = std::fs::metadata(&to).unwrap().len();
    assert_eq!(document["bytes"], size);
    assert_eq!(document["has_ledger"], true);
    // A table that rollcall never acted on has no ledger: its copy is as good as it is.
    let bare = scene.path("bare.db");
    let conn = Connection::open(&bare).unwrap();
    conn.execute_batch("CREATE TABLE clusters (name TEXT, provider TEXT)")
        .unwrap();
    let (bare, to) = (bare.to_str().unwrap(), scene.path("bare copy.db"));
    let document = scene.json(0, &["--db", bare, "backup", to.to_str().unwrap()]);
    assert_eq!(document["has_ledger"], false);
    assert!(!document["hints"].to_string().contains("new-owner"));
}

#[test]
fn what_is_there_is_not_written_over() {
    let scene = Scene::new();
    let (file, link) = (scene.path("there"), scene.path("link"));
    std::fs::write(&file, "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for there in [&file, &link, &scene.db(), &scene.path("world")] {
        let said = scene.rollcall(&["backup", there.to_str().unwrap()]).code(2);
        assert!(said.err.contains("is there already"), "{}", said.err);
        assert!(said.err.contains("-> name a file"), "{}", said.err);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let gone = std::fs::metadata(&link).unwrap_err().kind();
    assert_eq!(gone, ErrorKind::NotFound);
}

#[test]
fn without_its_folder_a_copy_is_not_made() {
    let scene = Scene::new();
    let to = scene.path("no such/copy.db");
    let said = scene.rollcall(&["backup", to.to_str().unwrap()]).code(12);
    assert!(said.err.contains("there is no folder"), "{}", said.err);
    assert!(said.err.contains("mkdir -p '"), "{}", said.err);
    let to = scene.path("world/rollcall.db/copy.db");
    scene.rollcall(&["backup", to.to_str().unwrap()]).code(12);
    scene
        .rollcall(&["--db", "/nowhere.db", "backup", "/tmp/copy.db"])
        .code(12);
}

#[test]
fn a_copy_is_of_one_moment_while_others_write() {
    let scene = Scene::new();
    scene.sql(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE one (n); CREATE TABLE two (n); INSERT INTO one VALUES (0); INSERT INTO two VALUES (0)",
    );
    let db = scene.db();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let conn = Connection::open(db).unwrap();
            conn.busy_timeout(Duration::from_secs(60)).unwrap();
            let mut written = 0;
            while ended.try_recv().is_err() {
                conn.execute_batch(
                    "BEGIN IMMEDIATE; UPDATE one SET n = n + 1; UPDATE two SET n = n + 1; COMMIT",
                )
                .unwrap();
                written += 1;
            }
            written
        });
        for number in 0..5 {
            let to = scene.path(&format!("copy {number}"));
            scene.rollcall(&["backup", to.to_str().unwrap()]).code(0);
            let copy = Connection::open(&to).unwrap();
            let ask = |sql: &str| -> i64 { copy.query_row(sql, [], |row| row.get(0)).unwrap() };
            assert_eq!(ask("SELECT n FROM one"), ask("SELECT n FROM two"));
            assert_eq!(ask("SELECT count(*) FROM pragma_integrity_check"), 1);
        }
        end.send(()).unwrap();
        assert!(
            writer.join().unwrap() > 0,
            "somebody was to write meanwhile"
        );
    });
}

/// A database that takes a while to copy, and an empty folder for the copy.
fn large(scene: &Scene) -> std::path::PathBuf {
    scene.sql(
        "CREATE TABLE big (x);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
         INSERT INTO big SELECT randomblob(100000) FROM n",
    );
    let folder = scene.path("copies");
    std::fs::create_dir(&folder).unwrap();
    folder
}

#[test]
fn without_room_nothing_is_left() {
    let scene = Scene::new();
    let folder = large(&scene);
    let copied = scene.program();
    #[expect(clippy::disallowed_methods, reason = "a shell sets the limit")]
    let ran = Command::new("bash")
        // A signal that is ignored becomes an error of the write, as a full disk is one.
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "bash"])
        .arg(copied.get_program())
        .args(copied.get_args())
        .arg("backup")
        .arg(folder.join("copy.db"))
        .env("HOME", scene.dir.path())
        .output()
        .unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(matches!(ran.status.code(), Some(1 | 12)), "{err}");
    assert!(err.contains("copies"), "{err}");
    assert_eq!(names(&folder), [""; 0], "{err}");
}

#[test]
fn interrupted_it_leaves_nothing() {
    let scene = Scene::new();
    let folder = large(&scene);
    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
    ] {
        let mut child = scene
            .program()
            .arg("backup")
            .arg(folder.join("copy.db"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while names(&folder).is_empty() {
            assert_eq!(child.try_wait().unwrap(), None, "it was to be interrupted");
            std::thread::sleep(Duration::from_millis(1));
        }
        let pid = i32::try_from(child.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal)
            .unwrap();
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{err}");
        assert!(err.contains("there is no copy"), "{err}");
        assert_eq!(names(&folder), [""; 0]);
    }
}
