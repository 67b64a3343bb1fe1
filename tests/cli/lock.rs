//! The lock, and who holds it.

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
    let store =
        rollcall::store::Store::open_write(&scene.db(), &rollcall::clock::SystemClock).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a process that ends")]
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let holder = rollcall::store::Holder {
        pid: child.id(),
        ..rollcall::store::Holder::of_this_process("rollcall reconcile --repair")
    };
    let now = rollcall::clock::Clock::now(&rollcall::clock::SystemClock);
    let lease = store
        .acquire(&holder, now, &rollcall::store::liveness)
        .unwrap();
    let start = rollcall::store::RunStart {
        mode: "reconcile --repair".to_owned(),
        args: "[]".to_owned(),
        source: "test".to_owned(),
        actor: None,
        host: holder.host.clone(),
        pid: holder.pid,
        lease: Some(lease.id().to_owned()),
    };
    let run = store.begin_run(&start, now).unwrap();
    let begun = rollcall::store::StepStart {
        address: &rollcall::model::Address::Cluster("k3d/dev".parse().unwrap()),
        action: "create",
        log: None,
    };
    store.begin_step(run, &begun, now).unwrap();
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
