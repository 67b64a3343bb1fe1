//! Agents of a real API server that poll a small listener.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::agent::POLL;
use crate::apiserver::create::{Writer, create};
use crate::apiserver::delete::{Options, delete};
use crate::apiserver::kind::{DEPLOYMENT, Kind, NAMESPACE, SECRET};
use crate::apiserver::object::Key;
use crate::apiserver::update::{Patch, Place, patch};
use crate::http::tls::Acceptor;
use crate::loopback::Loopback;

const EDGE: &str = "portainer-edge";
const AGENT: &str = "portainer-edge-agent";
const CREDENTIALS: &str = "portainer-edge-creds";

/// How long a poll may take to come.
const PATIENCE: Duration = Duration::from_secs(15);

/// What stands for Portainer: what it was asked, header names in small letters.
struct Listener {
    address: SocketAddr,
    polls: UnboundedReceiver<String>,
}

impl Listener {
    async fn start(tls: Option<Acceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, polls) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let asked = match &tls {
                    None => answer(stream).await,
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok((stream, _)) => answer(stream).await,
                        Err(_) => "refused".to_owned(),
                    },
                };
                if sender.send(asked).is_err() {
                    return;
                }
            }
        });
        Self { address, polls }
    }

    async fn next(&mut self) -> String {
        let next = tokio::time::timeout(PATIENCE, self.polls.recv());
        next.await.unwrap().unwrap()
    }

    /// Waits for a poll that says this.
    async fn said(&mut self, text: &str) -> String {
        for _ in 0..20 {
            let poll = self.next().await;
            if poll.contains(text) {
                return poll;
            }
        }
        String::new()
    }

    /// Whether nobody asks any more, once what is under way is over.
    async fn is_quiet(&mut self) -> bool {
        tokio::time::sleep(POLL).await;
        while self.polls.try_recv().is_ok() {}
        tokio::time::sleep(4 * POLL).await;
        self.polls.try_recv().is_err()
    }
}

/// Reads a request, and answers it as Portainer answers the one whose answer is known.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => asked.push(byte),
            Err(_) => return "broken off".to_owned(),
        }
    }
    let asked = String::from_utf8(asked).unwrap().to_lowercase();
    let known = asked.contains("if-none-match: tag");
    let reply = if known {
        "HTTP/1.1 304 Not Modified\r\nETag: tag\r\n\r\n"
    } else {
        "HTTP/1.1 200 OK\r\nETag: tag\r\nContent-Length: 2\r\n\r\n{}"
    };
    let _gone = stream.write_all(reply.as_bytes()).await;
    asked
}

fn key(url: &str, environment: u64) -> String {
    STANDARD_NO_PAD.encode(format!("{url}|p:8000|aa:bb|{environment}"))
}

fn credentials(id: &str, key: &str) -> Value {
    let data = json!({"edge-id": STANDARD.encode(id), "edge-key": STANDARD.encode(key)});
    json!({"metadata": {"name": CREDENTIALS}, "data": data})
}

/// As rollcall applies it, with more variables.
fn deployment(more: &[Value]) -> Value {
    let secret = |key: &str| json!({"secretKeyRef": {"name": CREDENTIALS, "key": key}});
    let mut env = vec![
        json!({"name": "EDGE", "value": "1"}),
        json!({"name": "EDGE_ID", "valueFrom": secret("edge-id")}),
        json!({"name": "EDGE_KEY", "valueFrom": secret("edge-key")}),
        json!({"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
    ];
    env.extend(more.iter().cloned());
    json!({
        "metadata": {"name": AGENT},
        "spec": {
            "selector": {"matchLabels": {"app": AGENT}},
            "template": {
                "metadata": {"labels": {"app": AGENT}, "annotations": {"credentials": "1"}},
                "spec": {"containers": [
                    {"name": "agent", "image": "registry:5000/portainer/agent:2.33.2", "env": env},
                ]},
            },
        },
    })
}

fn make(cluster: &Loopback, kind: &Kind, document: Value) {
    let mut store = cluster.shared.lock();
    create(&mut store, Writer::named("test"), kind, EDGE, document).unwrap();
}

fn edit(cluster: &Loopback, kind: &'static Kind, name: &str, change: &Value) {
    let place = Place::new(kind, EDGE, name);
    let mut store = cluster.shared.lock();
    let writer = Writer::named("test");
    patch(&mut store, writer, &place, Patch::Merge, change).unwrap();
}

fn remove(cluster: &Loopback, name: &str) {
    let key = Key::new(&DEPLOYMENT, EDGE, name);
    let mut store = cluster.shared.lock();
    delete(&mut store, &DEPLOYMENT, &key, &Options::default()).unwrap();
}

/// A cluster whose agent polls there for environment 7.
async fn polling(url: &str, more: &[Value]) -> Loopback {
    let cluster = Loopback::start().await;
    make(&cluster, &NAMESPACE, json!({"metadata": {"name": EDGE}}));
    make(&cluster, &SECRET, credentials("the-name", &key(url, 7)));
    make(&cluster, &DEPLOYMENT, deployment(more));
    cluster
}

#[tokio::test]
async fn an_agent_says_who_it_is_and_what_it_knows_already() {
    let mut listener = Listener::start(None).await;
    let url = format!("http://localhost:{}", listener.address.port());
    let _cluster = polling(&url, &[]).await;
    let first = listener.next().await;
    for said in [
        "get /api/endpoints/7/edge/status http/1.1\r\n",
        "x-portaineragent-edgeid: the-name\r\n",
        "portainer-agent: 2.33.2\r\n",
        "portainer-agent-platform: 2\r\n",
    ] {
        assert!(first.contains(said), "{said}: {first}");
    }
    assert!(!first.contains("if-none-match"), "{first}");
    for _ in 0..2 {
        let next = listener.next().await;
        assert!(next.contains("if-none-match: tag\r\n"), "{next}");
    }
}

#[tokio::test]
async fn another_secret_reaches_an_agent_with_the_next_template() {
    let mut listener = Listener::start(None).await;
    let url = format!("http://{}", listener.address);
    let cluster = polling(&url, &[]).await;
    listener.next().await;
    edit(
        &cluster,
        &SECRET,
        CREDENTIALS,
        &credentials("new", &key(&url, 8)),
    );
    edit(
        &cluster,
        &DEPLOYMENT,
        AGENT,
        &json!({"metadata": {"labels": {"a": "b"}}}),
    );
    for _ in 0..3 {
        let poll = listener.next().await;
        assert!(poll.contains("/7/") && poll.contains("the-name"), "{poll}");
    }
    let annotations = json!({"annotations": {"credentials": "2"}});
    let change = json!({"spec": {"template": {"metadata": annotations}}});
    edit(&cluster, &DEPLOYMENT, AGENT, &change);
    let poll = listener.said("/8/").await;
    assert!(poll.contains("edgeid: new"), "{poll}");
    assert!(!poll.contains("if-none-match"), "it begins anew: {poll}");
}

#[tokio::test]
async fn an_agent_goes_with_its_deployment_or_its_replicas_and_waits_for_its_secret() {
    let mut listener = Listener::start(None).await;
    let url = format!("http://{}", listener.address);
    let cluster = polling(&url, &[]).await;
    listener.next().await;
    edit(
        &cluster,
        &DEPLOYMENT,
        AGENT,
        &json!({"spec": {"replicas": 0}}),
    );
    assert!(listener.is_quiet().await);
    edit(
        &cluster,
        &DEPLOYMENT,
        AGENT,
        &json!({"spec": {"replicas": 1}}),
    );
    listener.next().await;
    remove(&cluster, AGENT);
    assert!(listener.is_quiet().await);

    let mut other = deployment(&[]);
    other["metadata"]["name"] = json!("other");
    other["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = json!("0");
    make(&cluster, &DEPLOYMENT, other);
    assert!(listener.is_quiet().await, "it is no edge agent");

    let key_of = Key::new(&SECRET, EDGE, CREDENTIALS);
    delete(
        &mut cluster.shared.lock(),
        &SECRET,
        &key_of,
        &Options::default(),
    )
    .unwrap();
    make(&cluster, &DEPLOYMENT, deployment(&[]));
    assert!(listener.is_quiet().await, "it has no credentials");
    make(&cluster, &SECRET, credentials("late", &key(&url, 9)));
    let poll = listener.said("/9/").await;
    assert!(poll.contains("edgeid: late"), "{poll}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_taken_only_where_it_is_said() {
    let server = Loopback::start().await;
    let acceptor = || {
        let names = ["localhost".to_owned()];
        let identity = server.authority.server(&names).unwrap();
        Acceptor::new(&server.authority, identity).unwrap()
    };
    let mut listener = Listener::start(Some(acceptor())).await;
    let url = format!("https://localhost:{}", listener.address.port());
    let cluster = polling(&url, &[]).await;
    for _ in 0..2 {
        // With TLS 1.3 the server may be done before the client refuses.
        let poll = listener.next().await;
        assert!(poll == "refused" || poll == "broken off", "{poll}");
    }
    remove(&cluster, AGENT);
    let insecure = json!({"name": "EDGE_INSECURE_POLL", "value": "1"});
    make(&cluster, &DEPLOYMENT, deployment(&[insecure]));
    let poll = listener.said("edge/status").await;
    assert!(poll.contains("edgeid: the-name"), "{poll}");
}
