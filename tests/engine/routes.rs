//! Requests reach the cluster of their name through the real HAProxy.

use std::fs;

use crate::bench::{Bench, docker, http};
use crate::haproxy::Proxy;
use crate::six::{SIX, assert_true};

/// Routes are switched on for this HAProxy.
pub(crate) fn with_routes(bench: &Bench, proxy: &Proxy) {
    let file = bench.path("rollcall.toml");
    let config = fs::read_to_string(&file).unwrap();
    let [dir, base, master] = ["rollcall", "base.cfg", "master"].map(|name| proxy.path(name));
    let section = format!(
        "[haproxy]\ndir = '{}'\nfiles = ['{}']\nsocket = '{}'\n",
        dir.display(),
        base.display(),
        master.display()
    );
    fs::write(file, config + &section).unwrap();
}

#[track_caller]
pub(crate) fn routed(proxy: &Proxy, name: &str) {
    let answer = proxy.get(name);
    assert!(answer.contains(&format!("\"{name}\"")), "{name}: {answer}");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn six_clusters_are_routed_to_and_what_is_broken_is_mended() {
    let (bench, proxy) = (Bench::new(), Proxy::new());
    with_routes(&bench, &proxy);
    bench.rows(&SIX);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &SIX);
    SIX.iter().for_each(|row| routed(&proxy, row.0));
    let before = proxy.reloads();
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    assert_eq!(proxy.reloads(), before);

    let [config, _] = proxy.files();
    fs::write(
        proxy.path("rollcall/50-rollcall.cfg"),
        config.replace("21080", "21081"),
    )
    .unwrap();
    fs::write(proxy.path("rollcall/rollcall.map"), "").unwrap();
    let seen = bench.rollcall(&["reconcile"]).code(3);
    assert!(
        seen.out
            .contains("target  127.0.0.1:21081 live -> 127.0.0.1:21080 row"),
        "{}",
        seen.out
    );
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    SIX.iter().for_each(|row| routed(&proxy, row.0));

    docker(&["rm", "-fv", "rt-d-control-plane"]);
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    routed(&proxy, "rt-d");
    assert_eq!(proxy.get("rt-a"), "404");
    assert_eq!(
        fs::read_to_string(proxy.path("base.cfg")).unwrap(),
        proxy.base()
    );
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn without_haproxy_clusters_converge_and_routes_are_unknown() {
    let (bench, mut proxy) = (Bench::new(), Proxy::new());
    with_routes(&bench, &proxy);
    bench.rows(&[SIX[0]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let files = proxy.files();
    proxy.stop();
    docker(&["rm", "-fv", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]);
    let said = bench.rollcall(&["reconcile", "--repair"]).code(9);
    assert!(said.out.contains("haproxy"), "{}", said.out);
    assert!(http(21080).contains("\"rt-a\""), "it serves");
    assert_eq!(bench.status("rt-a"), "running Warning");
    assert_eq!(proxy.files(), files, "nothing is unregistered");
    proxy.start();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    routed(&proxy, "rt-a");
}
