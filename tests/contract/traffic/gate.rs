//! A server on a free port of this host that every request of a registrar goes through.
//!
//! The first part of a path says who is meant. Who is meant answers (and it is recorded), or the recording does, or
//! nobody, or somebody talks nonsense.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::redact::Redact;
use super::tape::{Exchange, Question, Tape, Traffic};
use super::upstream::{Upstream, speak_tls};
use super::wire::{Reply, Request};

/// What makes no sense as an answer of any API: status, sort, body.
const NONSENSE: [(u16, &str, &str); 7] = [
    (200, "text/html", "<html>welcome</html>"),
    (200, "application/json", "{}"),
    (200, "application/json", "null"),
    (200, "application/json", "[1, \"two\"]"),
    (200, "application/json", "{\"items\": [{\"metadata\": "),
    (302, "text/html", "<html>elsewhere</html>"),
    (500, "text/plain", "a page of a proxy"),
];

/// Who answers.
enum Answers {
    /// Who is meant.
    Live(BTreeMap<String, Arc<Upstream>>),
    /// The recording.
    Recorded(Tape),
    /// Nobody, ever.
    Nobody,
    /// Somebody says this.
    Nonsense(usize),
}

struct Shared {
    traffic: Traffic,
    answers: Mutex<Answers>,
    /// One for all: another life's token is another one.
    redact: Redact,
    /// What was asked and answered.
    exchanges: Mutex<Vec<Exchange>>,
    /// What was asked and must not have been.
    wrong: Mutex<Vec<String>>,
}

/// The gate. It closes with the test.
pub(crate) struct Gate {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Gate {
    /// Opens it; these are meant where nothing is played back.
    pub(crate) async fn open(traffic: Traffic, upstreams: Vec<(&str, Upstream)>) -> Self {
        speak_tls();
        let upstreams = upstreams.into_iter();
        let upstreams = upstreams.map(|(name, one)| (name.to_owned(), Arc::new(one)));
        let answers = if traffic.live {
            Answers::Live(upstreams.collect())
        } else {
            Answers::Recorded(Tape::new(traffic.read()))
        };
        let shared = Arc::new(Shared {
            traffic,
            answers: Mutex::new(answers),
            redact: Redact::default(),
            exchanges: Mutex::default(),
            wrong: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            serving,
        }
    }

    /// Where requests for this one go.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// From now on another one is meant.
    pub(crate) fn point(&self, name: &str, upstream: Upstream) {
        if let Answers::Live(all) = &mut *self.shared.answers.lock().unwrap() {
            all.insert(name.to_owned(), Arc::new(upstream));
        }
    }

    /// Nobody listens any more.
    pub(crate) async fn close(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }

    /// Nobody answers any more.
    pub(crate) fn fall_silent(&self) {
        *self.shared.answers.lock().unwrap() = Answers::Nobody;
    }

    /// Somebody else answers. False: there is no such nonsense.
    pub(crate) fn talk(&self, nonsense: usize) -> bool {
        *self.shared.answers.lock().unwrap() = Answers::Nonsense(nonsense);
        nonsense < NONSENSE.len()
    }

    /// How often what was asked, whatever its body.
    pub(crate) fn asked(&self) -> BTreeMap<String, u64> {
        let mut asked = BTreeMap::new();
        for exchange in self.shared.exchanges.lock().unwrap().iter() {
            *asked.entry(exchange.question.ask.clone()).or_insert(0) += 1;
        }
        asked
    }

    /// Fails unless everything was asked that was recorded, and nothing else; or records it.
    pub(crate) fn end(&self) {
        let wrong = self.shared.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let (answers, traffic) = (self.shared.answers.lock().unwrap(), &self.shared.traffic);
        match &*answers {
            Answers::Recorded(tape) => {
                assert_eq!(tape.next(), None, "{traffic:?}: it was not asked again");
            }
            Answers::Live(_) => traffic.write(&self.shared.exchanges.lock().unwrap()),
            Answers::Nobody | Answers::Nonsense(_) => {}
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // A request that was accepted ends with the gate, too.
    let mut open = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        open.spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    // Who goes away is not answered.
    let Ok(request) = Request::read(&mut stream).await else {
        return;
    };
    let reply = shared.answer(&request).await;
    let _ = reply.write(&mut stream).await;
}

impl Shared {
    async fn answer(&self, request: &Request) -> Reply {
        let question = Question::of(request);
        let Some((upstream, path)) = self.meant(request) else {
            return self.instead(&question).await;
        };
        let (status, answer) = upstream.ask(request, &path, &self.redact).await;
        let reply = Reply::of(status, &answer);
        let exchange = Exchange::new(question, status, answer);
        self.exchanges.lock().unwrap().push(exchange);
        reply
    }

    /// Who is meant, and the path there; `None`: nobody really answers.
    fn meant(&self, request: &Request) -> Option<(Arc<Upstream>, String)> {
        let Answers::Live(all) = &*self.answers.lock().unwrap() else {
            return None;
        };
        let path = request.path.trim_start_matches('/');
        let (name, path) = path.split_once('/').unwrap_or((path, ""));
        Some((Arc::clone(&all[name]), format!("/{path}")))
    }

    async fn instead(&self, question: &Question) -> Reply {
        let reply = match &mut *self.answers.lock().unwrap() {
            Answers::Recorded(tape) => Some(tape.play(question).map_or_else(
                || self.was_not_recorded(question, tape),
                |exchange| Reply::of(exchange.status, &exchange.answer),
            )),
            Answers::Nonsense(sort) => {
                let (status, sort, body) = NONSENSE[*sort];
                let body = body.as_bytes().to_vec();
                Some(Reply { status, sort, body })
            }
            Answers::Live(_) | Answers::Nobody => None,
        };
        match reply {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }

    fn was_not_recorded(&self, question: &Question, tape: &Tape) -> Reply {
        let (traffic, next) = (&self.traffic, tape.next());
        let wrong = format!(
            "{traffic:?}: {question:?} was not recorded here, where {next:?} comes next; if that is as it should be, \
             record anew: TESTING.md, recorded traffic"
        );
        self.wrong.lock().unwrap().push(wrong);
        Reply::of(418, &json!({"message": "not recorded"}))
    }
}
