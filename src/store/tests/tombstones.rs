//! Deleted rows: none goes that moved, and each comes back as it was.

use rusqlite::Connection;

use super::scene::{NOW, at, providers, store};
use crate::model::{RowSnapshot, SqlValue};
use crate::store::{RowPrune, RunId, Store, StoreError};

fn insert_row(store: &Store, columns: &str, values: &str) -> i64 {
    let sql = format!("INSERT INTO clusters ({columns}) VALUES ({values})");
    let run = |tx: &rusqlite::Transaction<'_>| {
        tx.execute(&sql, [])?;
        Ok(tx.last_insert_rowid())
    };
    store.write(run).unwrap()
}

fn execute(store: &Store, sql: &str) {
    store.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
}

/// The rows to the byte, types included.
fn dump(store: &Store) -> Vec<String> {
    let columns = [
        "id",
        "name",
        "provider",
        "subnet",
        "node_port",
        "http_port",
        "desired_state",
    ];
    let columns = columns.into_iter().chain(["reconcile_error", "created_at"]);
    let cells = columns.map(|c| format!("typeof({c}) || ' ' || hex(CAST({c} AS BLOB))"));
    let cells: Vec<_> = cells
        .map(|cell| format!("ifnull({cell}, 'null')"))
        .collect();
    let sql = &format!(
        "SELECT {} FROM clusters ORDER BY id",
        cells.join(" || '|' || ")
    );
    let read = |conn: &Connection| {
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    store.read(read).unwrap()
}

fn snapshot(store: &Store, rowid: i64) -> RowSnapshot {
    let desired = store.desired(&providers(), NOW).unwrap();
    let row = desired.rows.into_iter().find(|row| row.rowid == rowid);
    row.unwrap().snapshot
}

fn prune(store: &Store, rowid: i64, snapshot: &RowSnapshot) -> RowPrune {
    store
        .prune_row(rowid, snapshot, Some(RunId(3)), "absent", NOW)
        .unwrap()
}

#[test]
fn a_pruned_row_comes_back_to_the_byte() {
    let (_dir, store) = store();
    insert_row(&store, "name, provider", "'other', 'k3d'");
    let values = "7, 'dev', 'k3d', x'00ff', 30080, '80a', CAST(x'fe41' AS TEXT), 1.5";
    let columns = "id, name, provider, subnet, node_port, http_port, desired_state, created_at";
    let rowid = insert_row(&store, columns, values);
    let before = dump(&store);
    // A text that is not UTF-8 cannot be demanded again, so such a row is never deleted.
    assert_eq!(
        prune(&store, rowid, &snapshot(&store, rowid)),
        RowPrune::Moved
    );
    execute(
        &store,
        "UPDATE clusters SET reconcile_error = CAST(x'fe41' AS TEXT), desired_state = 'absent'",
    );
    let before_delete = dump(&store);
    assert_ne!(before, before_delete);
    let pruned = prune(&store, rowid, &snapshot(&store, rowid));
    assert_eq!(pruned, RowPrune::Deleted { tombstone: 1 });
    assert_eq!(dump(&store).len(), 1);
    let restored = store.restore("dev", at(1)).unwrap();
    assert_eq!((restored.rowid, restored.tombstone), (7, 1));
    assert_eq!(dump(&store), before_delete);
    let torn = "SELECT hex(reconcile_error) || typeof(reconcile_error) FROM clusters WHERE id = 7";
    let torn: String = store
        .read(|c| Ok(c.query_row(torn, [], |r| r.get(0))?))
        .unwrap();
    assert_eq!(torn, "FE41text");
}

#[test]
fn a_row_that_moved_is_not_deleted() {
    for change in [
        "UPDATE clusters SET http_port = 18081",
        "UPDATE clusters SET http_port = NULL",
        "UPDATE clusters SET subnet = '10.1.0.0/24'",
        "UPDATE clusters SET desired_state = 'Present'",
        "UPDATE clusters SET provider = 'kind'",
        "UPDATE clusters SET id = 99",
        "DELETE FROM clusters",
    ] {
        let (_dir, store) = store();
        let rowid = insert_row(&store, "name, provider, http_port", "'dev', 'k3d', 18080");
        let snapshot = snapshot(&store, rowid);
        execute(&store, change);
        let before = dump(&store);
        assert_eq!(prune(&store, rowid, &snapshot), RowPrune::Moved, "{change}");
        assert_eq!(dump(&store), before, "{change}");
        assert_eq!(store.tombstones().unwrap(), [], "{change}");
    }
}

#[test]
fn a_value_of_another_type_is_another_value() {
    let (_dir, store) = store();
    let rowid = insert_row(&store, "name, provider, http_port", "'dev', 'k3d', 18080");
    let mut changed = snapshot(&store, rowid);
    let port = changed
        .columns
        .iter_mut()
        .find(|(column, _)| column == "http_port");
    port.unwrap().1 = SqlValue::Text("18080".to_owned());
    assert_eq!(prune(&store, rowid, &changed), RowPrune::Moved);
    assert!(prune(&store, rowid, &snapshot(&store, rowid)).deleted());
}

#[test]
fn status_columns_may_change_before_a_delete() {
    let (_dir, store) = store();
    let rowid = insert_row(&store, "name, provider", "'dev', 'k3d'");
    let snapshot = snapshot(&store, rowid);
    execute(
        &store,
        "UPDATE clusters SET actual_state = 'absent', updated_at = 1, server_ip = 'x'",
    );
    assert!(prune(&store, rowid, &snapshot).deleted());
}

#[test]
fn a_column_added_since_the_plan_counts_as_a_change_of_intent() {
    let (_dir, store) = store();
    let rowid = insert_row(&store, "name, provider", "'dev', 'k3d'");
    let mut older = snapshot(&store, rowid);
    older
        .columns
        .retain(|(column, _)| column != "desired_state");
    assert_eq!(prune(&store, rowid, &older), RowPrune::Moved);
}

#[test]
fn a_row_is_not_restored_over_another_one() {
    let (_dir, store) = store();
    let rowid = insert_row(&store, "name, provider", "'dev', 'k3d'");
    assert!(prune(&store, rowid, &snapshot(&store, rowid)).deleted());
    insert_row(&store, "name, provider", "'dev', 'kind'");
    let refused = store.restore("dev", NOW);
    assert!(
        matches!(refused, Err(StoreError::RowExists { .. })),
        "{refused:?}"
    );
    execute(
        &store,
        &format!("UPDATE clusters SET name = 'new', id = {rowid}"),
    );
    let refused = store.restore("dev", NOW);
    assert!(
        matches!(refused, Err(StoreError::RowRefused { .. })),
        "{refused:?}"
    );
    assert_eq!(store.tombstones().unwrap()[0].restored_at, None);
    execute(&store, "DELETE FROM clusters");
    assert_eq!(store.restore("1", at(5)).unwrap().name, "dev");
    assert_eq!(store.tombstones().unwrap()[0].restored_at, Some(at(5)));
    let again = store.restore("dev", NOW);
    assert!(
        matches!(again, Err(StoreError::NoTombstone { .. })),
        "{again:?}"
    );
}

#[test]
fn a_table_that_changes_what_is_written_gets_nothing() {
    let (_dir, store) = store();
    let rowid = insert_row(&store, "name, provider", "'dev', 'k3d'");
    assert!(prune(&store, rowid, &snapshot(&store, rowid)).deleted());
    execute(
        &store,
        "CREATE TRIGGER meddle AFTER INSERT ON clusters
         BEGIN UPDATE clusters SET provider = 'kind' WHERE id = NEW.id; END",
    );
    let refused = store.restore("dev", NOW);
    assert!(
        matches!(refused, Err(StoreError::RowRefused { .. })),
        "{refused:?}"
    );
    assert_eq!(dump(&store).len(), 0);
}
