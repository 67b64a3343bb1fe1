//! The application set controller (argo-cd `applicationset/controllers/applicationset_controller.go`).

use serde_json::{Value, json};

use super::generator;
use super::registry::{NAMESPACE, Registry};
use super::template::Language;
use super::{application, destination};
use crate::apiserver::create::{self, Writer};
use crate::apiserver::delete::{self, Options};
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::{APPLICATION, APPLICATION_SET};
use crate::apiserver::object::{self, Key};
use crate::apiserver::stamp;
use crate::apiserver::store::Store;
use crate::apiserver::update::{self, Patch, Place};

/// Its field manager (:131).
const WRITER: &str = "argocd-applicationset-controller";

/// common.go:445: whoever writes this wants the set looked at now.
const REFRESH: &str = "argocd.argoproj.io/application-set-refresh";

/// Annotations of a generated Application that are left to others.
const FOREIGN: [&str; 3] = [
    "argocd.argoproj.io/hydrate",
    "argocd.argoproj.io/refresh",
    "notified.notifications.argoproj.io",
];

/// What went wrong: the reason of the condition, and what it says.
type Trouble = (&'static str, String);

/// What a set is made of, as far as its controller is told of changes: itself, its Applications,
/// and the clusters if a generator asks for them. Secrets do not wake a set of lists.
pub(super) fn inputs(store: &Store, set: &Value, registry: &Registry) -> Value {
    let own: Vec<Value> = owned(store, set)
        .map(|app| {
            let metadata = &app["metadata"];
            let (labels, finalizers) = (&metadata["labels"], &metadata["finalizers"]);
            let gone = object::deleting(app);
            json!([metadata["uid"], app["spec"], labels, finalizers, gone])
        })
        .collect();
    let clusters = if generator::reads_clusters(&set["spec"]) {
        format!("{:?}", registry.all())
    } else {
        String::new()
    };
    let (generation, annotations) = (
        &set["metadata"]["generation"],
        &set["metadata"]["annotations"],
    );
    json!([
        set["metadata"]["uid"],
        generation,
        annotations,
        own,
        clusters
    ])
}

/// Looks at one set; true if it must be looked at again, come what may.
pub(super) fn reconcile(store: &mut Store, set: &Value) -> Result<bool, Failure> {
    // What it owns goes with it, by its owner references.
    if object::deleting(set) {
        return Ok(false);
    }
    let registry = Registry::read(store);
    let troubles = match generated(set, &registry) {
        Ok((apps, mut troubles)) => {
            troubles.extend(act(store, set, &apps, &registry)?);
            troubles
        }
        Err(message) => vec![("ApplicationGenerationFromParamsError", message)],
    };
    let place = Place::new(&APPLICATION_SET, NAMESPACE, object::name(set));
    // Whatever goes wrong but an invalid Application ends its work before that.
    let whole = troubles
        .iter()
        .all(|(reason, _)| *reason == "ApplicationValidationError");
    if whole && object::annotation(set, REFRESH).is_some() {
        let body = json!({
            "metadata": {"annotations": {REFRESH: null}},
            "spec": {"generators": completed(&set["spec"]["generators"])},
        });
        update::patch(store, Writer::named(WRITER), &place, Patch::Merge, &body)?;
    }
    report(store, place, &troubles)?;
    Ok(!troubles.is_empty())
}

/// The generators as they are once they were a value of Go's types: taking the refresh off is an `Update` of the whole
/// set, with everything that Go does not leave out. The list of them is its controller's own from then on. (Seen with
/// v3.1.8.)
fn completed(generators: &Value) -> Value {
    let mut generators = generators.clone();
    for generator in generators.as_array_mut().into_iter().flatten() {
        for sort in ["list", "clusters"] {
            let Some(inner) = generator.get_mut(sort).filter(|inner| inner.is_object()) else {
                continue;
            };
            if inner["template"].is_null() {
                inner["template"] =
                    json!({"metadata": {}, "spec": {"destination": {}, "project": ""}});
            }
            if sort == "clusters" && inner["selector"].is_null() {
                inner["selector"] = json!({});
            }
        }
    }
    generators
}

/// What there shall be, the invalid included: those are neither written nor deleted (:609-626).
struct Generated {
    app: Value,
    valid: bool,
}

fn generated(set: &Value, registry: &Registry) -> Result<(Vec<Generated>, Vec<Trouble>), String> {
    let spec = &set["spec"];
    let mut apps: Vec<Generated> = Vec::new();
    let mut troubles = Vec::new();
    for params in generator::parameters(spec, registry)? {
        let app = application(set, &Language::of(spec).fill(&spec["template"], &params)?);
        let name = object::name(&app);
        let twin = apps.iter().any(|known| object::name(&known.app) == name);
        let wrong = if twin {
            let set = object::name(set);
            Some(format!(
                "ApplicationSet {set} contains applications with duplicate name: {name}"
            ))
        } else {
            destination::resolve(registry, &app["spec"]["destination"])
                .err()
                .map(|error| format!("application destination spec is invalid: {error}"))
        };
        let valid = wrong.is_none();
        troubles.extend(wrong.map(|wrong| ("ApplicationValidationError", wrong)));
        apps.push(Generated { app, valid });
    }
    Ok((apps, troubles))
}

/// A generated Application as it shall be (:779-794, utils/utils.go:294-302).
fn application(set: &Value, template: &Value) -> Value {
    let metadata = &template["metadata"];
    let preserve = set["spec"]["syncPolicy"]["preserveResourcesOnDeletion"] == true;
    let finalizers = match metadata["finalizers"].as_array() {
        Some(own) if !own.is_empty() => json!(own),
        _ if preserve => json!([]),
        _ => json!([application::CASCADE]),
    };
    json!({
        "apiVersion": APPLICATION.api_version(),
        "kind": APPLICATION.title,
        "metadata": {
            "name": metadata["name"],
            "namespace": NAMESPACE,
            "labels": metadata["labels"],
            "annotations": metadata["annotations"],
            "finalizers": finalizers,
            "ownerReferences": [{
                "apiVersion": set["apiVersion"],
                "kind": set["kind"],
                "name": object::name(set),
                "uid": object::text(set, "uid"),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": template["spec"],
    })
}

fn owned<'a>(store: &'a Store, set: &'a Value) -> impl Iterator<Item = &'a Value> {
    let uid = object::text(set, "uid");
    store
        .list(&APPLICATION, NAMESPACE)
        .map(|(_, app)| app)
        .filter(move |app| object::controller(app) == Some(uid))
}

/// Creates, updates and deletes, as far as the policy lets it (applicationset_types.go:112-136).
fn act(
    store: &mut Store,
    set: &Value,
    apps: &[Generated],
    registry: &Registry,
) -> Result<Vec<Trouble>, Failure> {
    let policy = set["spec"]["syncPolicy"]["applicationsSync"].as_str();
    let policy = policy.unwrap_or("sync");
    let mut troubles = Vec::new();
    for generated in apps.iter().filter(|generated| generated.valid) {
        let updates = ["sync", "create-update"].contains(&policy);
        if let Err(failure) = write(store, set, &generated.app, updates) {
            troubles.push(("UpdateApplicationError", failure.message));
        }
    }
    if ["sync", "create-delete"].contains(&policy)
        && let Err(message) = remove_others(store, set, apps, registry)?
    {
        troubles.push(("DeleteApplicationError", message));
    }
    Ok(troubles)
}

fn write(store: &mut Store, set: &Value, app: &Value, updates: bool) -> Result<(), Failure> {
    let writer = Writer::named(WRITER);
    let name = object::name(app);
    let Some(live) = store.get(&Key::new(&APPLICATION, NAMESPACE, name)) else {
        return create::create(store, writer, &APPLICATION, NAMESPACE, app.clone()).map(drop);
    };
    if !updates {
        return Ok(());
    }
    let uid = object::text(set, "uid");
    if object::controller(live).is_some_and(|controller| controller != uid) {
        let message = format!("Object argocd/{name} is already owned by another controller");
        return Err(Failure::bad_request(&message));
    }
    let mut after = live.clone();
    after["spec"] = app["spec"].clone();
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        after["metadata"][field] = app["metadata"][field].clone();
    }
    for key in FOREIGN {
        let foreign = object::annotation(live, key).map(|value| json!(value));
        let annotations = &mut after["metadata"]["annotations"];
        if annotations.is_null() && foreign.is_some() {
            *annotations = json!({});
        }
        if let (Some(map), Some(value)) = (annotations.as_object_mut(), foreign) {
            map.insert(key.to_owned(), value);
        }
    }
    for finalizer in object::finalizers(live) {
        if application::is_hook(finalizer)
            && let Some(finalizers) = after["metadata"]["finalizers"].as_array_mut()
        {
            finalizers.push(json!(finalizer));
        }
    }
    let place = Place::new(&APPLICATION, NAMESPACE, name);
    update::replace(store, writer, &place, after).map(drop)
}

/// Deletes the Applications that are no longer generated (:869-935): all of them if nothing is.
/// A single cluster Secret that cannot be read stops it for every set.
fn remove_others(
    store: &mut Store,
    set: &Value,
    apps: &[Generated],
    registry: &Registry,
) -> Result<Result<(), String>, Failure> {
    if let Err(message) = registry.strict() {
        return Ok(Err(message));
    }
    let wanted = |app: &Value| {
        let mut apps = apps.iter();
        apps.any(|generated| object::name(&generated.app) == object::name(app))
    };
    let doomed: Vec<Value> = owned(store, set)
        .filter(|app| !wanted(app) && !object::deleting(app))
        .cloned()
        .collect();
    for app in doomed {
        free_if_unreachable_for_good(store, &app, registry)?;
        let key = Key::new(&APPLICATION, NAMESPACE, object::name(&app));
        delete::delete(store, &APPLICATION, &key, &Options::default())?;
    }
    Ok(Ok(()))
}

/// `removeFinalizerOnInvalidDestination` (:968-1034): exactly the one finalizer, and only if the
/// cluster is not registered any more.
fn free_if_unreachable_for_good(
    store: &mut Store,
    app: &Value,
    registry: &Registry,
) -> Result<(), Failure> {
    if destination::resolve(registry, &app["spec"]["destination"]).is_ok() {
        return Ok(());
    }
    let mut after = app.clone();
    if let Some(finalizers) = after["metadata"]["finalizers"].as_array_mut() {
        finalizers.retain(|finalizer| finalizer != application::CASCADE);
    }
    let place = Place::new(&APPLICATION, NAMESPACE, object::name(app));
    update::replace(store, Writer::named(WRITER), &place, after).map(drop)
}

/// Writes the status: conditions and the Applications there are.
fn report(store: &mut Store, place: Place, troubles: &[Trouble]) -> Result<(), Failure> {
    let set = store.find(&APPLICATION_SET, &place.key)?;
    let resources: Vec<Value> = owned(store, set)
        .map(|app| {
            json!({
                "group": APPLICATION.group,
                "version": APPLICATION.version,
                "kind": APPLICATION.title,
                "name": object::name(app),
                "namespace": NAMESPACE,
            })
        })
        .collect();
    let before = set["status"]["conditions"].clone();
    let trouble = troubles.first();
    let reason = trouble.map_or("ApplicationSetUpToDate", |(reason, _)| reason);
    let message = trouble.map_or(
        "All applications have been generated successfully",
        |(_, said)| said.as_str(),
    );
    let generated = reason != "ApplicationGenerationFromParamsError";
    let condition = |sort: &str, holds: bool| {
        let mut condition = json!({
            "type": sort,
            "status": if holds { "True" } else { "False" },
            "reason": reason,
            "message": message,
        });
        condition["lastTransitionTime"] = since(&before, &condition);
        condition
    };
    let status = json!({"status": {
        "conditions": [
            condition("ErrorOccurred", trouble.is_some()),
            condition("ParametersGenerated", generated),
            condition("ResourcesUpToDate", trouble.is_none()),
        ],
        "resourcesCount": resources.len(),
        "resources": resources,
    }});
    let place = Place {
        status: true,
        ..place
    };
    update::patch(store, Writer::named(WRITER), &place, Patch::Merge, &status).map(drop)
}

/// Since when a condition has been as it is.
pub(super) fn since(before: &Value, condition: &Value) -> Value {
    let same = |known: &&Value| {
        let mut known = (*known).clone();
        object::remove(&mut known, "lastTransitionTime");
        known == *condition
    };
    let known = before.as_array().into_iter().flatten().find(same);
    known.map_or_else(
        || json!(stamp::now()),
        |known| known["lastTransitionTime"].clone(),
    )
}
