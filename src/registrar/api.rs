//! One Kubernetes API: what registrars ask of it, and what its answers mean for a step.
//!
//! In: objects as JSON. Out: objects, or an error that tells what may work next time from what needs somebody.
//! Must not: put the contents of an object into an error.

use std::path::Path;
use std::time::Duration;

use kube::api::{
    Api as Objects, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    Preconditions,
};
use kube::config::Kubeconfig;
use kube::core::{ApiResource, GroupVersionKind, Status};
use kube::{Client, Error};
use serde_json::Value;

use crate::provider::{self, ApiAddress, Busy, Fault};
use crate::registrar::RegistrarError;

/// Under this name the API keeps which fields are ours.
pub(super) const MANAGER: &str = "rollcall";
/// How much a list gives at once.
const PAGE: u32 = 500;
/// How long one request may take, with what is waited for where the API is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// What sort of object, and where the API has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
}

impl Kind {
    /// A sort of object, such as `Kind::new("apps", "v1", "Deployment", "deployments")`.
    pub(super) const fn new(
        group: &'static str,
        version: &'static str,
        name: &'static str,
        plural: &'static str,
    ) -> Self {
        Self {
            group,
            version,
            name,
            plural,
        }
    }

    fn resource(&self) -> ApiResource {
        let gvk = GroupVersionKind::gvk(self.group, self.version, self.name);
        ApiResource::from_gvk_with_plural(&gvk, self.plural)
    }
}

/// Secrets.
pub(super) const SECRET: Kind = Kind::new("", "v1", "Secret", "secrets");
/// Namespaces.
pub(super) const NAMESPACE: Kind = Kind::new("", "v1", "Namespace", "namespaces");
/// Service accounts.
pub(super) const SERVICE_ACCOUNT: Kind = Kind::new("", "v1", "ServiceAccount", "serviceaccounts");
/// Roles of a whole cluster.
pub(super) const CLUSTER_ROLE: Kind = Kind::new(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
);
/// Who has them.
pub(super) const CLUSTER_ROLE_BINDING: Kind = Kind::new(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
);

/// A Kubernetes API that somebody is connected to.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    /// Whose it is, for messages.
    of: String,
}

impl Api {
    /// The API at this address. `of` names it in messages: "k3d/dev".
    pub(super) async fn at(address: &ApiAddress, of: &str) -> Result<Self, RegistrarError> {
        let client = provider::client(address, Busy::Retry).await;
        Self::with(client, of)
    }

    /// The API of a context of somebody's kubeconfig, which is read anew each time.
    pub(super) async fn of_context(file: &Path, context: &str) -> Result<Self, RegistrarError> {
        let refused = |why: &str| {
            let message = format!("context {context} of {}: {why}", file.display());
            let hint = format!(
                "kubectl --kubeconfig {} config get-contexts",
                file.display()
            );
            RegistrarError::new(Fault::Permanent, message).hint(hint)
        };
        match std::fs::metadata(file) {
            Ok(meta) if meta.is_file() => {}
            Ok(_) => return Err(refused("it is no regular file")),
            Err(error) => {
                return Err(refused(&format!("it cannot be read: {error}")));
            }
        }
        // An error of the parser would quote the file.
        let kubeconfig = Kubeconfig::read_from(file).map_err(|_| refused("it is no kubeconfig"))?;
        let mut contexts = kubeconfig.contexts.iter();
        let found = contexts.find(|named| named.name == context);
        let found = found.and_then(|named| named.context.as_ref());
        let found = found.ok_or_else(|| refused("there is none"))?;
        let mut users = kubeconfig.auth_infos.iter();
        let user = users.find(|named| Some(&named.name) == found.user.as_ref());
        let user = user.and_then(|named| named.auth_info.as_ref());
        if user.is_some_and(|user| user.exec.is_some() || user.auth_provider.is_some()) {
            return Err(refused(
                "its user needs a program to log in, and none is started",
            ));
        }
        let client = provider::client_of_context(kubeconfig, context).await;
        Self::with(client, &format!("context {context}"))
    }

    fn with(client: Result<Client, String>, of: &str) -> Result<Self, RegistrarError> {
        let client =
            client.map_err(|why| RegistrarError::new(Fault::Permanent, format!("{of}: {why}")))?;
        let of = of.to_owned();
        Ok(Self { client, of })
    }

    /// One object; `None`: there is none.
    pub(super) async fn get(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<DynamicObject>, RegistrarError> {
        let (objects, asked) = (self.objects(kind, namespace), what("read", kind, name));
        let found = self.ask(&asked, objects.get_opt(name)).await?;
        found
            .map(|found| self.meant(&asked, name, found))
            .transpose()
    }

    /// All objects of a sort, page by page. Where the API has forgotten what the next page belongs to, the list begins
    /// again, once.
    pub(super) async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<DynamicObject>, RegistrarError> {
        let (objects, asked) = (self.objects(kind, namespace), what("list", kind, ""));
        let first = ListParams {
            label_selector: labels.map(str::to_owned),
            ..ListParams::default().limit(PAGE)
        };
        let mut forgotten = false;
        let (mut all, mut params) = (Vec::new(), first.clone());
        loop {
            let page = match self.within(objects.list(&params), &asked).await? {
                Ok(page) => page,
                Err(Error::Api(status)) if status.code == 410 && !forgotten => {
                    forgotten = true;
                    all.clear();
                    params = first.clone();
                    continue;
                }
                Err(error) => return Err(self.failed(&asked, &error)),
            };
            all.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = first.clone().continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    /// Makes an object that is not there. One that is: [`Fault::NotOurs`].
    pub(super) async fn create(
        &self,
        kind: Kind,
        object: Value,
    ) -> Result<DynamicObject, RegistrarError> {
        let (object, place) = self.parsed(kind, object)?;
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let objects = self.objects(kind, place.namespace.as_deref());
        let (asked, made) = (
            what("create", kind, &place.name),
            objects.create(&params, &object),
        );
        let made = self.ask(&asked, made).await?;
        self.meant(&asked, &place.name, made)
    }

    /// Makes an object say what is given, whether it is there or not; what else it says stays. With `uid` and
    /// `resourceVersion`, a change in between is [`Fault::NotOurs`]: the version alone does not keep one that is gone
    /// from being made anew.
    pub(super) async fn apply(
        &self,
        kind: Kind,
        object: Value,
    ) -> Result<DynamicObject, RegistrarError> {
        let (object, place) = self.parsed(kind, object)?;
        let params = PatchParams::apply(MANAGER).force();
        let objects = self.objects(kind, place.namespace.as_deref());
        let patch = Patch::Apply(&object);
        let applied = objects.patch(&place.name, &params, &patch);
        let asked = what("apply", kind, &place.name);
        let applied = match self.within(applied, &asked).await? {
            Err(Error::Api(status)) if is_another(&status) => {
                let message = format!("{}: {asked}: it is not there any more", self.of);
                return Err(RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again"));
            }
            other => other.map_err(|error| self.failed(&asked, &error))?,
        };
        self.meant(&asked, &place.name, applied)
    }

    /// Changes what is given of an object that is there, and nothing else (a merge patch).
    pub(super) async fn merge(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
        change: &Value,
    ) -> Result<DynamicObject, RegistrarError> {
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let objects = self.objects(kind, namespace);
        let patch = Patch::Merge(change);
        let (asked, merged) = (
            what("change", kind, name),
            objects.patch(name, &params, &patch),
        );
        let merged = self.ask(&asked, merged).await?;
        self.meant(&asked, name, merged)
    }

    /// Replaces an object that was read by what it is now to say. `None`: it changed in between, and nothing was done.
    pub(super) async fn replace(
        &self,
        kind: Kind,
        object: &DynamicObject,
    ) -> Result<Option<DynamicObject>, RegistrarError> {
        let meta = &object.metadata;
        let name = meta.name.clone().unwrap_or_default();
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let (objects, asked) = (
            self.objects(kind, meta.namespace.as_deref()),
            what("replace", kind, &name),
        );
        let replaced = objects.replace(&name, &params, object);
        match self.within(replaced, &asked).await? {
            Ok(object) => self.meant(&asked, &name, object).map(Some),
            Err(Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(self.failed(&asked, &error)),
        }
    }

    /// Deletes exactly this object. Gone already is fine; another one of its name, or a changed one, is
    /// [`Fault::NotOurs`].
    pub(super) async fn delete(
        &self,
        kind: Kind,
        object: &DynamicObject,
    ) -> Result<(), RegistrarError> {
        let meta = &object.metadata;
        let name = meta.name.clone().unwrap_or_default();
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        let (objects, asked) = (
            self.objects(kind, meta.namespace.as_deref()),
            what("delete", kind, &name),
        );
        match self.within(objects.delete(&name, &params), &asked).await? {
            Ok(_) => Ok(()),
            Err(Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(self.failed(&asked, &error)),
        }
    }

    /// Applies an object, with this label where it was not there or bears it already: what somebody else made stays
    /// theirs.
    pub(super) async fn apply_marked(
        &self,
        kind: Kind,
        mut object: Value,
        owner: (&str, &str),
    ) -> Result<DynamicObject, RegistrarError> {
        let meta = &object["metadata"];
        let (namespace, name) = (meta["namespace"].as_str(), meta["name"].as_str());
        let there = self.get(kind, namespace, name.unwrap_or_default()).await?;
        if there.is_none_or(|there| bears(&there, owner)) {
            object["metadata"]["labels"][owner.0] = Value::from(owner.1);
        }
        self.apply(kind, object).await
    }

    /// Deletes an object that bears this label; one that does not is somebody else's and stays.
    pub(super) async fn withdraw(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
        owner: (&str, &str),
    ) -> Result<(), RegistrarError> {
        let there = self.get(kind, namespace, name).await?;
        match there.filter(|there| bears(there, owner)) {
            Some(object) => self.delete(kind, &object).await,
            None => Ok(()),
        }
    }

    fn objects(&self, kind: Kind, namespace: Option<&str>) -> Objects<DynamicObject> {
        let (client, resource) = (self.client.clone(), kind.resource());
        match namespace {
            Some(namespace) => Objects::namespaced_with(client, namespace, &resource),
            None => Objects::all_with(client, &resource),
        }
    }

    fn parsed(
        &self,
        kind: Kind,
        mut object: Value,
    ) -> Result<(DynamicObject, Place), RegistrarError> {
        let resource = kind.resource();
        object["apiVersion"] = Value::String(resource.api_version);
        object["kind"] = Value::String(resource.kind);
        let object: DynamicObject = serde_json::from_value(object).map_err(|_| {
            let message = format!("{}: a {} that makes no sense", self.of, kind.name);
            RegistrarError::new(Fault::Permanent, message)
        })?;
        let place = Place {
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone().unwrap_or_default(),
        };
        Ok((object, place))
    }

    /// The object that was asked for. Whatever else was answered is no Kubernetes API's: `{}` is an object, too.
    fn meant(
        &self,
        asked: &str,
        name: &str,
        object: DynamicObject,
    ) -> Result<DynamicObject, RegistrarError> {
        if object.metadata.name.as_deref() == Some(name) {
            return Ok(object);
        }
        let message = format!("{}: {asked}: another object was answered", self.of);
        Err(RegistrarError::new(Fault::Permanent, message)
            .hint("look whether its address leads to a Kubernetes API"))
    }

    async fn ask<T>(
        &self,
        what: &str,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, RegistrarError> {
        let answer = self.within(asked, what).await?;
        answer.map_err(|error| self.failed(what, &error))
    }

    async fn within<T>(
        &self,
        asked: impl Future<Output = T>,
        what: &str,
    ) -> Result<T, RegistrarError> {
        // kube's futures are large: on the heap, those of its callers stay small.
        let answer = tokio::time::timeout(PATIENCE, Box::pin(asked)).await;
        answer.map_err(|_| {
            let (of, seconds) = (&self.of, PATIENCE.as_secs());
            let message = format!("{of}: {what}: no answer within {seconds} s");
            RegistrarError::new(Fault::Transient, message)
        })
    }

    /// What an error means for a step.
    fn failed(&self, what: &str, error: &Error) -> RegistrarError {
        let message = provider::words(&format!("{}: {what}", self.of), error);
        let Error::Api(status) = error else {
            let fault = match error {
                Error::SerdeError(_) | Error::BuildRequest(_) => Fault::Permanent,
                _ => Fault::Transient,
            };
            return RegistrarError::new(fault, message);
        };
        match status.code {
            401 => RegistrarError::new(Fault::Permanent, message).hint(
                "its credentials are not accepted: they may be of an earlier life of that cluster",
            ),
            403 => RegistrarError::new(Fault::Permanent, message)
                .hint("its user may not do that: use one who may"),
            404 => RegistrarError::new(Fault::Permanent, message)
                .hint("what it belongs to is not there: is it installed?"),
            409 => RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again"),
            408 | 410 | 429 | 500.. => RegistrarError::new(Fault::Transient, message),
            _ => RegistrarError::new(Fault::Permanent, message),
        }
    }
}

/// Whether an apply was refused because the object with its `uid` is not there: its `uid` would have to change.
fn is_another(status: &Status) -> bool {
    let details = status.details.iter();
    let mut causes = details.flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

/// Whether an object bears this label.
fn bears(object: &DynamicObject, owner: (&str, &str)) -> bool {
    let labels = object.metadata.labels.as_ref();
    labels.is_some_and(|labels| labels.get(owner.0).is_some_and(|own| own == owner.1))
}

/// Where an object is.
struct Place {
    namespace: Option<String>,
    name: String,
}

/// What is asked, for messages.
fn what(verb: &str, kind: Kind, name: &str) -> String {
    format!("{verb} {} {name}", kind.name).trim_end().to_owned()
}
