//! What operations leave behind: lines, journal, residue.

use crate::model::{NodeState, Phase, redact};
use crate::provider::Fault;
use crate::sandbox::tests::scene::{Scene, full, id, plain};
use crate::sandbox::{Deed, Leave, SECRET_MARK, Thing};

#[tokio::test]
async fn the_tools_say_what_they_do_and_k3d_says_its_token() {
    let scene = Scene::new();
    scene.made(&plain("k3d/dev")).await;
    scene.made(&plain("kind/dev")).await;
    let said = scene.log.all();
    assert!(said.contains("Creating node 'k3d-dev-server-0'") && said.contains("Installing CNI"));
    assert!(said.contains(SECRET_MARK));
    assert!(!redact(&said).contains(SECRET_MARK));
}

#[tokio::test]
async fn the_journal_tells_what_was_touched_and_whose_it_was() {
    let scene = Scene::new();
    scene.sandbox.make_foreign(&plain("k3d/theirs")).unwrap();
    assert!(scene.sandbox.journal().unwrap().records.is_empty());
    let ours = scene.made(&plain("k3d/ours")).await;
    let journal = scene.sandbox.journal().unwrap();
    assert_eq!(journal.foreign().count(), 0);
    assert_eq!(journal.count(Deed::Make, Thing::Container, &ours.id), 3);
    let theirs = scene.view(&id("k3d/theirs")).await.unwrap();
    assert!(
        theirs
            .nodes
            .iter()
            .all(|n| n.nonce.is_none() && n.state == NodeState::Running)
    );
    scene.remove(&theirs).await.unwrap();
    let journal = scene.sandbox.journal().unwrap();
    assert_eq!(
        journal.foreign().count(),
        4,
        "two nodes, a network, a volume"
    );
    assert!(
        journal
            .foreign()
            .all(|r| r.deed == Deed::Remove && r.cluster == Some(theirs.id.clone()))
    );
}

#[tokio::test]
async fn residue_is_seen_and_must_be_swept() {
    let (scene, spec) = (Scene::new(), full("k3d/dev", "10.101.0.0/24", 18080));
    scene.made(&spec).await;
    scene
        .sandbox
        .wipe(&spec.id, Leave::NetworksAndVolumes)
        .unwrap();
    let residue = scene.view(&spec.id).await.unwrap();
    assert_eq!(
        (residue.phase, residue.incarnation.clone()),
        (Phase::Residue, None)
    );
    assert_eq!(scene.create(&spec).await.unwrap_err().fault, Fault::NotOurs);
    scene.remove(&residue).await.unwrap();
    scene.made(&spec).await;
}

#[tokio::test]
async fn an_own_network_of_kind_is_residue_only_with_a_mark() {
    let (scene, spec) = (Scene::new(), full("kind/dev", "10.101.0.0/24", 18080));
    scene.made(&spec).await;
    scene
        .sandbox
        .wipe(&spec.id, Leave::NetworksAndVolumes)
        .unwrap();
    let residue = scene.view(&spec.id).await.unwrap();
    assert_eq!((residue.phase, residue.networks.len()), (Phase::Residue, 1));
    assert_eq!(
        scene.engine().await.facts.volumes.len(),
        1,
        "the anonymous volume leaked"
    );
    scene
        .sandbox
        .make_foreign(&full("kind/other", "10.102.0.0/24", 28080))
        .unwrap();
    scene
        .sandbox
        .wipe(&id("kind/other"), Leave::NetworksAndVolumes)
        .unwrap();
    assert_eq!(scene.phase(&id("kind/other")).await, Phase::Absent);
}
