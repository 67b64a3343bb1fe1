//! A Portainer that is silent, refuses, or is none: unknown, with a way out, and without logging in again and again.

use std::time::Duration;

use rollcall::model::UnseenKind;
use rollcall::registrar::{
    Fault, Portainer, PortainerCredentials, PortainerSettings, Registrar as _,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::agents::order;
use crate::server::{PASSWORD, Server, VERSION, VERSIONS, id, seen, unseen};

const DEV: &str = "k3d/dev";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

/// What is said of a Portainer that cannot be seen: never a secret.
async fn said(server: &Server, registrar: &Portainer, deadline: Duration) -> String {
    let unseen = unseen(registrar, deadline).await;
    assert_eq!(
        (unseen.source.as_str(), unseen.kind),
        ("portainer", UnseenKind::Silent)
    );
    let said = format!("{} ({})", unseen.error, unseen.hint.unwrap());
    for secret in [PASSWORD, &server.key, "eyJ"] {
        assert!(!said.contains(secret), "{said}");
    }
    said
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_portainer_that_makes_no_sense_is_unknown_and_never_empty() {
    let html = "<html>welcome</html>";
    let faults = [
        (
            json!({"canned": "admin-timeout"}),
            "administrator",
            Fault::Permanent,
        ),
        (json!({"canned": "ban"}), "Access denied", Fault::Permanent),
        (json!({"canned": "500"}), "500", Fault::Transient),
        (json!({"canned": "html-503"}), "proxy", Fault::Transient),
        (
            json!({"status": 200, "body": html, "content_type": "text/html"}),
            "not Portainer's",
            Fault::Permanent,
        ),
        (
            json!({"status": 200, "body": "{}"}),
            "not Portainer's",
            Fault::Permanent,
        ),
        (
            json!({"status": 200, "body": "[{\"Id\": \"x\"}]"}),
            "not Portainer's",
            Fault::Permanent,
        ),
        (json!({"status": 302}), "redirect", Fault::Permanent),
        (
            json!({"status": 403, "body": "Forbidden - origin invalid", "content_type": "text/plain"}),
            "403",
            Fault::Permanent,
        ),
        (
            json!({"status": 404, "body": "404 page not found", "content_type": "text/plain"}),
            "404",
            Fault::Permanent,
        ),
        (json!({"status": 429}), "429", Fault::Transient),
    ];
    let server = Server::start(VERSION).await;
    let registrar = server.registrar();
    let registered = registrar.register(&order(DEV), None).await.unwrap();
    let before = server.state("endpoints").await;
    for path in ["/api/system", "/api/tags", "/api/endpoints"] {
        for (fault, words, kind) in &faults {
            let mut fault = fault.clone();
            fault["path_prefix"] = json!(path);
            server.fault(fault.clone()).await;
            let said = said(&server, &registrar, LONG).await;
            assert!(said.contains(words), "{fault}: {said}");
            let failed = registrar.register(&order(DEV), Some(&registered)).await;
            assert_eq!(failed.unwrap_err().fault, *kind, "{fault}");
            let failed = registrar.deregister(&id(DEV), &registered).await;
            assert_eq!(failed.unwrap_err().fault, *kind, "{fault}");
            server.mend().await;
        }
    }
    assert_eq!(server.state("endpoints").await.len(), before.len());
    assert_eq!(
        seen(&registrar).await.entries[&id(DEV)].fingerprint,
        registered
    );
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn silence_is_unknown() {
    let mut server = Server::start(VERSION).await;
    let registrar = server.registrar();
    server
        .fault(json!({"path_prefix": "/api/endpoints", "canned": "hang"}))
        .await;
    let hung = said(&server, &registrar, SHORT).await;
    assert!(hung.contains("no answer within"), "{hung}");
    server.stop();
    let refused = said(&server, &registrar, LONG).await;
    assert!(refused.to_lowercase().contains("refused"), "{refused}");
    server.restart();
    assert!(seen(&registrar).await.installed);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_login_is_made_once_and_once_again_after_a_restart() {
    for version in VERSIONS {
        let mut server = Server::start(version).await;
        let registrar = server.logging_in(PASSWORD);
        let registered = registrar.register(&order(DEV), None).await.unwrap();
        seen(&registrar).await;
        assert_eq!(server.logins().await, 1, "{version}");
        server.restart();
        for _ in 0..3 {
            assert_eq!(
                seen(&registrar).await.entries[&id(DEV)].fingerprint,
                registered
            );
        }
        assert_eq!(server.logins().await, 1, "{version}: since the restart");
        server.restart();
        // Many at once are one login too.
        let looks = (0..8).map(|_| seen(&registrar));
        futures_util::future::join_all(looks).await;
        assert_eq!(
            server.logins().await,
            1,
            "{version}: since the second restart"
        );
        registrar.deregister(&id(DEV), &registered).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_login_that_is_refused_is_not_tried_again() {
    let server = Server::start(VERSION).await;
    let registrar = server.logging_in("a wrong one");
    for _ in 0..4 {
        let said = said(&server, &registrar, LONG).await;
        assert!(
            said.contains("Invalid credentials") && !said.contains("a wrong one"),
            "{said}"
        );
        let failed = registrar.register(&order(DEV), None).await.unwrap_err();
        assert_eq!(failed.fault, Fault::Permanent);
    }
    assert_eq!(server.logins().await, 1);

    let registrar = server.logging_in(PASSWORD);
    server
        .fault(json!({"path_prefix": "/api/auth", "canned": "ban"}))
        .await;
    server.forget().await;
    for _ in 0..4 {
        let said = said(&server, &registrar, LONG).await;
        assert!(said.contains("an hour"), "{said}");
    }
    assert_eq!(server.logins().await, 1);

    // A login that nobody accepts is none.
    let registrar = server.logging_in(PASSWORD);
    server.mend().await;
    server
        .fault(json!({"path_prefix": "/api/tags", "status": 401, "body": "{}"}))
        .await;
    server.forget().await;
    for _ in 0..4 {
        said(&server, &registrar, LONG).await;
    }
    assert_eq!(server.logins().await, 2);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_login_that_was_not_answered_is_tried_again_the_next_time() {
    let server = Server::start(VERSION).await;
    let registrar = server.logging_in(PASSWORD);
    server
        .fault(json!({"path_prefix": "/api/auth", "canned": "html-503"}))
        .await;
    said(&server, &registrar, LONG).await;
    server.mend().await;
    assert!(seen(&registrar).await.installed);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_key_that_is_not_accepted_is_said_and_no_login_is_made_of_it() {
    let server = Server::start(VERSION).await;
    let registrar = server.with(PortainerSettings {
        credentials: PortainerCredentials::ApiKey(SecretString::from("ptr_wrong")),
        ..server.settings()
    });
    let said = said(&server, &registrar, LONG).await;
    assert!(
        said.contains("API key") && !said.contains("ptr_wrong"),
        "{said}"
    );
    assert_eq!(server.logins().await, 0);
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn a_certificate_is_verified_unless_somebody_says_otherwise() {
    let server = Server::start(VERSION).await;
    let with = |change: &dyn Fn(&mut PortainerSettings)| {
        let mut settings = server.settings();
        settings.url = server.secure_url();
        change(&mut settings);
        server.with(settings)
    };
    let strict = said(&server, &with(&|_| {}), LONG).await;
    assert!(strict.contains("ertificate"), "{strict}");
    assert!(
        seen(&with(&|settings| settings.insecure_skip_verify = true))
            .await
            .installed
    );
    let own = |settings: &mut PortainerSettings| settings.ca_file = Some(server.certificate());
    assert!(seen(&with(&own)).await.installed);
    let nowhere = |settings: &mut PortainerSettings| settings.ca_file = Some("/nowhere.pem".into());
    let unreadable = said(&server, &with(&nowhere), LONG).await;
    assert!(unreadable.contains("/nowhere.pem"), "{unreadable}");
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_agent_takes_every_certificate_only_where_nobody_vouches_for_portainers() {
    let server = Server::start(VERSION).await;
    for (agent_url, insecure, expected) in [
        ("https://portainer.test", true, true),
        ("https://portainer.test", false, false),
        ("http://portainer.test", true, false),
    ] {
        let registrar = server.with(PortainerSettings {
            agent_url: agent_url.to_owned(),
            insecure_skip_verify: insecure,
            ..server.settings()
        });
        let written = registrar.register(&order(DEV), None).await.unwrap();
        assert_eq!(server.agents.of(DEV).insecure_poll, expected, "{agent_url}");
        registrar.deregister(&id(DEV), &written).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn an_address_that_no_agent_can_use_is_said() {
    let server = Server::start(VERSION).await;
    for agent_url in ["http://localhost:9000", "http://"] {
        let registrar = server.with(PortainerSettings {
            agent_url: agent_url.to_owned(),
            ..server.settings()
        });
        let failed = registrar.register(&order(DEV), None).await.unwrap_err();
        assert_eq!(failed.fault, Fault::Permanent);
        assert!(failed.hint.unwrap().contains("agent_url"));
    }
    for url in [
        "portainer:9000",
        "http://admin:secret@127.0.0.1:9000",
        "unix:///run/p",
    ] {
        let registrar = server.with(PortainerSettings {
            url: url.to_owned(),
            ..server.settings()
        });
        let said = said(&server, &registrar, LONG).await;
        assert!(
            said.contains("portainer.url") && !said.contains("secret"),
            "{said}"
        );
    }
    assert_eq!(server.named("dev").await, [Value::Null; 0]);
    assert_eq!(server.agents.deployed(), 0);
}
