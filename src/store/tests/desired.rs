//! How rows are read.

use super::scene::{NOW, at, bare, name, providers, raw, spec, store};
use crate::model::{ClusterName, Port};
use crate::store::{Stop, Store};

#[test]
fn rows_of_one_name_are_all_wrong_and_still_claim_it() {
    let (_dir, path) = bare();
    raw(
        &path,
        "INSERT INTO clusters (name, provider, http_port) VALUES
         ('dev', 'k3d', 1), ('dev', 'kind', 70000), ('ok', 'k3d', NULL), (NULL, 'k3d', NULL)",
    );
    let desired = Store::open_read(&path)
        .unwrap()
        .desired(&providers(), NOW)
        .unwrap();
    let shown: Vec<_> = desired
        .rows
        .iter()
        .map(|row| (row.shown.as_str(), row.rowid))
        .collect();
    assert_eq!(shown, [("#4", 4), ("dev", 1), ("dev", 2), ("ok", 3)]);
    let faults: Vec<_> = desired
        .rows
        .iter()
        .map(|row| row.intent.as_ref().map_or_else(Vec::len, |_| 0))
        .collect();
    assert_eq!(faults, [1, 1, 2, 0]);
    let claimed: Vec<_> = desired
        .claimed_by_invalid()
        .into_iter()
        .map(ClusterName::as_str)
        .collect();
    assert_eq!(claimed, ["dev"]);
}

#[test]
fn an_integer_that_affinity_made_of_text_is_a_port() {
    let (_dir, path) = bare();
    raw(&path, "INSERT INTO clusters VALUES ('dev', 'k3d', '18080')");
    let desired = Store::open_read(&path)
        .unwrap()
        .desired(&providers(), NOW)
        .unwrap();
    let intent = desired.rows[0].intent.as_ref().unwrap();
    assert_eq!(intent.spec.ports.http, Port::parse(18080).ok());
}

#[test]
fn a_stopped_status_and_a_stop_are_a_persons_wish() {
    let (_dir, store) = store();
    store.add_row(&spec("k3d", "a", 1)).unwrap();
    store.add_row(&spec("k3d", "b", 2)).unwrap();
    store.add_row(&spec("k3d", "c", 3)).unwrap();
    let sql = "UPDATE clusters SET status = 'stopped' WHERE name IN ('a', 'b')";
    store.write(|tx| Ok(tx.execute(sql, [])?)).unwrap();
    let stop = Stop {
        name: name("b"),
        who: Some("ann".to_owned()),
        why: None,
        until: Some(at(60)),
        since: NOW,
    };
    store.put_stop(&stop).unwrap();
    store
        .put_stop(&Stop {
            name: name("c"),
            ..stop
        })
        .unwrap();
    let sources = |now| {
        let rows = store.desired(&providers(), now).unwrap().rows.into_iter();
        rows.map(|row| row.stop.map(|stop| stop.source))
            .collect::<Vec<_>>()
    };
    let (status, ours) = (Some("status".to_owned()), Some("rollcall stop".to_owned()));
    assert_eq!(sources(at(59)), [status.clone(), ours.clone(), ours]);
    assert_eq!(sources(at(60)), [status.clone(), status, None]);
}
