//! The application controller (argo-cd controller/appcontroller.go): one Application at a time.

use serde_json::{Value, json};

use super::application_set::since;
use super::destination;
use super::registry::{NAMESPACE, Registry};
use super::target::Target;
use crate::apiserver::create::Writer;
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::APPLICATION;
use crate::apiserver::object::{self, Key};
use crate::apiserver::store::Shared;
use crate::apiserver::update::{self, Place};

/// The finalizer that takes the workload away with the Application.
pub(super) const CASCADE: &str = "resources-finalizer.argocd.argoproj.io";

const HOOKS: [&str; 2] = [
    "pre-delete-finalizer.argocd.argoproj.io",
    "post-delete-finalizer.argocd.argoproj.io",
];

/// Whoever writes this wants the Application looked at now.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// A cluster Secret with this is left alone.
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";

const WRITER: &str = "argocd-application-controller";

/// Whether it is a finalizer of a hook, `/cleanup` included.
pub(super) fn is_hook(finalizer: &str) -> bool {
    HOOKS.iter().any(|hook| finalizer.starts_with(hook))
}

/// The cascade itself, or one of its ways: `/background`, `/foreground`.
fn is_cascade(finalizer: &str) -> bool {
    let way = finalizer.strip_prefix(CASCADE);
    way.is_some_and(|way| way.is_empty() || way.starts_with('/'))
}

/// What its controller is told of: changes of the Application itself, and of nothing else. That a
/// Secret went is noticed at the next round, or when somebody asks for a refresh.
pub(super) fn inputs(app: &Value) -> Value {
    let metadata = &app["metadata"];
    let refresh = object::annotation(app, REFRESH);
    let (uid, finalizers) = (&metadata["uid"], &metadata["finalizers"]);
    json!([uid, app["spec"], finalizers, object::deleting(app), refresh])
}

/// Looks at one Application: brings its workload to its cluster, or takes it away.
pub(super) async fn reconcile(shared: &Shared, app: &Value) -> Result<(), Failure> {
    let destination = &app["spec"]["destination"];
    let registry = Registry::read(&shared.lock());
    let cluster = destination::resolve(&registry, destination);
    if object::deleting(app) {
        if !object::finalizers(app).into_iter().any(is_cascade) {
            return Ok(());
        }
        // "Resource entries removed from undefined cluster" (:1304-1315).
        let Ok(cluster) = cluster else {
            return release(shared, app);
        };
        let target = Target::new(&cluster, shared);
        let workload = (destination::namespace(destination), object::name(app));
        return match target.remove(workload.0, workload.1).await {
            Ok(()) => release(shared, app),
            // Stuck until the cluster answers, or is not registered any more (:1135-1144). "Unable to delete application
            // resources" is what the event says, not the condition.
            Err(error) => {
                let trouble = ("DeletionError", error);
                let status = app["status"].as_object().cloned().unwrap_or_default();
                report(shared, app, status.into(), Some(trouble))
            }
        };
    }
    let (status, trouble) = match cluster {
        Ok(cluster)
            if cluster
                .annotations
                .get(SKIP)
                .is_some_and(|skip| skip == "true") =>
        {
            return Ok(());
        }
        Ok(cluster) => {
            let target = Target::new(&cluster, shared);
            let namespace = destination::namespace(destination);
            match target.write(namespace, object::name(app)).await {
                Ok(()) => (status("Synced", "Healthy"), None),
                Err(error) => {
                    let server = &cluster.server;
                    let message = format!(
                        "Failed to load live state: failed to get cluster info for \"{server}\": \
                         error synchronizing cache state : {error}"
                    );
                    (
                        status("Unknown", "Unknown"),
                        Some(("ComparisonError", message)),
                    )
                }
            }
        }
        Err(error) => (
            status("Unknown", "Unknown"),
            Some(("InvalidSpecError", error)),
        ),
    };
    report(shared, app, status, trouble)
}

fn status(sync: &str, health: &str) -> Value {
    json!({"sync": {"status": sync}, "health": {"status": health}})
}

/// Takes Argo CD's own finalizers off; foreign ones stay.
fn release(shared: &Shared, app: &Value) -> Result<(), Failure> {
    change(shared, app, |after| {
        if let Some(finalizers) = after["metadata"]["finalizers"].as_array_mut() {
            finalizers.retain(|finalizer| {
                let finalizer = finalizer.as_str().unwrap_or_default();
                !is_cascade(finalizer) && !is_hook(finalizer)
            });
        }
    })
}

/// Writes the status, with the trouble as its only condition, and ends a refresh.
fn report(
    shared: &Shared,
    app: &Value,
    mut status: Value,
    trouble: Option<(&str, String)>,
) -> Result<(), Failure> {
    let before = &app["status"]["conditions"];
    let conditions: Vec<Value> = trouble
        .into_iter()
        .map(|(sort, message)| {
            let mut condition = json!({"type": sort, "message": message});
            condition["lastTransitionTime"] = since(before, &condition);
            condition
        })
        .collect();
    status["conditions"] = json!(conditions);
    change(shared, app, |after| {
        after["status"] = status;
        if let Some(annotations) = after["metadata"]["annotations"].as_object_mut() {
            annotations.remove(REFRESH);
        }
    })
}

/// Changes the Application as it is now, if it is still the same one.
fn change(shared: &Shared, app: &Value, how: impl FnOnce(&mut Value)) -> Result<(), Failure> {
    let mut store = shared.lock();
    let place = Place::new(&APPLICATION, NAMESPACE, object::name(app));
    let key = Key::new(&APPLICATION, NAMESPACE, object::name(app));
    let live = store.get(&key);
    let Some(live) = live.filter(|live| live["metadata"]["uid"] == app["metadata"]["uid"]) else {
        return Ok(());
    };
    let mut after = live.clone();
    how(&mut after);
    update::replace(&mut store, Writer::named(WRITER), &place, after).map(drop)
}
