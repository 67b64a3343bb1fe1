//! Tags and groups.

use serde_json::json;

use super::client::{Ask, Server, no};
use crate::version::Version;

const GROUPS: &str = "/api/endpoint_groups";

async fn one() -> Server {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    let tag = Ask::post("/api/tags").json(&json!({"name": "owner"}));
    assert_eq!(server.admin(tag).await.status, 200);
    server
}

#[tokio::test]
async fn a_tag_has_an_id_in_large_letters_and_an_environment_in_small() {
    let server = one().await;
    let body = json!({"TagIDs": [1]});
    server.admin(Ask::put("/api/endpoints/1").json(&body)).await;
    let tags = server.get("/api/tags").await.json();
    let expected = json!([
        {"ID": 1, "Name": "owner", "Endpoints": {"1": true}, "EndpointGroups": {}}
    ]);
    assert_eq!(tags, expected);
    let endpoint = server.endpoint(1).await;
    assert!(endpoint.get("Id").is_some() && endpoint.get("ID").is_none());
}

#[tokio::test]
async fn a_tags_name_is_unique_and_not_empty() {
    let server = one().await;
    let post = |name: &str| server.admin(Ask::post("/api/tags").json(&json!({"Name": name})));
    let taken = post("owner").await;
    assert_eq!(
        taken.refusal(),
        no(409, "This name is already associated to a tag")
    );
    assert_eq!(post("").await.status, 400);
    assert_eq!(post("Owner").await.json()["ID"], 2);
}

#[tokio::test]
async fn a_deleted_tag_is_gone_from_environments_and_groups() {
    let server = one().await;
    let group = json!({"Name": "g", "TagIDs": [1], "AssociatedEndpoints": [1]});
    let made = server.admin(Ask::post(GROUPS).json(&group)).await;
    assert_eq!(made.json()["TagIds"], json!([1]));
    let body = json!({"TagIDs": [1]});
    server.admin(Ask::put("/api/endpoints/1").json(&body)).await;
    let delete = || server.admin(Ask::delete("/api/tags/1"));
    assert_eq!(delete().await.status, 204);
    assert_eq!(server.endpoint(1).await["TagIds"], json!([]));
    let seen = server.get("/api/endpoint_groups/2").await.json();
    assert_eq!(seen["TagIds"], json!([]));
    assert_eq!(delete().await.status, 404);
}

#[tokio::test]
async fn group_1_is_unassigned_and_cannot_be_deleted() {
    let server = one().await;
    let groups = server.get(GROUPS).await.json();
    assert_eq!(groups[0]["Id"], 1);
    assert_eq!(groups[0]["Name"], "Unassigned");
    let got = server.admin(Ask::delete("/api/endpoint_groups/1")).await;
    assert_eq!(
        got.refusal(),
        no(403, "Unable to remove the default 'Unassigned' group")
    );
}

#[tokio::test]
async fn a_groups_environments_go_to_unassigned_when_it_goes() {
    let server = one().await;
    let group = Ask::post(GROUPS).json(&json!({"Name": "g"}));
    assert_eq!(server.admin(group).await.json()["Id"], 2);
    let member = "/api/endpoint_groups/2/endpoints/1";
    let group_of = async || server.endpoint(1).await["GroupId"].clone();
    assert_eq!(server.admin(Ask::put(member)).await.status, 204);
    assert_eq!(group_of().await, 2);
    assert_eq!(server.admin(Ask::delete(member)).await.status, 204);
    assert_eq!(group_of().await, 1);
    server.admin(Ask::put(member)).await;
    let gone = server.admin(Ask::delete("/api/endpoint_groups/2")).await;
    assert_eq!(gone.status, 204);
    assert_eq!(group_of().await, 1);
}

#[tokio::test]
async fn a_group_is_changed_in_place_and_404_if_it_is_not_there() {
    let server = one().await;
    server
        .admin(Ask::post(GROUPS).json(&json!({"Name": "g"})))
        .await;
    let body = json!({"Name": "", "Description": "d", "TagIDs": [1]});
    let changed = server
        .admin(Ask::put("/api/endpoint_groups/2").json(&body))
        .await;
    assert_eq!(changed.json()["Name"], "g");
    assert_eq!(changed.json()["Description"], "d");
    assert_eq!(changed.json()["TagIds"], json!([1]));
    let unknown = Ask::put("/api/endpoint_groups/2").json(&json!({"TagIDs": [9]}));
    assert_eq!(server.admin(unknown).await.status, 500);
    for path in [
        "/api/endpoint_groups/9",
        "/api/endpoint_groups/9/endpoints/1",
    ] {
        let got = server.admin(Ask::put(path).json(&json!({}))).await;
        assert_eq!(got.status, 404, "{path}");
    }
}
