//! The port of the Kubernetes API: from a request to an answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::create::{self, Writer};
use super::delete::{self, Options};
use super::failure::Failure;
use super::faults::Faults;
use super::object::Key;
use super::path::{Query, Target};
use super::requests::Requests;
use super::store::Shared;
use super::update::{self, Patch, Place};
use super::watch::Watch;
use super::{caller, discovery, read};
use crate::http::Site;
use crate::http::message::{Reply, Request, User};

/// Where this runs, in Go's words.
const PLATFORM: &str = if cfg!(target_arch = "aarch64") {
    "linux/arm64"
} else {
    "linux/amd64"
};

/// What Kubernetes says when its store cannot be reached.
const NOT_READY: &str = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

const PATCHES: &str = "application/json-patch+json, application/merge-patch+json, \
                       application/apply-patch+yaml, application/strategic-merge-patch+json";

/// The patches of kinds that somebody defined.
const PATCHES_OF_DEFINED: &str = "application/json-patch+json, application/merge-patch+json, \
                                  application/apply-patch+yaml";

/// The API server of one node.
pub(crate) struct ApiServer {
    version: &'static str,
    ready: bool,
    shared: Shared,
    requests: Mutex<Requests>,
    faults: Mutex<Faults>,
}

impl ApiServer {
    /// Serves what `shared` holds, as this version of Kubernetes.
    pub(crate) fn new(version: &'static str, ready: bool, shared: Shared) -> Self {
        Self {
            version,
            ready,
            shared,
            requests: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    fn try_answer(&self, request: &Request) -> Result<Reply, Failure> {
        let controls = request.path.starts_with("/__");
        if !controls {
            held(&self.requests).count(request);
            if let Some(reply) = held(&self.faults).hit(request) {
                return Ok(reply);
            }
        }
        let (user, may) = {
            let store = self.shared.lock();
            let user = caller::identify(&store, request)?;
            let may = caller::may(&store, &user);
            (user, may)
        };
        if request.path == REVIEWS {
            return match request.method {
                Method::POST => Ok(Reply::json(StatusCode::CREATED, &caller::review(&user))),
                _ => Err(Failure::method_not_allowed()),
            };
        }
        // Whoever is known may ask what there is (`system:discovery`, `system:public-info-viewer`).
        let open = request.method == Method::GET && !controls && self.fixed(request).is_some();
        if !may && !open {
            return Err(forbidden(request, &user));
        }
        if controls {
            return self.control(request);
        }
        match self.fixed(request) {
            Some(reply) if request.method == Method::GET => Ok(reply),
            Some(_) => Err(Failure::method_not_allowed()),
            None => self.objects(request),
        }
    }

    /// What a test asks of the double itself.
    fn control(&self, request: &Request) -> Result<Reply, Failure> {
        let mut requests = held(&self.requests);
        let mut faults = held(&self.faults);
        let document = match (&request.method, request.path.as_str()) {
            (&Method::GET, "/__requests") => requests.document(),
            (&Method::DELETE, "/__requests") => {
                *requests = Requests::default();
                requests.document()
            }
            (&Method::GET, "/__faults") => faults.document(),
            (&Method::POST, "/__faults") => {
                faults.add(&document(&request.body)?)?;
                faults.document()
            }
            (&Method::DELETE, "/__faults") => {
                *faults = Faults::default();
                faults.document()
            }
            _ => return Err(Failure::no_such_path()),
        };
        Ok(Reply::json(StatusCode::OK, &document))
    }

    /// Answers that no object is needed for.
    fn fixed(&self, request: &Request) -> Option<Reply> {
        match request.path.as_str() {
            "/readyz" | "/healthz" if self.ready => Some(Reply::text(StatusCode::OK, "ok")),
            "/readyz" | "/healthz" => {
                Some(Reply::text(StatusCode::INTERNAL_SERVER_ERROR, NOT_READY))
            }
            "/livez" => Some(Reply::text(StatusCode::OK, "ok")),
            "/version" => Some(Reply::json(StatusCode::OK, &version(self.version))),
            path => discovery::answer(path).map(|found| Reply::json(StatusCode::OK, &found)),
        }
    }

    fn objects(&self, request: &Request) -> Result<Reply, Failure> {
        let target = Target::parse(&request.path)?;
        let query = Query::parse(&request.query);
        match (&request.method, &target.name) {
            (&Method::GET, _) if query.flag("watch") => {
                Ok(Watch::parse(&target, &query)?.start(&self.shared))
            }
            (&Method::GET, None) => {
                let list = read::list(&self.shared.lock(), &target, &query)?;
                Ok(Reply::json(StatusCode::OK, &list))
            }
            (&Method::GET, Some(name)) => {
                let found = read::get(&self.shared.lock(), &target, name)?;
                Ok(Reply::json(StatusCode::OK, &found))
            }
            (&Method::DELETE, name) => self.delete(request, &target, name.as_deref(), &query),
            (&Method::POST, None) if !target.is_everywhere() => {
                let body = object(request, &target)?;
                let writer = writer(request, &query);
                let mut store = self.shared.lock();
                let made =
                    create::create(&mut store, writer, target.kind, &target.namespace, body)?;
                Ok(Reply::json(StatusCode::CREATED, &made))
            }
            (&Method::PUT | &Method::PATCH, Some(name)) => {
                self.change(request, &target, name, &query)
            }
            _ => Err(Failure::method_not_allowed()),
        }
    }

    fn change(
        &self,
        request: &Request,
        target: &Target,
        name: &str,
        query: &Query,
    ) -> Result<Reply, Failure> {
        let writer = writer(request, query);
        let place = Place {
            kind: target.kind,
            key: Key::new(target.kind, &target.namespace, name),
            status: target.status,
        };
        let mut store = self.shared.lock();
        if request.method == Method::PUT {
            let body = object(request, target)?;
            let after = update::replace(&mut store, writer, &place, body)?;
            return Ok(Reply::json(StatusCode::OK, &after));
        }
        let sort = match request.content_type.as_str() {
            "application/json-patch+json" => Patch::Json,
            "application/strategic-merge-patch+json" if !target.kind.built_in() => {
                return Err(Failure::unsupported(PATCHES_OF_DEFINED));
            }
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                Patch::Merge
            }
            "application/apply-patch+yaml" => {
                if query.get("fieldManager").is_empty() {
                    return Err(Failure::no_manager());
                }
                let body = yaml(&request.body)?;
                let force = query.flag("force");
                let (after, new) = update::apply(&mut store, writer, &place, body, force)?;
                let status = if new {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                return Ok(Reply::json(status, &after));
            }
            _ => return Err(Failure::unsupported(PATCHES)),
        };
        let body = document(&request.body)?;
        let after = update::patch(&mut store, writer, &place, sort, &body)?;
        Ok(Reply::json(StatusCode::OK, &after))
    }

    fn delete(
        &self,
        request: &Request,
        target: &Target,
        name: Option<&str>,
        query: &Query,
    ) -> Result<Reply, Failure> {
        let body = if request.body.is_empty() {
            Value::Null
        } else {
            document(&request.body)?
        };
        let mut options = Options::parse(&body, query.get("propagationPolicy"));
        options.dry_run |= query.get("dryRun") == "All";
        let mut store = self.shared.lock();
        if let Some(name) = name {
            let key = Key::new(target.kind, &target.namespace, name);
            let after = delete::delete(&mut store, target.kind, &key, &options)?;
            return Ok(Reply::json(StatusCode::OK, &after));
        }
        let list = read::list(&store, target, query)?;
        for item in list["items"].as_array().into_iter().flatten() {
            let namespace = super::object::text(item, "namespace");
            let key = Key::new(target.kind, namespace, super::object::name(item));
            delete::delete(&mut store, target.kind, &key, &options)?;
        }
        Ok(Reply::json(StatusCode::OK, &list))
    }
}

impl Site for ApiServer {
    fn answer(&self, request: &Request) -> Reply {
        self.try_answer(request)
            .unwrap_or_else(|failure| failure.reply())
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn writer<'a>(request: &'a Request, query: &'a Query) -> Writer<'a> {
    let named = query.get("fieldManager");
    let agent = request.user_agent.split('/').next().unwrap_or_default();
    let manager = match (named, agent) {
        ("", "") => "unknown",
        ("", agent) => agent,
        (named, _) => named,
    };
    Writer {
        manager,
        dry_run: query.get("dryRun") == "All",
    }
}

fn document(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::bad_request(&error.to_string()))
}

/// An object as it is written. Of built-in kinds it need not say what it is.
fn object(request: &Request, target: &Target) -> Result<Value, Failure> {
    let object = document(&request.body)?;
    if !target.kind.built_in() && object["kind"].is_null() {
        let title = target.kind.title;
        return Err(Failure::bad_request(&format!(
            "the object provided is unrecognized (must be of type {title}): Object 'Kind' is missing"
        )));
    }
    Ok(object)
}

/// JSON is YAML, and the quicker read.
fn yaml(body: &[u8]) -> Result<Value, Failure> {
    document(body).or_else(|_| {
        serde_saphyr::from_slice(body)
            .map_err(|error| Failure::bad_request(&format!("error decoding YAML: {error}")))
    })
}

fn forbidden(request: &Request, user: &User) -> Failure {
    let verb = match request.method {
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "use",
    };
    let user = &user.name;
    let Ok(target) = Target::parse(&request.path) else {
        let path = &request.path;
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        return Failure::forbidden(message);
    };
    let name = target.name.as_deref();
    let verb = if verb == "get" && name.is_none() {
        "list"
    } else {
        verb
    };
    let why = format!(
        "User \"{user}\" cannot {verb} resource \"{}\" in API group \"{}\" {}",
        target.kind.plural,
        target.kind.group,
        target.scope()
    );
    match name {
        Some(name) => Failure::forbidden_object(target.kind, name, &why),
        None => Failure::forbidden_list(target.kind, &why),
    }
}

fn version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    json!({
        "major": numbers.next().unwrap_or("1"),
        "minor": numbers.next().unwrap_or("0"),
        "gitVersion": version,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.24.6",
        "compiler": "gc",
        "platform": PLATFORM,
    })
}
