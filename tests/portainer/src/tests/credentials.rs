//! Logins, tokens, keys, bans.

use serde_json::json;

use super::client::{Ask, Got, PASSWORD, Server, no};
use crate::version::Version;

const ME: &str = "/api/users/me";

#[tokio::test]
async fn a_login_is_a_token_in_the_body_and_in_a_strict_cookie() {
    let server = Server::of(Version::V2_23).await;
    let body = json!({"USERNAME": "admin", "Password": PASSWORD});
    let got = server.ask(Ask::post("/api/auth").json(&body)).await;
    assert_eq!(got.status, 200);
    let token = got.json()["jwt"].as_str().unwrap().to_owned();
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(got.set_cookie("portainer_api_key"), Some(token));
    let line = got.header("set-cookie");
    assert!(line.contains("HttpOnly; SameSite=Strict"), "{line}");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_are_the_same_422() {
    let server = Server::of(Version::V2_23).await;
    let body = json!({"username": "root", "password": PASSWORD});
    let name = server.ask(Ask::post("/api/auth").json(&body)).await;
    for got in [server.log_in("wrong").await, name] {
        assert_eq!(got.refusal(), no(422, "Invalid credentials"));
        assert_eq!(got.details(), "Unauthorized");
    }
}

#[tokio::test]
async fn a_body_without_a_password_is_400() {
    let server = Server::of(Version::V2_23).await;
    for ask in [
        Ask::post("/api/auth"),
        Ask::post("/api/auth").json(&json!({"username": "admin"})),
        Ask::post("/api/auth").form(&[("username", "admin"), ("password", PASSWORD)]),
    ] {
        let got = server.ask(ask).await;
        assert_eq!(got.refusal(), no(400, "Invalid request payload"));
    }
}

#[tokio::test]
async fn a_token_is_good_for_eight_hours() {
    let server = Server::of(Version::V2_23).await;
    let token = server.login().await;
    let me = || server.ask(Ask::get(ME).bearer(&token));
    server.advance(8 * 3600 - 1).await;
    assert_eq!(me().await.status, 200);
    server.advance(1).await;
    assert_eq!(me().await.refusal(), no(401, "Invalid JWT token"));
}

#[tokio::test]
async fn a_restart_voids_tokens_and_keeps_keys() {
    let server = Server::of(Version::V2_23).await;
    let token = server.login().await;
    let server = server.restarted();
    let got = server.ask(Ask::get(ME).bearer(&token)).await;
    assert_eq!(got.refusal(), no(401, "Invalid JWT token"));
    assert_eq!(server.get(ME).await.status, 200);
}

#[tokio::test]
async fn nothing_and_a_wrong_key_are_different_401() {
    let server = Server::of(Version::V2_23).await;
    let nothing = server.ask(Ask::get(ME)).await;
    assert_eq!(
        nothing.refusal(),
        no(401, "A valid authorization token is missing")
    );
    let wrong = server
        .ask(Ask::get(ME).header("X-API-Key", "ptr_wrong"))
        .await;
    assert_eq!(wrong.refusal(), no(401, "Invalid JWT token"));
    assert_eq!(wrong.details(), "Unauthorized");
}

#[tokio::test]
async fn a_key_is_201_shown_once_and_never_made_with_a_key() {
    let server = Server::of(Version::V2_23).await;
    let wish = json!({"password": PASSWORD, "description": "rollcall"});
    let ask = || Ask::post("/api/users/1/tokens").json(&wish);
    let token = server.login().await;
    let made = server.ask(ask().bearer(&token)).await;
    assert_eq!(made.status, 201);
    let raw = made.json()["rawAPIKey"].as_str().unwrap().to_owned();
    assert!(raw.starts_with("ptr_"));
    assert_eq!(made.json()["apiKey"]["prefix"], raw[..7]);
    assert_eq!(
        server
            .ask(Ask::get(ME).header("X-API-Key", &raw))
            .await
            .status,
        200
    );
    let by_key = server.admin(ask()).await;
    assert_eq!(by_key.refusal(), no(401, "Auth not supported"));
    let list = server.get("/api/users/1/tokens").await;
    assert!(!list.text.contains("digest") && list.text.contains("rollcall"));
}

#[tokio::test]
async fn a_key_needs_the_password_a_description_and_ones_own_number() {
    let server = Server::of(Version::V2_23).await;
    let token = server.login().await;
    let ask = |user: u32, password: &str, description: &str| {
        let wish = json!({"password": password, "description": description});
        let path = format!("/api/users/{user}/tokens");
        server.ask(Ask::post(&path).bearer(&token).json(&wish))
    };
    let wrong = ask(1, "wrong", "a").await;
    assert_eq!(wrong.refusal(), no(403, "Current password doesn't match"));
    let other = ask(2, PASSWORD, "a").await;
    let denied = "Permission denied to create user access token";
    assert_eq!(other.refusal(), no(403, denied));
    assert_eq!(ask(1, PASSWORD, " ").await.status, 400);
    assert_eq!(ask(1, PASSWORD, &"a".repeat(128)).await.status, 400);
}

#[tokio::test]
async fn a_removed_key_is_no_key() {
    let server = Server::of(Version::V2_23).await;
    let removed = server.admin(Ask::delete("/api/users/1/tokens/1")).await;
    assert_eq!(removed.status, 204);
    assert_eq!(server.get(ME).await.status, 401);
}

#[tokio::test]
async fn a_key_and_a_token_at_once_are_refused_from_2_20_on_and_as_401_in_2_41() {
    for (version, status) in [
        (Version::V2_19, 200),
        (Version::V2_21, 403),
        (Version::V2_23, 403),
        (Version::V2_33, 403),
        (Version::V2_39, 403),
        (Version::V2_41, 401),
    ] {
        let server = Server::of(version).await;
        let token = server.login().await;
        let got = server.admin(Ask::get(ME).bearer(&token)).await;
        assert_eq!(got.status, status, "{version:?}");
        if status != 200 {
            let message = "api key and auth header are not allowed at the same time";
            assert_eq!(got.refusal().1, message);
        }
    }
}

#[tokio::test]
async fn a_stale_cookie_wins_over_a_good_token_and_loses_to_a_key() {
    let server = Server::of(Version::V2_23).await;
    let token = server.login().await;
    let stale = || Ask::get(ME).cookie("portainer_api_key", "stale");
    assert_eq!(server.ask(stale().bearer(&token)).await.status, 401);
    assert_eq!(server.admin(stale()).await.status, 200);
}

async fn wrong_login(server: &Server, peer: [u8; 4]) -> Got {
    let body = json!({"username": "admin", "password": "wrong"});
    server
        .ask(Ask::post("/api/auth").json(&body).from(peer))
        .await
}

#[tokio::test]
async fn too_many_logins_ban_an_address_for_an_hour_and_keys_go_on() {
    let server = Server::with(|options| options.auth_limit = 4).await;
    let peer = [198, 51, 100, 7];
    for _ in 0..4 {
        assert_eq!(wrong_login(&server, peer).await.status, 422);
    }
    let banned = wrong_login(&server, peer).await;
    assert_eq!(banned.refusal(), no(403, "Access denied"));
    assert_eq!(banned.details(), "Access denied to resource");
    assert_eq!(wrong_login(&server, [198, 51, 100, 8]).await.status, 422);
    assert_eq!(server.admin(Ask::get(ME).from(peer)).await.status, 200);
    server.advance(3599).await;
    assert_eq!(wrong_login(&server, peer).await.status, 403);
    server.advance(1).await;
    assert_eq!(wrong_login(&server, peer).await.status, 422);
}

#[tokio::test]
async fn keys_and_passwords_count_as_logins() {
    let server = Server::with(|options| options.auth_limit = 4).await;
    let peer = [198, 51, 100, 9];
    let token = server.login().await;
    for path in ["/api/users/1/tokens", "/api/users/1/passwd"] {
        for _ in 0..2 {
            let ask = match path {
                "/api/users/1/passwd" => Ask::put(path),
                _ => Ask::post(path),
            };
            let got = server
                .ask(ask.bearer(&token).json(&json!({})).from(peer))
                .await;
            assert_eq!(got.status, 400, "{}", got.text);
        }
    }
    assert_eq!(wrong_login(&server, peer).await.status, 403);
}

#[tokio::test]
async fn a_new_password_voids_tokens_from_before_and_the_old_password() {
    let server = Server::of(Version::V2_23).await;
    let token = server.login().await;
    server.advance(2).await;
    let body = json!({"password": PASSWORD, "newPassword": "another long password"});
    let ask = Ask::put("/api/users/1/passwd").bearer(&token).json(&body);
    assert_eq!(server.ask(ask).await.status, 204);
    assert_eq!(server.ask(Ask::get(ME).bearer(&token)).await.status, 401);
    assert_eq!(server.log_in(PASSWORD).await.status, 422);
    assert_eq!(server.log_in("another long password").await.status, 200);
}

#[tokio::test]
async fn a_session_is_as_long_as_the_settings_say() {
    let server = Server::of(Version::V2_23).await;
    let set = async |text: &str| {
        let body = json!({"UserSessionTimeout": text});
        server
            .admin(Ask::put("/api/settings").json(&body))
            .await
            .status
    };
    assert_eq!(set("10m").await, 200);
    let token = server.login().await;
    server.advance(600).await;
    assert_eq!(server.ask(Ask::get(ME).bearer(&token)).await.status, 401);
    assert_eq!(set("4294967295h").await, 200);
    assert_eq!(server.log_in(PASSWORD).await.status, 200);
    assert_eq!(set("soon").await, 400);
}
