//! The agent in a cluster's own API.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use rollcall::provider::Access;
use rollcall::registrar::{
    AgentHost as _, ClusterAgents, EdgeAgent, Portainer, PortainerSettings, Registrar as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::agents::{environment_of, order};
use crate::node_api::Node;
use crate::server::{Server, VERSION, entry, id};

const DEV: &str = "k3d/dev";

/// A cluster of its own.
struct Cluster {
    _node: Node,
    client: Client,
    access: Access,
}

impl Cluster {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let node = Node::start(&[]);
        let kubeconfig = Kubeconfig::read_from(node.kubeconfig()).unwrap();
        let cluster = kubeconfig.clusters[0].cluster.clone().unwrap();
        let user = kubeconfig.auth_infos[0].auth_info.clone().unwrap();
        let access = Access {
            server: cluster.server.unwrap(),
            ca_data: cluster.certificate_authority_data.unwrap(),
            client_certificate_data: SecretString::from(user.client_certificate_data.unwrap()),
            client_key_data: user.client_key_data.unwrap(),
            ..order(DEV).access
        };
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Self {
            _node: node,
            client: Client::try_from(config.unwrap()).unwrap(),
            access,
        }
    }

    fn objects(&self, group: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    async fn get(&self, group: &str, kind: &str, agent: &EdgeAgent, name: &str) -> DynamicObject {
        let objects = self.objects(group, kind, Some(&agent.namespace));
        objects.get(name).await.unwrap()
    }

    async fn deployment(&self, agent: &EdgeAgent) -> DynamicObject {
        self.get("apps", "Deployment", agent, "portainer-edge-agent")
            .await
    }

    /// Everything that an agent consists of, as often as it was changed.
    async fn versions(&self, agent: &EdgeAgent) -> Vec<Option<String>> {
        let mut all = Vec::new();
        for (kind, name) in [
            ("ServiceAccount", "portainer-edge-agent"),
            ("Secret", "portainer-edge-creds"),
            ("Service", "s-portainer-agent-headless"),
        ] {
            all.push(
                self.get("", kind, agent, name)
                    .await
                    .metadata
                    .resource_version,
            );
        }
        let generation = self.deployment(agent).await.metadata.generation;
        all.push(generation.map(|number| number.to_string()));
        all
    }
}

/// An agent in a namespace of its own.
fn agent(namespace: &str, edge_key: &str) -> EdgeAgent {
    EdgeAgent {
        edge_id: SecretString::from("the-name"),
        edge_key: SecretString::from(edge_key),
        image: "portainer/agent:2.33.2".to_owned(),
        namespace: namespace.to_owned(),
        insecure_poll: false,
    }
}

fn annotation(deployment: &DynamicObject) -> Value {
    let template = &deployment.data["spec"]["template"]["metadata"]["annotations"];
    template["rollcall/credentials"].clone()
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn an_agent_is_put_once_and_begins_anew_with_another_key() {
    let cluster = Cluster::open().await;
    let first = agent("edge-put", "one");
    assert_eq!(
        ClusterAgents.edge_id(&cluster.access, "edge-put").await,
        Ok(None)
    );
    ClusterAgents.deploy(&cluster.access, &first).await.unwrap();
    let known = ClusterAgents.edge_id(&cluster.access, "edge-put").await;
    assert_eq!(known, Ok(Some("the-name".to_owned())));
    let (before, template) = (
        cluster.versions(&first).await,
        cluster.deployment(&first).await,
    );
    ClusterAgents.deploy(&cluster.access, &first).await.unwrap();
    assert_eq!(cluster.versions(&first).await, before);
    let second = agent("edge-put", "two");
    ClusterAgents
        .deploy(&cluster.access, &second)
        .await
        .unwrap();
    let now = cluster.deployment(&second).await;
    assert_ne!(annotation(&now), annotation(&template));
    assert_eq!(now.metadata.uid, template.metadata.uid);

    // An agent may have begun with what somebody wrote there.
    let wrong = json!({"stringData": {"edge-id": "another"}});
    let secrets = cluster.objects("", "Secret", Some("edge-put"));
    secrets
        .patch(
            "portainer-edge-creds",
            &PatchParams::default(),
            &Patch::Merge(&wrong),
        )
        .await
        .unwrap();
    ClusterAgents
        .deploy(&cluster.access, &second)
        .await
        .unwrap();
    let again = cluster.deployment(&second).await;
    assert_ne!(annotation(&again), annotation(&now));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn an_earlier_tools_agent_is_replaced_and_its_namespace_stays() {
    let cluster = Cluster::open().await;
    let agent = agent("edge-earlier", "one");
    let namespaces = cluster.objects("", "Namespace", None);
    let apply = PatchParams::apply("kubectl").force();
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge-earlier"}});
    let namespace = namespaces
        .patch("edge-earlier", &apply, &Patch::Apply(&namespace))
        .await
        .unwrap();
    let earlier = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "portainer-edge-agent", "namespace": "edge-earlier"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "portainer-edge-agent"}},
            "template": {
                "metadata": {"labels": {"app": "portainer-edge-agent"}},
                "spec": {"containers": [{
                    "name": "agent", "image": "portainer/agent:latest",
                    "env": [{"name": "EDGE_KEY", "value": "in the open"}],
                }]},
            },
        },
    });
    let deployments = cluster.objects("apps", "Deployment", Some("edge-earlier"));
    let earlier = deployments
        .patch("portainer-edge-agent", &apply, &Patch::Apply(&earlier))
        .await
        .unwrap();
    ClusterAgents.deploy(&cluster.access, &agent).await.unwrap();
    let now = cluster.deployment(&agent).await;
    assert_ne!(now.metadata.uid, earlier.metadata.uid);
    assert!(!now.data.to_string().contains("in the open"));
    let there = namespaces.get("edge-earlier").await.unwrap();
    assert_eq!(there.metadata.uid, namespace.metadata.uid);
}

#[tokio::test]
#[ignore = "needs the Portainer double and the program of tests/node: ROLLCALL_TEST_PORTAINER, ROLLCALL_TEST_NODE"]
async fn a_cluster_gets_the_key_of_its_environment() {
    let (server, cluster) = (Server::start(VERSION).await, Cluster::open().await);
    let settings = PortainerSettings {
        namespace: "edge-whole".to_owned(),
        heartbeat: None,
        ..server.settings()
    };
    let registrar = Portainer::new(settings, vec![id(DEV).provider]);
    let order = rollcall::registrar::RegisterOrder {
        access: cluster.access.clone(),
        ..order(DEV)
    };
    let written = registrar.register(&order, None).await.unwrap();
    let now = entry(&registrar, &id(DEV)).await.unwrap();
    assert_eq!(now.fingerprint, written);
    let environment = server.only("dev").await;
    let wanted = agent("edge-whole", environment["EdgeKey"].as_str().unwrap());
    assert_eq!(Some(environment_of(&wanted)), environment["Id"].as_u64());
    let secret = cluster
        .get("", "Secret", &wanted, "portainer-edge-creds")
        .await;
    let data: std::collections::BTreeMap<String, k8s_openapi::ByteString> =
        serde_json::from_value(secret.data["data"].clone()).unwrap();
    assert_eq!(
        data["edge-key"].0,
        wanted.edge_key.expose_secret().as_bytes()
    );
    // What was put there is what is let in, whether the cluster's own agent was faster or not.
    let name = String::from_utf8(data["edge-id"].0.clone()).unwrap();
    assert!(server.agents.poll(environment_of(&wanted), &name).await);
    let now = entry(&registrar, &id(DEV)).await.unwrap();
    assert_eq!((now.fingerprint, now.trouble), (written, None));
}
