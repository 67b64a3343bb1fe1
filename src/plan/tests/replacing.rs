//! Replacements, and the order in which things come and go.

use super::scene::{Scene, port};
use crate::model::*;
use crate::plan::ActionKind;

#[test]
fn a_replacement_deletes_and_creates_and_keeps_the_registration() {
    let scene = Scene::new()
        .row("k3d/dev")
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    assert_eq!(
        scene.short(),
        [
            "delete cluster/k3d/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Partial);
    scene.policy.replace_broken = true;
    assert_eq!(scene.plan().count(ActionKind::Delete), 1);
}

#[test]
fn a_moved_row_is_replaced_when_asked() {
    let scene = Scene::new()
        .row("k3d/dev")
        .ours("kind/dev", Phase::Ready)
        .replace("k3d/dev");
    assert_eq!(
        scene.short(),
        [
            "deregister kubeconfig/kind/dev",
            "delete cluster/kind/dev",
            "create cluster/k3d/dev",
            "register kubeconfig/k3d/dev"
        ]
    );
}

#[test]
fn nothing_is_deleted_for_a_replacement_without_its_tool() {
    let mut scene = Scene::new()
        .row("k3d/dev")
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    let missing = ToolView::Missing {
        program: "k3d".into(),
        hint: "install it".into(),
    };
    scene.observed.tools.insert(ProviderId::new("k3d"), missing);
    assert_eq!(scene.short(), ["=tool_missing cluster/k3d/dev"]);
}

#[test]
fn nothing_is_deleted_for_a_replacement_whose_port_is_taken() {
    let mut scene = Scene::new()
        .row_on("k3d/dev", 18080)
        .ours("k3d/dev", Phase::Partial)
        .replace("k3d/dev");
    scene.engine().facts.bindings.push(Binding {
        port: port(18080),
        container: "db".into(),
        cluster: None,
    });
    assert_eq!(scene.short(), ["=port_taken cluster/k3d/dev"]);
}

#[test]
fn a_prune_that_no_create_needs_waits_for_every_create() {
    let scene = Scene::new()
        .row("k3d/a")
        .row("kind/x")
        .ours("kind/x", Phase::Ready)
        .ours("kind/old", Phase::Ready);
    let plan = scene.both().plan();
    let create = plan
        .steps
        .iter()
        .find(|s| s.action.kind() == ActionKind::Create)
        .map(|s| s.id);
    for kind in [ActionKind::Delete, ActionKind::Deregister] {
        let step = plan.steps.iter().find(|s| s.action.kind() == kind);
        assert!(
            step.is_some_and(|s| create.is_some_and(|c| s.after.contains(&c))),
            "{kind}: {plan:#?}"
        );
    }
}

#[test]
fn what_was_interrupted_is_made_again_only_if_it_never_came_up() {
    for state in [EntryState::Creating, EntryState::Deleting] {
        let scene = |phase| {
            Scene::new()
                .row("k3d/dev")
                .foreign("k3d/dev", phase)
                .list("k3d/dev", state)
        };
        for whole in [Phase::Ready, Phase::Stopped, Phase::Paused] {
            let plan = scene(whole).plan();
            assert_eq!(plan.count(ActionKind::Delete), 0, "{state:?} {whole:?}");
        }
        // Stopped, because one of its nodes was never started.
        let mut half = scene(Phase::Stopped);
        let clusters = half
            .engine()
            .clusters
            .values_mut()
            .flat_map(|all| all.values_mut());
        clusters.for_each(|view| view.nodes[0].state = NodeState::Created);
        assert_eq!(half.plan().count(ActionKind::Create), 1, "{state:?}");
        for broken in [Phase::Partial, Phase::Restarting] {
            let plan = scene(broken).plan();
            assert_eq!(plan.count(ActionKind::Delete), 1, "{state:?} {broken:?}");
            assert_eq!(plan.count(ActionKind::Create), 1, "{state:?} {broken:?}");
        }
    }
}

#[test]
fn a_host_port_that_leads_elsewhere_in_the_cluster_is_not_added_again() {
    let scene = Scene::new()
        .row_on("k3d/dev", 18080)
        .ours("k3d/dev", Phase::Ready)
        .publish("k3d/dev", 443, 18080);
    assert_eq!(scene.short(), ["=needs_replace cluster/k3d/dev"]);
}
