//! What is left alone, and why.

use super::scene::{Scene, id};
use crate::model::*;
use crate::plan::Class;

#[test]
fn an_excluded_row_is_held() {
    let mut scene = Scene::new().row("k3d/dev").row("k3d/dev-a");
    scene.policy.scope.exclude = vec!["dev".parse().unwrap_or_else(|e| unreachable!("{e}"))];
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/dev-a",
            "register kubeconfig/k3d/dev-a",
            "=excluded cluster/k3d/dev"
        ]
    );
}

#[test]
fn a_cluster_in_progress_is_held() {
    let mut scene = Scene::new().row("k3d/dev");
    scene.policy.in_progress.insert(id("k3d/dev"));
    assert_eq!(scene.short(), ["=in_progress cluster/k3d/dev"]);
}

#[test]
fn nothing_happens_behind_an_unknown_engine() {
    for scene in [
        Scene::new().repair(),
        Scene::new().prune(),
        Scene::new().both(),
    ] {
        let mut scene = scene
            .row("k3d/dev")
            .absent("kind/a")
            .ours("k3d/b", Phase::Ready)
            .registered("k3d/gone");
        scene.observed.engine = Seen::Unknown(Unseen {
            source: "docker".into(),
            kind: UnseenKind::Silent,
            error: "no answer".into(),
            hint: None,
        });
        let plan = scene.plan();
        assert!(plan.is_empty());
        assert!(
            plan.held
                .iter()
                .all(|held| held.reason.class() == Class::Unknown),
            "{:?}",
            plan.held
        );
        assert_eq!(plan.held.len(), 3);
    }
}

#[test]
fn orphan_behind_an_unreachable_registrar_is_held() {
    let mut scene = Scene::new()
        .row("kind/a")
        .ours("kind/a", Phase::Ready)
        .ours("k3d/dev", Phase::Ready)
        .prune();
    let unseen = Unseen {
        source: "kubeconfig".into(),
        kind: UnseenKind::Silent,
        error: "torn".into(),
        hint: None,
    };
    scene
        .observed
        .registrars
        .insert(RegistrarId::new("kubeconfig"), Seen::Unknown(unseen));
    let plan = scene.plan();
    assert!(plan.is_empty(), "{plan:#?}");
}

#[test]
fn a_person_who_stopped_a_cluster_is_obeyed() {
    let mut scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Stopped);
    scene.desired.rows[0].stop = Some(StopIntent {
        source: "status".into(),
        who: None,
        why: None,
    });
    assert_eq!(scene.short(), ["=stopped_by_user cluster/k3d/dev"]);
}

#[test]
fn a_missing_tool_holds_its_own_rows_only() {
    let mut scene = Scene::new().row("k3d/a").row("kind/b");
    let missing = ToolView::Missing {
        program: "k3d".into(),
        hint: "install it".into(),
    };
    scene.observed.tools.insert(ProviderId::new("k3d"), missing);
    assert_eq!(
        scene.short(),
        [
            "create cluster/kind/b",
            "register kubeconfig/kind/b",
            "=tool_missing cluster/k3d/a"
        ]
    );
}

#[test]
fn a_scope_leaves_out_rows_that_cannot_be_right_too() {
    let mut scene = Scene::new().row("k3d/a").invalid("bad");
    scene.policy.scope.only = vec!["a".parse().unwrap_or_else(|e| unreachable!("{e}"))];
    assert_eq!(
        scene.short(),
        [
            "create cluster/k3d/a",
            "register kubeconfig/k3d/a",
            "=excluded row/bad"
        ]
    );
}

#[test]
fn a_row_whose_name_cannot_be_read_keeps_every_orphan() {
    let mut scene = Scene::new()
        .row("k3d/a")
        .ours("k3d/a", Phase::Ready)
        .invalid("x")
        .ours("k3d/b", Phase::Ready)
        .registered("k3d/gone")
        .prune();
    if let Some(row) = scene.desired.rows.last_mut() {
        row.name = None;
        row.claim = Claim::Unclear;
    }
    assert_eq!(
        scene.short(),
        ["=perhaps_claimed cluster/k3d/b", "=invalid_row row/x"]
    );
}

#[test]
fn a_prune_of_one_kind_takes_only_that_kind() {
    let scene = |prune| {
        let mut scene = Scene::new()
            .row("kind/a")
            .ours("kind/a", Phase::Ready)
            .absent("k3d/b")
            .ours("k3d/b", Phase::Ready);
        scene.policy.mode = Mode {
            repair: false,
            prune,
            clean: None,
        };
        scene.short()
    };
    let none = Prune::default();
    for prune in [
        Prune {
            orphans: true,
            ..none
        },
        Prune {
            registrations: true,
            ..none
        },
    ] {
        assert_eq!(scene(prune), ["=beyond_mode cluster/k3d/b"]);
    }
    let rows = Prune { rows: true, ..none };
    assert_eq!(
        scene(rows),
        [
            "deregister kubeconfig/k3d/b",
            "delete cluster/k3d/b",
            "prune_row row/b"
        ]
    );
}
