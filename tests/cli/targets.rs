//! Where answers and events go.

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn what_cannot_be_written_is_12() {
    let scene = Scene::new().two_rows();
    let ran = scene
        .rollcall(&["reconcile", "--repair", "--events", "/dev/full"])
        .code(12);
    assert!(ran.err.contains("failed to write events"), "{}", ran.err);
    assert!(ran.out.contains("not all of this run"), "{}", ran.out);
    scene
        .rollcall(&["reconcile", "--events", "/dev/full"])
        .code(12);
}

#[test]
fn a_record_that_cannot_be_written_is_told_and_the_run_answers() {
    let scene = Scene::new().two_rows();
    scene.sql(
        "CREATE TRIGGER full BEFORE INSERT ON rollcall_events
         BEGIN SELECT RAISE(ABORT, 'no room'); END;",
    );
    let ran = scene.rollcall(&["reconcile", "--repair", "-o", "json"]);
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["schema"], "rollcall.run/v1");
    assert_eq!(ran.json()["converged"], true);
    assert!(
        ran.err.contains("failed to store the events"),
        "{}",
        ran.err
    );
}

#[test]
fn a_place_that_cannot_be_opened_is_12_before_anything_acts() {
    let scene = Scene::new().two_rows();
    for place in [
        &["--events", "/nonexistent/e"][..],
        &["--events", "fd:99"],
        &["-o", "ndjson=/nonexistent/e"],
        &["-o", "json=/nonexistent/e"],
        &["-o", "table=/nonexistent/e"],
    ] {
        for command in [
            &["reconcile", "--repair"][..],
            &["reconcile"],
            &["last-run"],
        ] {
            let said = scene.rollcall(&[command, place].concat()).code(12);
            let name = place[1].rsplit('=').next().unwrap();
            let name = name.rsplit(':').next().unwrap();
            assert!(said.err.contains(name), "{name} in {}", said.err);
        }
    }
    let history = scene.rollcall(&["history"]).code(0);
    assert!(
        history.out.contains("no run has changed"),
        "{}",
        history.out
    );
    let lock = scene.rollcall(&["lock", "show"]).code(0);
    assert!(lock.out.contains("nobody"), "{}", lock.out);
}

#[test]
fn a_run_whose_answer_cannot_be_written_is_recorded_with_the_code_it_returned() {
    let scene = Scene::new().two_rows();
    let events = scene.path("events");
    let said = scene
        .rollcall(&[
            "reconcile",
            "--repair",
            "-o",
            "json=/dev/full",
            "-o",
            "json",
            "--events",
            events.to_str().unwrap(),
        ])
        .code(12);
    assert!(said.err.contains("/dev/full"), "{}", said.err);
    assert_eq!(said.json()["converged"], true, "the other place has it");
    let past = scene.rollcall(&["history", "-o", "json"]).code(0).json();
    assert_eq!(past["items"][0]["exit_code"], 12, "{past:#}");
    let events = std::fs::read_to_string(events).unwrap();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["exit"], 12, "{last:#}");
    let stored = scene.rollcall(&["last-run", "-o", "json"]).code(0).json();
    assert_eq!(stored["items"].as_array().unwrap().last(), Some(&last));
}

#[test]
fn two_formats_in_one_place_are_2() {
    let scene = Scene::new().two_rows();
    let file = scene.path("both");
    let (json, events) = (format!("json={}", file.display()), file.to_str().unwrap());
    for places in [
        &["-o", "json", "-o", "table"][..],
        &["-o", "json", "-o", "ndjson"],
        &["-o", "json", "--events", "fd:1"],
        &["-o", &json, "--events", events],
    ] {
        let said = scene.rollcall(&[&["reconcile"], places].concat()).code(2);
        assert!(said.err.contains("cannot both go to"), "{}", said.err);
    }
    assert!(!file.exists());
    let said = scene.rollcall(&["reconcile", "-o", "json", "-o", "table"]);
    assert_eq!(said.json()["schema"], "rollcall.error/v1");
}

#[test]
fn a_command_without_events_takes_no_place_for_them() {
    let mut scene = Scene::new().two_rows();
    for command in [
        &["status"][..],
        &["history"],
        &["cluster", "list"],
        &["doctor"],
        &["backup", "/nowhere/copy.db"],
        &["use", "dev"],
        &["kubeconfig", "dev"],
    ] {
        for place in [&["-o", "ndjson"][..], &["--events", "/dev/null"]] {
            let said = scene.rollcall(&[command, place].concat()).code(2);
            assert!(said.err.contains("no events"), "{}", said.err);
        }
    }
    let events = scene.path("events").display().to_string();
    scene.env.insert("ROLLCALL_EVENTS".to_owned(), events);
    scene.rollcall(&["reconcile"]).code(3);
    let before = std::fs::read(scene.path("events")).unwrap();
    assert!(!before.is_empty());
    scene.rollcall(&["status"]).code(3);
    let after = std::fs::read(scene.path("events")).unwrap();
    assert_eq!(
        before, after,
        "what the environment says is about the others"
    );
}

#[test]
fn an_answer_takes_the_place_of_an_older_and_longer_one() {
    let scene = Scene::new().two_rows();
    let path = scene.path("answer.json");
    std::fs::write(&path, "x".repeat(1 << 16)).unwrap();
    let place = format!("json={}", path.display());
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap() };
    scene.rollcall(&["status", "-o", &place]).code(3);
    assert_eq!(read()["schema"], "rollcall.status/v1");
    scene.rollcall(&["status", "nobody", "-o", &place]).code(2);
    assert_eq!(read()["schema"], "rollcall.error/v1");
}

#[test]
fn a_full_standard_output_is_12_with_a_message() {
    let scene = Scene::new().two_rows();
    for args in [
        &["--help"][..],
        &["--version"],
        &["status", "-o", "json"],
        &["reconcile", "-o", "ndjson"],
        &["schema"],
        &["schema", "plan"],
        &["cluster", "list"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        #[expect(clippy::disallowed_methods, reason = "the program itself")]
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .arg(format!("--sandbox={}", scene.path("world").display()))
            .args(args)
            .env("HOME", scene.dir.path())
            .stdout(full)
            .output()
            .unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(12), "{args:?}: {err}");
        assert!(err.contains("standard output: No space"), "{args:?}: {err}");
        assert!(!err.contains("panicked"), "{args:?}: {err}");
    }
}
