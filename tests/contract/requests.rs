//! What registering costs: as much as differs, whatever is there in sync already.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::future::join_all;
use reqwest::Method;
use rollcall::model::{ClusterId, Seen};
use rollcall::registrar::{
    ApplicationSet, ApplicationSetSettings, ArgoCd, ArgoCdSettings, DEFAULT_KEY, Reach,
    RegisterOrder, Registrar, Way,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{order, providers};
use crate::node_api::{APPLICATION, APPLICATION_SET, CONTEXT, NAMESPACE, Node, SECRET};
use crate::place::LOOK;
use crate::places::{kubeconfig, upstream};
use crate::server::{Server, VERSION};
use crate::traffic::{Gate, Traffic};

/// How many are in sync.
const FEW: usize = 20;
const MANY: usize = 200;
/// What the names of those in sync begin with.
const IN_SYNC: &str = "insync-";
/// What the ones are called that a set lacks.
const DIFFERING: [&str; 3] = ["a", "b", "c"];
/// A namespace where nothing acts.
const QUIET: &str = "quiet";

/// How often what was asked.
type Asked = BTreeMap<String, u64>;

/// An order to register the cluster of this name.
fn order_of(name: &str) -> RegisterOrder {
    let id: ClusterId = format!("k3d/{name}").parse().unwrap();
    let mut order = order("one");
    order.access.id = id.clone();
    order.cluster.id = id;
    order
}

/// Looks, registers these at once, and looks again.
async fn registers(registrar: &dyn Registrar, orders: &[RegisterOrder], there: usize) {
    let known = async || match registrar.observe(LOOK).await {
        Seen::Known(view) => view.entries,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    };
    let before = known().await.len();
    assert!(before >= there, "{before} of {there} are seen");
    let all = orders.iter().map(|order| registrar.register(order, None));
    for told in join_all(all).await {
        told.unwrap();
    }
    let now = known().await;
    assert!(
        orders
            .iter()
            .all(|order| now.contains_key(&order.cluster.id))
    );
}

/// Fails if what is in sync was asked for by name.
fn leaves_alone(asked: &Asked) {
    let named = asked.keys().find(|what| what.contains(IN_SYNC));
    assert_eq!(named, None, "what is in sync is asked for one by one");
}

fn total(asked: &Asked) -> u64 {
    asked.values().sum()
}

fn counted(requests: &Value) -> Asked {
    serde_json::from_value(requests["by"].clone()).unwrap()
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn argocd_is_asked_as_much_as_differs_live() {
    let management = Node::start(&["--argocd"]);
    // One API stands for each cluster that is registered.
    let cluster = Node::start(&["--san", crate::cluster::FRONT]);
    let [ca, certificate, key] = cluster.credentials();
    let settings = ArgoCdSettings {
        kubeconfig: management.kubeconfig(),
        context: CONTEXT.to_owned(),
        host: None,
        namespace: "argocd".to_owned(),
        reach: Reach::Network,
        after: Vec::new(),
    };
    let argocd = ArgoCd::new(settings, providers());
    let orders = |names: &[&str]| -> Vec<RegisterOrder> {
        let orders = names.iter().map(|name| {
            let mut order = order_of(name);
            order.access.server = cluster.url();
            order.access.ca_data.clone_from(&ca);
            order.access.client_certificate_data = certificate.clone().into();
            order.access.client_key_data = key.clone().into();
            order
        });
        orders.collect()
    };
    let (mut costs, mut made) = (Vec::new(), 0);
    for (there, names) in [
        (FEW, ["a", "b", "c", "d", "e"]),
        (MANY, ["f", "g", "h", "i", "j"]),
    ] {
        for number in made..there {
            let name = format!("{IN_SYNC}{number}");
            let labels = json!({"argocd.argoproj.io/secret-type": "cluster", "provider": "k3d"});
            let secret = json!({
                "metadata": {"name": format!("cluster-{name}"), "labels": labels},
                "stringData": {"name": name, "server": format!("https://{name}:6443"), "config": "{}"},
            });
            management.make(SECRET, "argocd", secret).await;
        }
        made = there;
        for differing in [&names[..2], &names[2..]] {
            management.count_anew().await;
            registers(&argocd, &orders(differing), there).await;
            let asked = counted(&management.requests().await);
            leaves_alone(&asked);
            costs.push(total(&asked));
        }
    }
    // Two looks, and two requests for each that differs: it is read, and it is written.
    assert_eq!(costs, [4 + 4, 4 + 6, 4 + 4, 4 + 6]);
}

/// A set in a namespace where nothing acts but this: whoever kicks it finds it looked at.
async fn looked_at(management: &Node) {
    let looked =
        json!({"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": null}}});
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        management
            .edit(APPLICATION_SET, QUIET, "whoami", &looked)
            .await;
    }
}

/// The set, with Applications for so many that are in sync and for these, and the registrar.
async fn set_of(management: &Node, dir: &TempDir, gate: &Gate, there: usize) -> ApplicationSet {
    let names: Vec<String> = (0..there)
        .map(|number| format!("{IN_SYNC}{number}"))
        .collect();
    let elements: Vec<Value> = names
        .iter()
        .map(|name| json!({DEFAULT_KEY: name}))
        .collect();
    let made = json!({"metadata": {"name": "whoami"}, "spec": {
        "goTemplate": true,
        "generators": [{"list": {"elements": elements}}],
        "template": {"metadata": {"name": "whoami-{{.clusterName}}"}, "spec": {
            "project": "default", "destination": {"name": "{{.clusterName}}"},
        }},
    }});
    let namespace = json!({"metadata": {"name": QUIET}});
    management.make(NAMESPACE, "", namespace).await;
    let set = management.make(APPLICATION_SET, QUIET, made).await;
    let owner = json!([{
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "whoami",
        "uid": set["metadata"]["uid"], "controller": true,
    }]);
    let differing = DIFFERING.map(str::to_owned);
    for name in names.iter().chain(&differing) {
        let app = json!({
            "metadata": {"name": format!("whoami-{name}"), "ownerReferences": owner},
            "spec": {"project": "default", "destination": {"name": name}},
        });
        management.make(APPLICATION, QUIET, app).await;
    }
    let settings = ApplicationSetSettings {
        kubeconfig: kubeconfig(dir, &gate.url("management")),
        context: CONTEXT.to_owned(),
        host: None,
        namespace: QUIET.to_owned(),
        name: "whoami".to_owned(),
        way: Way::Elements {
            key: DEFAULT_KEY.to_owned(),
            element: BTreeMap::new(),
        },
    };
    ApplicationSet::new(settings, providers())
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_set_is_asked_for_nothing_that_is_in_sync_live() {
    let mut places = Vec::new();
    for there in [FEW, MANY] {
        let (management, dir) = (Node::start(&[]), tempfile::tempdir().unwrap());
        let traffic = Traffic {
            place: "requests",
            fact: "a set",
            live: true,
        };
        let gate = Gate::open(traffic, vec![("management", upstream(&management))]).await;
        let set = set_of(&management, &dir, &gate, there).await;
        let orders = DIFFERING.map(order_of);
        tokio::select! {
            () = registers(&set, &orders, there) => {}
            () = looked_at(&management) => {}
        }
        let asked = gate.asked();
        leaves_alone(&asked);
        let written = asked.iter().find(|(what, _)| what.starts_with("PUT"));
        assert!(written.is_some_and(|(_, count)| *count >= 3), "{asked:?}");
        // How often depends on how long Argo CD takes and who else writes; at what does not.
        places.push(asked.into_keys().collect::<Vec<_>>());
    }
    assert_eq!(places[0], places[1], "few are there, or many");
}

#[tokio::test]
#[ignore = "needs the Portainer double: ROLLCALL_TEST_PORTAINER"]
async fn portainer_is_asked_as_much_as_differs_live() {
    let server = Server::start(VERSION).await;
    let portainer = server.registrar();
    let mut tags = Vec::new();
    for name in ["rollcall", "rollcall-k3d"] {
        let made = server.ask(Method::POST, "/api/tags", Some(json!({"Name": name})));
        tags.push(made.await["ID"].clone());
    }
    let (mut costs, mut made) = (Vec::new(), 0);
    for (there, names) in [
        (FEW, ["a", "b", "c", "d", "e"]),
        (MANY, ["f", "g", "h", "i", "j"]),
    ] {
        for number in made..there {
            let name = format!("{IN_SYNC}{number}");
            let sound = json!({"Name": name, "Type": 7, "UserTrusted": true, "TagIds": tags});
            let id = server.set(sound).await["Id"].clone();
            let key = format!("{}|portainer:8000|aa:bb|{id}", server.url());
            let key = STANDARD_NO_PAD.encode(key);
            let heard = json!({"Id": id, "EdgeKey": key, "EdgeID": name, "LastCheckInDate": 1});
            server.set(heard).await;
        }
        made = there;
        for differing in [&names[..2], &names[2..]] {
            let orders: Vec<RegisterOrder> = differing.iter().map(|name| order_of(name)).collect();
            server.forget().await;
            registers(&portainer, &orders, there).await;
            let asked = server.requests().await.into_iter();
            let asked: Asked = asked.filter(|(what, _)| !what.contains("/__")).collect();
            leaves_alone(&asked);
            costs.push(total(&asked));
        }
    }
    assert_eq!(costs[..2], costs[2..], "few are there, or many");
    // A look is four requests; whoever differs by one more costs what the first of them did.
    let looks = 2 * 4;
    assert_eq!((costs[0] - looks) / 2, (costs[1] - looks) / 3, "{costs:?}");
}
