//! One cluster's registration from its beginning to its end, in every version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::Method;
use rollcall::model::{Fingerprint, RegistrationView};
use rollcall::registrar::{Fault, Portainer, PortainerGroup, PortainerSettings, Registrar as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::agents::{environment_of, order};
use crate::server::{Server, VERSION, VERSIONS, entry, id, seen};

const DEV: &str = "k3d/dev";

/// What the registrar sees of the cluster, which is there.
async fn dev(registrar: &Portainer) -> RegistrationView {
    entry(registrar, &id(DEV)).await.unwrap()
}

/// The fields in which what is there differs from what was registered, with what is wrong besides.
async fn drift(registrar: &Portainer, registered: &Fingerprint) -> (Vec<String>, Option<String>) {
    let now = dev(registrar).await;
    let all = now.fingerprint.differences(registered).into_iter();
    (all.map(|(name, ..)| name).collect(), now.trouble)
}

/// Registers anew what drifted, and says what it is now. The environment's number stays.
async fn mended(server: &Server, registrar: &Portainer) -> Fingerprint {
    let before = (dev(registrar).await.fingerprint, server.only("dev").await);
    let written = registrar.register(&order(DEV), Some(&before.0)).await;
    let now = dev(registrar).await;
    assert_eq!(
        (Some(now.fingerprint), now.trouble),
        (written.clone().ok(), None)
    );
    assert_eq!(server.only("dev").await["Id"], before.1["Id"]);
    written.unwrap()
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_registration_lives_in_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let registrar = server.registrar();
        assert!(seen(&registrar).await.entries.is_empty(), "{version}");
        let first = registrar.register(&order(DEV), None).await.unwrap();
        let view = dev(&registrar).await;
        assert_eq!(
            (&view.fingerprint, view.trouble),
            (&first, None),
            "{version}"
        );
        let environment = server.only("dev").await;
        assert_eq!(
            environment["Type"], 7,
            "{version}: its agent is one on Kubernetes"
        );
        assert_eq!(environment["TLSConfig"]["TLS"], false, "{version}");
        let agent = server.agents.of(DEV);
        assert_eq!(agent.image, format!("portainer/agent:{version}"));
        assert_eq!(environment["EdgeKey"], agent.edge_key.expose_secret());
        assert_eq!(environment["EdgeID"], agent.edge_id.expose_secret());

        server.forget().await;
        let second = registrar.register(&order(DEV), Some(&first)).await.unwrap();
        assert_eq!(
            (second, server.writes().await),
            (first.clone(), vec![]),
            "{version}"
        );

        registrar.deregister(&id(DEV), &first).await.unwrap();
        assert_eq!(server.named("dev").await, [Value::Null; 0], "{version}");
        // Gone already is fine.
        registrar.deregister(&id(DEV), &first).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn drift_is_named_and_mended_in_place_in_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let registrar = server.registrar();
        let mut registered = registrar.register(&order(DEV), None).await.unwrap();
        let number = server.only("dev").await["Id"].clone();
        let path = format!("/api/endpoints/{number}");

        server.pass(600).await;
        let (fields, trouble) = drift(&registrar, &registered).await;
        assert_eq!(fields, [""; 0], "{version}");
        assert!(
            trouble.unwrap().starts_with("no heartbeat since "),
            "{version}"
        );
        assert!(server.agents.check_in(DEV).await);
        assert_eq!(drift(&registrar, &registered).await, (vec![], None));

        let changes = [
            (json!({"TagIDs": []}), vec!["owner", "provider"]),
            (json!({"URL": "elsewhere"}), vec!["url"]),
        ];
        for (change, named) in changes {
            server.ask(Method::PUT, &path, Some(change)).await;
            let (fields, trouble) = drift(&registrar, &registered).await;
            assert_eq!(
                (fields, trouble),
                (named.iter().map(ToString::to_string).collect(), None)
            );
            assert_eq!(mended(&server, &registrar).await, registered, "{version}");
        }

        server.ask(Method::DELETE, &path, None).await;
        assert!(entry(&registrar, &id(DEV)).await.is_none(), "{version}");
        registered = registrar.register(&order(DEV), None).await.unwrap();
        assert_eq!(drift(&registrar, &registered).await, (vec![], None));
        assert_ne!(server.only("dev").await["Id"], number, "{version}");
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_address_that_differs_is_mended_once_the_agent_is_heard_of() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let registered = registrar.register(&order(DEV), None).await.unwrap();
    let number = server.only("dev").await["Id"].clone();
    server.set(json!({"Id": number, "URL": "elsewhere"})).await;
    // Without its tunnel Portainer refuses another address.
    server.agents.lose(DEV);
    server.pass(600).await;
    let url = json!({"URL": "other"});
    let path = format!("/api/endpoints/{number}");
    let refused = server.ask(Method::PUT, &path, Some(url)).await;
    let words = "Unable to register HTTP proxy for the environment";
    assert_eq!(refused["message"], words);
    assert_eq!(mended(&server, &registrar).await, registered);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_key_that_leads_elsewhere_makes_another_environment() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let registered = registrar.register(&order(DEV), None).await.unwrap();
    let number = server.only("dev").await["Id"].clone();
    let keys = [
        (
            STANDARD_NO_PAD.encode(format!("{}|127.0.0.1:8000|aa|99", server.url())),
            "environment 99",
        ),
        (
            STANDARD_NO_PAD.encode(format!("http://old:80|old:8000|aa|{number}")),
            "http://old:80",
        ),
        ("torn".to_owned(), "cannot be read"),
    ];
    for (key, said) in keys {
        let old = server.only("dev").await["Id"].clone();
        server.set(json!({"Id": old, "EdgeKey": key})).await;
        let (fields, trouble) = drift(&registrar, &registered).await;
        assert!(fields.contains(&"key".to_owned()), "{fields:?}");
        assert!(trouble.unwrap().contains(said));
        let before = dev(&registrar).await.fingerprint;
        let written = registrar
            .register(&order(DEV), Some(&before))
            .await
            .unwrap();
        let now = dev(&registrar).await;
        assert_eq!((now.fingerprint, now.trouble), (written, None));
        let new = server.only("dev").await["Id"].clone();
        assert_ne!(new, old);
        assert_eq!(
            environment_of(&server.agents.of(DEV)),
            new.as_u64().unwrap()
        );
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_environment_goes_only_for_a_better_one() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    registrar.register(&order(DEV), None).await.unwrap();
    let before = server.state("endpoints").await;
    let asking = server.with(PortainerSettings {
        tunnel: Some("elsewhere:8000".to_owned()),
        ..server.settings()
    });
    for _ in 0..2 {
        let there = dev(&asking).await;
        assert!(
            there
                .trouble
                .unwrap()
                .contains("leads tunnels to 127.0.0.1:8000")
        );
        let failed = asking.register(&order(DEV), Some(&there.fingerprint)).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.fault, Fault::Permanent);
        assert!(failed.hint.unwrap().contains("portainer.tunnel"));
        assert_eq!(server.state("endpoints").await, before);
    }
    // A crash left the successor: it is taken as it is.
    let moved = server.with(PortainerSettings {
        agent_url: "http://portainer.test:80".to_owned(),
        ..server.settings()
    });
    let fault = json!({"path_prefix": "/api/endpoints/", "method": "DELETE", "canned": "500"});
    server.fault(fault).await;
    let there = dev(&moved).await.fingerprint;
    let failed = moved.register(&order(DEV), Some(&there)).await.unwrap_err();
    assert_eq!(failed.fault, Fault::Transient);
    assert_eq!(server.only("dev").await, before[0]);
    let successor = server.only("dev.new").await["Id"].clone();
    server.mend().await;
    let written = moved.register(&order(DEV), Some(&there)).await.unwrap();
    assert_eq!(server.state("endpoints").await.len(), 1);
    assert_eq!(server.only("dev").await["Id"], successor);
    assert_eq!(dev(&moved).await.fingerprint, written);
    // One that was left goes with the cluster.
    let tags = server.only("dev").await["TagIds"].clone();
    server
        .set(json!({"Name": "dev.new", "Type": 7, "TagIds": tags, "UserTrusted": true}))
        .await;
    moved.deregister(&id(DEV), &written).await.unwrap();
    assert_eq!(server.state("endpoints").await, [Value::Null; 0]);
    // What is of no use from its beginning does not stay.
    let failed = asking.register(&order(DEV), None).await.unwrap_err();
    assert_eq!(failed.fault, Fault::Permanent);
    assert_eq!(server.state("endpoints").await, [Value::Null; 0]);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_cluster_that_was_made_anew_keeps_its_environment() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let first = registrar.register(&order(DEV), None).await.unwrap();
    let before = server.agents.of(DEV);
    server.agents.lose(DEV);
    server.pass(600).await;
    let again = mended(&server, &registrar).await;
    let after = server.agents.of(DEV);
    assert_eq!(first, again);
    assert_eq!(
        before.edge_key.expose_secret(),
        after.edge_key.expose_secret()
    );
    assert_eq!(
        before.edge_id.expose_secret(),
        after.edge_id.expose_secret()
    );
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_earlier_tools_environment_is_taken_over_with_its_agents_name() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    registrar.register(&order(DEV), None).await.unwrap();
    let number = server.only("dev").await["Id"].as_u64().unwrap();
    // No tags, and bound to an agent of the environment's number that is long gone.
    server
        .set(json!({"Id": number, "TagIds": [], "EdgeID": number.to_string()}))
        .await;
    server.agents.lose(DEV);
    server.pass(600).await;
    mended(&server, &registrar).await;
    assert_eq!(
        server.agents.of(DEV).edge_id.expose_secret(),
        number.to_string()
    );
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_environment_that_another_agent_took_is_set_free() {
    let server = Server::start(VERSION).await;
    // The double's own address is one that Portainer writes anew in the key when it sets an environment free.
    for (agent_url, stays) in [
        ("http://portainer.test:80".to_owned(), true),
        (server.url(), false),
    ] {
        let registrar = server.with(PortainerSettings {
            agent_url,
            ..server.settings()
        });
        let registered = registrar.register(&order(DEV), None).await.unwrap();
        let number = server.only("dev").await["Id"].as_u64().unwrap();
        server.set(json!({"Id": number, "EdgeID": ""})).await;
        assert!(server.agents.poll(number, "somebody").await);
        assert!(
            !server.agents.check_in(DEV).await,
            "its own agent is refused"
        );
        let (fields, trouble) = drift(&registrar, &registered).await;
        assert_eq!((fields, trouble), (vec!["edge id".to_owned()], None));
        server.forget().await;
        let before = dev(&registrar).await.fingerprint;
        let written = registrar
            .register(&order(DEV), Some(&before))
            .await
            .unwrap();
        let freed = "DELETE /api/endpoints/{id}/association".to_owned();
        assert!(server.writes().await.contains(&freed));
        let now = dev(&registrar).await;
        assert_eq!((&now.fingerprint, now.trouble), (&written, None));
        assert_eq!(server.only("dev").await["Id"] == number, stays);
        assert!(server.agents.check_in(DEV).await);
        assert!(!server.agents.poll(number, "somebody").await);
        registrar.deregister(&id(DEV), &written).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_environment_that_was_renamed_gets_its_name_back() {
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let registered = registrar.register(&order(DEV), None).await.unwrap();
    let number = server.only("dev").await["Id"].clone();
    server.set(json!({"Id": number, "Name": "other"})).await;
    assert!(entry(&registrar, &id(DEV)).await.is_none());
    let again = registrar.register(&order(DEV), None).await.unwrap();
    assert_eq!((again, server.named("other").await), (registered, vec![]));
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn group_and_interval_are_kept_where_they_are_asked_for_and_a_persons_tags_always() {
    let server = Server::start(VERSION).await;
    let make = |path: &'static str, body| server.ask(Method::POST, path, Some(body));
    let group = make("/api/endpoint_groups", json!({"Name": "clusters"})).await["Id"].clone();
    let tag = make("/api/tags", json!({"Name": "mine"})).await["ID"].clone();
    let plain = server.registrar();
    let first = plain.register(&order(DEV), None).await.unwrap();
    let environment = server.only("dev").await;
    let mut tags = environment["TagIds"].as_array().unwrap().clone();
    tags.push(tag);
    server
        .set(json!({"Id": environment["Id"], "TagIds": tags}))
        .await;
    assert_eq!(drift(&plain, &first).await, (vec![], None));
    let asking = server.with(PortainerSettings {
        group: Some(PortainerGroup::Name("clusters".to_owned())),
        checkin: Some(9),
        ..server.settings()
    });
    let trouble = dev(&asking).await.trouble.unwrap();
    assert!(
        trouble.contains("group") && trouble.contains("every 9 s"),
        "{trouble}"
    );
    let (fields, _) = drift(&asking, &mended(&server, &asking).await).await;
    assert_eq!(fields, [""; 0]);
    let environment = server.only("dev").await;
    assert_eq!(
        (&environment["GroupId"], &environment["EdgeCheckinInterval"]),
        (&group, &json!(9))
    );
    assert_eq!(environment["TagIds"], json!(tags));
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_agent_that_is_not_heard_of_is_said_and_the_next_attempt_goes_on_from_there() {
    let server = Server::start(VERSION).await;
    server.agents.speak(false);
    let registrar = server.with(PortainerSettings {
        heartbeat: Some(std::time::Duration::from_millis(10)),
        ..server.settings()
    });
    let failed = registrar.register(&order(DEV), None).await.unwrap_err();
    assert_eq!(failed.fault, Fault::Transient);
    assert!(failed.message.contains("did not check in"), "{failed}");
    let trouble = dev(&registrar).await.trouble;
    assert_eq!(trouble.as_deref(), Some("the agent has not checked in"));
    let number = server.only("dev").await["Id"].clone();
    server.agents.speak(true);
    registrar.register(&order(DEV), None).await.unwrap();
    assert_eq!(server.only("dev").await["Id"], number);
    assert_eq!(dev(&registrar).await.trouble, None);

    // That it was heard of before says nothing of the agent that was put there now.
    server.agents.speak(false);
    let known = dev(&registrar).await.fingerprint;
    let failed = registrar.register(&order(DEV), Some(&known)).await;
    assert_eq!(failed.unwrap_err().fault, Fault::Transient);
    server.agents.speak(true);

    // Somebody else was faster, and polls with the key.
    server.agents.intrude(Some("somebody"));
    let failed = registrar.register(&order("k3d/robbed"), None).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.fault, Fault::Permanent);
    assert!(failed.message.starts_with("another agent"), "{failed}");
    server.agents.intrude(None);

    // Nobody waits where nobody asked for it.
    server.agents.speak(false);
    let patient = server.with(PortainerSettings {
        heartbeat: None,
        ..server.settings()
    });
    patient.register(&order("k3d/ops"), None).await.unwrap();
}
