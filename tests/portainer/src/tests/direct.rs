//! Environments that the server reaches itself.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;

use super::client::{Ask, Got, Server, folder, no};
use crate::http::{serve, tls};
use crate::version::Version;

/// An agent that says this platform, if any, at its ping.
async fn agent(platform: Option<&'static str>) -> SocketAddr {
    let dir = folder();
    let acceptor = tls::acceptor(&dir, 1_800_000_000).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let service = service_fn(
                |request: hyper::Request<hyper::body::Incoming>| async move {
                    assert_eq!(request.uri().path(), "/ping");
                    let mut response = hyper::Response::builder().status(204);
                    if let Some(platform) = platform {
                        response = response
                            .header("Portainer-Agent", "2.23.0")
                            .header("Portainer-Agent-Platform", platform);
                    }
                    Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
                },
            );
            let _gone = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    });
    address
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    listener.local_addr().unwrap()
}

async fn register(server: &Server, creation: &str, url: &str) -> Got {
    let pairs = [
        ("Name", "direct"),
        ("EndpointCreationType", creation),
        ("URL", url),
        ("TLS", "true"),
        ("TLSSkipVerify", "true"),
        ("TLSSkipClientVerify", "true"),
    ];
    server.admin(Ask::post("/api/endpoints").form(&pairs)).await
}

#[tokio::test]
async fn an_agent_says_itself_what_it_runs_on() {
    for (platform, kind) in [("1", 2), ("2", 6)] {
        let server = Server::of(Version::V2_23).await;
        let url = agent(Some(platform)).await.to_string();
        let got = register(&server, "2", &url).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let made = got.json();
        assert_eq!(made["Type"], kind);
        assert_eq!(made["Agent"]["Version"], "2.23.0");
        assert_eq!(
            made["TLSConfig"],
            json!({"TLS": true, "TLSSkipVerify": true})
        );
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_500_and_nothing_is_stored() {
    let server = Server::of(Version::V2_23).await;
    let url = nobody().await.to_string();
    let got = register(&server, "2", &url).await;
    assert_eq!(got.refusal(), no(500, "Unable to get environment type"));
    let details =
        format!("Get \"https://{url}/ping\": dial tcp {url}: connect: connection refused");
    assert_eq!(got.details(), details);
    assert!(server.names("").await.is_empty());
}

#[tokio::test]
async fn somebody_who_is_no_agent_is_500() {
    let server = Server::of(Version::V2_23).await;
    let url = agent(None).await.to_string();
    let got = register(&server, "2", &url).await;
    assert_eq!(got.refusal(), no(500, "Unable to get environment type"));
    assert_eq!(got.details(), "Version Header is missing");
}

#[tokio::test]
async fn without_tls_settings_a_self_signed_agent_is_not_trusted() {
    let server = Server::of(Version::V2_23).await;
    let url = agent(Some("2")).await.to_string();
    let pairs = [("Name", "a"), ("EndpointCreationType", "2"), ("URL", &url)];
    let got = server.admin(Ask::post("/api/endpoints").form(&pairs)).await;
    assert!(
        got.details().contains("failed to verify certificate"),
        "{}",
        got.text
    );
}

#[tokio::test]
async fn creation_6_and_7_are_docker_and_fail_at_the_snapshot() {
    let server = Server::of(Version::V2_23).await;
    for creation in ["1", "6", "7"] {
        let url = format!("tcp://{}", nobody().await);
        let got = register(&server, creation, &url).await;
        let message = "Unable to initiate communications with environment";
        assert_eq!(got.refusal(), no(500, message));
    }
    let azure = register(&server, "3", "").await;
    let message = "Unable to authenticate against Azure";
    assert_eq!(azure.refusal(), no(500, message));
    assert!(server.names("").await.is_empty());
}

#[tokio::test]
async fn a_docker_engine_that_is_there_is_type_1() {
    let server = Server::of(Version::V2_23).await;
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let pairs = [("Name", "d"), ("EndpointCreationType", "1"), ("URL", &url)];
    let made = server.admin(Ask::post("/api/endpoints").form(&pairs)).await;
    assert_eq!(made.json()["Type"], 1);
}

#[tokio::test]
async fn a_snapshot_is_204_even_when_it_failed_and_status_tells() {
    let server = Server::of(Version::V2_23).await;
    let url = nobody().await.to_string();
    let id = server
        .set(&json!({"Name": "a", "Type": 6, "URL": url}))
        .await;
    let path = format!("/api/endpoints/{id}/snapshot");
    let snapshot = || server.admin(Ask::post(&path));
    assert_eq!(snapshot().await.status, 204);
    assert_eq!(server.endpoint(id).await["Status"], 2);
    let moved = json!({"URL": agent(Some("2")).await.to_string()});
    let endpoint = format!("/api/endpoints/{id}");
    server.admin(Ask::put(&endpoint).json(&moved)).await;
    assert_eq!(snapshot().await.status, 204);
    assert_eq!(server.endpoint(id).await["Status"], 1);
    let edge = server.edge("e").await["Id"].clone();
    let path = format!("/api/endpoints/{edge}/snapshot");
    let refused = server.admin(Ask::post(&path)).await;
    assert_eq!(
        refused.refusal(),
        no(400, "Snapshots not supported for this environment")
    );
}
