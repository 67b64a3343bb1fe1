//! Secrets: never told.

use crate::scene::Scene;

#[test]
fn no_secret_of_the_sandbox_is_told() {
    let scene = Scene::new().two_rows();
    let events = scene.path("events");
    let ran = scene
        .rollcall(&[
            "reconcile",
            "--repair",
            "-vv",
            "--events",
            events.to_str().unwrap(),
        ])
        .code(0);
    let mut told = ran.out + &ran.err + &std::fs::read_to_string(events).unwrap();
    for args in [
        &["status", "-o", "json"][..],
        &["explain", "dev", "-o", "json"],
        &["last-run", "-o", "json"],
        &["last-run", "-o", "markdown"],
        &["last-run", "-o", "html"],
        &["last-run", "-o", "junit"],
        &["sandbox", "show"],
    ] {
        told.push_str(&scene.rollcall(args).code(0).out);
    }
    let logs = scene.path("world/state/runs/1");
    let mut searched = 0;
    for log in std::fs::read_dir(logs).unwrap() {
        told.push_str(&std::fs::read_to_string(log.unwrap().path()).unwrap());
        searched += 1;
    }
    assert!(searched >= 2, "the step logs were to be searched");
    told.push_str(&String::from_utf8_lossy(
        &std::fs::read(scene.db()).unwrap(),
    ));
    assert!(
        told.contains("[redacted]"),
        "the tool's log says its token, and it was to be redacted"
    );
    assert!(
        !told.contains(rollcall::sandbox::SECRET_MARK),
        "a secret was told"
    );
}
