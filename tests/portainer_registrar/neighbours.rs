//! What is not this cluster's: other environments, others who register at the same time, and answers that got lost.

use rollcall::model::Fingerprint;
use rollcall::registrar::{Fault, Registrar as _};
use serde_json::{Value, json};

use crate::agents::order;
use crate::server::{Server, VERSION, VERSIONS, entry, id, seen};

const DEV: &str = "k3d/dev";

/// Environments of others: a Docker engine, an agent that Portainer calls, edge environments with and without a cluster's
/// name, one that waits to be trusted.
async fn strangers(server: &Server) -> Vec<Value> {
    let sound =
        json!({"UserTrusted": true, "LastCheckInDate": 1, "EdgeKey": "torn", "EdgeID": "x"});
    for (name, kind, trusted) in [
        ("local", 1, true),
        ("direct", 6, true),
        ("Not_A_Cluster", 7, true),
        ("foreign", 7, true),
        ("devop", 4, true),
        ("waiting", 7, false),
    ] {
        let mut fields = sound.clone();
        fields["Name"] = json!(name);
        fields["Type"] = json!(kind);
        fields["UserTrusted"] = json!(trusted);
        server.set(fields).await;
    }
    server.state("endpoints").await
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn environments_of_others_are_seen_and_never_touched() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let before = strangers(&server).await;
        assert_eq!(before.len(), 6);
        let registrar = server.registrar();
        let clusters: Vec<String> = seen(&registrar)
            .await
            .entries
            .keys()
            .map(ToString::to_string)
            .collect();
        let edge = ["devop", "foreign", "waiting"];
        let all = ["k3d", "kind"].map(|provider| edge.map(|name| format!("{provider}/{name}")));
        assert_eq!(clusters, all.concat(), "{version}");
        let written = registrar.register(&order(DEV), None).await.unwrap();
        registrar.deregister(&id(DEV), &written).await.unwrap();
        assert_eq!(server.state("endpoints").await, before, "{version}");
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn what_the_plan_did_not_see_is_left_alone() {
    let server = Server::start(VERSION).await;
    let before = strangers(&server).await;
    let registrar = server.registrar();
    let other = Fingerprint::new("{\"environment\":\"9\"}");
    let foreign = id("k3d/foreign");
    for expected in [None, Some(&other)] {
        let failed = registrar.register(&order("k3d/foreign"), expected).await;
        assert_eq!(failed.unwrap_err().fault, Fault::NotOurs);
    }
    let failed = registrar.register(&order("k3d/gone"), Some(&other)).await;
    assert_eq!(failed.unwrap_err().fault, Fault::NotOurs);
    let failed = registrar.deregister(&foreign, &other).await.unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    // Even with the plan's knowledge, nothing is deleted that does not bear the tag.
    let known = entry(&registrar, &foreign).await.unwrap().fingerprint;
    let failed = registrar.deregister(&foreign, &known).await.unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    assert!(failed.hint.unwrap().contains("tag rollcall"));
    // A name that something of another kind has.
    let failed = registrar
        .register(&order("k3d/local"), None)
        .await
        .unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    assert!(failed.message.contains("local"), "{failed}");
    assert_eq!(server.state("endpoints").await, before);
    assert_eq!(server.agents.deployed(), 0);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_change_between_the_look_and_the_step_is_left_alone() {
    let server = Server::start(VERSION).await;
    let (one, other) = (server.registrar(), server.registrar());
    let written = one.register(&order(DEV), None).await.unwrap();
    let number = server.only("dev").await["Id"].clone();
    server.set(json!({"Id": number, "URL": "elsewhere"})).await;
    let before = server.state("endpoints").await;
    let failed = other
        .register(&order(DEV), Some(&written))
        .await
        .unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    let failed = other.deregister(&id(DEV), &written).await.unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    assert_eq!(server.state("endpoints").await, before);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_name_leads_to_one_cluster_alone() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    registrar.register(&order(DEV), None).await.unwrap();
    let before = server.state("endpoints").await;
    assert!(entry(&registrar, &id("kind/dev")).await.is_none());
    let failed = registrar
        .register(&order("kind/dev"), None)
        .await
        .unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs);
    assert!(failed.message.contains(DEV), "{failed}");
    assert_eq!(server.state("endpoints").await, before);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn two_who_register_at_once_leave_one_environment() {
    let server = Server::start(VERSION).await;
    let registrars = [(); 4].map(|()| server.registrar());
    let order = order(DEV);
    let all = registrars.each_ref().map(|one| one.register(&order, None));
    let told = futures_util::future::join_all(all).await;
    assert!(told.iter().any(Result::is_ok), "{told:?}");
    for failed in told.iter().filter_map(|one| one.as_ref().err()) {
        assert_eq!(failed.fault, Fault::NotOurs, "{failed}");
    }
    let now = entry(&registrars[0], &id(DEV)).await.unwrap();
    assert_eq!(now.trouble, None);
    assert!(told.contains(&Ok(now.fingerprint)), "{told:?}");
    assert_eq!(server.named("dev").await.len(), 1);
    assert_eq!(server.state("tags").await.len(), 2);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn twins_are_said_and_ours_among_them_go() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    registrar.register(&order(DEV), None).await.unwrap();
    let first = server.only("dev").await;
    let tags = first["TagIds"].clone();
    let twin = json!({"Name": "dev", "Type": 7, "TagIds": tags, "UserTrusted": true});
    let twin = server.set(twin).await["Id"].clone();
    let now = entry(&registrar, &id(DEV)).await.unwrap();
    let trouble = now.trouble.unwrap();
    assert!(
        trouble.contains(&format!("of its name: {twin}")),
        "{trouble}"
    );
    registrar
        .register(&order(DEV), Some(&now.fingerprint))
        .await
        .unwrap();
    assert_eq!(server.only("dev").await["Id"], first["Id"]);

    let twin = json!({"Name": "dev", "Type": 7, "TagIds": [], "UserTrusted": true});
    server.set(twin).await;
    let now = entry(&registrar, &id(DEV)).await.unwrap();
    let failed = registrar
        .register(&order(DEV), Some(&now.fingerprint))
        .await
        .unwrap_err();
    assert_eq!(failed.fault, Fault::Permanent);
    assert_eq!(server.named("dev").await.len(), 2);
    // Ours goes, and what is not ours stays.
    registrar
        .deregister(&id(DEV), &now.fingerprint)
        .await
        .unwrap();
    assert_eq!(server.only("dev").await["TagIds"], json!([]));
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_answer_that_got_lost_makes_no_second_environment() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let lost = json!({"path_prefix": "/api/endpoints", "method": "POST", "canned": "html-503", "times": 1});
    server.fault(lost.clone()).await;
    let failed = registrar.register(&order(DEV), None).await.unwrap_err();
    assert_eq!(
        (failed.fault, server.named("dev").await.len()),
        (Fault::Transient, 0)
    );
    let mut after = lost;
    after["after"] = json!(true);
    server.fault(after).await;
    let written = registrar.register(&order(DEV), None).await.unwrap();
    assert_eq!(
        server.only("dev").await["TagIds"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        entry(&registrar, &id(DEV)).await.unwrap().fingerprint,
        written
    );
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_look_costs_the_same_however_much_is_there() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    registrar.register(&order(DEV), None).await.unwrap();
    server.forget().await;
    seen(&registrar).await;
    let few = server.requests().await;
    for number in 0..40 {
        let name = format!("many-{number}");
        server
            .set(json!({"Name": name, "Type": 7, "UserTrusted": true}))
            .await;
    }
    server.forget().await;
    assert_eq!(seen(&registrar).await.entries.len(), 1 + 2 * 40);
    assert_eq!(server.requests().await, few);
    assert!(
        few.iter().all(|(what, _)| what.starts_with("GET ")),
        "{few:?}"
    );
    let asked: u64 = few.iter().map(|(_, count)| count).sum();
    assert_eq!(asked, 4, "{few:?}");
}
