//! The two files as text. What a real HAProxy does with them is in `tests/haproxy/`.

use super::host::version_in;
use super::wire::{Document, Foreign, Style};
use crate::model::{Incarnation, Port, ProviderId};
use crate::registrar::scene::id;

fn providers() -> Vec<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).to_vec()
}

fn read(config: &str, map: &str) -> Document {
    read_as(config, map, Style::Host)
}

fn read_as(config: &str, map: &str, style: Style) -> Document {
    Document::parse(Some(config), Some(map), &providers(), style).unwrap()
}

fn written(routes: &[(&str, &str)]) -> Document {
    let mut document = Document::default();
    for (cluster, target) in routes {
        document.put(&id(cluster), target, None);
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
        "    mode http\n    timeout connect 5s\n    timeout server 1h\n    server cluster 127.0.0.1:18081\n",
        "",
    );
    let gone = gone.replace("backend rollcall_k3d_dev\n", "");
    assert_eq!(differs(gone, map.clone()), ["target"]);
    // As versions before wrote it: of TCP without a `defaults` section above it.
    let bare = config.replace("    mode http\n", "");
    assert_eq!(differs(bare, map), ["settings"]);
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
    document.put(&id("kind/ops"), "b:2", None);
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
    let foreign = Document::parse(Some("backend mine\n"), None, &providers(), Style::Host);
    assert_eq!(foreign, Err(Foreign));
    assert!(Document::parse(Some(" \n"), None, &providers(), Style::Host).is_ok());
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
    document.put(&id("k3d/dev"), "a:1", None);
    assert_eq!(document.map(), "dev rollcall_k3d_dev\nops other\n");
}

/// How routes are written for a HAProxy in a container.
fn by_names() -> Style {
    Style::Names {
        proof: Some(Port::PROOF),
    }
}

#[test]
fn in_a_container_nodes_are_found_by_name_and_the_digest_is_told() {
    let mut document = Document::parse(None, None, &providers(), by_names()).unwrap();
    let life = Incarnation::new("0123456789abcdef");
    document.put(&id("k3d/dev"), "k3d-dev-serverlb:80", Some(&life));
    let config = document.config();
    for line in [
        "backend rollcall_k3d_dev\n    mode http\n    timeout connect 5s\n    timeout server 1h\n    # life 0123456789ab\n    server cluster k3d-dev-serverlb:80 resolvers ",
        " init-addr libc,none\n",
        "    nameserver docker 127.0.0.11:53\n",
        "    bind 127.0.0.1:17404\n",
        &format!(" string {}\n", document.revision()),
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    assert_eq!(read_as(&config, &document.map(), by_names()), document);
    assert_eq!(
        document.route(&id("k3d/dev")).unwrap().target,
        "k3d-dev-serverlb:80"
    );
}

#[test]
fn a_new_life_behind_the_same_name_is_another_content() {
    let mut document = Document::parse(None, None, &providers(), by_names()).unwrap();
    let [old, new] = ["one", "two"].map(Incarnation::new);
    document.put(&id("k3d/dev"), "k3d-dev-serverlb:80", Some(&old));
    let (before, print) = (document.revision(), document.fingerprint(&id("k3d/dev")));
    document.put(&id("k3d/dev"), "k3d-dev-serverlb:80", Some(&new));
    assert_ne!(document.revision(), before);
    assert_ne!(document.fingerprint(&id("k3d/dev")), print);
}

#[test]
fn a_route_that_was_written_for_another_place_is_stale() {
    let host = written(&[("k3d/dev", "127.0.0.1:18081")]);
    let moved = read_as(&host.config(), &host.map(), by_names());
    let [there, ours] = [&moved, &host].map(|d| d.fingerprint(&id("k3d/dev")).unwrap());
    let named = there.differences(&ours).into_iter();
    assert_eq!(
        named.map(|(name, ..)| name).collect::<Vec<_>>(),
        ["options"]
    );
    assert_ne!(moved.revision(), host.revision());
}

#[test]
fn a_version_is_what_haproxy_says_first_without_the_address() {
    let said = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        version_in(&lines).map_err(|error| error.message)
    };
    let first = "HAProxy version 2.6.12-1+deb12u2 2025/04/16 - https://haproxy.org/";
    assert_eq!(
        said(&[first, "Status: long-term supported branch"]).as_deref(),
        Ok("HAProxy version 2.6.12-1+deb12u2 2025/04/16")
    );
    let old = "HA-Proxy version 2.0.31 2023/02/14";
    assert_eq!(said(&["", old]).as_deref(), Ok(old));
    assert!(said(&["no such option"]).is_err());
    assert!(said(&[]).is_err());
}
