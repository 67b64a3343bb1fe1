//! What outlives the process, and what does not.

use serde_json::json;

use super::client::{Ask, Server};
use crate::clock::Clock;
use crate::double::Double;
use crate::version::Version;

#[tokio::test]
async fn a_restart_keeps_environments_tags_and_the_instance() {
    let server = Server::of(Version::V2_23).await;
    let made = server.edge("a").await;
    server.poll(1, "x", "2").await;
    server
        .admin(Ask::post("/api/tags").json(&json!({"Name": "t"})))
        .await;
    let status = server.ask(Ask::get("/api/status")).await.text;
    let again = server.restarted();
    assert_eq!(again.ask(Ask::get("/api/status")).await.text, status);
    let kept = again.endpoint(1).await;
    assert_eq!(kept["EdgeKey"], made["EdgeKey"]);
    assert_eq!(kept["EdgeID"], "x");
    assert_eq!(again.get("/api/tags").await.json()[0]["Name"], "t");
    assert_eq!(again.edge("b").await["Id"], 2);
}

#[tokio::test]
async fn another_folder_is_another_instance() {
    let id = async |server: &Server| {
        let status = server.ask(Ask::get("/api/status")).await;
        status.json()["InstanceID"].clone()
    };
    let (one, other) = (Server::blank(|_| {}), Server::blank(|_| {}));
    assert_ne!(id(&one).await, id(&other).await);
}

#[tokio::test]
async fn a_restart_in_another_version_keeps_the_environments() {
    let server = Server::of(Version::V2_33).await;
    server.edge("a").await;
    let mut options = server.double.options().clone();
    options.version = Version::V2_39;
    let upgraded = Server {
        double: Double::open(options, Clock::stopped()).unwrap(),
        key: server.key.clone(),
    };
    assert_eq!(upgraded.endpoint(1).await["Type"], 4);
    assert_eq!(upgraded.edge("b").await["Type"], 7);
}

#[tokio::test]
async fn the_last_check_in_jumps_back_over_a_restart_if_only_cached_polls_came() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    let whole = server.poll(1, "x", "2").await;
    let tag = whole.header("etag").to_owned();
    let seen = async |server: &Server| {
        let date = server.endpoint(1).await["LastCheckInDate"].clone();
        date.as_i64().unwrap()
    };
    let first = seen(&server).await;
    server.advance(500).await;
    let cached = Ask::get("/api/endpoints/1/edge/status").header("If-None-Match", &tag);
    assert_eq!(server.ask(cached).await.status, 304);
    assert_eq!(seen(&server).await, first + 500);
    assert_eq!(seen(&server.restarted()).await, first);
}

#[tokio::test]
async fn the_clock_does_not_jump_back_over_a_restart() {
    let server = Server::blank(|_| {});
    server.advance(10_000).await;
    let before = server.double.clock().now();
    assert_eq!(server.restarted().double.clock().now(), before);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_a_failure_to_start_and_is_left_alone() {
    let server = Server::blank(|_| {});
    let options = server.double.options().clone();
    let file = options.data.join("portainer.json");
    std::fs::write(&file, "{}").unwrap();
    assert!(Double::open(options, Clock::stopped()).is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
}
