//! Argo CD's rules, acted out between real servers: sets and their Applications (`sets`), and what
//! becomes of workloads (`cascades`).

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod cascades;
mod sets;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::apiserver::create::{Writer, create};
use crate::apiserver::delete::{Options, delete};
use crate::apiserver::kind::{
    APPLICATION, APPLICATION_SET, CLUSTER_ROLE_BINDING, CONFIG_MAP, Kind, NAMESPACE, SECRET,
    SERVICE_ACCOUNT,
};
use crate::apiserver::object::Key;
use crate::apiserver::update::{Patch, Place, patch};
use crate::loopback::Loopback;

/// How long something may take to happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long something that must not happen is waited for: longer than every requeue.
const QUIET: Duration = Duration::from_secs(3);

impl Loopback {
    fn make(&self, kind: &Kind, namespace: &str, document: Value) {
        let mut store = self.shared.lock();
        create(&mut store, Writer::named("test"), kind, namespace, document).unwrap();
    }

    fn edit(&self, kind: &'static Kind, namespace: &str, name: &str, change: &Value) {
        let place = Place::new(kind, namespace, name);
        let mut store = self.shared.lock();
        patch(
            &mut store,
            Writer::named("test"),
            &place,
            Patch::Merge,
            change,
        )
        .unwrap();
    }

    fn remove(&self, kind: &Kind, namespace: &str, name: &str) {
        let key = Key::new(kind, namespace, name);
        delete(&mut self.shared.lock(), kind, &key, &Options::default()).unwrap();
    }

    fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Value> {
        self.shared
            .lock()
            .get(&Key::new(kind, namespace, name))
            .cloned()
    }

    /// Whether the workload of this Application is there.
    fn runs(&self, app: &str) -> bool {
        self.find(&CONFIG_MAP, "work", &format!("workload-{app}"))
            .is_some()
    }

    fn app(&self, name: &str) -> Option<Value> {
        self.find(&APPLICATION, "argocd", name)
    }

    /// The message of the set's error, if it says that it has one.
    fn trouble(&self) -> Option<String> {
        let set = self.find(&APPLICATION_SET, "argocd", "set")?;
        let condition = set["status"]["conditions"][0].clone();
        let message = condition["message"].as_str()?.to_owned();
        (condition["status"] == "True").then_some(message)
    }

    /// Waits for the set's error, and says its message.
    async fn error(&self) -> String {
        until("the error", || self.trouble().is_some()).await;
        self.trouble().unwrap()
    }

    /// Waits until there is no such Application.
    async fn ends(&self, app: &str) {
        until("the end of the application", || self.app(app).is_none()).await;
    }

    /// The message of an Application's condition of this sort.
    fn condition(&self, app: &str, sort: &str) -> Option<String> {
        let app = self.app(app)?;
        let conditions = app["status"]["conditions"].as_array()?;
        let found = conditions
            .iter()
            .find(|condition| condition["type"] == sort)?;
        Some(found["message"].as_str()?.to_owned())
    }

    /// A token that may do everything.
    async fn token(&self) -> String {
        let named = |name: &str| json!({"metadata": {"name": name}});
        self.make(&SERVICE_ACCOUNT, "kube-system", named("argocd-manager"));
        let mut binding = named("b");
        binding["roleRef"] = json!({"kind": "ClusterRole", "name": "cluster-admin"});
        binding["subjects"] = json!([
            {"kind": "ServiceAccount", "name": "argocd-manager", "namespace": "kube-system"},
        ]);
        self.make(&CLUSTER_ROLE_BINDING, "", binding);
        let mut secret = named("t");
        secret["type"] = json!("kubernetes.io/service-account-token");
        secret["metadata"]["annotations"] =
            json!({"kubernetes.io/service-account.name": "argocd-manager"});
        self.make(&SECRET, "kube-system", secret);
        let token = || {
            let secret = self.find(&SECRET, "kube-system", "t")?;
            let token = STANDARD.decode(secret["data"]["token"].as_str()?).ok()?;
            String::from_utf8(token).ok()
        };
        until("a token", || token().is_some()).await;
        token().unwrap()
    }
}

/// A cluster with Argo CD, and one that is registered there as `dev`.
struct World {
    argo: Loopback,
    dev: Loopback,
    token: String,
}

impl World {
    async fn start() -> Self {
        let (argo, dev) = (Loopback::start().await, Loopback::start().await);
        argo.make(&NAMESPACE, "", json!({"metadata": {"name": "argocd"}}));
        let token = dev.token().await;
        let world = Self { argo, dev, token };
        world.register();
        world
    }

    /// Registers `dev`, or a new life of it.
    fn register(&self) {
        let config = json!({
            "bearerToken": self.token,
            "tlsClientConfig": {
                "caData": STANDARD.encode(self.dev.authority.pem()),
                "serverName": "kubernetes.default.svc",
            },
        });
        self.register_as("dev", &self.dev.url(), &config.to_string());
    }

    fn register_as(&self, name: &str, server: &str, config: &str) {
        let labels = json!({"argocd.argoproj.io/secret-type": "cluster", "env": "dev"});
        let secret = json!({
            "metadata": {"name": format!("cluster-{name}"), "labels": labels},
            "stringData": {"name": name, "server": server, "config": config},
        });
        self.argo.make(&SECRET, "argocd", secret);
    }

    fn unregister(&self) {
        self.argo.remove(&SECRET, "argocd", "cluster-dev");
    }

    /// Makes the set `set`: a list of these clusters, one Application `app-NAME` for each.
    fn list(&self, names: &[&str], policy: &Value) {
        let spec = json!({
            "goTemplate": true,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"list": {"elements": elements(names)}}],
            "syncPolicy": policy,
            "template": template("{{.name}}"),
        });
        let set = json!({"metadata": {"name": "set"}, "spec": spec});
        self.argo.make(&APPLICATION_SET, "argocd", set);
    }

    /// Makes these the elements of the set.
    fn relist(&self, names: &[&str]) {
        let generators = json!([{"list": {"elements": elements(names)}}]);
        let change = json!({"spec": {"generators": generators}});
        self.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    }

    /// A list of `dev`, whose workload runs.
    async fn running(policy: Value) -> Self {
        let world = Self::start().await;
        world.list(&["dev"], &policy);
        until("the workload", || world.dev.runs("app-dev")).await;
        world
    }
}

fn elements(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}

fn template(name: &str) -> Value {
    json!({
        "metadata": {"name": format!("app-{name}")},
        "spec": {
            "project": "default",
            "destination": {"name": name, "namespace": "work"},
            "source": {"repoURL": "https://example.org/x.git", "path": "."},
        },
    })
}

/// Waits until something is so.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Watches that something stays so.
async fn always(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + QUIET;
    while Instant::now() < end {
        assert!(holds(), "{what} ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
