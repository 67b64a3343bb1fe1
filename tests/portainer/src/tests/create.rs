//! New environments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::client::{Ask, Got, Server, no};
use crate::version::Version;

const PATH: &str = "/api/endpoints";
const EDGE: [(&str, &str); 3] = [
    ("Name", "dev"),
    ("EndpointCreationType", "4"),
    ("URL", "http://portainer:9000"),
];

fn edge_with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut pairs = EDGE.to_vec();
    pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    pairs.extend(more);
    pairs
}

async fn form(server: &Server, pairs: &[(&str, &str)]) -> Got {
    server.admin(Ask::post(PATH).form(pairs)).await
}

#[tokio::test]
async fn an_edge_environment_is_made_from_either_form_with_200_and_a_status_that_lies() {
    let server = Server::of(Version::V2_23).await;
    let urlencoded = form(&server, &EDGE).await;
    let other = edge_with(&[("Name", "other")]);
    let multipart = server.admin(Ask::post(PATH).multipart(&other, &[])).await;
    for got in [urlencoded, multipart] {
        assert_eq!(got.status, 200, "{}", got.text);
        let made = got.json();
        assert_eq!(made["Status"], 1);
        assert_eq!(made["UserTrusted"], true);
        assert_eq!(made["LastCheckInDate"], 0);
        assert_eq!(made["GroupId"], 1);
        assert_eq!(made["URL"], "portainer");
        assert!(made.get("EdgeID").is_none());
    }
    let seen = server.endpoint(1).await;
    assert_eq!(
        (&seen["Status"], &seen["Heartbeat"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn the_edge_key_names_the_server_the_tunnel_and_the_environment() {
    let server = Server::of(Version::V2_23).await;
    let made = form(&server, &EDGE).await.json();
    let key = made["EdgeKey"].as_str().unwrap();
    let text = String::from_utf8(STANDARD_NO_PAD.decode(key).unwrap()).unwrap();
    let parts: Vec<&str> = text.split('|').collect();
    assert_eq!(parts[0], "http://portainer:9000");
    assert_eq!(parts[1], "portainer:8000");
    assert_eq!((parts[2].len(), parts[2].ends_with('=')), (44, true));
    assert_eq!(parts[3], "1");
    assert_eq!(server.endpoint(1).await["EdgeKey"], key);
}

#[tokio::test]
async fn a_new_edge_environment_is_type_4_up_to_2_33_and_7_from_2_39_on() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        let expected = if version >= Version::V2_39 { 7 } else { 4 };
        assert_eq!(form(&server, &EDGE).await.json()["Type"], expected);
        let docker = edge_with(&[("Name", "d"), ("ContainerEngine", "docker")]);
        assert_eq!(form(&server, &docker).await.json()["Type"], 4);
    }
}

#[tokio::test]
async fn a_taken_name_is_409_in_every_version_and_its_case_matters() {
    for version in Version::ALL {
        let server = Server::of(version).await;
        assert_eq!(form(&server, &EDGE).await.status, 200);
        let again = form(&server, &EDGE).await;
        assert_eq!(again.refusal(), no(409, "Name is not unique"));
        assert_eq!(
            form(&server, &edge_with(&[("Name", "Dev")])).await.status,
            200
        );
    }
}

#[tokio::test]
async fn two_who_ask_at_once_for_one_name_both_get_it() {
    let server = Server::of(Version::V2_23).await;
    let (one, other) = tokio::join!(form(&server, &EDGE), form(&server, &EDGE));
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(server.names("name=dev").await, ["dev", "dev"]);
}

#[tokio::test]
async fn an_address_without_a_host_or_at_localhost_is_400() {
    let server = Server::of(Version::V2_23).await;
    for (url, details) in [
        (
            "http://localhost:9000",
            "Cannot use localhost as environment URL",
        ),
        ("http://", "Hostname cannot be empty"),
        ("portainer", "Hostname cannot be empty"),
    ] {
        let got = form(&server, &edge_with(&[("URL", url)])).await;
        assert_eq!(got.refusal(), no(400, "Unable to parse host"), "{url}");
        assert_eq!(got.details(), details);
    }
    for url in ["", "  "] {
        let got = form(&server, &edge_with(&[("URL", url)])).await;
        assert_eq!(got.refusal(), no(400, "Invalid request payload"));
        assert_eq!(got.details(), "URL cannot be empty");
    }
}

#[tokio::test]
async fn a_refused_address_uses_up_a_number_and_a_deleted_number_never_comes_back() {
    let server = Server::of(Version::V2_23).await;
    form(&server, &edge_with(&[("URL", "http://localhost")])).await;
    assert_eq!(form(&server, &EDGE).await.json()["Id"], 2);
    server.admin(Ask::delete("/api/endpoints/2")).await;
    assert_eq!(form(&server, &EDGE).await.json()["Id"], 3);
}

#[tokio::test]
async fn what_the_form_lacks_is_named_in_the_details() {
    let server = Server::of(Version::V2_23).await;
    for (change, details) in [
        (("Name", ""), "Invalid environment name"),
        (
            ("EndpointCreationType", "0"),
            "Invalid environment type value.",
        ),
        (
            ("EndpointCreationType", "edge"),
            "Invalid environment type value.",
        ),
        (("TagIds", "1,2"), "Invalid TagIds parameter"),
        (
            ("ContainerEngine", "cri-o"),
            "Invalid container engine value.",
        ),
        (("Gpus", "{"), "Invalid Gpus parameter"),
    ] {
        let got = form(&server, &edge_with(&[change])).await;
        assert_eq!(got.refusal(), no(400, "Invalid request payload"));
        assert!(got.details().starts_with(details), "{}", got.text);
    }
}

#[tokio::test]
async fn before_2_22_the_container_engine_is_not_looked_at() {
    let server = Server::of(Version::V2_21).await;
    let pairs = edge_with(&[("ContainerEngine", "cri-o")]);
    assert_eq!(form(&server, &pairs).await.status, 200);
}

#[tokio::test]
async fn the_form_spells_tag_ids_as_json_and_the_answer_as_tag_ids() {
    let server = Server::of(Version::V2_23).await;
    let tag = Ask::post("/api/tags").json(&json!({"Name": "owner"}));
    assert_eq!(server.admin(tag).await.json()["ID"], 1);
    let pairs = edge_with(&[("TagIds", "[1]"), ("EdgeCheckinInterval", "9")]);
    let made = form(&server, &pairs).await.json();
    assert_eq!(made["TagIds"], json!([1]));
    assert_eq!(made["EdgeCheckinInterval"], 9);
}

#[tokio::test]
async fn a_tag_or_a_group_that_is_not_there_is_500_and_the_environment_stays() {
    let server = Server::of(Version::V2_23).await;
    let tag = form(&server, &edge_with(&[("TagIds", "[5]")])).await;
    let message = "An error occurred while trying to create the environment";
    assert_eq!(tag.refusal(), no(500, message));
    let pairs = edge_with(&[("Name", "b"), ("GroupID", "5")]);
    let group = form(&server, &pairs).await;
    let message = "Unable to find an environment group inside the database";
    assert_eq!(group.refusal(), no(500, message));
    assert_eq!(server.names("").await, ["dev", "b"]);
}

#[tokio::test]
async fn tls_for_an_edge_environment_is_ignored_until_2_41_refuses_it() {
    let tls = edge_with(&[
        ("TLS", "true"),
        ("TLSSkipVerify", "true"),
        ("TLSSkipClientVerify", "true"),
    ]);
    for version in Version::ALL {
        let server = Server::of(version).await;
        let got = form(&server, &tls).await;
        if version == Version::V2_41 {
            assert_eq!(got.refusal(), no(400, "Invalid request payload"));
        } else {
            assert_eq!(got.json()["TLSConfig"]["TLS"], false, "{version:?}");
        }
    }
}

#[tokio::test]
async fn tls_that_verifies_needs_files_and_only_true_is_true() {
    let server = Server::of(Version::V2_23).await;
    let got = form(&server, &edge_with(&[("TLS", "true")])).await;
    assert!(got.details().starts_with("Invalid CA certificate file"));
    let pairs = edge_with(&[("TLS", "true"), ("TLSSkipClientVerify", "true")]);
    let ask = Ask::post(PATH).multipart(&pairs, &[("TLSCACertFile", "pem")]);
    assert_eq!(server.admin(ask).await.status, 200);
    let pairs = edge_with(&[("Name", "b"), ("TLS", "1")]);
    assert_eq!(form(&server, &pairs).await.status, 200);
}

#[tokio::test]
async fn an_enforced_edge_id_is_the_servers_choice() {
    let server = Server::of(Version::V2_23).await;
    let settings = json!({"EnforceEdgeID": true});
    let set = server
        .admin(Ask::put("/api/settings").json(&settings))
        .await;
    assert_eq!(set.json()["EnforceEdgeID"], true);
    let made: Value = form(&server, &EDGE).await.json();
    assert_eq!(made["EdgeID"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn making_an_environment_needs_a_credential() {
    let server = Server::of(Version::V2_23).await;
    let got = server.ask(Ask::post(PATH).form(&EDGE)).await;
    assert_eq!(got.status, 401);
    assert!(server.names("").await.is_empty());
}
