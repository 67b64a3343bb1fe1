//! A clean: what is ours goes, whatever the rows say, and nothing else does.

use super::scene::{Scene, id};
use crate::model::*;
use crate::plan::{Action, Step};

fn living() -> Scene {
    Scene::new()
        .row("k3d/dev")
        .row("kind/ops")
        .row("k3d/devops")
        .ours("k3d/dev", Phase::Ready)
        .ours("kind/ops", Phase::Stopped)
        .ours("k3d/devops", Phase::Ready)
}

#[test]
fn everything_of_ours_goes_registrations_first_and_no_row() {
    assert_eq!(
        living().clean(Clean::Clusters).short(),
        [
            "deregister kubeconfig/k3d/dev",
            "delete cluster/k3d/dev",
            "deregister kubeconfig/kind/ops",
            "delete cluster/kind/ops",
            "=management cluster/k3d/devops",
        ]
    );
}

#[test]
fn the_management_cluster_goes_last() {
    let plan = living().clean(Clean::Everything).plan();
    let own = |step: &&Step| step.action.cluster() == Some(id("k3d/devops"));
    assert_eq!(plan.steps.iter().filter(own).count(), 2);
    for step in plan.steps.iter().filter(own) {
        let others = plan.steps.iter().filter(|other| !own(other));
        assert!(
            others
                .into_iter()
                .all(|other| step.after.contains(&other.id))
        );
    }
}

#[test]
fn what_is_not_ours_stays_and_is_listed_whatever_rows_say() {
    let scene = Scene::new()
        .row("k3d/dev")
        .foreign("k3d/dev", Phase::Ready)
        .foreign("kind/theirs", Phase::Partial)
        .foreign("k3d/devops", Phase::Ready);
    assert_eq!(
        scene.clean(Clean::Everything).short(),
        [
            "=unmanaged cluster/k3d/dev",
            "=unmanaged cluster/k3d/devops",
            "=unmanaged cluster/kind/theirs",
        ]
    );
}

#[test]
fn rows_that_cannot_be_right_an_empty_table_and_guards_are_no_obstacle() {
    let mut scene = Scene::new();
    for name in ["k3d/a", "k3d/b", "k3d/c", "kind/d"] {
        scene = scene.ours(name, Phase::Ready);
    }
    let plan = scene.clean(Clean::Clusters).plan();
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.steps.len(), 8);
    assert!(plan.held.is_empty());
}

#[test]
fn leftovers_and_registrations_of_the_gone_go_too() {
    let scene = Scene::new()
        .row("k3d/dev")
        .residue("k3d/dev")
        .list("k3d/dev", EntryState::Closed)
        .registered("k3d/gone");
    assert_eq!(
        scene.clean(Clean::Clusters).short(),
        ["sweep cluster/k3d/dev", "deregister kubeconfig/k3d/gone"]
    );
}

#[test]
fn a_cluster_behind_an_unknown_registrar_stays_unless_the_registrar_goes_along() {
    let unseen = Unseen {
        source: "kubeconfig".into(),
        kind: UnseenKind::Silent,
        error: "silent".into(),
        hint: None,
    };
    let silent = |clean: Clean, hosted: bool| {
        let mut scene = living().clean(clean);
        let registrar = RegistrarId::new("kubeconfig");
        if hosted {
            scene
                .policy
                .hosted
                .insert(registrar.clone(), id("k3d/devops"));
        }
        let registrars = &mut scene.observed.registrars;
        registrars.insert(registrar, Seen::Unknown(unseen.clone()));
        let plan = scene.plan();
        let deletes = |step: &Step| matches!(step.action, Action::Delete { .. });
        plan.steps.into_iter().filter(deletes).count()
    };
    assert_eq!(silent(Clean::Everything, false), 0);
    assert_eq!(silent(Clean::Clusters, true), 0);
    assert_eq!(silent(Clean::Everything, true), 3);
}

#[test]
fn after_a_clean_there_is_nothing_left_to_do() {
    let scene = Scene::new().row("k3d/dev").row("kind/ops");
    assert_eq!(scene.clean(Clean::Everything).short(), Vec::<String>::new());
}

#[test]
fn what_the_management_cluster_holds_comes_off_where_that_cluster_stays() {
    let argocd = RegistrarId::new("argocd");
    let unseen = Unseen {
        source: "kubeconfig".into(),
        kind: UnseenKind::Silent,
        error: "silent".into(),
        hint: None,
    };
    let planned = |host: &str, kubeconfig_silent: bool| {
        let mut scene = living().clean(Clean::Everything);
        // One cluster is in Argo CD alone, the management cluster in the kubeconfig alone.
        scene
            .ledger
            .registrations
            .retain(|entry| entry.cluster != id("k3d/dev"));
        let mut view = RegistrarView {
            installed: true,
            ..RegistrarView::default()
        };
        let fingerprint = Fingerprint::new("same");
        let entry = RegistrationView {
            fingerprint: fingerprint.clone(),
            endpoint: "x".into(),
            leads_to: PortMap::new(),
            trouble: None,
        };
        view.entries.insert(id("k3d/dev"), entry);
        scene.ledger.registrations.push(RegistrationEntry {
            registrar: argocd.clone(),
            cluster: id("k3d/dev"),
            incarnation: Incarnation::new("node-k3d/dev"),
            fingerprint,
        });
        scene
            .observed
            .registrars
            .insert(argocd.clone(), Seen::Known(view));
        scene.policy.hosted.insert(argocd.clone(), id(host));
        if kubeconfig_silent {
            let kubeconfig = RegistrarId::new("kubeconfig");
            scene
                .observed
                .registrars
                .insert(kubeconfig, Seen::Unknown(unseen.clone()));
        }
        scene.short()
    };
    let off = "deregister argocd/k3d/dev".to_owned();
    assert!(!planned("k3d/devops", false).contains(&off));
    assert!(planned("k3d/devops", true).contains(&off));
    assert!(planned("kind/devops", false).contains(&off));
}
