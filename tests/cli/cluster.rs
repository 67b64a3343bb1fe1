//! Rows: added, adopted, brought back.

use crate::scene::Scene;

#[test]
fn an_adopted_cluster_gets_a_row_and_a_forgotten_row_comes_back() {
    let scene = Scene::new();
    scene.rollcall(&["sandbox", "make", "kind/mine"]).code(0);
    scene.rollcall(&["cluster", "adopt", "mine"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    scene.rollcall(&["sandbox", "wipe", "kind/mine"]).code(0);
    scene.rollcall(&["reconcile", "--prune=rows"]).code(0);
    scene.rollcall(&["cluster", "restore", "mine"]).code(0);
    let list = scene.rollcall(&["cluster", "list"]).code(0);
    assert!(list.out.contains("kind/mine"), "{}", list.out);
}
