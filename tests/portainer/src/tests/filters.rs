//! The list of environments.

use serde_json::json;

use super::client::{Ask, Server, no};
use crate::version::Version;

/// Four environments: an edge one that is heard of, one that is not, an agent's, a Docker engine.
async fn four() -> Server {
    let server = Server::of(Version::V2_23).await;
    server.edge("alpha").await;
    server.edge("beta").await;
    server.poll(1, "1", "2").await;
    server
        .set(&json!({"Name": "gamma", "Type": 6, "URL": "10.0.0.9:30778", "TagIds": [1]}))
        .await;
    server
        .set(&json!({"Name": "dockerhost", "Type": 1, "GroupId": 2, "Status": 2}))
        .await;
    let post = async |path: &str, name: &str| {
        let got = server
            .admin(Ask::post(path).json(&json!({"Name": name})))
            .await;
        assert_eq!(got.status, 200);
    };
    post("/api/tags", "Owner/rollcall").await;
    post("/api/tags", "second").await;
    post("/api/endpoint_groups", "Lab").await;
    let tags = json!({"TagIDs": [1, 2]});
    server.admin(Ask::put("/api/endpoints/2").json(&tags)).await;
    server
}

#[tokio::test]
async fn without_a_limit_the_list_is_whole_and_counts_before_and_after_the_filter() {
    let server = four().await;
    let got = server.get("/api/endpoints").await;
    assert_eq!(got.json().as_array().unwrap().len(), 4);
    let got = server.get("/api/endpoints?types[]=7").await;
    assert_eq!(got.header("x-total-count"), "1");
    assert_eq!(got.header("x-total-available"), "4");
}

#[tokio::test]
async fn start_counts_from_one() {
    let server = four().await;
    assert_eq!(server.names("start=1&limit=2").await, ["alpha", "beta"]);
    assert_eq!(server.names("start=2&limit=2").await, ["beta", "gamma"]);
    assert_eq!(server.names("limit=1").await, ["alpha"]);
    assert_eq!(server.names("start=9&limit=2").await, [""; 0]);
    assert_eq!(server.names("start=3").await.len(), 4);
    let got = server.get("/api/endpoints?limit=1").await;
    assert_eq!(got.header("x-total-count"), "4");
}

#[tokio::test]
async fn filters_need_their_brackets_and_are_ignored_without() {
    let server = four().await;
    for (query, held) in [
        ("types[]=7&types[]=6", vec!["alpha", "gamma"]),
        ("types[]=4", vec!["beta"]),
        ("tagIds[]=1", vec!["beta", "gamma"]),
        ("tagIds[]=1&tagIds[]=2", vec!["beta"]),
        (
            "tagIds[]=1&tagIds[]=2&tagsPartialMatch=true",
            vec!["beta", "gamma"],
        ),
        ("groupIds[]=2", vec!["dockerhost"]),
        ("endpointIds[]=1&endpointIds[]=3", vec!["alpha", "gamma"]),
        ("excludeIds[]=1&excludeIds[]=2", vec!["gamma", "dockerhost"]),
        ("status[]=2", vec!["beta", "dockerhost"]),
        ("status[]=1", vec!["alpha", "gamma"]),
        ("types%5B%5D=1", vec!["dockerhost"]),
    ] {
        assert_eq!(server.names(query).await, held, "{query}");
        let bare = query.replace("[]", "").replace("%5B%5D", "");
        assert_eq!(server.names(&bare).await.len(), 4, "{bare}");
    }
}

#[tokio::test]
async fn a_filter_that_is_no_number_is_400() {
    let server = four().await;
    let got = server.get("/api/endpoints?types[]=edge").await;
    assert_eq!(got.refusal(), no(400, "Invalid query parameters"));
}

#[tokio::test]
async fn a_name_is_found_whole_and_a_search_finds_parts_of_much() {
    let server = four().await;
    assert_eq!(server.names("name=alpha").await, ["alpha"]);
    assert_eq!(server.names("name=Alpha").await, [""; 0]);
    assert_eq!(server.names("name=alph").await, [""; 0]);
    assert_eq!(server.names("search=ALPH").await, ["alpha"]);
    assert_eq!(server.names("search=30778").await, ["gamma"]);
    assert_eq!(server.names("search=owner").await, ["beta", "gamma"]);
    assert_eq!(server.names("search=lab").await, ["dockerhost"]);
    assert_eq!(server.names("search=down").await, ["dockerhost"]);
}

#[tokio::test]
async fn a_groups_tags_are_its_environments_tags() {
    let server = four().await;
    let tags = json!({"TagIDs": [2]});
    server
        .admin(Ask::put("/api/endpoint_groups/2").json(&tags))
        .await;
    assert_eq!(server.names("tagIds[]=2").await, ["beta", "dockerhost"]);
}

#[tokio::test]
async fn untrusted_edge_devices_are_hidden_unless_they_alone_are_asked_for() {
    let server = four().await;
    let device = json!({"Name": "device", "Type": 4, "UserTrusted": false});
    server.set(&device).await;
    assert!(!server.names("").await.contains(&"device".to_owned()));
    let asked = server.names("edgeDeviceUntrusted=true").await;
    assert_eq!(asked, ["gamma", "dockerhost", "device"]);
    assert!(server.get("/api/endpoints/5").await.status == 200);
}

#[tokio::test]
async fn a_list_has_snapshots_unless_they_are_excluded() {
    let server = four().await;
    let snapshots = async |path: &str| {
        let found = server.get(path).await.json();
        let one = found.get(0).cloned().unwrap_or(found);
        one["Kubernetes"]["Snapshots"].as_array().unwrap().len()
    };
    assert_eq!(snapshots("/api/endpoints?name=alpha").await, 1);
    let excluded = "/api/endpoints?name=alpha&excludeSnapshots=true";
    assert_eq!(snapshots(excluded).await, 0);
    // The single environment has a parameter of its own.
    assert_eq!(snapshots("/api/endpoints/1?excludeSnapshots=true").await, 1);
    assert_eq!(snapshots("/api/endpoints/1?excludeSnapshot=true").await, 0);
}

#[tokio::test]
async fn asking_for_one_environment_changes_it_and_asking_for_the_list_does_not() {
    let server = four().await;
    let detected = async || {
        let one = server.endpoint(1).await;
        one["Kubernetes"]["Flags"]["IsServerStorageDetected"].clone()
    };
    assert_eq!(detected().await, false);
    server.get("/api/endpoints/1?excludeSnapshot=true").await;
    assert_eq!(detected().await, true);
}

#[tokio::test]
async fn one_environment_is_404_if_it_is_not_there_and_400_if_it_has_no_number() {
    let server = four().await;
    let missing = server.get("/api/endpoints/77").await;
    assert_eq!(
        missing.refusal(),
        no(
            404,
            "Unable to find an environment with the specified identifier inside the database"
        )
    );
    let wrong = server.get("/api/endpoints/alpha").await;
    assert_eq!(
        wrong.refusal(),
        no(400, "Invalid environment identifier route variable")
    );
}

#[tokio::test]
async fn the_list_shows_the_default_interval_and_the_single_environment_nought() {
    let server = four().await;
    assert_eq!(server.endpoint(1).await["EdgeCheckinInterval"], 5);
    let one = server.get("/api/endpoints/1").await.json();
    assert_eq!(one["EdgeCheckinInterval"], 0);
}

#[tokio::test]
async fn arrays_may_be_null_and_the_container_engine_is_there_from_2_22_on() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        let made = server.edge("a").await;
        assert!(made["AuthorizedUsers"].is_null() && made["Tags"].is_null());
        let there = made.get("ContainerEngine").is_some();
        assert_eq!(there, version >= Version::V2_23, "{version:?}");
    }
}
