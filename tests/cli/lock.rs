//! The lock, and who holds it.

use crate::runs::{begun_by, dead};
use crate::scene::Scene;

#[test]
fn a_second_run_waits_or_gives_up_and_names_the_holder() {
    let scene = Scene::new().two_rows();
    let store =
        rollcall::store::Store::open_write(&scene.db(), &rollcall::clock::SystemClock).unwrap();
    let holder = rollcall::store::Holder::of_this_process("somebody else");
    let now = rollcall::clock::Clock::now(&rollcall::clock::SystemClock);
    store
        .acquire(&holder, now, &rollcall::store::liveness)
        .unwrap();
    let said = scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(7);
    assert!(said.err.contains("somebody else"), "{}", said.err);
    let shown = scene.rollcall(&["lock", "show"]).code(0);
    assert!(shown.out.contains("somebody else"), "{}", shown.out);
    let status = scene.rollcall(&["status"]).code(3);
    assert!(status.out.contains("running now"), "{}", status.out);
    let broken = scene.rollcall(&["lock", "break", "-o", "json"]).code(0);
    assert_eq!(broken.json()["state"], "held");
    assert_eq!(broken.json()["broken"], true);
    scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(0);
}

#[test]
fn a_run_that_died_holds_nothing_and_is_said_to_be_dead() {
    let scene = Scene::new().two_rows();
    begun_by(&scene, &dead());
    let shown = scene.rollcall(&["lock", "show"]).code(0);
    assert!(shown.out.contains("process is gone"), "{}", shown.out);
    let status = scene.rollcall(&["status"]).code(3);
    assert!(!status.out.contains("running now"), "{}", status.out);
    assert!(!status.out.contains("at work on"), "{}", status.out);
    let past = scene.rollcall(&["last-run"]).code(0);
    assert!(past.out.contains("it was killed"), "{}", past.out);
    scene
        .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
        .code(0);
}

#[test]
fn beside_programs_that_keep_writing_a_run_waits_its_turns() {
    let scene = Scene::new().two_rows();
    let db = scene.db();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let conn = rusqlite::Connection::open(db).unwrap();
            conn.busy_timeout(std::time::Duration::from_secs(60))
                .unwrap();
            for _ in 0..3 {
                conn.execute_batch("BEGIN IMMEDIATE; UPDATE clusters SET updated_at = updated_at")
                    .unwrap();
                // Longer than a program waits for its turn.
                std::thread::sleep(std::time::Duration::from_millis(5500));
                conn.execute_batch("COMMIT").unwrap();
            }
        });
        let said = scene.rollcall(&["reconcile", "--repair"]).code(0);
        assert!(!said.err.contains("locked"), "{}", said.err);
        writer.join().unwrap();
    });
    scene.rollcall(&["reconcile"]).code(0);
}
