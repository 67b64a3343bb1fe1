//! What the guards refuse, and what they let pass.

use super::scene::Scene;
use crate::model::*;
use crate::plan::{ActionKind, Rule};

#[test]
fn more_orphans_than_the_limit_are_refused_as_a_whole() {
    let mut scene = Scene::new().row("k3d/a").ours("k3d/a", Phase::Ready);
    for name in ["k3d/b", "k3d/c", "k3d/d"] {
        scene = scene.ours(name, Phase::Ready);
    }
    let mut scene = scene.prune();
    let rule = |scene: &Scene| scene.plan().refusals.first().map(|refusal| refusal.rule);
    assert_eq!(rule(&scene), Some(Rule::TooMany { limit: 2 }));
    scene.policy.guards.limit = DeleteLimit::Count(3);
    assert_eq!(rule(&scene), None);
    scene.desired.rows.clear();
    assert_eq!(rule(&scene), Some(Rule::EmptyTable));
    scene.policy.guards.allow_all = true;
    assert_eq!(rule(&scene), None);
}

#[test]
fn the_guards_look_beyond_only() {
    let mut scene = Scene::new().row("kind/x").ours("kind/x", Phase::Ready);
    for name in ["k3d/b", "k3d/c", "k3d/d", "k3d/e"] {
        scene = scene.ours(name, Phase::Ready);
    }
    let mut scene = scene.prune();
    scene.policy.scope.only = vec!["b".parse().unwrap_or_else(|e| unreachable!("{e}"))];
    assert_eq!(scene.plan().refusals, vec![], "1 of 4");
    scene.policy.guards.limit = DeleteLimit::Count(0);
    assert_eq!(scene.plan().refusals.first().map(|r| r.total), Some(4));
}

#[test]
fn declared_deletions_are_exempt_until_they_are_all_of_three() {
    let scene = |names: &[&str]| {
        names
            .iter()
            .fold(Scene::new().row("kind/x"), |scene, name| {
                scene.absent(name).ours(name, Phase::Ready)
            })
    };
    assert_eq!(scene(&["k3d/a", "k3d/b"]).plan().refusals, vec![]);
    assert_eq!(
        scene(&["k3d/a", "k3d/b", "k3d/c"])
            .plan()
            .refusals
            .first()
            .map(|r| r.rule),
        Some(Rule::All)
    );
}

#[test]
fn what_is_left_of_dead_clusters_counts_as_a_class_of_its_own() {
    let mut scene = Scene::new().row("k3d/a").ours("k3d/a", Phase::Ready);
    for name in ["k3d/b", "k3d/c", "k3d/d"] {
        scene = scene.residue(name).list(name, EntryState::Live);
    }
    let mut scene = scene.prune();
    let refused = scene.plan().refusals;
    assert_eq!(
        refused
            .first()
            .map(|refusal| (refusal.class.as_str(), refusal.rule)),
        Some(("k3d leftovers", Rule::All))
    );
    scene.policy.guards.allow_all = true;
    assert_eq!(scene.plan().refusals, vec![]);
    assert_eq!(scene.plan().count(ActionKind::Sweep), 3);
}
