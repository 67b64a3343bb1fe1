//! The objects that an edge agent consists of, with the names that earlier tools gave them, so that theirs are taken over
//! and no second agent runs beside (portainer/k8s `portainer-agent-edge-k8s.yaml`; portainer/agent `os/options.go`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::agent::EdgeAgent;
use crate::registrar::api::{CLUSTER_ROLE_BINDING, Kind, SECRET, SERVICE_ACCOUNT};

/// Deployments.
pub(super) const DEPLOYMENT: Kind = Kind::new("apps", "v1", "Deployment", "deployments");
/// Services.
pub(super) const SERVICE: Kind = Kind::new("", "v1", "Service", "services");
/// Whose all of it is.
pub(super) const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "rollcall");
/// The agent's deployment, account, binding and label.
pub(super) const AGENT: &str = "portainer-edge-agent";
/// The Secret that its credentials are in.
pub(super) const SECRET_NAME: &str = "portainer-edge-creds";
/// Where in it the agent's name is.
pub(super) const EDGE_ID: &str = "edge-id";
/// Where in it the key is.
const EDGE_KEY: &str = "edge-key";
/// The Service by which agents of one cluster find each other.
const HEADLESS: &str = "s-portainer-agent-headless";
/// The Secret's revision. An agent reads its credentials at its start alone: whoever changed them, it begins anew when
/// they are put right, because it may have begun with what was there before.
const CREDENTIALS: &str = "rollcall/credentials";

/// Its namespace.
pub(super) fn namespace(agent: &EdgeAgent) -> Value {
    json!({"metadata": {"name": agent.namespace}})
}

/// Its account.
pub(super) fn service_account(agent: &EdgeAgent) -> Value {
    json!({"metadata": meta(agent, AGENT)})
}

/// That account may do everything: Portainer administers the cluster through it.
pub(super) fn binding(agent: &EdgeAgent) -> Value {
    json!({
        "metadata": {"name": AGENT, "labels": labels()},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": AGENT, "namespace": agent.namespace},
        ],
    })
}

/// Its credentials.
pub(super) fn secret(agent: &EdgeAgent) -> Value {
    json!({
        "metadata": meta(agent, SECRET_NAME),
        "data": {
            EDGE_ID: STANDARD.encode(agent.edge_id.expose_secret()),
            EDGE_KEY: STANDARD.encode(agent.edge_key.expose_secret()),
        },
    })
}

/// The name under which its pods are found.
pub(super) fn service(agent: &EdgeAgent) -> Value {
    json!({
        "metadata": meta(agent, HEADLESS),
        "spec": {"clusterIP": "None", "selector": {"app": AGENT}},
    })
}

/// The agent itself, with the Secret of this revision. Never two at a time: both would poll.
pub(super) fn deployment(agent: &EdgeAgent, secret: &str) -> Value {
    json!({
        "metadata": meta(agent, AGENT),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": AGENT}},
            "template": {
                "metadata": {
                    "labels": {"app": AGENT},
                    "annotations": {CREDENTIALS: secret},
                },
                "spec": {
                    "serviceAccountName": AGENT,
                    "containers": [{
                        "name": "agent",
                        "image": agent.image,
                        "imagePullPolicy": "IfNotPresent",
                        "env": env(agent),
                        "ports": [{"containerPort": 9001, "protocol": "TCP"}],
                    }],
                },
            },
        },
    })
}

fn env(agent: &EdgeAgent) -> Value {
    let secret =
        |key: &str| json!({"secretKeyRef": {"name": SECRET_NAME, "key": key, "optional": false}});
    let mut env = vec![
        json!({"name": "LOG_LEVEL", "value": "INFO"}),
        json!({"name": "EDGE", "value": "1"}),
        json!({"name": "EDGE_ID", "valueFrom": secret(EDGE_ID)}),
        json!({"name": "EDGE_KEY", "valueFrom": secret(EDGE_KEY)}),
        json!({"name": "AGENT_CLUSTER_ADDR", "value": HEADLESS}),
        json!({
            "name": "KUBERNETES_POD_IP",
            "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}},
        }),
    ];
    if agent.insecure_poll {
        env.push(json!({"name": "EDGE_INSECURE_POLL", "value": "1"}));
    }
    Value::Array(env)
}

/// Whether an object cannot become the one that is wanted: a field differs that the API lets nobody change alone, or it is
/// another tool's deployment, whose containers would run beside ours.
pub(super) fn is_in_the_way(there: &Value, wanted: &Value) -> bool {
    let fixed = [
        "/roleRef",
        "/spec/clusterIP",
        "/spec/selector/matchLabels",
        "/spec/strategy/type",
    ];
    let differs = fixed.iter().any(|path| {
        let wanted = wanted.pointer(path);
        wanted.is_some() && wanted != there.pointer(path)
    });
    let strange = containers(there).iter().any(|one| {
        let same = containers(wanted)
            .iter()
            .find(|own| own["name"] == one["name"]);
        same.is_none_or(|own| clashes(&own["env"], &one["env"]))
    });
    differs || strange
}

fn containers(object: &Value) -> &[Value] {
    let all = object.pointer("/spec/template/spec/containers");
    all.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a variable has a value in one and a source in the other: applied, it would have both, which is refused.
fn clashes(wanted: &Value, there: &Value) -> bool {
    let all = |env: &Value| env.as_array().cloned().unwrap_or_default();
    all(there).iter().any(|one| {
        let own = all(wanted);
        let own = own.iter().find(|own| own["name"] == one["name"]);
        own.is_some_and(|own| own["value"].is_null() != one["value"].is_null())
    })
}

fn labels() -> Value {
    json!({OWNER.0: OWNER.1})
}

/// All that an agent in this namespace consists of, in the order in which it goes.
pub(super) fn parts(namespace: &str) -> [(Kind, Option<&str>, &'static str); 5] {
    [
        (DEPLOYMENT, Some(namespace), AGENT),
        (SERVICE, Some(namespace), HEADLESS),
        (SECRET, Some(namespace), SECRET_NAME),
        (CLUSTER_ROLE_BINDING, None, AGENT),
        (SERVICE_ACCOUNT, Some(namespace), AGENT),
    ]
}

fn meta(agent: &EdgeAgent, name: &str) -> Value {
    json!({"name": name, "namespace": agent.namespace, "labels": labels()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn agent(edge_id: &str, edge_key: &str) -> EdgeAgent {
        EdgeAgent {
            edge_id: SecretString::from(edge_id),
            edge_key: SecretString::from(edge_key),
            image: "portainer/agent:2.33.2".to_owned(),
            namespace: "portainer-edge".to_owned(),
            insecure_poll: false,
        }
    }

    fn everything(agent: &EdgeAgent) -> Vec<Value> {
        let all = [namespace, service_account, binding, service];
        let mut all = all.map(|one| one(agent)).to_vec();
        all.push(deployment(agent, "7"));
        all
    }

    #[test]
    fn the_credentials_are_in_the_secret_alone() {
        let agent = agent("the-name", "the-key");
        let secret = secret(&agent);
        assert_eq!(secret["data"][EDGE_ID], STANDARD.encode("the-name"));
        assert_eq!(secret["data"][EDGE_KEY], STANDARD.encode("the-key"));
        let rest = json!(everything(&agent)).to_string();
        for text in ["the-name", "the-key"] {
            assert!(!rest.contains(text), "{rest}");
            assert!(!rest.contains(&STANDARD.encode(text)), "{rest}");
        }
        assert!(!format!("{agent:?}").contains("the-"), "{agent:?}");
    }

    #[test]
    fn another_revision_of_the_secret_begins_the_agent_anew() {
        let template = |secret| deployment(&agent("a", "b"), secret)["spec"]["template"].clone();
        assert_eq!(template("7"), template("7"));
        assert_ne!(template("7"), template("8"));
        // And another name or key makes another revision.
        assert_ne!(secret(&agent("a", "b")), secret(&agent("c", "b")));
        assert_ne!(secret(&agent("a", "b")), secret(&agent("a", "c")));
    }

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_taken_only_where_it_is_said() {
        let names = |insecure_poll| {
            let agent = EdgeAgent {
                insecure_poll,
                ..agent("a", "b")
            };
            deployment(&agent, "7")
                .to_string()
                .contains("EDGE_INSECURE_POLL")
        };
        assert!(names(true) && !names(false));
    }

    #[test]
    fn what_the_api_never_changes_is_in_the_way() {
        let agent = agent("a", "b");
        for wanted in everything(&agent) {
            assert!(!is_in_the_way(&wanted, &wanted), "{wanted}");
        }
        let wanted = deployment(&agent, "7");
        let changed = |path: &str, value: Value| {
            let mut there = wanted.clone();
            *there.pointer_mut(path).unwrap() = value;
            is_in_the_way(&there, &wanted)
        };
        assert!(changed("/spec/selector/matchLabels", json!({"app": "old"})));
        assert!(changed("/spec/strategy", json!({"type": "RollingUpdate"})));
        let container = "/spec/template/spec/containers/0";
        assert!(changed(&format!("{container}/name"), json!("old")));
        let spelled = json!([{"name": "EDGE_KEY", "value": "in the open"}]);
        assert!(changed(&format!("{container}/env"), spelled));
        // What a person added stays.
        let proxy = json!([{"name": "HTTPS_PROXY", "value": "http://proxy"}]);
        assert!(!changed(&format!("{container}/env"), proxy));
        assert!(!changed(
            &format!("{container}/image"),
            json!("portainer/agent:latest")
        ));
        let mut service = service(&agent);
        service["spec"]["clusterIP"] = json!("10.0.0.1");
        assert!(is_in_the_way(&service, &super::service(&agent)));
    }
}
