//! Cookies and forged requests. A client without a cookie jar never meets any of this.

use serde_json::json;

use super::client::{Ask, Got, Server};
use crate::version::Version;

const TAGS: &str = "/api/tags";

/// A request that changes something, with the login's cookie.
async fn with_cookie(server: &Server) -> Ask {
    let token = server.login().await;
    Ask::post(TAGS)
        .cookie("portainer_api_key", &token)
        .json(&json!({"Name": "a"}))
}

/// The token and the secret that a page would have.
async fn page(server: &Server) -> (String, String) {
    let token = server.login().await;
    let got = server
        .ask(Ask::get(TAGS).cookie("portainer_api_key", &token))
        .await;
    assert_eq!(got.status, 200);
    let secret = got.set_cookie("_gorilla_csrf").unwrap();
    (got.header("x-csrf-token").to_owned(), secret)
}

fn is_text(got: &Got, text: &str) {
    assert_eq!((got.status, got.text.as_str()), (403, text));
    assert_eq!(got.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn in_2_19_a_cookie_is_enough() {
    let server = Server::of(Version::V2_19).await;
    let ask = with_cookie(&server).await;
    assert_eq!(server.ask(ask).await.status, 200);
}

#[tokio::test]
async fn from_2_20_to_2_39_a_cookie_needs_a_csrf_token_too_and_lacking_it_is_plain_text() {
    for version in [
        Version::V2_21,
        Version::V2_23,
        Version::V2_33,
        Version::V2_39,
    ] {
        let server = Server::of(version).await;
        let missing = server.ask(with_cookie(&server).await).await;
        is_text(&missing, "Forbidden - CSRF token not found in request\n");
        let (token, secret) = page(&server).await;
        let wrong = with_cookie(&server).await.header("x-csrf-token", &token);
        is_text(&server.ask(wrong).await, "Forbidden - CSRF token invalid\n");
        let right = with_cookie(&server)
            .await
            .cookie("_gorilla_csrf", &secret)
            .header("x-csrf-token", &token);
        assert_eq!(server.ask(right).await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn without_the_cookie_nothing_is_checked_in_any_version() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        let ask = Ask::post(TAGS).json(&json!({"Name": "a"}));
        assert_eq!(server.admin(ask).await.status, 200);
        let token = server.login().await;
        let ask = Ask::post(TAGS).json(&json!({"Name": "b"})).bearer(&token);
        assert_eq!(server.ask(ask).await.status, 200);
    }
}

#[tokio::test]
async fn even_a_login_needs_a_csrf_token_once_there_is_a_cookie() {
    let server = Server::of(Version::V2_23).await;
    let ask = Ask::post("/api/auth").cookie("portainer_api_key", "stale");
    is_text(
        &server.ask(ask).await,
        "Forbidden - CSRF token not found in request\n",
    );
}

#[tokio::test]
async fn a_secret_of_an_earlier_process_is_no_secret() {
    let server = Server::of(Version::V2_23).await;
    let (token, secret) = page(&server).await;
    let server = server.restarted();
    let ask = with_cookie(&server)
        .await
        .cookie("_gorilla_csrf", &secret)
        .header("x-csrf-token", &token);
    is_text(&server.ask(ask).await, "Forbidden - CSRF token invalid\n");
}

#[tokio::test]
async fn since_2_27_7_a_foreign_origin_is_refused_with_the_cookie_and_ignored_without() {
    let server = Server::of(Version::V2_33).await;
    let (token, secret) = page(&server).await;
    let from = async |origin: &str| {
        let ask = with_cookie(&server)
            .await
            .cookie("_gorilla_csrf", &secret)
            .header("x-csrf-token", &token)
            .header("origin", origin);
        server.ask(ask).await
    };
    is_text(
        &from("http://evil:9000").await,
        "Forbidden - origin invalid\n",
    );
    is_text(
        &from("https://portainer:9000").await,
        "Forbidden - origin invalid\n",
    );
    assert_eq!(from("http://portainer:9000").await.status, 200);
    let keyed = Ask::post(TAGS)
        .json(&json!({"Name": "b"}))
        .header("origin", "http://evil:9000");
    assert_eq!(server.admin(keyed).await.status, 200);
}

#[tokio::test]
async fn through_tls_a_cookie_needs_an_origin_or_a_referer() {
    let server = Server::of(Version::V2_33).await;
    let bare = with_cookie(&server).await.secure();
    is_text(
        &server.ask(bare).await,
        "Forbidden - referer not supplied\n",
    );
    let foreign = with_cookie(&server)
        .await
        .secure()
        .header("referer", "https://evil/page");
    is_text(&server.ask(foreign).await, "Forbidden - referer invalid\n");
}

#[tokio::test]
async fn a_trusted_host_is_an_origin_like_the_servers_own() {
    let server = Server::with(|options| {
        options.version = Version::V2_33;
        options.trusted_origins = vec!["proxy.local".to_owned()];
    })
    .await;
    let (token, secret) = page(&server).await;
    let ask = with_cookie(&server)
        .await
        .cookie("_gorilla_csrf", &secret)
        .header("x-csrf-token", &token)
        .header("origin", "https://proxy.local");
    assert_eq!(server.ask(ask).await.status, 200);
}

#[tokio::test]
async fn in_2_41_the_headers_alone_count_cookie_or_not() {
    let server = Server::of(Version::V2_41).await;
    let ask = with_cookie(&server).await;
    assert_eq!(server.ask(ask).await.status, 200);
    let keyed = |name: &str| Ask::post(TAGS).json(&json!({"Name": name}));
    let cross = server
        .admin(keyed("b").header("sec-fetch-site", "cross-site"))
        .await;
    is_text(
        &cross,
        "cross-origin request detected from Sec-Fetch-Site header\n",
    );
    let origin = server
        .admin(keyed("c").header("origin", "http://evil"))
        .await;
    assert_eq!(origin.status, 403);
    assert!(
        origin
            .text
            .starts_with("cross-origin request detected, and/or")
    );
    let own = keyed("d").header("origin", "http://portainer:9000");
    assert_eq!(server.admin(own).await.status, 200);
    let read = Ask::get(TAGS).header("sec-fetch-site", "cross-site");
    assert_eq!(server.admin(read).await.status, 200);
}
