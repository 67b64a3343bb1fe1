//! Every shape of the `clusters` table that is out there (`tests/data/schema/`), read, written and left alone.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and asks another sqlite3"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::Timestamp;
use rollcall::clock::ManualClock;
use rollcall::model::{ClusterName, Desired, Presence, ProviderId, Row};
use rollcall::store::{InitMode, RowPrune, StatusUpdate, Store, missing_columns};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

/// The two numbers in the file's header that belong to whoever made it.
const VERSIONS: &str = "SELECT user_version || '/' || application_id
                        FROM pragma_user_version, pragma_application_id";

/// A file of `tests/data/schema/` and the reference columns that it lacks.
struct Variant {
    file: &'static str,
    missing: &'static [&'static str],
}

const STATES: [&str; 4] = [
    "desired_state",
    "actual_state",
    "last_reconciled_at",
    "reconcile_error",
];

const STATUS: [&str; 5] = [
    "status",
    "actual_state",
    "last_reconciled_at",
    "reconcile_error",
    "server_ip",
];

const VARIANTS: [Variant; 8] = [
    Variant {
        file: "v0_pg_name_is_key.sql",
        missing: &[
            "id",
            "status",
            "server_ip",
            STATES[0],
            STATES[1],
            STATES[2],
            STATES[3],
        ],
    },
    Variant {
        file: "v1_pg_tasks.sql",
        missing: &["id", "status", STATES[0], STATES[1], STATES[2], STATES[3]],
    },
    Variant {
        file: "v2_pg_serial.sql",
        missing: &["server_ip", STATES[0], STATES[1], STATES[2], STATES[3]],
    },
    Variant {
        file: "v3_sqlite.sql",
        missing: &["server_ip", STATES[0], STATES[1], STATES[2], STATES[3]],
    },
    Variant {
        file: "v3_upgraded_by_shell.sql",
        missing: &["server_ip"],
    },
    Variant {
        file: "v4_sqlite.sql",
        missing: &STATES,
    },
    Variant {
        file: "v5_with_operations.sql",
        missing: &[],
    },
    Variant {
        file: "extra_columns.sql",
        missing: &["id"],
    },
];

/// A database of one variant.
struct Fixture {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Fixture {
    fn of(variant: &Variant) -> Self {
        let sql = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/schema")
            .join(variant.file);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roll.db");
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        conn.execute_batch(&fs::read_to_string(sql).unwrap())
            .unwrap();
        Self { _dir: dir, path }
    }

    fn write(&self) -> Store {
        Store::open_write(&self.path, &ManualClock::new(NOW)).unwrap()
    }

    fn desired(&self) -> Desired {
        let store = Store::open_read(&self.path).unwrap();
        store.desired(&providers(), NOW).unwrap()
    }

    fn row(&self, name: &str) -> Row {
        let name = ClusterName::parse(name).unwrap();
        self.desired().row(&name).unwrap().clone()
    }

    /// Everything in the schema that is not ours.
    fn schema(&self) -> Vec<String> {
        self.query(
            "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, '-') FROM sqlite_master
             WHERE tbl_name NOT LIKE 'rollcall\\_%' ESCAPE '\\' ORDER BY rowid",
        )
    }

    /// Every row of every table that is not ours, to the byte, without these columns.
    fn rows_without(&self, left_out: &[&str]) -> Vec<String> {
        let tables = self.query(
            "SELECT name FROM sqlite_master WHERE type = 'table'
             AND name NOT LIKE 'rollcall\\_%' ESCAPE '\\' AND name <> 'audit' ORDER BY name",
        );
        let mut all = Vec::new();
        for table in tables {
            let columns = self.query(&format!("SELECT name FROM pragma_table_xinfo('{table}')"));
            let cells: Vec<_> = columns
                .iter()
                .filter(|column| !left_out.iter().any(|out| out.eq_ignore_ascii_case(column)))
                .map(|column| format!("\"{}\"", column.replace('"', "\"\"")))
                .map(|c| format!("typeof({c}) || ':' || ifnull(hex(CAST({c} AS BLOB)), '')"))
                .collect();
            let sql = format!(
                "SELECT '{table} ' || {} AS line FROM \"{table}\" ORDER BY line",
                cells.join(" || '|' || ")
            );
            all.extend(self.query(&sql));
        }
        all
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let conn = Connection::open(&self.path).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            })
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }
}

fn providers() -> BTreeSet<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).into()
}

fn running(row: &Row) -> StatusUpdate<'_> {
    StatusUpdate {
        rowid: row.rowid,
        name: &row.shown,
        actual_state: Some("running"),
        status: Some("Ready"),
        reconcile_error: Some(Some("it was slow".to_owned())),
        server_ip: Some(Some("10.101.0.2".to_owned())),
        last_reconciled_at: Some(NOW),
    }
}

fn prune(store: &Store, row: &Row) -> RowPrune {
    store
        .prune_row(row.rowid, &row.snapshot, None, "absent", NOW)
        .unwrap()
}

#[test]
fn every_variant_is_read_in_full_and_without_being_written() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        let before = fixture.bytes();
        let desired = fixture.desired();
        let reader = Store::open_read(&fixture.path).unwrap();
        let snapshot = reader.snapshot(&providers(), NOW).unwrap();
        drop(reader);
        assert_eq!(fixture.bytes(), before, "{}", variant.file);
        assert_eq!(snapshot.desired, desired, "{}", variant.file);
        assert_eq!(snapshot.side_schema, None, "{}", variant.file);

        let missing: BTreeSet<_> = missing_columns(&desired).into_iter().collect();
        let expected: BTreeSet<_> = variant.missing.iter().copied().collect();
        assert_eq!(missing, expected, "{}", variant.file);

        let read: Vec<_> = desired.intents().collect();
        assert_eq!(read.len(), 3, "{}", variant.file);
        let (_, dev) = read[0];
        assert_eq!(dev.spec.id.to_string(), "k3d/dev", "{}", variant.file);
        assert_eq!(dev.presence, Presence::Present, "{}", variant.file);
        let subnet = dev.spec.subnet.map(|subnet| subnet.to_string());
        assert_eq!(subnet.as_deref(), Some("10.101.0.0/24"), "{}", variant.file);
        let published = dev.spec.ports.published();
        let ports: Vec<_> = published.iter().map(|(i, h)| (i.get(), h.get())).collect();
        let expected = [(80, 18081), (443, 18444), (30080, 19001)];
        assert_eq!(ports, expected, "{}", variant.file);
    }
}

#[test]
fn everything_that_is_not_ours_survives_our_whole_life_in_the_file() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        let schema = fixture.schema();
        let rows = fixture.rows_without(&[]);
        let version = fixture.query(VERSIONS);

        let (store, report) =
            Store::init(&fixture.path, InitMode::Keep, &ManualClock::new(NOW)).unwrap();
        assert!(!report.made_table && report.made_side_tables);
        assert_eq!(fixture.rows_without(&[]), rows, "{}", variant.file);

        let dev = fixture.row("dev");
        let written = store.write_status(&[running(&dev)]).unwrap();
        let none = STATUS.iter().all(|column| variant.missing.contains(column));
        assert_eq!(written, usize::from(!none), "{}", variant.file);
        // 646576 is dev: the one row that was written.
        let others_before: Vec<_> = rows.iter().filter(|row| !row.contains("646576|")).collect();
        let after = fixture.rows_without(&[]);
        let others_after: Vec<_> = after
            .iter()
            .filter(|row| !row.contains("646576|"))
            .collect();
        assert_eq!(others_before, others_after, "{}", variant.file);

        let uat = fixture.row("uat");
        assert!(prune(&store, &uat).deleted(), "{}", variant.file);
        assert_eq!(fixture.desired().rows.len(), 2, "{}", variant.file);
        store.restore("uat", NOW).unwrap();
        assert_eq!(fixture.rows_without(&[]), after, "{}", variant.file);
        assert_eq!(fixture.schema(), schema, "{}", variant.file);
        assert_eq!(fixture.query(VERSIONS), version, "{}", variant.file);
    }
}

#[test]
fn a_status_that_is_written_leaves_every_other_column_alone() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        let store = fixture.write();
        let before = fixture.rows_without(&STATUS);
        let rows = fixture.desired().rows;
        let updates: Vec<_> = rows.iter().map(running).collect();
        store.write_status(&updates).unwrap();
        assert_eq!(fixture.rows_without(&STATUS), before, "{}", variant.file);
        let status = fixture.row("dev").status;
        let expected =
            |column, text: &str| (!variant.missing.contains(&column)).then(|| text.to_owned());
        assert_eq!(status.status, expected("status", "Ready"));
        assert_eq!(status.actual_state, expected("actual_state", "running"));
        assert_eq!(status.server_ip, expected("server_ip", "10.101.0.2"));
        let at = expected("last_reconciled_at", "2026-01-02 03:04:05");
        assert_eq!(status.last_reconciled_at, at, "{}", variant.file);
        assert_eq!(store.write_status(&updates).unwrap(), 0, "{}", variant.file);
    }
}

#[test]
fn a_row_that_somebody_changed_is_not_pruned_in_any_variant() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        let store = fixture.write();
        let uat = fixture.row("uat");
        let conn = Connection::open(&fixture.path).unwrap();
        conn.execute(
            "UPDATE clusters SET http_port = 18999 WHERE name = 'uat'",
            [],
        )
        .unwrap();
        let before = fixture.rows_without(&[]);
        assert_eq!(prune(&store, &uat), RowPrune::Moved, "{}", variant.file);
        assert_eq!(fixture.rows_without(&[]), before, "{}", variant.file);
        assert_eq!(store.tombstones().unwrap(), [], "{}", variant.file);
    }
}

#[test]
fn a_name_in_another_case_is_another_row() {
    let fixture = Fixture::of(&VARIANTS[7]);
    let store = fixture.write();
    let uat = fixture.row("uat");
    let conn = Connection::open(&fixture.path).unwrap();
    conn.execute("UPDATE clusters SET name = 'UAT' WHERE name = 'uat'", [])
        .unwrap();
    assert_eq!(prune(&store, &uat), RowPrune::Moved);
    assert_eq!(store.write_status(&[running(&uat)]).unwrap(), 0);
}

#[test]
fn the_history_in_operations_survives_the_row() {
    let fixture = Fixture::of(&VARIANTS[6]);
    let store = fixture.write();
    let history = "SELECT id || cluster_name || operation FROM operations ORDER BY id";
    let before = fixture.query(history);
    assert_eq!(before.len(), 3);
    assert!(prune(&store, &fixture.row("uat")).deleted());
    assert_eq!(fixture.query(history), before);
    assert_eq!(
        fixture.query("SELECT user_version FROM pragma_user_version"),
        ["Integer(42)"]
    );
}

#[test]
fn a_trigger_of_the_owner_still_runs() {
    let fixture = Fixture::of(&VARIANTS[7]);
    assert!(prune(&fixture.write(), &fixture.row("uat")).deleted());
    assert_eq!(fixture.query("SELECT what FROM audit"), ["uat"]);
}

#[test]
fn what_init_makes_is_the_predecessors_last_table() {
    let reference = Fixture::of(&VARIANTS[6]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.db");
    Store::init(&path, InitMode::Keep, &ManualClock::new(NOW)).unwrap();
    let made = Fixture { _dir: dir, path };
    let shape = "SELECT cid || name || type || \"notnull\" || ifnull(dflt_value, '-') || pk
                 FROM pragma_table_info('clusters') ORDER BY cid";
    assert_eq!(made.query(shape), reference.query(shape));
    let indices = "SELECT name || \"unique\" FROM pragma_index_list('clusters') ORDER BY name";
    assert_eq!(made.query(indices), reference.query(indices));
    assert_eq!(made.query(indices).len(), 2);
}

#[test]
fn a_reader_changes_no_byte_of_a_file_with_side_tables() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        drop(fixture.write());
        let before = fixture.bytes();
        let reader = Store::open_read(&fixture.path).unwrap();
        reader.snapshot(&providers(), NOW).unwrap();
        reader.runs(10).unwrap();
        reader.holder().unwrap();
        drop(reader);
        assert_eq!(fixture.bytes(), before, "{}", variant.file);
        let names: Vec<_> = fs::read_dir(fixture.path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["roll.db"], "{}", variant.file);
    }
}

/// The system's own `sqlite3`, which people look into the file with; `None` where there is none.
fn sqlite3(path: &Path, sql: &str) -> Option<Output> {
    let program = which::which("sqlite3").ok()?;
    Some(Command::new(program).arg(path).arg(sql).output().unwrap())
}

#[test]
fn the_systems_sqlite3_reads_and_writes_a_file_with_our_side_tables() {
    for variant in VARIANTS {
        let fixture = Fixture::of(&variant);
        let store = fixture.write();
        store.write_status(&[running(&fixture.row("dev"))]).unwrap();
        assert!(prune(&store, &fixture.row("uat")).deleted());
        let sql = "PRAGMA integrity_check; SELECT count(*) FROM clusters;
                   SELECT count(*) FROM rollcall_tombstones;
                   UPDATE clusters SET http_port = 18099 WHERE name = 'dev';";
        let Some(output) = sqlite3(&fixture.path, sql) else {
            return;
        };
        assert!(output.status.success(), "{}: {output:?}", variant.file);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "ok\n2\n1\n",
            "{}",
            variant.file
        );
        let dev = fixture.row("dev").intent.unwrap();
        assert_eq!(
            dev.spec.ports.http.map(rollcall::model::Port::get),
            Some(18099)
        );
    }
}

/// What SQLite 3.22 cannot read in a schema. One such word, and an older `sqlite3` refuses the whole file.
const TOO_NEW: [&str; 17] = [
    "STRICT",
    "RETURNING",
    "GENERATED",
    " AS (",
    "DO UPDATE",
    "DO NOTHING",
    "OVER (",
    "OVER(",
    "WINDOW",
    "NULLS FIRST",
    "NULLS LAST",
    "->",
    "FILTER (",
    "MATERIALIZED",
    "IS DISTINCT",
    " TRUE",
    " FALSE",
];

/// The SQL without its comments, one blank for every run of them, in capitals.
fn plain(sql: &str) -> String {
    let code = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or(""));
    let words: Vec<_> = code.flat_map(str::split_whitespace).collect();
    words.join(" ").to_uppercase()
}

fn too_new(sql: &str) -> Vec<&'static str> {
    let plain = plain(sql);
    TOO_NEW
        .into_iter()
        .filter(|word| plain.contains(word))
        .collect()
}

fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sql = files.filter(|path| path.extension().is_some_and(|e| e == "sql"));
    sql.map(|path| {
        (
            path.display().to_string(),
            fs::read_to_string(&path).unwrap(),
        )
    })
    .collect()
}

#[test]
fn no_migration_uses_what_an_older_sqlite_cannot_read() {
    let migrations = migrations();
    assert!(migrations.len() >= 2, "the folder is read");
    for (path, sql) in &migrations {
        assert_eq!(too_new(sql), [""; 0], "{path}");
    }
    for sql in [
        "CREATE TABLE t (a TEXT)\n  strict;",
        "CREATE TABLE t (a, b  as\n(a))",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "CREATE VIEW v AS SELECT a ->> 'b' FROM t",
        "CREATE VIEW v AS SELECT row_number() OVER (ORDER BY a) FROM t",
        "CREATE INDEX i ON t (a) WHERE b IS true",
    ] {
        assert_ne!(too_new(sql), [""; 0], "{sql}");
    }
}

#[test]
fn every_migration_after_the_table_itself_makes_only_what_is_named_rollcall() {
    let fixture = Fixture::of(&VARIANTS[3]);
    let before: BTreeSet<_> = fixture
        .query("SELECT name FROM sqlite_master")
        .into_iter()
        .collect();
    drop(fixture.write());
    let after: BTreeSet<_> = fixture
        .query("SELECT name FROM sqlite_master")
        .into_iter()
        .collect();
    let made: Vec<_> = after.difference(&before).collect();
    assert!(made.len() >= 11, "{made:?}");
    for name in made {
        assert!(name.contains("rollcall_"), "{name}");
    }
}
