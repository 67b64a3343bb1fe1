//! What is there for tests alone.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Ask, Got, Server};
use crate::version::Version;

async fn one() -> Server {
    let server = Server::of(Version::V2_23).await;
    server.edge("a").await;
    server
}

async fn fault(server: &Server, fields: &Value) -> Got {
    server.ask(Ask::post("/__faults").json(fields)).await
}

#[tokio::test]
async fn a_fault_answers_as_often_as_it_says_where_it_says() {
    let server = one().await;
    let fields = json!({
        "path_prefix": "/api/endpoints", "method": "get", "status": 429, "body": "slow down",
        "content_type": "text/plain", "retry_after": "7", "times": 2,
    });
    assert_eq!(fault(&server, &fields).await.status, 201);
    assert_eq!(server.get("/api/tags").await.status, 200);
    assert_eq!(
        server.admin(Ask::delete("/api/endpoints/9")).await.status,
        404
    );
    for _ in 0..2 {
        let got = server.get("/api/endpoints/1").await;
        assert_eq!((got.status, got.text.as_str()), (429, "slow down"));
        assert_eq!(got.header("retry-after"), "7");
        assert_eq!(got.header("content-type"), "text/plain");
    }
    assert_eq!(server.get("/api/endpoints/1").await.status, 200);
}

#[tokio::test]
async fn a_fault_without_times_lasts_until_it_is_deleted() {
    let server = one().await;
    fault(&server, &json!({"path_prefix": "/", "canned": "500"})).await;
    for _ in 0..3 {
        assert_eq!(server.get("/api/tags").await.status, 500);
    }
    assert_eq!(server.ask(Ask::delete("/__faults")).await.status, 204);
    assert_eq!(server.get("/api/tags").await.status, 200);
}

#[tokio::test]
async fn a_fault_afterwards_loses_the_answer_and_not_the_deed() {
    let server = one().await;
    let lost = json!({
        "path_prefix": "/api/endpoints/1", "method": "DELETE", "status": 502, "times": 2,
        "after": true,
    });
    fault(&server, &lost).await;
    let delete = || server.admin(Ask::delete("/api/endpoints/1"));
    assert_eq!(delete().await.status, 502);
    assert!(server.names("").await.is_empty());
    assert_eq!(delete().await.status, 502);
    assert_eq!(delete().await.status, 404);
}

#[tokio::test]
async fn the_canned_faults_look_like_the_originals() {
    let server = one().await;
    for (name, status, kind) in [
        ("admin-timeout", 303, "application/json"),
        ("ban", 403, "application/json"),
        ("500", 500, "application/json"),
        ("html-503", 503, "text/html"),
    ] {
        fault(
            &server,
            &json!({"path_prefix": "/api", "canned": name, "times": 1}),
        )
        .await;
        let got = server.get("/api/tags").await;
        assert_eq!((got.status, got.header("content-type")), (status, kind));
        let late = got.header("redirect-reason") == "AdminInitTimeout";
        assert_eq!(late, name == "admin-timeout");
    }
    assert_eq!(
        fault(&server, &json!({"path_prefix": "/"})).await.status,
        400
    );
    let unknown = json!({"path_prefix": "/", "canned": "flood"});
    assert_eq!(fault(&server, &unknown).await.status, 400);
}

#[tokio::test]
async fn status_nought_accepts_and_never_answers() {
    let server = one().await;
    fault(
        &server,
        &json!({"path_prefix": "/api", "status": 0, "times": 1}),
    )
    .await;
    let patience = Duration::from_millis(50);
    let silence = tokio::time::timeout(patience, server.get("/api/tags")).await;
    assert!(silence.is_err());
    assert_eq!(server.get("/api/tags").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_those_of_tests_are_not() {
    let server = one().await;
    server.edge("b").await;
    assert_eq!(server.ask(Ask::delete("/__requests")).await.status, 204);
    fault(
        &server,
        &json!({"path_prefix": "/api/tags", "canned": "500"}),
    )
    .await;
    server.get("/api/endpoints/1").await;
    server.get("/api/endpoints/2?excludeSnapshot=true").await;
    server.poll(1, "x", "2").await;
    server.get("/api/tags").await;
    server.get("/api/stacks/3/file").await;
    server.ask(Ask::get("/api/endpoints")).await;
    let counts = server.ask(Ask::get("/__requests")).await.json();
    let expected = json!({
        "GET /api/endpoints": 1,
        "GET /api/endpoints/{id}": 2,
        "GET /api/endpoints/{id}/edge/status": 1,
        "GET /api/stacks/{id}/file": 1,
        "GET /api/tags": 1,
    });
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn the_state_shows_everything_but_secrets() {
    let server = one().await;
    let state = server.ask(Ask::get("/__state")).await;
    assert_eq!(state.json()["endpoints"][0]["Name"], "a");
    assert_eq!(state.json()["version"], "2.23.0");
    assert!(!state.text.contains(&server.key) && !state.text.contains("digest"));
}

#[tokio::test]
async fn fields_laid_over_an_environment_change_them_alone() {
    let server = one().await;
    let before = server.endpoint(1).await;
    server.set(&json!({"Id": 1, "EdgeKey": "another"})).await;
    let after = server.endpoint(1).await;
    assert_eq!(after["EdgeKey"], "another");
    assert_eq!(after["Name"], before["Name"]);
    // A number that a test chose is not given again.
    server.set(&json!({"Id": 40, "Name": "a", "Type": 7})).await;
    assert_eq!(server.edge("c").await["Id"], 41);
}

#[tokio::test]
async fn a_ban_can_be_forgiven() {
    let server = Server::with(|options| options.auth_limit = 2).await;
    // Making the administrator's key took both logins of this second.
    server.log_in("wrong").await;
    assert_eq!(server.log_in("wrong").await.status, 403);
    server.ask(Ask::post("/__limiter")).await;
    assert_eq!(server.log_in("wrong").await.status, 422);
}
