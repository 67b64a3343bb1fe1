//! Who gets a port or a subnet that two want.

use std::collections::BTreeSet;

use super::scene::{Scene, port};
use crate::model::*;
use crate::plan::ActionKind;

#[test]
fn of_two_rows_with_one_port_the_live_owner_wins_then_the_lowest_name() {
    let scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18080);
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/a",
            "register kubeconfig/k3d/a",
            "=port_taken cluster/k3d/b"
        ]
    );
    let scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18080);
    let scene = scene
        .ours("k3d/b", Phase::Ready)
        .publish("k3d/b", 80, 18080);
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/a"]);
}

#[test]
fn a_port_of_a_process_is_taken_and_the_other_rows_go_on() {
    let mut scene = Scene::new().row_on("k3d/a", 18080).row_on("k3d/b", 18081);
    scene.engine().facts.listeners = Some(BTreeSet::from([port(18080)]));
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/b",
            "register kubeconfig/k3d/b",
            "=port_taken cluster/k3d/a"
        ]
    );
}

#[test]
fn a_create_waits_for_the_orphan_that_has_its_port() {
    let scene = || {
        let scene = Scene::new()
            .row_on("k3d/a", 18080)
            .row("kind/x")
            .ours("kind/x", Phase::Ready);
        scene
            .ours("kind/old", Phase::Ready)
            .publish("kind/old", 80, 18080)
    };
    assert_eq!(
        scene().short(),
        [
            "=blocked_by_orphan cluster/k3d/a",
            "=orphan cluster/kind/old"
        ]
    );
    let plan = scene().both().plan();
    let place = |kind| plan.steps.iter().position(|s| s.action.kind() == kind);
    assert!(
        place(ActionKind::Delete) < place(ActionKind::Create),
        "{plan:#?}"
    );
}

#[test]
fn two_rows_with_one_subnet_are_one_too_many() {
    let on = |scene: Scene, name: &str, net| {
        scene.row_with(name, Presence::Present, Ports::default(), Some(net))
    };
    let scene = on(
        on(Scene::new(), "k3d/a", "10.1.0.0/24"),
        "kind/b",
        "10.1.0.0/16",
    );
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/a",
            "register kubeconfig/k3d/a",
            "=subnet_taken cluster/kind/b"
        ]
    );
}

#[test]
fn a_foreign_network_has_its_subnet() {
    let scene = Scene::new().row_with(
        "k3d/a",
        Presence::Present,
        Ports::default(),
        Some("10.1.0.0/24"),
    );
    let scene = scene.network("k3d/other", Some("10.1.0.0/16"));
    assert_eq!(scene.short(), ["=subnet_taken cluster/k3d/a"]);
}

#[test]
fn a_start_whose_port_went_to_somebody_else_is_held() {
    let mut scene = Scene::new()
        .row_on("k3d/dev", 18080)
        .ours("k3d/dev", Phase::Stopped)
        .publish("k3d/dev", 80, 18080);
    assert_eq!(scene.short(), ["start cluster/k3d/dev"]);
    scene.engine().facts.listeners = Some(BTreeSet::from([port(18080)]));
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/dev"]);
}

#[test]
fn who_runs_on_a_port_may_be_made_again_on_it_whoever_else_asks_for_it() {
    let scene = |state: NodeState| {
        let mut scene = Scene::new()
            .row_on("k3d/dev", 18080)
            .ours("k3d/dev", Phase::Ready)
            .publish("k3d/dev", 80, 18080)
            .foreign("kind/dev", Phase::Created)
            .publish("kind/dev", 80, 18080)
            .replace("k3d/dev");
        let balancer = NodeView {
            id: ContainerId::new("balancer"),
            name: "dev-lb".into(),
            role: NodeRole::Balancer,
            state,
            image: "image".into(),
            nonce: None,
        };
        let provider = ProviderId::new("k3d");
        let views = scene.engine().clusters.get_mut(&provider);
        for view in views.into_iter().flat_map(|map| map.values_mut()) {
            view.nodes.push(balancer.clone());
        }
        scene
    };
    assert_eq!(
        scene(NodeState::Running).short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev",
            "=unmanaged cluster/kind/dev"
        ]
    );
    assert_eq!(
        scene(NodeState::Exited).short(),
        ["=port_taken cluster/k3d/dev", "=unmanaged cluster/kind/dev"]
    );
}
