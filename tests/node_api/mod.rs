//! Kubernetes APIs on loopback ports for tests of registrars: processes of `rollcall-node api` (`tests/node`).
//!
//! `ROLLCALL_TEST_NODE` names the program. Each process keeps everything in a folder of its own and ends with its [`Node`].

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind, Request};
use kube::{Client, Error};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The only context of every kubeconfig.
pub(crate) const CONTEXT: &str = "default";

/// How long something may take to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sort of object: group, kind, plural.
pub(crate) type Sort = (&'static str, &'static str, &'static str);

/// Namespaces.
pub(crate) const NAMESPACE: Sort = ("", "Namespace", "namespaces");
/// Secrets.
pub(crate) const SECRET: Sort = ("", "Secret", "secrets");
/// Config maps.
pub(crate) const CONFIG_MAP: Sort = ("", "ConfigMap", "configmaps");
/// Argo CD's Applications.
pub(crate) const APPLICATION: Sort = ("argoproj.io", "Application", "applications");
/// Argo CD's sets of Applications.
pub(crate) const APPLICATION_SET: Sort = ("argoproj.io", "ApplicationSet", "applicationsets");

/// One Kubernetes API.
pub(crate) struct Node {
    dir: TempDir,
    flags: Vec<String>,
    port: u16,
    child: Child,
}

impl Node {
    /// Starts a new cluster; with `--argocd` among the flags, one that Argo CD acts in.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let (child, port) = spawn(&dir, 0, &flags);
        Self {
            dir,
            flags,
            port,
            child,
        }
    }

    /// Stops serving: who connects is refused.
    pub(crate) fn stop(&mut self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap();
    }

    /// Serves again, the same cluster at the same address.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.port) = spawn(&self.dir, self.port, &self.flags);
    }

    /// The kubeconfig with its administrator, context [`CONTEXT`].
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The authority's certificate, and the administrator's certificate and key: PEM in base64, as a kubeconfig has them.
    pub(crate) fn credentials(&self) -> [String; 3] {
        use secrecy::ExposeSecret as _;
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let cluster = kubeconfig.clusters[0].cluster.clone().unwrap();
        let user = kubeconfig.auth_infos[0].auth_info.clone().unwrap();
        let key = user.client_key_data.unwrap().expose_secret().to_owned();
        [
            cluster.certificate_authority_data.unwrap(),
            user.client_certificate_data.unwrap(),
            key,
        ]
    }

    /// A client of its own, as its administrator.
    pub(crate) async fn client(&self) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Client::try_from(config.unwrap()).unwrap()
    }

    async fn objects(&self, sort: Sort, namespace: &str) -> Api<DynamicObject> {
        let (group, kind, plural) = sort;
        let version = if group.is_empty() { "v1" } else { "v1alpha1" };
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let client = self.client().await;
        match namespace {
            "" => Api::all_with(client, &resource),
            namespace => Api::namespaced_with(client, namespace, &resource),
        }
    }

    /// Makes an object; its kind need not be said.
    pub(crate) async fn make(&self, sort: Sort, namespace: &str, mut object: Value) -> Value {
        let (group, kind, _) = sort;
        if !group.is_empty() {
            // Who defines kinds of his own must say them.
            object["apiVersion"] = json!(format!("{group}/v1alpha1"));
            object["kind"] = json!(kind);
        }
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let objects = self.objects(sort, namespace).await;
        let made = objects.create(&PostParams::default(), &object).await;
        serde_json::to_value(made.unwrap()).unwrap()
    }

    /// An object, if it is there.
    pub(crate) async fn find(&self, sort: Sort, namespace: &str, name: &str) -> Option<Value> {
        let found = self.objects(sort, namespace).await.get_opt(name).await;
        found
            .unwrap()
            .map(|found| serde_json::to_value(found).unwrap())
    }

    /// How many objects there are.
    pub(crate) async fn count(&self, sort: Sort, namespace: &str) -> usize {
        let objects = self.objects(sort, namespace).await;
        objects
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .len()
    }

    /// Changes an object by a merge patch, as this writer.
    pub(crate) async fn edit_as(
        &self,
        writer: &str,
        sort: Sort,
        namespace: &str,
        name: &str,
        change: &Value,
    ) {
        let params = PatchParams {
            field_manager: Some(writer.to_owned()),
            ..PatchParams::default()
        };
        let objects = self.objects(sort, namespace).await;
        let changed = objects.patch(name, &params, &Patch::Merge(change)).await;
        changed.unwrap();
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn edit(&self, sort: Sort, namespace: &str, name: &str, change: &Value) {
        self.edit_as("kubectl-edit", sort, namespace, name, change)
            .await;
    }

    /// Deletes an object; one that is not there is deleted.
    pub(crate) async fn remove(&self, sort: Sort, namespace: &str, name: &str) {
        let objects = self.objects(sort, namespace).await;
        match objects.delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Switches a fault on: `{"path_prefix", "status", "method"?, "retry_after"?, "times"?}`.
    pub(crate) async fn fault(&self, fault: &Value) {
        let body = fault.to_string().into_bytes();
        let request = Request::new("/__faults").create(&PostParams::default(), body);
        let _on: Value = self.client().await.request(request.unwrap()).await.unwrap();
    }

    /// Switches all faults off.
    pub(crate) async fn heal(&self) {
        self.reset("/__faults").await;
    }

    /// Counts requests from 0 on.
    pub(crate) async fn count_anew(&self) {
        self.reset("/__requests").await;
    }

    /// The requests since then: `{"total", "by": {"GET /path": 1}, "argocd"}`.
    pub(crate) async fn requests(&self) -> Value {
        let request = Request::new("/__requests").list(&ListParams::default());
        self.client().await.request(request.unwrap()).await.unwrap()
    }

    async fn reset(&self, path: &str) {
        let request =
            Request::new(path).delete_collection(&DeleteParams::default(), &ListParams::default());
        let _now: Value = self.client().await.request(request.unwrap()).await.unwrap();
    }

    /// Registers another cluster here as Argo CD has it: Secret `cluster-NAME`, with these labels besides.
    pub(crate) async fn register(&self, name: &str, target: &Self, labels: &Value) {
        let [ca, certificate, key] = target.credentials();
        let config = json!({"tlsClientConfig": {
            "caData": ca, "certData": certificate, "keyData": key, "serverName": "kubernetes.default.svc",
        }});
        let mut all = labels.clone();
        all["argocd.argoproj.io/secret-type"] = json!("cluster");
        let secret = json!({
            "metadata": {"name": format!("cluster-{name}"), "labels": all},
            "stringData": {"name": name, "server": target.url(), "config": config.to_string()},
        });
        self.make(SECRET, "argocd", secret).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &TempDir, port: u16, flags: &[String]) -> (Child, u16) {
    let program = std::env::var_os("ROLLCALL_TEST_NODE")
        .expect("ROLLCALL_TEST_NODE must name the program of tests/node");
    let mut child = Command::new(program)
        .args(["api", "--listen", &format!("127.0.0.1:{port}"), "--dir"])
        .arg(dir.path())
        .args(flags)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let port = line.trim().strip_prefix("ready ").expect("it must serve");
    (child, port.parse().unwrap())
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come");
}
