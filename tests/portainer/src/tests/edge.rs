//! Edge agents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use super::client::{Ask, Server, no};
use crate::version::Version;

const DENIED: &str = "Permission denied to access environment. The device has not been trusted yet";

async fn one() -> Server {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    server
}

#[tokio::test]
async fn the_first_poll_binds_the_edge_id_and_flips_the_type() {
    let server = one().await;
    assert_eq!(server.endpoint(1).await["Type"], 4);
    let polled = server.poll(1, "any text", "2").await;
    assert_eq!(polled.status, 200);
    assert_eq!(polled.json()["checkin"], 5);
    let bound = server.endpoint(1).await;
    assert_eq!(bound["Type"], 7);
    assert_eq!(bound["EdgeID"], "any text");
    assert_eq!(bound["Agent"]["Version"], "2.23.0");
    assert_eq!(bound["Heartbeat"], true);
    assert!(bound["LastCheckInDate"].as_i64().unwrap() > 0);
    assert_eq!(
        bound["QueryDate"].as_i64().unwrap(),
        server.double.clock().now()
    );
}

#[tokio::test]
async fn an_agent_on_docker_makes_it_type_4_again() {
    let server = one().await;
    server.poll(1, "x", "2").await;
    server.poll(1, "x", "1").await;
    assert_eq!(server.endpoint(1).await["Type"], 4);
}

#[tokio::test]
async fn another_edge_id_is_403_and_no_heartbeat() {
    let server = one().await;
    server.poll(1, "x", "2").await;
    let before = server.endpoint(1).await["LastCheckInDate"].clone();
    server.advance(100).await;
    let other = server.poll(1, "y", "2").await;
    assert_eq!(other.refusal(), no(403, DENIED));
    assert!(other.details().contains("invalid Edge identifier"));
    let after = server.endpoint(1).await;
    assert_eq!(after["LastCheckInDate"], before);
    assert_eq!(after["EdgeID"], "x");
    assert_eq!(after["Heartbeat"], false);
}

#[tokio::test]
async fn a_poll_without_an_edge_id_or_for_another_kind_is_403_with_the_same_message() {
    let server = one().await;
    let nameless = server.poll(1, "", "2").await;
    assert_eq!(nameless.refusal(), no(403, DENIED));
    assert!(nameless.details().contains("missing Edge identifier"));
    let unknown = server.poll(9, "x", "2").await;
    assert_eq!(unknown.refusal(), no(403, DENIED));
    let docker = server.set(&json!({"Name": "d", "Type": 1})).await;
    let other = server.poll(docker, "x", "2").await;
    assert!(other.details().contains("Invalid environment type"));
}

#[tokio::test]
async fn a_platform_that_is_none_is_400_and_binds_nothing() {
    let server = one().await;
    for platform in ["", "3", "kubernetes"] {
        let got = server.poll(1, "x", platform).await;
        assert_eq!(got.refusal(), no(400, "agent platform header is not valid"));
    }
    let seen = server.endpoint(1).await;
    assert!(seen.get("EdgeID").is_none());
    // The heartbeat was noted before the platform was looked at.
    assert_eq!(seen["Heartbeat"], true);
}

#[tokio::test]
async fn an_untrusted_device_is_403_until_settings_trust_it() {
    let server = one().await;
    let device = json!({"Name": "d", "Type": 7, "UserTrusted": false});
    let id = server.set(&device).await;
    let refused = server.poll(id, "x", "2").await;
    assert_eq!(refused.refusal(), no(403, DENIED));
    assert!(refused.details().contains("has not been trusted yet"));
    let settings = json!({"TrustOnFirstConnect": true});
    server
        .admin(Ask::put("/api/settings").json(&settings))
        .await;
    assert_eq!(server.poll(id, "x", "2").await.status, 200);
}

#[tokio::test]
async fn a_heartbeat_ages_after_two_intervals_and_twenty_seconds() {
    let server = one().await;
    server.poll(1, "x", "2").await;
    let beats = async || server.endpoint(1).await["Heartbeat"].clone();
    server.advance(30).await;
    assert_eq!(beats().await, true);
    server.advance(1).await;
    assert_eq!(beats().await, false);
    assert_eq!(server.names("status[]=1").await, [""; 0]);
    // Status goes on saying that it is up.
    assert_eq!(server.endpoint(1).await["Status"], 1);
    let slower = json!({"EdgeCheckinInterval": 60});
    server
        .admin(Ask::put("/api/endpoints/1").json(&slower))
        .await;
    assert_eq!(beats().await, true);
}

#[tokio::test]
async fn a_poll_that_names_the_last_answer_is_304_and_a_heartbeat() {
    let server = one().await;
    let first = server.poll(1, "x", "2").await;
    let tag = first.header("etag").to_owned();
    server.advance(100).await;
    let ask = || Ask::get("/api/endpoints/1/edge/status").header("If-None-Match", &tag);
    let again = server.ask(ask()).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(server.endpoint(1).await["Heartbeat"], true);
    // Whatever changes the environment makes the next poll a whole one, which is looked at.
    server
        .admin(Ask::put("/api/endpoints/1").json(&json!({})))
        .await;
    assert_eq!(server.ask(ask()).await.status, 403);
}

#[tokio::test]
async fn a_dissolved_association_lets_another_agent_in_and_moves_the_key_to_https() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        server.edge("a").await;
        server.poll(1, "x", "2").await;
        assert_eq!(server.poll(1, "y", "2").await.status, 403);
        let path = "/api/endpoints/1/association";
        assert_eq!(server.admin(Ask::put(path)).await.status, 405);
        assert_eq!(server.admin(Ask::delete(path)).await.status, 204);
        let seen = server.endpoint(1).await;
        assert!(seen.get("EdgeID").is_none());
        let key = STANDARD_NO_PAD.decode(seen["EdgeKey"].as_str().unwrap());
        let key = String::from_utf8(key.unwrap()).unwrap();
        assert!(
            key.starts_with("https://portainer:9443|portainer:8000|"),
            "{key}"
        );
        assert_eq!(server.poll(1, "y", "2").await.status, 200);
    }
}

#[tokio::test]
async fn an_association_is_an_edge_environments_alone() {
    let server = one().await;
    let docker = server.set(&json!({"Name": "d", "Type": 1})).await;
    let dissolve = async |id: u64| {
        let path = format!("/api/endpoints/{id}/association");
        server.admin(Ask::delete(&path)).await
    };
    let other = dissolve(docker).await;
    assert_eq!(other.refusal(), no(400, "Invalid environment type"));
    assert_eq!(dissolve(9).await.status, 404);
    server
        .set(&json!({"Id": 1, "EdgeKey": "not base64!"}))
        .await;
    assert_eq!(dissolve(1).await.refusal(), no(500, "Invalid EdgeKey"));
}

#[tokio::test]
async fn a_kept_environment_keeps_its_old_snapshot() {
    let server = one().await;
    server.poll(1, "x", "2").await;
    let taken = async || server.endpoint(1).await["Kubernetes"]["Snapshots"][0]["Time"].clone();
    let first = taken().await;
    assert!(first.is_number());
    server
        .admin(Ask::delete("/api/endpoints/1/association"))
        .await;
    server.advance(1000).await;
    server.poll(1, "y", "2").await;
    assert_eq!(taken().await, first);
}
