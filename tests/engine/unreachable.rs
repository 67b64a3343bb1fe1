//! A dead socket or a silent engine: 12 or 9, no step, no row touched, whatever the mode.

use std::io::Read;
use std::os::unix::net::UnixListener;

use crate::bench::{Bench, on_engine};

const MODES: [&[&str]; 5] = [
    &["reconcile"],
    &["reconcile", "--repair"],
    &["reconcile", "--prune", "--allow-all"],
    &["reconcile", "--repair", "--prune=orphans,registrations"],
    &["status"],
];

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_missing_socket_is_not_ready_and_nothing_is_touched() {
    let mut bench = Bench::new();
    bench.rows(&[("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24")]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql(
        "INSERT INTO clusters (name, provider, desired_state) VALUES ('gone', 'k3d', 'present')",
    );
    let (rows, whole) = (bench.query("SELECT * FROM clusters"), on_engine());
    bench.docker_host = Some(format!("unix://{}", bench.path("nothing.sock").display()));
    for mode in MODES {
        let said = bench.rollcall(mode).code(12);
        assert!(
            said.out.contains("nothing.sock"),
            "{mode:?} names the socket: {}",
            said.out
        );
        assert_eq!(bench.query("SELECT * FROM clusters"), rows, "{mode:?}");
    }
    assert_eq!(on_engine(), whole);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_silent_engine_is_unknown_and_nothing_is_touched() {
    let mut bench = Bench::new();
    bench.rows(&[("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24")]);
    let socket = bench.path("silent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut byte = [0];
            let _ = (&stream).read(&mut byte);
            open.push(stream);
        }
    });
    let rows = bench.query("SELECT * FROM clusters");
    bench.docker_host = Some(format!("unix://{}", socket.display()));
    for mode in MODES {
        bench.rollcall(mode).code(9);
        assert_eq!(bench.query("SELECT * FROM clusters"), rows, "{mode:?}");
    }
}
