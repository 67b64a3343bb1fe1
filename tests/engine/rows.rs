//! Rows that cannot be right, all at once beside good ones, and foreign things under the names that we need.

use std::net::TcpListener;

use rusqlite::params;

use crate::bench::{Bench, docker, fingerprint_of, on_engine};
use crate::six::{SIX, assert_true};

fn insert(bench: &Bench, columns: &str, values: &[&dyn rusqlite::ToSql]) {
    let places: Vec<String> = (1..=values.len())
        .map(|place| format!("?{place}"))
        .collect();
    let sql = format!(
        "INSERT INTO clusters ({columns}) VALUES ({})",
        places.join(", ")
    );
    rusqlite::Connection::open(bench.db())
        .unwrap()
        .execute(&sql, values)
        .unwrap();
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn wrong_rows_are_held_one_by_one_and_the_good_ones_converge() {
    let bench = Bench::new();
    // A table without constraints takes everything.
    bench.sql("DROP TABLE clusters");
    bench.sql(
        "CREATE TABLE clusters (id INTEGER PRIMARY KEY, name, provider, subnet, node_port, pf_port, http_port, https_port,
         server_ip, status, desired_state, actual_state, last_reconciled_at, reconcile_error)",
    );
    let good = [SIX[0], SIX[3]];
    bench.rows(&good);
    let names: [&str; 8] = [
        "$(touch owned)",
        "UPPER",
        "dots.in.it",
        "",
        "a\u{1b}[2Jb",
        "x;rm -rf /",
        "-x",
        "../up",
    ];
    for name in names {
        insert(&bench, "name, provider", params![name, "k3d"]);
    }
    let (long, huge) = ("n".repeat(33), "m".repeat(1_000_000));
    insert(&bench, "name, provider", params![long, "kind"]);
    insert(&bench, "name, provider", params![huge, "kind"]);
    insert(&bench, "name, provider", params!["nul\0name", "kind"]);
    insert(&bench, "name, provider", params![None::<String>, "kind"]);
    insert(
        &bench,
        "name, provider",
        params!["no-provider", None::<String>],
    );
    insert(&bench, "name, provider", params!["minikube", "minikube"]);
    insert(
        &bench,
        "name, provider, http_port",
        params!["text-port", "k3d", "eighty"],
    );
    insert(
        &bench,
        "name, provider, http_port",
        params!["port-zero", "k3d", 0],
    );
    insert(
        &bench,
        "name, provider, http_port",
        params!["port-high", "k3d", 70_000],
    );
    insert(
        &bench,
        "name, provider, http_port, https_port",
        params!["port-twice", "k3d", 21300, 21300],
    );
    insert(
        &bench,
        "name, provider, subnet",
        params!["bad-subnet", "k3d", "10.0.0.0/33"],
    );
    insert(
        &bench,
        "name, provider, desired_state",
        params!["maybe", "k3d", "perhaps"],
    );
    let said = bench
        .rollcall(&["reconcile", "--repair", "-o", "json"])
        .code(3)
        .json();
    assert_true(&bench, &good);
    let held = said["held"].as_array().unwrap();
    let invalid = held
        .iter()
        .filter(|held| held["code"] == "invalid_row")
        .count();
    assert_eq!(invalid, 20, "{said:#}");
    assert!(held.iter().all(|held| held["hint"].is_string()), "{said:#}");
    for mode in [
        &["reconcile"][..],
        &["status"],
        &["cluster", "list"],
        &["reconcile", "--prune", "--dry-run"],
    ] {
        let text = bench.rollcall(mode);
        assert!(
            !text.out.contains('\u{1b}') && !text.err.contains('\u{1b}'),
            "{mode:?}"
        );
        assert!(
            text.out.len() < 50_000,
            "{mode:?}: {} bytes",
            text.out.len()
        );
    }
    assert!(!std::path::Path::new("owned").exists() && !bench.path("owned").exists());
    assert_eq!(on_engine()["containers"].len(), 3);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_row_that_goes_wrong_never_makes_its_live_cluster_an_orphan() {
    let bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let before = fingerprint_of("rt-");
    for change in [
        "http_port = 70000",
        "provider = 'minikube'",
        "name = 'RT-D '",
        "name = CAST('rt-d' AS BLOB)",
        "desired_state = 'perhaps'",
        "subnet = 'nowhere'",
        "name = 'no name at all'",
    ] {
        bench.sql(&format!("UPDATE clusters SET {change} WHERE id = 1"));
        let said = bench
            .rollcall(&["reconcile", "--prune", "--allow-all"])
            .code(3);
        assert_eq!(fingerprint_of("rt-"), before, "{change}: {}", said.out);
        bench.sql(
            "UPDATE clusters SET http_port = 21083, provider = 'kind', name = 'rt-d', desired_state = 'present',
             subnet = '10.204.0.0/24' WHERE id = 1",
        );
    }
    bench.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn ports_and_subnets_that_somebody_has_are_named_and_the_rest_converges() {
    let bench = Bench::new();
    let image = std::env::var("ROLLCALL_TEST_KIND_IMAGE").unwrap();
    let _process = TcpListener::bind(("127.0.0.1", 21310)).unwrap();
    docker(&[
        "create",
        "--name",
        "sleeper",
        "-p",
        "127.0.0.1:21311:80",
        &image,
    ]);
    docker(&["network", "create", "--subnet", "10.231.0.0/24", "foreign"]);
    let rows = [
        ("rt-proc", "kind", 21310, 21410, 21510, "10.221.0.0/24"),
        ("rt-stopped", "kind", 21311, 21411, 21511, "10.222.0.0/24"),
        ("rt-net", "kind", 21312, 21412, 21512, "10.231.0.0/25"),
        ("rt-one", "kind", 21313, 21413, 21513, "10.224.0.0/24"),
        ("rt-two", "kind", 21313, 21414, 21514, "10.225.0.0/24"),
        ("rt-three", "kind", 21315, 21415, 21515, "10.224.0.128/25"),
    ];
    bench.rows(&rows);
    let said = bench
        .rollcall(&["reconcile", "--repair", "-o", "json"])
        .code(3)
        .json();
    let held = |name: &str| {
        let all = said["held"].as_array().unwrap();
        let found = all
            .iter()
            .find(|held| held["address"] == format!("cluster/kind/{name}"));
        found.map_or_else(String::new, |held| {
            format!("{} {}", held["code"], held["message"])
        })
    };
    assert!(held("rt-proc").contains("21310"), "{said:#}");
    assert!(held("rt-stopped").contains("sleeper"), "{said:#}");
    assert!(held("rt-net").contains("foreign"), "{said:#}");
    assert!(held("rt-two").contains("rt-one"), "{said:#}");
    assert!(held("rt-three").contains("rt-one"), "{said:#}");
    assert_true(&bench, &[rows[3]]);
    assert_eq!(
        on_engine()["containers"],
        ["rt-one-control-plane", "sleeper"]
    );
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn foreign_things_under_the_names_we_need_are_untouched_and_said() {
    let bench = Bench::new();
    let image = std::env::var("ROLLCALL_TEST_KIND_IMAGE").unwrap();
    for name in ["k3d-rt-a-server-0", "rt-d-control-plane"] {
        docker(&["run", "-d", "--name", name, &image]);
    }
    docker(&["volume", "create", "k3d-rt-b-images"]);
    docker(&["network", "create", "kind-rt-e"]);
    let before = (
        fingerprint_of("rt-"),
        docker(&["volume", "inspect", "k3d-rt-b-images"]),
        docker(&["network", "inspect", "kind-rt-e"]),
    );
    bench.rows(&[SIX[0], SIX[1], SIX[3], SIX[4], SIX[5]]);
    let said = bench.rollcall(&["reconcile", "--repair", "--retries", "0"]);
    assert!(matches!(said.code, 1 | 3), "{}", said.out);
    for name in [
        "k3d-rt-a-server-0",
        "rt-d-control-plane",
        "k3d-rt-b-images",
        "kind-rt-e",
    ] {
        assert!(said.out.contains(name), "{name} is not named: {}", said.out);
    }
    let foreign = docker(&[
        "ps",
        "-aq",
        "--no-trunc",
        "--filter",
        "name=k3d-rt-a-server-0",
        "--filter",
        "name=rt-d-control-plane",
    ]);
    assert!(foreign.lines().all(|id| before.0.contains(id)), "{foreign}");
    assert_eq!(docker(&["volume", "inspect", "k3d-rt-b-images"]), before.1);
    assert_eq!(docker(&["network", "inspect", "kind-rt-e"]), before.2);
    assert_true(&bench, &[SIX[5]]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_delete_leaves_a_strangers_container_and_the_network_it_is_on() {
    let bench = Bench::new();
    bench.rows(&[
        SIX[0],
        ("rt-a-b", "k3d", 21086, 21449, 21906, "10.207.0.0/24"),
    ]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let image = std::env::var("ROLLCALL_TEST_KIND_IMAGE").unwrap();
    docker(&[
        "run",
        "-d",
        "--name",
        "guest",
        "--network",
        "k3d-rt-a",
        &image,
    ]);
    let (guest, neighbour) = (fingerprint_of("guest"), fingerprint_of("k3d-rt-a-b-"));
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    let said = bench
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(1);
    assert!(said.out.contains("guest"), "{}", said.out);
    assert_eq!(fingerprint_of("guest"), guest);
    assert_eq!(fingerprint_of("k3d-rt-a-b-"), neighbour);
    docker(&["rm", "-f", "guest"]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(on_engine()["networks"], ["k3d-rt-a-b"]);
    assert_eq!(fingerprint_of("k3d-rt-a-b-"), neighbour);
}
