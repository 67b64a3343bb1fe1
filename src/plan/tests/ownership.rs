//! Whose a cluster is, and what follows.

use std::collections::BTreeSet;

use super::scene::{Scene, id, port};
use crate::model::*;
use crate::plan::Action;

#[test]
fn a_cluster_made_again_by_somebody_else_is_not_ours() {
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready);
    scene.ledger.entries[0].containers = BTreeSet::from([ContainerId::new("an-earlier-life")]);
    let scene = scene.repair();
    assert_eq!(scene.short(), ["=not_ours cluster/k3d/dev"]);
    assert_eq!(scene.prune().short(), ["=not_ours cluster/k3d/dev"]);
}

#[test]
fn a_mark_counts_only_while_its_entry_is_open() {
    let mark = Nonce::from_random([7; 16]);
    let mut scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Running)
        .list("k3d/dev", EntryState::Creating);
    scene.ledger.entries[0].containers.clear();
    scene.ledger.entries[0].nonce = Some(mark.clone());
    assert_eq!(scene.short(), ["=not_ours cluster/k3d/dev"], "no mark");
    let name = id("k3d/dev");
    if let Some(view) = scene
        .engine()
        .clusters
        .get_mut(&name.provider)
        .and_then(|map| map.get_mut(&name.name))
    {
        view.nodes[0].nonce = Some(mark);
    }
    assert_eq!(
        scene.short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ],
        "an interrupted creation of ours"
    );
    scene.ledger.entries[0].state = EntryState::Live;
    assert_eq!(
        scene.short(),
        ["=not_ours cluster/k3d/dev"],
        "a live entry goes by its IDs alone"
    );
}

#[test]
fn an_adopted_cluster_is_taken_over_started_and_registered() {
    let mut scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Stopped)
        .entry_there("k3d/dev", "old");
    scene.policy.adopt.insert(id("k3d/dev"));
    assert_eq!(
        scene.short(),
        [
            "adopt cluster/k3d/dev",
            "start cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
}

#[test]
fn a_strange_cluster_without_a_server_is_neither_taken_over_nor_made_again() {
    let mut scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Partial);
    let views = scene.engine().clusters.values_mut();
    for view in views.flat_map(|map| map.values_mut()) {
        view.incarnation = None;
        view.nodes[0].role = NodeRole::Worker;
        view.nodes[0].name = "k3d-dev-agent-0".into();
    }
    scene.policy.adopt.insert(id("k3d/dev"));
    scene.policy.replace_broken = true;
    scene.policy.replace.insert(id("k3d/dev"));
    let plan = scene.plan();
    assert_eq!(plan.steps.len(), 0);
    let hint = plan.held[0].reason.hint(&plan.held[0].address);
    let hint = hint.unwrap_or_default();
    assert!(
        hint.starts_with("remove k3d-dev-agent-0 yourself"),
        "{hint}"
    );
}

#[test]
fn an_adopted_cluster_without_a_row_gets_one() {
    let mut scene = Scene::new()
        .foreign("k3d/dev", Phase::Ready)
        .publish("k3d/dev", 80, 18080);
    scene.policy.adopt.insert(id("k3d/dev"));
    let plan = scene.plan();
    let captured = plan.steps.iter().find_map(|step| match &step.action {
        Action::Adopt { capture, .. } => capture.clone(),
        _ => None,
    });
    assert_eq!(
        captured.map(|spec| spec.ports.http),
        Some(Some(port(18080)))
    );
}

#[test]
fn a_cluster_whose_name_begins_like_a_leaving_one_stays() {
    let scene = Scene::new()
        .absent("k3d/dev")
        .ours("k3d/dev", Phase::Ready)
        .row("k3d/dev-a")
        .ours("k3d/dev-a", Phase::Ready);
    assert_eq!(
        scene.short(),
        ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"]
    );
}

#[test]
fn what_is_left_under_the_other_provider_is_an_orphan() {
    let scene = Scene::new()
        .row("kind/dev")
        .residue("k3d/dev")
        .list("k3d/dev", EntryState::Live);
    assert_eq!(
        scene.both().short(),
        [
            "create cluster/kind/dev",
            "register kubeconfig/kind/dev",
            "sweep cluster/k3d/dev"
        ]
    );
}

#[test]
fn neither_the_excluded_nor_the_management_cluster_is_adopted() {
    for (name, held) in [
        ("k3d/dev", vec!["=excluded cluster/k3d/dev"]),
        ("k3d/devops", vec![]),
    ] {
        let mut scene = Scene::new().foreign(name, Phase::Ready);
        scene.policy.adopt.insert(id(name));
        scene.policy.scope.exclude = vec!["dev".parse().unwrap_or_else(|e| unreachable!("{e}"))];
        assert_eq!(scene.short(), held);
    }
}

#[test]
fn a_cluster_whose_name_has_a_row_under_the_other_provider_is_not_adopted() {
    let scene = || {
        let mut scene = Scene::new().foreign("kind/dev", Phase::Ready);
        scene.policy.adopt.insert(id("kind/dev"));
        scene
    };
    let held = "=name_taken cluster/kind/dev";
    assert_eq!(
        scene().row("k3d/dev").prune().short(),
        ["prune_row row/dev", held]
    );
    assert_eq!(scene().absent("k3d/dev").short(), [held]);
}

#[test]
fn a_balancer_on_a_network_of_ours_is_ours_only_if_it_is_listed() {
    let scene = |listed: bool| {
        let mut scene = Scene::new().row("k3d/dev").residue("k3d/dev");
        scene = scene.list("k3d/dev", EntryState::Live);
        let balancer = ContainerId::new("balancer");
        if listed {
            scene.ledger.entries[0].containers.insert(balancer.clone());
        }
        for view in scene
            .engine()
            .clusters
            .values_mut()
            .flat_map(|map| map.values_mut())
        {
            view.phase = Phase::Partial;
            view.nodes = vec![NodeView {
                id: balancer.clone(),
                name: "dev-lb".into(),
                role: NodeRole::Balancer,
                state: NodeState::Running,
                image: "image".into(),
                nonce: None,
            }];
        }
        scene.policy.replace_broken = true;
        scene.short()
    };
    assert_eq!(scene(false), ["=not_ours cluster/k3d/dev"]);
    assert_eq!(scene(true)[0], "delete cluster/k3d/dev");
}

#[test]
fn what_we_registered_of_a_life_that_a_stranger_replaced_comes_off() {
    let scene = Scene::new()
        .row("kind/a")
        .ours("kind/a", Phase::Ready)
        .registered("k3d/dev")
        .foreign("k3d/dev", Phase::Ready);
    let mut other = scene.repair();
    for entry in &mut other.ledger.registrations {
        if entry.cluster == id("k3d/dev") {
            entry.incarnation = Incarnation::new("an earlier life");
        }
    }
    assert_eq!(
        other.short(),
        [
            "deregister kubeconfig/k3d/dev",
            "=unmanaged cluster/k3d/dev"
        ]
    );
}
