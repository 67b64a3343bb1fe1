//! The administrator's beginning, and what everybody may ask.

use serde_json::json;

use super::client::{Ask, PASSWORD, Server, no};
use crate::version::Version;

fn wanted(name: &str, password: &str) -> Ask {
    let body = json!({"Username": name, "Password": password});
    Ask::post("/api/users/admin/init").json(&body)
}

#[tokio::test]
async fn the_check_is_404_until_there_is_an_administrator_and_204_afterwards() {
    let server = Server::blank(|_| {});
    let check = || server.ask(Ask::get("/api/users/admin/check"));
    let missing = no(404, "No administrator account found inside the database");
    assert_eq!(check().await.refusal(), missing);
    let made = server.ask(wanted("admin", PASSWORD)).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.json()["Username"], "admin");
    assert_eq!(check().await.status, 204);
}

#[tokio::test]
async fn a_password_of_eleven_characters_is_refused_and_one_of_twelve_is_not() {
    let server = Server::blank(|_| {});
    let short = server.ask(wanted("admin", "elevenchars")).await;
    assert_eq!(
        short.refusal(),
        no(400, "Password does not meet the requirements")
    );
    assert_eq!(
        server.ask(wanted("admin", "twelve chars")).await.status,
        200
    );
}

#[tokio::test]
async fn a_second_administrator_is_409_even_with_a_short_password() {
    let server = Server::of(Version::V2_23).await;
    let again = server.ask(wanted("admin", "short")).await;
    assert_eq!(
        again.refusal(),
        no(409, "Unable to create administrator user")
    );
}

#[tokio::test]
async fn an_empty_payload_field_is_400() {
    let server = Server::blank(|_| {});
    for (name, password) in [("", PASSWORD), ("ad min", PASSWORD), ("admin", "")] {
        let got = server.ask(wanted(name, password)).await;
        assert_eq!(got.refusal(), no(400, "Invalid request payload"));
    }
}

#[tokio::test]
async fn after_five_minutes_without_an_administrator_everything_but_two_paths_is_303() {
    let server = Server::blank(|_| {});
    server.advance(300).await;
    assert_eq!(server.ask(Ask::get("/api/system/status")).await.status, 200);
    server.advance(1).await;
    for ask in [
        Ask::get("/api/system/status"),
        Ask::get("/api/users/admin/check"),
        Ask::get("/api/endpoints"),
        Ask::get("/api/status?x=1"),
        wanted("admin", PASSWORD),
    ] {
        let got = server.ask(ask).await;
        assert_eq!(
            got.refusal(),
            no(303, "Administrator initialization timeout")
        );
        assert_eq!(got.header("redirect-reason"), "AdminInitTimeout");
        assert_eq!(got.header("location"), "");
    }
    for path in ["/api/status", "/api/settings/public"] {
        assert_eq!(server.ask(Ask::get(path)).await.status, 200);
    }
    let restarted = server.restarted();
    assert_eq!(restarted.ask(wanted("admin", PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn an_administrator_in_time_is_never_given_up_on() {
    let server = Server::of(Version::V2_23).await;
    server.advance(3600).await;
    assert_eq!(server.get("/api/endpoints").await.status, 200);
}

#[tokio::test]
async fn a_password_file_makes_the_administrator_once_and_however_short_it_is() {
    let folder = super::client::folder();
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("password");
    std::fs::write(&file, "admin123\n").unwrap();
    let server = Server::blank(|options| {
        options.data.clone_from(&folder);
        options.admin_password_file = Some(file.clone());
    });
    assert_eq!(server.log_in("admin123").await.status, 200);
    std::fs::write(&file, "another one").unwrap();
    let restarted = server.restarted();
    assert_eq!(restarted.log_in("another one").await.status, 422);
    assert_eq!(restarted.log_in("admin123").await.status, 200);
}

#[tokio::test]
async fn both_status_paths_are_public_and_name_the_version_and_the_instance() {
    for version in Version::ALL {
        let server = Server::blank(|options| options.version = version);
        let old = server.ask(Ask::get("/api/status")).await.json();
        let new = server.ask(Ask::get("/api/system/status")).await.json();
        assert_eq!(old, new);
        assert_eq!(new["Version"], version.number());
        assert_eq!(new["InstanceID"].as_str().unwrap().len(), 36);
    }
}

#[tokio::test]
async fn the_public_settings_name_the_interval_and_the_length_of_passwords() {
    let server = Server::blank(|options| options.checkin = 7);
    let settings = server.ask(Ask::get("/api/settings/public")).await.json();
    assert_eq!(settings["RequiredPasswordLength"], 12);
    assert_eq!(settings["AuthenticationMethod"], 1);
    assert_eq!(settings["Edge"]["CheckinInterval"], 7);
}

#[tokio::test]
async fn an_unknown_path_is_404_and_another_method_405_and_neither_is_json() {
    let server = Server::of(Version::V2_23).await;
    let unknown = server.get("/api/nothing").await;
    assert_eq!(
        (unknown.status, unknown.text.as_str()),
        (404, "404 page not found\n")
    );
    assert_eq!(unknown.header("content-type"), "text/plain; charset=utf-8");
    let other = server.admin(Ask::put("/api/endpoints/1/association")).await;
    assert_eq!((other.status, other.text.as_str()), (405, ""));
}
