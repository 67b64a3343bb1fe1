//! What follows a creation once: when it is planned, and what waits for it.

use super::scene::{Scene, id};
use crate::model::*;
use crate::plan::{Action, PlanInput, Violation, check};

/// A provider that has something to do after each creation, and a registrar besides the kubeconfig.
fn preparing(mut scene: Scene) -> Scene {
    let traits = scene.policy.providers.entry(ProviderId::new("k3d"));
    traits.or_default().prepares = true;
    let view = RegistrarView {
        installed: true,
        ..RegistrarView::default()
    };
    let registrars = &mut scene.observed.registrars;
    registrars.insert(RegistrarId::new("argocd"), Seen::Known(view));
    scene
}

fn due(mut scene: Scene) -> Scene {
    let entry = scene.ledger.entries.last_mut().unwrap();
    entry.preparation = Preparation::Due;
    scene
}

#[test]
fn a_new_cluster_is_prepared_before_it_is_registered_but_for_where_people_reach_it() {
    let scene = preparing(Scene::new().row("k3d/dev"));
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/dev",
            "prepare cluster/k3d/dev",
            "register argocd/k3d/dev",
            "register kubeconfig/k3d/dev",
        ]
    );
    let plan = scene.plan();
    let after = |step: usize| {
        plan.steps[step]
            .after
            .iter()
            .map(|id| id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!((after(1), after(2), after(3)), (vec![0], vec![1], vec![0]));
    let without = Scene::new().row("k3d/dev").short();
    assert!(!without.contains(&"prepare cluster/k3d/dev".to_owned()));
}

#[test]
fn what_was_interrupted_before_it_was_prepared_is_prepared_by_the_next_repair() {
    let scene = || {
        preparing(due(Scene::new()
            .row("k3d/dev")
            .ours("k3d/dev", Phase::Ready)))
    };
    assert_eq!(scene().short()[0], "prepare cluster/k3d/dev");
    assert_eq!(
        scene().prune().short(),
        [
            "=beyond_mode cluster/k3d/dev",
            "=beyond_mode argocd/k3d/dev"
        ]
    );
    let stopped = due(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Stopped));
    assert_eq!(
        preparing(stopped).short()[..2],
        ["start cluster/k3d/dev", "prepare cluster/k3d/dev"]
    );
}

#[test]
fn what_was_prepared_adopted_or_made_before_anything_was_to_follow_is_not_prepared() {
    let made = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready);
    assert_eq!(preparing(made).short(), ["register argocd/k3d/dev"]);
    let mut done = due(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready));
    done.ledger.entries[0].preparation = Preparation::Done;
    assert_eq!(preparing(done).short(), ["register argocd/k3d/dev"]);
    let mut foreign = Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Ready);
    foreign.policy.adopt.insert(id("k3d/dev"));
    let taken = preparing(foreign).short();
    assert!(
        !taken.iter().any(|step| step.starts_with("prepare")),
        "{taken:?}"
    );
}

#[test]
fn without_its_tool_it_is_held_and_so_is_what_waits_for_it() {
    let mut scene = preparing(due(Scene::new()
        .row("k3d/dev")
        .ours("k3d/dev", Phase::Ready)));
    let missing = ToolView::Missing {
        program: "k3d".into(),
        hint: "get it".into(),
    };
    scene.observed.tools.insert(ProviderId::new("k3d"), missing);
    assert_eq!(
        scene.short(),
        [
            "=tool_missing cluster/k3d/dev",
            "=tool_missing argocd/k3d/dev"
        ]
    );
}

#[test]
fn the_linter_finds_a_registration_that_does_not_wait_and_a_preparation_of_another_life() {
    let scene = preparing(Scene::new().row("k3d/dev"));
    let input = PlanInput {
        desired: &scene.desired,
        observed: &scene.observed,
        ledger: &scene.ledger,
        policy: &scene.policy,
    };
    let mut plan = scene.plan();
    plan.steps[2].after = vec![plan.steps[0].id];
    let address = plan.steps[2].action.address();
    assert_eq!(check(&plan, &input), [Violation::Unprepared(address)]);

    let mut plan = scene.plan();
    let (address, kind) = (plan.steps[1].action.address(), plan.steps[1].action.kind());
    if let Action::Prepare { incarnation, .. } = &mut plan.steps[1].action {
        *incarnation = Some(Incarnation::new("another"));
    }
    assert_eq!(check(&plan, &input), [Violation::WrongLife(address, kind)]);
}
