//! Changing environments in place.

use serde_json::{Value, json};

use super::client::{Ask, Got, Server, no};
use crate::version::Version;

async fn put(server: &Server, id: u64, body: &Value) -> Got {
    let path = format!("/api/endpoints/{id}");
    server.admin(Ask::put(&path).json(body)).await
}

#[tokio::test]
async fn everything_is_optional_and_spelled_as_in_go() {
    let server = Server::of(Version::V2_23).await;
    let made = server.edge("a").await;
    server
        .admin(Ask::post("/api/tags").json(&json!({"Name": "t"})))
        .await;
    server.poll(1, "agent", "2").await;
    let same = put(&server, 1, &json!({})).await;
    assert_eq!(same.json()["Name"], "a");
    let body = json!({
        "Name": "b", "URL": "elsewhere", "PublicURL": "p", "TagIDs": [1], "EdgeCheckinInterval": 9,
        "Status": 2, "UserAccessPolicies": {"2": {"RoleId": 0}},
    });
    let got = put(&server, 1, &body).await;
    assert_eq!(got.status, 200);
    let changed = server.endpoint(1).await;
    assert_eq!(changed["Name"], "b");
    assert_eq!(changed["URL"], "elsewhere");
    assert_eq!(changed["TagIds"], json!([1]));
    assert_eq!(changed["EdgeCheckinInterval"], 9);
    assert_eq!(changed["Status"], 2);
    assert_eq!(changed["UserAccessPolicies"]["2"]["RoleId"], 0);
    // The key stays what it was.
    assert_eq!(changed["EdgeKey"], made["EdgeKey"]);
}

#[tokio::test]
async fn the_name_of_another_is_409_and_ones_own_is_not() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    server.edge("b").await;
    let taken = put(&server, 1, &json!({"Name": "b"})).await;
    assert_eq!(taken.refusal(), no(409, "Name is not unique"));
    assert_eq!(put(&server, 1, &json!({"Name": "a"})).await.status, 200);
    assert_eq!(put(&server, 9, &json!({})).await.status, 404);
}

#[tokio::test]
async fn an_unknown_tag_changes_nothing_and_an_unknown_group_is_500_and_kept() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    let tag = put(&server, 1, &json!({"Name": "b", "TagIDs": [4]})).await;
    assert_eq!(tag.refusal(), no(500, "Unable to update environment tags"));
    assert_eq!(server.names("").await, ["a"]);
    let group = put(&server, 1, &json!({"GroupID": 4})).await;
    let message = "Unable to update environment relations";
    assert_eq!(group.refusal(), no(500, message));
    assert_eq!(server.endpoint(1).await["GroupId"], 4);
}

#[tokio::test]
async fn tls_for_an_edge_environment_is_400_from_2_41_on() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        server.edge("a").await;
        server.poll(1, "agent", "2").await;
        let got = put(&server, 1, &json!({"TLS": true})).await;
        let expected = if version == Version::V2_41 { 400 } else { 200 };
        assert_eq!(got.status, expected, "{version:?}");
    }
}

#[tokio::test]
async fn a_wrong_type_is_400() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    for body in [
        json!({"Name": 1}),
        json!({"TagIDs": "1"}),
        json!({"Kubernetes": {"Flags": 1}}),
        json!([]),
    ] {
        let got = put(&server, 1, &body).await;
        assert_eq!(got.refusal(), no(400, "Invalid request payload"));
    }
}

#[tokio::test]
async fn another_address_of_an_edge_environment_needs_an_agent_that_is_there() {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    let address = json!({"URL": "elsewhere", "PublicURL": "p"});
    let refused = no(500, "Unable to register HTTP proxy for the environment");
    let unbound = put(&server, 1, &address).await;
    assert_eq!(unbound.refusal(), refused);
    let why = "Cannot open a tunnel for an invalid environment";
    assert_eq!(unbound.details(), why);
    server.poll(1, "agent", "2").await;
    server.advance(600).await;
    let silent = put(&server, 1, &address).await;
    assert_eq!(silent.refusal(), refused);
    assert_eq!(silent.details(), "Unable to open the tunnel");
    assert_eq!(server.endpoint(1).await["PublicURL"], "");
    // What says the same address is no change of it.
    let same = json!({"URL": server.endpoint(1).await["URL"]});
    assert_eq!(put(&server, 1, &same).await.status, 200);
    server.poll(1, "agent", "2").await;
    assert_eq!(put(&server, 1, &address).await.status, 200);
    assert_eq!(server.endpoint(1).await["URL"], "elsewhere");
}
