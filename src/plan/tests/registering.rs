//! Several registrars: which comes first, what waits, what is left alone.

use super::scene::{Scene, id};
use crate::model::*;
use crate::plan::StepId;

/// A registrar that is switched on.
fn on(mut scene: Scene, name: &str, view: RegistrarView) -> Scene {
    let view = RegistrarView {
        installed: true,
        ..view
    };
    let registrars = &mut scene.observed.registrars;
    registrars.insert(RegistrarId::new(name), Seen::Known(view));
    scene
}

fn after(first: &str) -> RegistrarView {
    RegistrarView {
        after: [RegistrarId::new(first)].into(),
        ..RegistrarView::default()
    }
}

/// One cluster's entry in a registrar, and the ledger's record of it.
fn entry(mut scene: Scene, registrar: &str, cluster: &str, in_ledger: bool) -> Scene {
    let kubeconfig = &scene.observed.registrars[&RegistrarId::new("kubeconfig")];
    let mut view = kubeconfig.known().unwrap().entries[&id(cluster)].clone();
    view.leads_to.clear();
    let registrar = RegistrarId::new(registrar);
    if in_ledger {
        scene.ledger.registrations.push(RegistrationEntry {
            registrar: registrar.clone(),
            cluster: id(cluster),
            incarnation: Incarnation::new(format!("node-{cluster}")),
            fingerprint: view.fingerprint.clone(),
        });
    }
    if let Some(Seen::Known(there)) = scene.observed.registrars.get_mut(&registrar) {
        there.entries.insert(id(cluster), view);
    }
    scene
}

fn unknown(mut scene: Scene, name: &str) -> Scene {
    let unseen = Unseen {
        source: name.to_owned(),
        kind: UnseenKind::Silent,
        error: "no answer".to_owned(),
        hint: None,
    };
    let registrars = &mut scene.observed.registrars;
    registrars.insert(RegistrarId::new(name), Seen::Unknown(unseen));
    scene
}

/// `second` after `first`; the first letters of the names say the opposite.
fn two(scene: Scene) -> Scene {
    on(
        on(scene, "first", RegistrarView::default()),
        "a-second",
        after("first"),
    )
}

#[test]
fn a_registration_waits_for_the_one_that_comes_first() {
    let scene = two(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready));
    assert_eq!(
        scene.short(),
        ["register first/k3d/dev", "register a-second/k3d/dev"]
    );
    assert_eq!(scene.plan().steps[1].after, [StepId(0)]);
    let made = two(Scene::new().row("k3d/dev"));
    let last = made.plan().steps.pop().unwrap();
    assert_eq!(last.action.address().to_string(), "a-second/k3d/dev");
    assert_eq!(
        last.after.len(),
        2,
        "the creation and the first registration"
    );
}

#[test]
fn what_cannot_be_registered_first_is_not_registered_second() {
    let scene = || two(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready));
    let foreign = entry(scene(), "first", "k3d/dev", false);
    assert_eq!(
        foreign.short(),
        [
            "=waits_for a-second/k3d/dev",
            "=registration_not_ours first/k3d/dev"
        ]
    );
    assert_eq!(
        unknown(scene(), "first").short(),
        [
            "=waits_for a-second/k3d/dev",
            "=source_unknown first/k3d/dev"
        ]
    );
}

#[test]
fn what_was_registered_first_goes_first() {
    let mut scene = two(Scene::new().absent("k3d/dev").ours("k3d/dev", Phase::Ready));
    for registrar in ["first", "a-second"] {
        scene = entry(scene, registrar, "k3d/dev", true);
    }
    let plan = scene.plan();
    let place = |address: &str| {
        let mut steps = plan.steps.iter();
        steps.position(|step| step.action.address().to_string() == address)
    };
    assert!(place("first/k3d/dev") < place("a-second/k3d/dev"));
    assert!(place("a-second/k3d/dev") < place("cluster/k3d/dev"));
}

#[test]
fn nothing_goes_second_while_nobody_knows_what_is_first() {
    let scene = two(Scene::new().ours("k3d/dev", Phase::Ready));
    let mut scene = entry(scene, "a-second", "k3d/dev", true);
    let clusters = scene.engine().clusters.get_mut(&ProviderId::new("k3d"));
    clusters.unwrap().clear();
    let known = scene.short();
    assert!(
        known.contains(&"deregister a-second/k3d/dev".to_owned()),
        "{known:?}"
    );
    let hidden = unknown(scene, "first").short();
    assert!(
        hidden.contains(&"=source_unknown a-second/k3d/dev".to_owned()),
        "{hidden:?}"
    );
}

#[test]
fn what_belongs_to_the_cluster_serves_whoever_made_it_and_goes_with_it() {
    let attached = RegistrarView {
        attached: true,
        ..RegistrarView::default()
    };
    let scene = || {
        let scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready);
        on(scene, "network", attached.clone())
    };
    assert_eq!(scene().short(), ["register network/k3d/dev"]);
    let there = entry(scene(), "network", "k3d/dev", false);
    assert_eq!(there.short(), [""; 0]);
    let mut gone = entry(scene(), "network", "k3d/dev", true);
    gone.desired.rows.clear();
    let gone = gone.absent("k3d/dev").short();
    assert_eq!(
        gone,
        ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"]
    );
    let mut lacking = entry(scene(), "network", "k3d/dev", false);
    if let Some(Seen::Known(view)) = lacking
        .observed
        .registrars
        .get_mut(&RegistrarId::new("network"))
    {
        let entry = view.entries.get_mut(&id("k3d/dev")).unwrap();
        entry.trouble = Some("somebody is not on it".to_owned());
    }
    assert_eq!(lacking.short(), ["register network/k3d/dev"]);
}

#[test]
fn what_is_not_ours_to_move_is_said() {
    let obstacle = Obstacle {
        what: "somebody is in the way".to_owned(),
        remedy: "ask them".to_owned(),
        of: vec![id("k3d/other")],
    };
    let view = RegistrarView {
        obstacles: [(id("k3d/dev"), vec![obstacle.clone()])].into(),
        problems: vec![obstacle],
        ..RegistrarView::default()
    };
    let scene = Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready);
    let scene = on(scene, "first", view);
    assert_eq!(
        scene.short(),
        [
            "=registrar_obstructed first/k3d/dev",
            "=registrar_obstructed source/first"
        ]
    );
    let held = &scene.plan().held[0];
    assert_eq!(held.reason.hint(&held.address).as_deref(), Some("ask them"));

    // What is an entry of ours is mended as that.
    let mut ours = scene;
    ours.ledger.registrations.push(RegistrationEntry {
        registrar: RegistrarId::new("first"),
        cluster: id("k3d/other"),
        incarnation: Incarnation::new("other"),
        fingerprint: Fingerprint::new("other"),
    });
    assert_eq!(ours.short(), ["register first/k3d/dev"]);
}

#[test]
fn nothing_is_left_out_of_a_set_while_it_is_still_registered_first() {
    let scene = || {
        let scene = two(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready));
        let scene = entry(scene, "first", "k3d/dev", true);
        entry(scene, "a-second", "k3d/dev", true)
    };
    let out = |mut scene: Scene, registrars: &[&str]| {
        for name in registrars {
            let selector = "k3d/dev".parse().unwrap();
            let out = [(RegistrarId::new(*name), [selector].into())];
            scene.policy.unregistered.extend(out);
        }
        scene
    };
    assert_eq!(scene().short(), [""; 0]);
    let alone = out(scene(), &["a-second"]).short();
    assert_eq!(alone, ["=registrar_obstructed a-second/k3d/dev"]);
    let both = out(scene(), &["a-second", "first"]);
    assert_eq!(
        both.short(),
        ["deregister first/k3d/dev", "deregister a-second/k3d/dev"]
    );
    assert_eq!(both.plan().steps[1].after, [StepId(0)]);
    let hidden = unknown(out(scene(), &["a-second", "first"]), "first").short();
    assert_eq!(
        hidden,
        [
            "=source_unknown a-second/k3d/dev",
            "=source_unknown first/k3d/dev"
        ]
    );
}

#[test]
fn what_another_mode_would_register_first_does_not_block_what_comes_second() {
    let scene = two(Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready)).prune();
    assert_eq!(
        scene.short(),
        [
            "=beyond_mode a-second/k3d/dev",
            "=beyond_mode first/k3d/dev"
        ]
    );
}
