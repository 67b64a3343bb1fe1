//! What a cluster has before anybody asked for anything.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::create::{self, Writer};
use super::failure::Failure;
use super::kind::{CLUSTER_ROLE, Kind, NAMESPACE, NODE};
use super::object::{self, Key};
use super::store::Store;
use crate::cluster::Node;

const MANAGER: &str = "kube-apiserver";

/// Makes what is missing: the namespaces, the cluster role that may do everything, this node.
/// `uid` names this life of the cluster: real programs take it from `kube-system`.
pub(crate) fn furnish(store: &mut Store, node: &Node, uid: &str) -> Result<(), Failure> {
    namespace(store, "default")?;
    namespace(store, "kube-system")?;
    let key = Key::new(&NAMESPACE, "", "kube-system");
    let mut system = store.find(&NAMESPACE, &key)?.clone();
    if object::text(&system, "uid") != uid {
        object::set(&mut system, "uid", json!(uid));
        store.put(key, system)?;
    }
    let mut role = named("cluster-admin");
    role["rules"] = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]);
    ensure(store, &CLUSTER_ROLE, role)?;
    ensure(store, &NODE, machine(node))
}

/// Makes a namespace, unless it is there.
pub(crate) fn namespace(store: &mut Store, name: &str) -> Result<(), Failure> {
    ensure(store, &NAMESPACE, named(name))
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn ensure(store: &mut Store, kind: &Kind, document: Value) -> Result<(), Failure> {
    match create::create(store, Writer::named(MANAGER), kind, "", document) {
        Err(failure) if failure.status != StatusCode::CONFLICT => Err(failure),
        _ => Ok(()),
    }
}

fn machine(node: &Node) -> Value {
    json!({
        "metadata": {
            "name": node.name,
            "labels": {
                "kubernetes.io/hostname": node.name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": {},
        "status": {
            "conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "message": "kubelet is posting ready status",
                "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "",
                "kubeProxyVersion": node.version,
                "kubeletVersion": node.version,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "rollcall-test",
                "systemUUID": "",
            },
        },
    })
}
