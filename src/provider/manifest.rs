//! Manifests: what a file of Kubernetes objects says, put into a cluster, and seen working there.
//!
//! In: files as people write them for `kubectl apply`. Out: the objects are there, by server-side apply, and what has to
//! come up is up; or an error that names the file, the object and the way out.
//! Must not: put the contents of an object into an error or a log.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, Status};
use kube::discovery::{ApiCapabilities, Scope};
use kube::{Client, Error, discovery};
use serde_json::Value;

use super::rollout::{Progress, progress};
use super::{ApiAddress, Busy, Fault, ProviderError, StepLog, api};
use crate::model::one_line;

/// Under this name the API keeps which fields are ours.
const MANAGER: &str = "rollcall-after-create";
/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// How often something is tried again, or looked at, that has to come up first.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a kind may take to be known after its definition was applied, or a webhook to answer: in tries.
const TRIES: usize = 60;
/// What is applied before everything else, whatever the order in the files.
const FIRST: [&str; 2] = ["Namespace", "CustomResourceDefinition"];

/// One object of a file.
#[derive(Debug, Clone)]
struct Object {
    file: PathBuf,
    kind: GroupVersionKind,
    namespace: Option<String>,
    name: String,
    content: Value,
}

impl Object {
    /// `Deployment ingress-nginx/controller`.
    fn shown(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind.kind, self.name),
            None => format!("{} {}", self.kind.kind, self.name),
        }
    }
}

/// The objects of some files, read and understood.
#[derive(Debug, Clone)]
pub struct Manifests(Vec<Object>);

impl Manifests {
    /// Reads them. Nothing is asked of a cluster.
    pub fn read(files: &[PathBuf]) -> Result<Self, ProviderError> {
        let mut all = Vec::new();
        for file in files {
            all.extend(objects(file)?);
        }
        all.sort_by_key(|object| {
            let place = FIRST.iter().position(|kind| *kind == object.kind.kind);
            place.unwrap_or(FIRST.len())
        });
        Ok(Self(all))
    }

    /// Applies them all and, if that is `wanted`, waits until what has to come up is up.
    pub async fn apply(
        &self,
        address: &ApiAddress,
        wanted: Wait,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let client = api::client(address, Busy::Retry).await;
        let client = client.map_err(|why| ProviderError::new(Fault::Permanent, why))?;
        let doing = Mutex::new(String::from("connect"));
        let say = |what: String| {
            if let Ok(mut doing) = doing.lock() {
                *doing = what;
            }
        };
        let work = async {
            let mut applied = Vec::with_capacity(self.0.len());
            for object in &self.0 {
                say(format!("apply {}", object.shown()));
                applied.push(apply(&client, object, log).await?);
            }
            for (object, api) in self.0.iter().zip(applied) {
                if wanted == Wait::UntilUp {
                    up(&api, object, log, &say).await?;
                }
            }
            Ok(())
        };
        let ended = tokio::time::timeout(deadline, Box::pin(work)).await;
        ended.unwrap_or_else(|_| {
            let doing = doing.lock().map(|text| text.clone()).unwrap_or_default();
            let message = format!("not done within {} s: {doing}", deadline.as_secs());
            Err(ProviderError::new(Fault::Deadline, message))
        })
    }
}

/// Whether what was applied is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wait {
    /// Until workloads are available, jobs complete, and definitions established.
    #[default]
    UntilUp,
    /// Not at all.
    No,
}

/// What one file says. Lists are taken apart; empty documents are none.
fn objects(file: &Path) -> Result<Vec<Object>, ProviderError> {
    let wrong = |what: &str| {
        let message = format!("the manifest {} {what}", file.display());
        ProviderError::new(Fault::Permanent, message)
            .hint("mend the file, or the after_create of the configuration that names it")
    };
    let unread = |error: &std::io::Error| wrong(&format!("cannot be read: {error}"));
    let about = fs::metadata(file).map_err(|error| unread(&error))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(wrong("is no file of at most 64 MiB"));
    }
    let text = fs::read_to_string(file).map_err(|error| unread(&error))?;
    // `n` is a name here, and no boolean.
    let options = serde_saphyr::options! { budget: None, strict_booleans: true };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(&text, options)
        .map_err(|error| wrong(&format!("is no YAML: {}", place(&error))))?;
    let mut found = Vec::new();
    for document in documents {
        let is_list = document["kind"]
            .as_str()
            .is_some_and(|k| k.ends_with("List"));
        match document {
            Value::Object(mut list) if is_list && list.contains_key("items") => {
                let items = list.remove("items");
                found.extend(items.into_iter().flat_map(|items| match items {
                    Value::Array(items) => items,
                    other => vec![other],
                }));
            }
            Value::Null => {}
            other => found.push(other),
        }
    }
    let read = found.into_iter().enumerate();
    read.map(|(at, content)| {
        object(file, content).ok_or_else(|| {
            wrong(&format!(
                "has no Kubernetes object in place {}: apiVersion, kind and metadata.name say what it is",
                at + 1
            ))
        })
    })
    .collect()
}

/// Where a parser gave up; what it says besides may quote the file.
fn place(error: &serde_saphyr::Error) -> String {
    match error.location() {
        Some(place) => format!("line {}", place.line()),
        None => "its end is missing".to_owned(),
    }
}

fn object(file: &Path, content: Value) -> Option<Object> {
    let text = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let version = text(&content["apiVersion"])?;
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    Some(Object {
        file: file.to_owned(),
        kind: GroupVersionKind::gvk(group, version, &text(&content["kind"])?),
        namespace: text(&content["metadata"]["namespace"]),
        name: text(&content["metadata"]["name"])?,
        content,
    })
}

/// Applies one object. What may only have to come up first is tried again.
async fn apply(
    client: &Client,
    object: &Object,
    log: &dyn StepLog,
) -> Result<Api<DynamicObject>, ProviderError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(client, object).await {
            Ok(api) => {
                log.line(&format!("{} applied", object.shown()));
                return Ok(api);
            }
            Err(error) if error.fault == Fault::Transient && tries < TRIES => {
                if tries == 1 {
                    log.line(&error.message);
                }
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn attempt(client: &Client, object: &Object) -> Result<Api<DynamicObject>, ProviderError> {
    let known = Box::pin(discovery::pinned_kind(client, &object.kind)).await;
    let (resource, abilities) = known.map_err(|error| unknown_kind(object, &error))?;
    let api = api_of(client, object, &resource, &abilities);
    let params = PatchParams::apply(MANAGER).force();
    let patch = Patch::Apply(&object.content);
    match Box::pin(api.patch(&object.name, &params, &patch)).await {
        Ok(_) => Ok(api),
        Err(error) => Err(refused(object, &error)),
    }
}

fn api_of(
    client: &Client,
    object: &Object,
    resource: &ApiResource,
    abilities: &ApiCapabilities,
) -> Api<DynamicObject> {
    match (&abilities.scope, &object.namespace) {
        (Scope::Cluster, _) => Api::all_with(client.clone(), resource),
        (Scope::Namespaced, Some(namespace)) => {
            Api::namespaced_with(client.clone(), namespace, resource)
        }
        (Scope::Namespaced, None) => Api::default_namespaced_with(client.clone(), resource),
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// A job that is collected once it is done: one that is gone was.
fn goes_by_itself(object: &Object) -> bool {
    object.kind.kind == "Job" && !object.content["spec"]["ttlSecondsAfterFinished"].is_null()
}

/// A kind that the API does not know: its definition may have been applied a moment ago.
fn unknown_kind(object: &Object, error: &Error) -> ProviderError {
    if !matches!(error, Error::Discovery(_)) && !is_missing(error) {
        return refused(object, error);
    }
    let message = format!(
        "{}: {} of {}: this cluster has no such kind",
        object.file.display(),
        object.kind.kind,
        object.kind.api_version(),
    );
    ProviderError::new(Fault::Transient, message)
        .hint("apply the CustomResourceDefinition that it belongs to first")
}

fn refused(object: &Object, error: &Error) -> ProviderError {
    let what = format!("{}: {}", object.file.display(), object.shown());
    let message = match error {
        Error::Api(status) if object.kind.kind == "Secret" => sparing(&what, status),
        _ => api::words(&what, error),
    };
    let Error::Api(status) = error else {
        let fault = match error {
            Error::SerdeError(_) | Error::BuildRequest(_) => Fault::Permanent,
            _ => Fault::Transient,
        };
        return ProviderError::new(fault, message);
    };
    match status.code {
        // Its namespace may have been applied a moment ago, by somebody else's controller.
        404 => ProviderError::new(Fault::Transient, message)
            .hint("is its namespace there, and in the manifests?"),
        408 | 429 | 500.. => ProviderError::new(Fault::Transient, one_line(&message, 400)),
        _ => ProviderError::new(Fault::Permanent, message),
    }
}

/// What the API says to a Secret, without its words: they may quote it.
fn sparing(what: &str, status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<&str> = causes.map(|cause| cause.field.as_str()).collect();
    let at = if fields.is_empty() {
        String::new()
    } else {
        format!(" at {}", fields.join(", "))
    };
    format!("{what}: {} {}{at}", status.code, status.reason)
}

/// Waits until an object that has to come up is up.
async fn up(
    api: &Api<DynamicObject>,
    object: &Object,
    log: &dyn StepLog,
    say: &impl Fn(String),
) -> Result<(), ProviderError> {
    let mut said = String::new();
    loop {
        let now = match Box::pin(api.get(&object.name)).await {
            Ok(there) => progress(&object.kind.kind, &there.data),
            Err(error) if is_missing(&error) && goes_by_itself(object) => Progress::Up,
            Err(error) => {
                let error = refused(object, &error);
                if error.fault != Fault::Transient {
                    return Err(error);
                }
                Progress::Waits(error.message)
            }
        };
        match now {
            Progress::Up => return Ok(()),
            Progress::Failed(why) => {
                let message = format!("{}: {why}", object.shown());
                return Err(ProviderError::new(Fault::Permanent, message));
            }
            Progress::Waits(why) if why == said => {}
            Progress::Waits(why) => {
                log.line(&format!("{}: {why}", object.shown()));
                say(format!("{}: {why}", object.shown()));
                said = why;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.yaml");
        fs::write(&file, text).unwrap();
        let read = Manifests::read(&[file]).map_err(|error| error.message);
        read.map(|all| all.0.iter().map(Object::shown).collect())
    }

    #[test]
    fn documents_and_lists_are_taken_apart_and_what_others_need_comes_first() {
        let text = "# a comment\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: n}\n---\n\
            apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: n}}\n\
            - {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n---\n\
            {\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"c.d\"}}\n";
        assert_eq!(
            read(text).unwrap(),
            [
                "Namespace n",
                "CustomResourceDefinition c.d",
                "ConfigMap n/a",
                "Deployment n/d"
            ]
        );
        assert_eq!(read("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_manifest_is_refused_without_quoting_it() {
        for (text, said) in [
            ("a: [secret", "is no YAML: line"),
            ("just secret words", "has no Kubernetes object in place 1"),
            ("kind: Pod\nmetadata: {name: secret}\n", "in place 1"),
            ("apiVersion: v1\nkind: Secret\nmetadata: {}\n", "in place 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
        let missing = Manifests::read(&[PathBuf::from("/nowhere/m.yaml")]).unwrap_err();
        assert!(missing.hint.is_some());
        assert!(
            missing.message.contains("/nowhere/m.yaml cannot be read"),
            "{missing}"
        );
    }

    #[test]
    fn what_the_api_says_to_a_secret_is_not_passed_on() {
        let content =
            serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        let secret = object(Path::new("/m.yaml"), content).unwrap();
        let status = serde_json::json!({"status": "Failure", "code": 400, "reason": "BadRequest",
            "message": "expected string, got hunter2", "details": {"causes": [{"field": "stringData.config",
            "message": "hunter2"}]}});
        let status: Status = serde_json::from_value(status).unwrap();
        let error = refused(&secret, &Error::Api(Box::new(status)));
        assert_eq!(
            error.message,
            "/m.yaml: Secret s: 400 BadRequest at stringData.config"
        );
        assert_eq!(error.fault, Fault::Permanent);
    }

    #[test]
    fn a_job_that_is_collected_may_be_gone_and_nothing_else() {
        let job = |spec: Value| {
            let content = serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
                "spec": spec});
            goes_by_itself(&object(Path::new("/m.yaml"), content).unwrap())
        };
        assert!(job(serde_json::json!({"ttlSecondsAfterFinished": 0})));
        assert!(!job(serde_json::json!({})));
    }

    #[test]
    fn a_manifest_as_large_as_argo_cds_own_is_read() {
        let mut properties = String::new();
        for n in 0..60_000 {
            properties.push_str(&format!(
                "      p{n}: {{type: object, description: some words}}\n"
            ));
        }
        let text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: c.d}}\nspec:\n  \
             schema:\n    properties:\n{properties}"
        );
        assert_eq!(read(&text).unwrap(), ["CustomResourceDefinition c.d"]);
    }
}
