//! A management cluster with Argo CD, made by hand, and its Kubernetes API and those of other clusters as witnesses.

use std::fs;
use std::path::{Path, PathBuf};

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::bench::{Bench, tool};

/// The management cluster's container that takes part in other clusters' networks.
pub(crate) const NODE: &str = "k3d-devops-server-0";

/// A sort of object: group, version, kind.
pub(crate) type Sort<'s> = (&'s str, &'s str, &'s str);
pub(crate) const APPLICATION: Sort<'_> = ("argoproj.io", "v1alpha1", "Application");
pub(crate) const APPLICATION_SET: Sort<'_> = ("argoproj.io", "v1alpha1", "ApplicationSet");
pub(crate) const CONFIG_MAP: Sort<'_> = ("", "v1", "ConfigMap");
pub(crate) const SECRET: Sort<'_> = ("", "v1", "Secret");
pub(crate) const SERVICE_ACCOUNT: Sort<'_> = ("", "v1", "ServiceAccount");
pub(crate) const BINDING: Sort<'_> = ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding");

/// One cluster's API.
pub(crate) struct Cluster {
    kubeconfig: PathBuf,
    context: Option<String>,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    pub(crate) fn of(kubeconfig: &Path, context: Option<&str>) -> Self {
        Self {
            kubeconfig: kubeconfig.to_owned(),
            context: context.map(str::to_owned),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// Asks for something in a namespace, or in none.
    fn ask<T, F>(&self, sort: Sort<'_>, namespace: Option<&str>, question: F) -> T
    where
        F: AsyncFnOnce(Api<DynamicObject>) -> T,
    {
        self.runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).unwrap();
            let options = KubeConfigOptions {
                context: self.context.clone(),
                ..KubeConfigOptions::default()
            };
            let config = Config::from_custom_kubeconfig(kubeconfig, &options);
            let client = kube::Client::try_from(config.await.unwrap()).unwrap();
            let kind = GroupVersionKind::gvk(sort.0, sort.1, sort.2);
            let kind = ApiResource::from_gvk(&kind);
            let api = match namespace {
                Some(namespace) => Api::namespaced_with(client, namespace, &kind),
                None => Api::all_with(client, &kind),
            };
            question(api).await
        })
    }

    pub(crate) fn get(&self, sort: Sort<'_>, namespace: Option<&str>, name: &str) -> Option<Value> {
        let found = self.ask(sort, namespace, async |api| {
            api.get_opt(name).await.unwrap()
        });
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    pub(crate) fn names(&self, sort: Sort<'_>, namespace: Option<&str>) -> Vec<String> {
        self.ask(sort, namespace, async |api| {
            let all = api.list(&ListParams::default()).await.unwrap();
            let names = all
                .items
                .into_iter()
                .filter_map(|object| object.metadata.name);
            names.collect()
        })
    }

    pub(crate) fn make(&self, sort: Sort<'_>, namespace: Option<&str>, object: &Value) {
        let mut object = object.clone();
        let group = if sort.0.is_empty() {
            String::new()
        } else {
            format!("{}/", sort.0)
        };
        object["apiVersion"] = json!(format!("{group}{}", sort.1));
        object["kind"] = json!(sort.2);
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        self.ask(sort, namespace, async |api| {
            api.create(&PostParams::default(), &object).await.unwrap();
        });
    }

    pub(crate) fn edit(&self, sort: Sort<'_>, namespace: Option<&str>, name: &str, change: &Value) {
        self.ask(sort, namespace, async |api| {
            let patch = Patch::Merge(change);
            api.patch(name, &PatchParams::default(), &patch)
                .await
                .unwrap();
        });
    }

    pub(crate) fn remove(&self, sort: Sort<'_>, namespace: Option<&str>, name: &str) {
        self.ask(sort, namespace, async |api| {
            api.delete(name, &DeleteParams::default()).await.unwrap();
        });
    }
}

/// The management cluster `k3d/devops` with the namespace of Argo CD, switched on in the configuration.
pub(crate) fn with_argocd(bench: &Bench) -> Cluster {
    let image = std::env::var("ROLLCALL_TEST_K3S_IMAGE").unwrap();
    let (code, said) = tool("k3d", &["cluster", "create", "devops", "--image", &image]);
    assert_eq!(code, 0, "{said}");
    let (code, kubeconfig) = tool("k3d", &["kubeconfig", "get", "devops"]);
    assert_eq!(code, 0, "{kubeconfig}");
    let file = bench.path("management");
    fs::write(&file, kubeconfig).unwrap();
    let config = bench.path("rollcall.toml");
    let section = format!(
        "[argocd]\ncontext = 'k3d-devops'\nkubeconfig = '{}'\n",
        file.display()
    );
    let before = fs::read_to_string(&config).unwrap();
    fs::write(config, before + &section).unwrap();
    let cluster = Cluster::of(&file, None);
    let namespace = json!({"metadata": {"name": "argocd"}});
    cluster.make(("", "v1", "Namespace"), None, &namespace);
    cluster
}

/// A set `whoami` with these generators, switched on in the configuration.
pub(crate) fn with_set(bench: &Bench, management: &Cluster, way: &str, generators: &Value) {
    let config = bench.path("rollcall.toml");
    let section = format!(
        "[applicationset]\nname = 'whoami'\nway = '{way}'\n\
         element = {{ env = '{{name}}', branch = '{{name}}' }}\n"
    );
    let before = fs::read_to_string(&config).unwrap();
    fs::write(config, before + &section).unwrap();
    let keys = match way {
        "elements" => ["{{.env}}", "{{.clusterName}}", "{{.branch}}"],
        _ => ["{{.name}}", "{{.name}}", "main"],
    };
    let set = json!({
        "metadata": {"name": "whoami"},
        "spec": {
            "goTemplate": true,
            "goTemplateOptions": ["missingkey=error"],
            "generators": generators,
            "template": {
                "metadata": {"name": format!("whoami-{}", keys[0])},
                "spec": {
                    "project": "default",
                    "destination": {"name": keys[1], "namespace": "default"},
                    "source": {
                        "repoURL": "https://example.org/x.git", "path": "deploy",
                        "targetRevision": keys[2],
                    },
                },
            },
        },
    });
    management.make(APPLICATION_SET, Some("argocd"), &set);
}
