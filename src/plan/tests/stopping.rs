//! `stop`: what was asked for alone, once, and never what is not ours.

use super::scene::{Scene, id};
use crate::model::*;

fn asked(scene: Scene, names: &[&str]) -> Vec<String> {
    let mut scene = scene;
    scene.policy.mode = Mode::default();
    scene.policy.stop = names.iter().map(|name| id(name)).collect();
    scene.policy.scope.only = names.iter().map(|name| Selector::Id(id(name))).collect();
    scene.short()
}

#[test]
fn what_runs_is_stopped_and_its_registrations_stay() {
    for phase in [
        Phase::Ready,
        Phase::Running,
        Phase::Partial,
        Phase::Restarting,
        Phase::Paused,
    ] {
        let scene = Scene::new()
            .row("k3d/dev")
            .row("k3d/other")
            .ours("k3d/dev", phase)
            .ours("k3d/other", Phase::Ready);
        assert_eq!(
            asked(scene, &["k3d/dev"]),
            ["stop cluster/k3d/dev", "=excluded cluster/k3d/other"],
            "{phase}"
        );
    }
}

#[test]
fn the_management_cluster_can_be_stopped() {
    let scene = Scene::new()
        .row("k3d/devops")
        .ours("k3d/devops", Phase::Ready);
    assert_eq!(asked(scene, &["k3d/devops"]), ["stop cluster/k3d/devops"]);
}

#[test]
fn what_is_not_ours_is_not_stopped() {
    let scene = Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Ready);
    assert_eq!(asked(scene, &["k3d/dev"]), ["=not_ours cluster/k3d/dev"]);
}
