//! What cannot be mended in place is held with the command that would do it, and done when that command says so.

use crate::bench::{Bench, docker, fingerprint_of, on_engine};
use crate::six::{SIX, assert_true};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_without_its_load_balancer_waits_for_consent() {
    let bench = Bench::new();
    bench.rows(&[SIX[0], SIX[1]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    docker(&["rm", "-f", "k3d-rt-a-serverlb"]);
    let held = bench.rollcall(&["reconcile", "--repair"]).code(3);
    assert!(held.out.contains("--replace k3d/rt-a"), "{}", held.out);
    bench
        .rollcall(&["reconcile", "--repair", "--replace-broken"])
        .code(0);
    assert_true(&bench, &[SIX[0], SIX[1]]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_foreign_network_of_the_name_we_need_is_left_and_said() {
    let bench = Bench::new();
    docker(&["network", "create", "--label", "app=k3d", "k3d-rt-a"]);
    docker(&["network", "create", "kind-rt-d"]);
    bench.rows(&[SIX[0], SIX[3], SIX[4]]);
    let said = bench.rollcall(&["reconcile", "--repair", "--retries", "0"]);
    assert!([1, 3].contains(&said.code), "{}{}", said.out, said.err);
    let text = said.out + &said.err;
    assert!(
        text.contains("network k3d-rt-a") && text.contains("kind-rt-d"),
        "{text}"
    );
    let left = on_engine();
    assert_eq!(
        left["containers"],
        ["rt-e-control-plane"],
        "the good row converges beside them"
    );
    assert_eq!(left["networks"], ["k3d-rt-a", "kind-rt-d", "kind-rt-e"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_row_that_moved_to_the_other_provider_waits_for_consent() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("UPDATE clusters SET provider = 'k3d' WHERE name = 'rt-d'");
    for mode in [&["reconcile", "--repair"][..], &["reconcile", "--prune"]] {
        bench.rollcall(mode).code(3);
        assert_eq!(
            on_engine()["containers"],
            ["rt-d-control-plane"],
            "{mode:?}"
        );
    }
    bench
        .rollcall(&["reconcile", "--repair", "--replace", "rt-d"])
        .code(0);
    assert_eq!(
        on_engine()["containers"],
        ["k3d-rt-d-server-0", "k3d-rt-d-serverlb"]
    );
    assert_eq!(on_engine()["networks"], ["k3d-rt-d"]);
    assert_eq!(bench.contexts(), ["k3d-rt-d"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_lost_or_edited_registration_is_made_again_in_place() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let good = std::fs::read_to_string(bench.kubeconfig()).unwrap();
    let containers = docker(&["ps", "-q", "--no-trunc"]);
    let edited = good.replace("https://127.0.0.1:", "https://127.0.0.2:");
    for damaged in [String::new(), edited] {
        std::fs::write(bench.kubeconfig(), damaged).unwrap();
        let plan = bench.rollcall(&["reconcile", "-o", "json"]).code(3).json();
        assert_eq!(plan["steps"].as_array().unwrap().len(), 1, "{plan:#}");
        assert_eq!(plan["steps"][0]["action"], "register");
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        assert!(
            std::fs::read_to_string(bench.kubeconfig())
                .unwrap()
                .contains("https://127.0.0.1:")
        );
    }
    assert_eq!(
        docker(&["ps", "-q", "--no-trunc"]),
        containers,
        "no cluster was touched"
    );
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_failed_creation_takes_back_what_it_made_and_tells_why() {
    let bench = Bench::new();
    let config = "[provider.k3d]\nimage = 'rollcall-test/k3s:crash'\n[provider.kind]\nimage = 'rollcall-test/kind-node:failinit'\n";
    std::fs::write(bench.path("rollcall.toml"), config).unwrap();
    bench.rows(&[SIX[0], SIX[3]]);
    let said = bench
        .rollcall(&["reconcile", "--repair", "--retries", "0"])
        .code(1);
    assert!(
        said.err.contains("kubeadm") && said.err.contains("log: "),
        "{}",
        said.err
    );
    let left = on_engine();
    assert!(left.values().all(Vec::is_empty), "{left:?}");
    assert_eq!(bench.status("rt-a"), "absent Failed");
    assert!(
        bench.query("SELECT reconcile_error FROM clusters WHERE name = 'rt-d'")[0].contains("kind")
    );
    bench
        .rollcall(&["reconcile", "--prune=rows", "--allow-all"])
        .code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_replacement_is_proven_before_anything_is_deleted() {
    let bench = Bench::new();
    bench.rows(&[SIX[0]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let (alive, whole) = (fingerprint_of("k3d-rt-a"), on_engine());
    let config = std::fs::read_to_string(bench.path("rollcall.toml")).unwrap();
    let image = std::env::var("ROLLCALL_TEST_K3S_IMAGE").unwrap();
    let replace = [
        "reconcile",
        "--repair",
        "--replace",
        "rt-a",
        "--retries",
        "0",
    ];
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port().to_string();

    let without_tool = config.replace("[provider.k3d]", "[provider.k3d]\nprogram = '/nowhere/k3d'");
    let without_image = config.replace(&image, "nobody/has:this");
    for (config, port, code, says) in [
        (&without_tool, "21444", 12, "/nowhere/k3d"),
        (&without_image, "21444", 1, "nobody/has:this"),
        (&config, taken.as_str(), 3, taken.as_str()),
    ] {
        std::fs::write(bench.path("rollcall.toml"), config).unwrap();
        bench.sql(&format!("UPDATE clusters SET https_port = {port}"));
        let said = bench.rollcall(&replace).code(code);
        assert!(said.out.contains(says), "{}", said.out);
        assert_eq!(fingerprint_of("k3d-rt-a"), alive, "{}", said.out);
        assert_eq!(on_engine(), whole);
    }
    drop(listener);
    bench.rollcall(&replace).code(0);
    assert_ne!(fingerprint_of("k3d-rt-a"), alive);
    bench.rollcall(&["reconcile"]).code(0);
}
