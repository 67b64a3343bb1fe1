//! Forgetting environments.

use serde_json::{Value, json};

use super::client::{Ask, Got, Server, no};
use crate::version::Version;

#[tokio::test]
async fn one_environment_is_deleted_with_204_and_is_404_afterwards_in_every_version() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        server.edge("a").await;
        let delete = || server.admin(Ask::delete("/api/endpoints/1"));
        assert_eq!(delete().await.status, 204);
        let message =
            "Unable to find an environment with the specified identifier inside the database";
        assert_eq!(delete().await.refusal(), no(404, message));
    }
}

#[tokio::test]
async fn an_agent_of_a_deleted_environment_polls_403() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    assert_eq!(server.poll(1, "x", "2").await.status, 200);
    server.admin(Ask::delete("/api/endpoints/1")).await;
    assert_eq!(server.poll(1, "x", "2").await.status, 403);
}

fn wanted(ids: &[u64]) -> Value {
    let list: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "deleteCluster": false}))
        .collect();
    json!({"endpoints": list})
}

async fn two(version: Version) -> Server {
    let server = Server::of(version).await;
    server.edge("a").await;
    server.edge("b").await;
    server
}

async fn bulk(server: &Server, ids: &[u64]) -> Got {
    server
        .admin(Ask::delete("/api/endpoints").json(&wanted(ids)))
        .await
}

#[tokio::test]
async fn many_at_once_are_405_before_2_21_and_204_from_then_on() {
    for version in Version::ALL {
        let server = two(version).await;
        let got = bulk(&server, &[1, 2]).await;
        let expected = if version == Version::V2_19 { 405 } else { 204 };
        assert_eq!(got.status, expected, "{version:?}");
    }
}

#[tokio::test]
async fn many_by_post_are_known_from_2_39_on() {
    for version in Version::ALL {
        let server = two(version).await;
        let ask = Ask::post("/api/endpoints/delete").json(&wanted(&[1, 2]));
        let expected = if version >= Version::V2_39 { 204 } else { 405 };
        assert_eq!(server.admin(ask).await.status, expected, "{version:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_deleted_makes_the_answer_206_and_the_rest_is_gone() {
    let server = two(Version::V2_23).await;
    let got = bulk(&server, &[1, 7]).await;
    assert_eq!(got.status, 206);
    assert_eq!(got.json(), json!({"deleted": [1], "errors": [7]}));
    assert_eq!(server.names("").await, ["b"]);
    assert_eq!(bulk(&server, &[]).await.status, 400);
}
