//! The two files as text. What a real HAProxy does with them is in `tests/haproxy/`.

use super::wire::{Document, Foreign};
use crate::model::ProviderId;
use crate::registrar::scene::id;

fn providers() -> Vec<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).to_vec()
}

fn read(config: &str, map: &str) -> Document {
    Document::parse(Some(config), Some(map), &providers()).unwrap()
}

fn written(routes: &[(&str, &str)]) -> Document {
    let mut document = Document::default();
    for (cluster, target) in routes {
        document.put(&id(cluster), target);
    }
    document
}

#[test]
fn what_is_written_is_read_back() {
    let document = written(&[
        ("k3d/dev", "127.0.0.1:18081"),
        ("kind/dev-a", "127.0.0.1:18082"),
    ]);
    let again = read(&document.config(), &document.map());
    assert_eq!(again, document);
    assert_eq!(again.revision(), document.revision());
    assert_eq!(
        again.clusters(&providers()),
        [id("k3d/dev"), id("kind/dev-a")]
    );
}

#[test]
fn every_difference_is_named() {
    let document = written(&[("k3d/dev", "127.0.0.1:18081")]);
    let ours = document.fingerprint(&id("k3d/dev")).unwrap();
    let differs = |config: String, map: String| -> Vec<String> {
        let there = read(&config, &map).fingerprint(&id("k3d/dev")).unwrap();
        let all = there.differences(&ours).into_iter();
        all.map(|(name, ..)| name).collect()
    };
    let (config, map) = (document.config(), document.map());
    assert_eq!(differs(config.clone(), map.clone()), [""; 0]);
    assert_eq!(
        differs(config.replace("18081", "18099"), map.clone()),
        ["target"]
    );
    assert_eq!(differs(config.clone(), String::new()), ["map"]);
    assert_eq!(
        differs(config.clone(), map.replace("rollcall_k3d_dev", "mine")),
        ["map"]
    );
    assert_eq!(differs(config.clone(), format!("dev mine\n{map}")), ["map"]);
    let more = config.replace("    server", "    option httpclose\n    server");
    assert_eq!(differs(more, map.clone()), ["more"]);
    let gone = config.replace(
        "backend rollcall_k3d_dev\n    server cluster 127.0.0.1:18081\n",
        "",
    );
    assert_eq!(differs(gone, map), ["target"]);
}

#[test]
fn another_name_that_begins_alike_is_another_route() {
    let mut document = written(&[("k3d/dev", "a:1"), ("k3d/dev-a", "b:2")]);
    let longer = document.fingerprint(&id("k3d/dev-a"));
    document.remove(&id("k3d/dev"));
    assert_eq!(document.fingerprint(&id("k3d/dev")), None);
    assert_eq!(document.fingerprint(&id("k3d/dev-a")), longer);
}

#[test]
fn sections_and_lines_of_others_stay() {
    let document = written(&[("k3d/dev", "a:1")]);
    let config = document.config() + "\nbackend mine\n    server s 127.0.0.1:1\n";
    let map = format!("# a comment\nother mine\n{}", document.map());
    let mut document = read(&config, &map);
    document.put(&id("kind/ops"), "b:2");
    document.remove(&id("k3d/dev"));
    let (config, map) = (document.config(), document.map());
    assert!(
        config.contains("backend mine\n    server s 127.0.0.1:1\n"),
        "{config}"
    );
    assert_eq!(map, "# a comment\nother mine\nops rollcall_kind_ops\n");
    assert_eq!(read(&config, &map), document);
}

#[test]
fn a_file_that_rollcall_did_not_write_is_not_taken() {
    let foreign = Document::parse(Some("backend mine\n"), None, &providers());
    assert_eq!(foreign, Err(Foreign));
    assert!(Document::parse(Some(" \n"), None, &providers()).is_ok());
}

#[test]
fn a_name_leads_to_one_cluster_alone() {
    let document = written(&[("k3d/dev", "a:1")]);
    assert_eq!(
        document.rival(&id("kind/dev"), &providers()),
        Some(id("k3d/dev"))
    );
    assert_eq!(document.rival(&id("k3d/dev"), &providers()), None);
}

#[test]
fn the_second_line_of_a_key_goes() {
    let document = written(&[("k3d/dev", "a:1")]);
    let mut document = read(&document.config(), "dev old\nops other\ndev older\n");
    document.put(&id("k3d/dev"), "a:1");
    assert_eq!(document.map(), "dev rollcall_k3d_dev\nops other\n");
}
