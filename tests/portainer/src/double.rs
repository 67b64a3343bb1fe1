//! From a request to an answer: what is asked of tests' own paths, what tests have broken, who is
//! let in, and the rest to the API.

use tokio::sync::Mutex;

use crate::api::call::Call;
use crate::api::endpoints;
use crate::api::routes::{Access, Action, Found, Route, Routes};
use crate::clock::Clock;
use crate::control;
use crate::control::faults::{Effect, Faults, Moment};
use crate::control::requests::Requests;
use crate::error::Error;
use crate::guard::csrf::Csrf;
use crate::guard::jwt::Signer;
use crate::guard::limiter::Limiter;
use crate::guard::{bouncer, password};
use crate::http::reply::{Answer, Failure, Reply};
use crate::http::request::Request;
use crate::options::Options;
use crate::store::Database;
use crate::store::records::{Settings, User};
use hyper::StatusCode;
use hyper::header::HeaderName;

/// The paths that are answered even when nobody became administrator in time
/// (P `api/adminmonitor/admin_monitor.go:108-118`: the whole request line, with its query).
const WITHOUT_ADMIN: [&str; 2] = ["/api/status", "/api/settings/public"];

/// One Portainer server: one process of it.
pub(crate) struct Double {
    options: Options,
    clock: Clock,
    started: i64,
    signer: Signer,
    csrf: Csrf,
    routes: Routes,
    inner: Mutex<Inner>,
}

/// What one request at a time may change.
pub(crate) struct Inner {
    /// The records.
    pub(crate) database: Database,
    /// The logins of the last second.
    pub(crate) limiter: Limiter,
    /// What tests have broken.
    pub(crate) faults: Faults,
    /// What was asked for.
    pub(crate) requests: Requests,
}

impl Double {
    /// Starts with what is kept in the data folder, or anew.
    pub(crate) fn open(options: Options, clock: Clock) -> Result<Self, Error> {
        let mut database = Database::open(&options.data, Settings::new(options.checkin))?;
        clock.advance(database.kept().clock_ahead);
        if let Some(path) = &options.admin_password_file {
            let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
            make_admin(&mut database, text.trim_end_matches('\n'))?;
        }
        Ok(Self {
            started: clock.now(),
            signer: Signer::new()?,
            csrf: Csrf::new()?,
            routes: Routes::of(options.version),
            inner: Mutex::new(Inner {
                database,
                limiter: Limiter::new(options.auth_limit),
                faults: Faults::default(),
                requests: Requests::default(),
            }),
            clock,
            options,
        })
    }

    /// How it plays.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Its time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What signs its tokens.
    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What changes.
    pub(crate) fn inner(&self) -> &Mutex<Inner> {
        &self.inner
    }

    /// Answers a request, or never does if a test wants that.
    pub(crate) async fn answer(&self, request: &Request) -> Reply {
        if request.path().starts_with(control::PREFIX) {
            return control::answer(self, request)
                .await
                .unwrap_or_else(Reply::from);
        }
        let found = self.routes.find(&request.method, request.path());
        let Some((moment, effect)) = self.note(request, &found).await else {
            return self.played(request, found).await;
        };
        if moment == Moment::After {
            let _lost = self.played(request, found).await;
        }
        match effect {
            Effect::Reply(reply) => reply,
            Effect::Silence => std::future::pending().await,
        }
    }

    /// Answers as Portainer does.
    async fn played(&self, request: &Request, found: Found<'_>) -> Reply {
        let pass = match self.csrf.check(request, &self.options) {
            Ok(pass) => pass,
            Err(refusal) => return refusal.into(),
        };
        let reply = if self.is_given_up(request).await {
            admin_timeout()
        } else {
            self.routed(request, found).await
        };
        self.csrf.decorate(&pass, reply)
    }

    /// Counts the request and looks for a fault that meets it.
    async fn note(&self, request: &Request, found: &Found<'_>) -> Option<(Moment, Effect)> {
        let mut inner = self.inner.lock().await;
        inner.requests.count(request, found.pattern());
        inner.faults.meet(request)
    }

    /// Five minutes without an administrator, and everything is refused until a restart.
    async fn is_given_up(&self, request: &Request) -> bool {
        let whole = request.uri.to_string();
        let late = self.clock.now() - self.started > self.options.admin_timeout;
        if !late || !whole.starts_with("/api") || WITHOUT_ADMIN.contains(&whole.as_str()) {
            return false;
        }
        self.inner.lock().await.database.kept().users.is_empty()
    }

    async fn routed(&self, request: &Request, found: Found<'_>) -> Reply {
        let answer = match found {
            Found::Route(route, ids) => self.act(request, route, ids).await,
            Found::OtherMethod(_) => Ok(Reply::bare(StatusCode::METHOD_NOT_ALLOWED)),
            Found::Nothing => Ok(Reply::text(StatusCode::NOT_FOUND, "404 page not found")),
        };
        answer.unwrap_or_else(Reply::from)
    }

    async fn act(&self, request: &Request, route: &Route, ids: Vec<&str>) -> Answer {
        let mut inner = self.inner.lock().await;
        let caller = match route.access {
            Access::Public => None,
            Access::Administrator => Some(bouncer::authenticate(
                request,
                &mut inner.database,
                &self.signer,
                self.clock.now(),
            )?),
        };
        let answer = match route.action {
            Action::Quick(handler) => handler(&mut Call {
                double: self,
                inner: &mut inner,
                request,
                ids,
                caller,
            }),
            Action::Create => {
                drop(inner);
                let answer = endpoints::create::create(self, request).await;
                inner = self.inner.lock().await;
                answer
            }
            Action::Snapshot => {
                drop(inner);
                let answer = endpoints::snapshot::snapshot(self, &ids).await;
                inner = self.inner.lock().await;
                answer
            }
        };
        // Refused requests leave traces too: a used-up number, a heartbeat.
        inner.database.save()?;
        answer
    }
}

/// The answer to everything once nobody became administrator in time. There is no Location.
pub(crate) fn admin_timeout() -> Reply {
    let reply: Reply = Failure::new(
        StatusCode::SEE_OTHER,
        "Administrator initialization timeout",
    )
    .into();
    reply.with(
        HeaderName::from_static("redirect-reason"),
        "AdminInitTimeout",
    )
}

/// The administrator of `--admin-password-file`: only if there is none, and however short the
/// password is.
fn make_admin(database: &mut Database, text: &str) -> Result<(), Error> {
    let kept = database.kept_mut();
    if kept.users.is_empty() {
        let user = User {
            id: kept.next_id("users"),
            name: "admin".to_owned(),
            password: password::hash(text)?,
            tokens_since: 0,
        };
        kept.users.push(user);
        database.save()?;
    }
    Ok(())
}
