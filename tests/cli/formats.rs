//! Results as Markdown, HTML and `JUnit`: who has them, where they go, and that they say what the exit code says.

use pulldown_cmark::{Event, Options, Parser};
use roxmltree::Document;

use crate::runs::{begun_by, dead};
use crate::scene::{Said, Scene};

/// Each format with what its documents begin with.
const FORMATS: [(&str, &str); 3] = [
    ("markdown", "**rollcall "),
    ("html", "<!DOCTYPE html>\n"),
    (
        "junit",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites ",
    ),
];

/// How many cases, failures and errors a report has.
#[track_caller]
fn counts(report: &str) -> (usize, usize, usize) {
    let document = Document::parse(report).unwrap_or_else(|error| panic!("{error}:\n{report}"));
    let count = |name: &str| {
        let found = document
            .descendants()
            .filter(|node| node.has_tag_name(name));
        found.count()
    };
    (count("testcase"), count("failure"), count("error"))
}

/// The report of a call that must end with this code, after proving that it fails exactly if the call does.
#[track_caller]
fn reported(scene: &Scene, code: u8, args: &[&str]) -> (usize, usize, usize) {
    let said = scene
        .rollcall(&[args, &["-o", "junit"]].concat())
        .code(code);
    let found = counts(&said.out);
    assert!(found.0 > 0, "{}", said.out);
    assert_eq!(code == 0, found.1 + found.2 == 0, "{}", said.out);
    found
}

/// A call in each format, to standard output and into a file, which must say the same of the same.
#[track_caller]
fn everywhere(scene: &Scene, code: u8, args: &[&str], says: &str) {
    for (format, begins) in FORMATS {
        let file = scene.path(&format!("result.{format}"));
        std::fs::write(&file, "x".repeat(1 << 16)).unwrap();
        let place = format!("{format}={}", file.display());
        let said = scene.rollcall(&[args, &["-o", &place, "-o", format]].concat());
        let Said {
            out,
            err,
            code: found,
        } = said;
        assert_eq!(found, code, "{args:?} {format}: {out}{err}");
        assert!(out.starts_with(begins), "{args:?} {format}: {out}");
        let plain = out.replace("&#x2f;", "/");
        assert!(
            plain.contains(says),
            "{args:?} {format} says no {says}: {out}"
        );
        assert_eq!(
            std::fs::read_to_string(file).unwrap(),
            out,
            "{args:?} {format}"
        );
    }
}

#[test]
fn every_result_is_there_in_every_format_and_place() {
    let scene = Scene::new().two_rows();
    everywhere(&scene, 3, &["reconcile"], "cluster/k3d/dev");
    everywhere(&scene, 3, &["status"], "k3d/dev");
    everywhere(&scene, 3, &["status", "dev"], "k3d/dev");
    everywhere(&scene, 0, &[], "k3d/dev");
    everywhere(&scene, 0, &["doctor"], "database");
    everywhere(
        &scene,
        0,
        &["cluster", "adopt", "--rows"],
        "nothing to adopt",
    );
    everywhere(&scene, 0, &["last-run"], "no run has changed anything yet");
    let scene = scene.repaired();
    everywhere(&scene, 0, &["reconcile", "--repair"], "in sync: 2 rows");
    everywhere(&scene, 0, &["last-run"], "argocd/k3d/dev");
    everywhere(&scene, 0, &["history", "1"], "argocd/k3d/dev");
    scene.says(0, &["sandbox", "make", "kind/mine"]);
    for (format, begins) in FORMATS {
        scene.says(0, &["sandbox", "wipe", "k3d/dev"]);
        let ran = scene.says(0, &["reconcile", "--repair", "-o", format]);
        assert!(ran.starts_with(begins), "{ran}");
        assert!(ran.contains("register") && ran.contains("mine"), "{ran}");
    }
}

#[test]
fn what_has_no_result_refuses_before_it_acts_and_names_its_formats() {
    let scene = Scene::new();
    let before = std::fs::read(scene.db()).unwrap();
    for args in [
        &["init"][..],
        &["explain", "dev"],
        &["history"],
        &["cluster", "list"],
        &["cluster", "add", "k3d/dev"],
        &["cluster", "restore", "dev"],
        &["import", "haproxy", "/nowhere"],
        &["lock", "show"],
        &["lock", "break"],
        &["schema"],
        &["schema", "plan"],
        &["sandbox", "make", "k3d/dev"],
        &["sandbox", "show"],
    ] {
        for (format, begins) in FORMATS {
            let file = scene.path("result");
            std::fs::write(&file, "of yesterday").unwrap();
            let place = format!("{format}={}", file.display());
            let told = scene.rollcall(&[args, &["-o", format]].concat()).code(2);
            let filed = scene.rollcall(&[args, &["-o", &place]].concat()).code(2);
            for said in [&told, &filed] {
                assert!(said.err.contains("has no result"), "{args:?}: {}", said.err);
                assert!(
                    said.err.contains("its formats: table, json\n"),
                    "{}",
                    said.err
                );
            }
            assert!(told.out.starts_with(begins), "{}", told.out);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), told.out);
            assert!(filed.out.is_empty(), "{}", filed.out);
        }
    }
    assert_eq!(std::fs::read(scene.db()).unwrap(), before);
    assert!(!scene.says(0, &["sandbox", "show"]).contains("dev"));
}

#[test]
fn an_error_is_told_in_the_format_that_was_asked_for() {
    let mut scene = Scene::new();
    everywhere(
        &scene,
        2,
        &["status", "nobody"],
        "there is no row and no cluster named nobody",
    );
    everywhere(&scene, 2, &["reconsile"], "unrecognized subcommand");
    everywhere(
        &scene,
        12,
        &["status", "--db", "/nonexistent/db"],
        "/nonexistent/db",
    );
    everywhere(
        &scene,
        12,
        &["status", "--config", "/nonexistent/c"],
        "/nonexistent/c",
    );
    everywhere(
        &scene,
        0,
        &["--db", "/nonexistent/db"],
        "There is no database",
    );
    let none = scene.rollcall(&["status", "--db", "/nonexistent/db", "-o", "junit"]);
    assert!(
        none.out.contains("<error ") && none.out.contains("type=\"not_ready\""),
        "{}",
        none.out
    );
    assert_eq!(counts(&none.out), (1, 0, 1));
    scene
        .env
        .insert("ROLLCALL_OUTPUT".to_owned(), "markdown".to_owned());
    let said = scene.rollcall(&["explain"]).code(2);
    assert!(
        said.out.starts_with("**rollcall error: usage.** "),
        "{}",
        said.out
    );
    scene.env.clear();
    let said = scene.rollcall(&["status", "-o", "pdf"]).code(2);
    assert!(
        said.err
            .contains("none of table, json, ndjson, markdown, html, junit"),
        "{}",
        said.err
    );
}

#[test]
fn two_formats_of_results_in_one_place_are_2() {
    let scene = Scene::new().two_rows();
    let said = scene
        .rollcall(&["status", "-o", "html", "-o", "junit"])
        .code(2);
    assert!(said.err.contains("cannot both go to"), "{}", said.err);
    assert!(said.out.starts_with(FORMATS[1].1), "{}", said.out);
}

#[test]
fn a_report_fails_exactly_if_the_call_does() {
    let scene = Scene::new().two_rows();
    // Two clusters, and nine registrations.
    assert_eq!(reported(&scene, 3, &["reconcile"]).1, 11);
    assert_eq!(reported(&scene, 3, &["status"]).1, 11);
    assert_eq!(reported(&scene, 0, &["reconcile", "--repair"]), (11, 0, 0));
    assert_eq!(reported(&scene, 0, &["reconcile"]), (1, 0, 0));
    assert_eq!(reported(&scene, 0, &["status"]), (12, 0, 0));
    reported(&scene, 0, &["doctor"]);
    scene.says(0, &["sandbox", "make", "kind/mine"]);
    reported(&scene, 0, &["status"]);
    scene.sql("INSERT INTO rollcall_stops (name, since) VALUES ('dev', '2026-01-01T00:00:00Z')");
    scene.says(0, &["sandbox", "stop", "k3d/dev"]);
    reported(&scene, 0, &["reconcile"]);
    reported(&scene, 0, &["status"]);
    scene.sql("DELETE FROM rollcall_stops");
    reported(&scene, 3, &["status"]);
    reported(&scene, 0, &["reconcile", "--repair"]);
    scene.sql("INSERT INTO clusters (name, provider) VALUES ('mine', 'kind'), ('devops', 'k3d')");
    for args in [&["status"][..], &["reconcile"], &["reconcile", "--repair"]] {
        assert_eq!(reported(&scene, 3, args).1, 1, "{args:?}");
    }
    scene.sql("DELETE FROM clusters WHERE name IN ('mine', 'dev')");
    for args in [&["status"][..], &["reconcile"]] {
        reported(&scene, 3, args);
    }
    // An orphan is another mode's business.
    reported(&scene, 0, &["reconcile", "--repair"]);
    scene.sql("INSERT INTO clusters (name, provider, http_port) VALUES ('odd', 'k3d', 70000)");
    reported(&scene, 3, &["status"]);
    reported(&scene, 3, &["doctor"]);
}

#[test]
fn what_could_not_be_observed_is_an_error_of_the_report() {
    let scene = Scene::new().two_rows().repaired();
    for (state, code) in [("down", 12), ("silent", 9)] {
        scene.says(0, &["sandbox", "say", &format!("docker is {state}")]);
        for args in [&["status"][..], &["reconcile"], &["reconcile", "--repair"]] {
            let (_, failures, errors) = reported(&scene, code, args);
            assert!(failures == 0 && errors >= 3, "{args:?}: {errors}");
        }
        reported(&scene, code, &["doctor"]);
    }
}

#[test]
fn a_guard_that_refuses_is_a_failure_of_the_report() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("DELETE FROM clusters");
    for (code, args) in [
        (3, &["reconcile", "--dry-run", "--prune"][..]),
        (5, &["reconcile", "--prune"]),
    ] {
        let said = scene
            .rollcall(&[args, &["-o", "junit"]].concat())
            .code(code);
        assert!(said.out.contains("type=\"refused\""), "{}", said.out);
        let said = scene
            .rollcall(&[args, &["-o", "markdown"]].concat())
            .code(code);
        assert!(said.out.contains("#### Refused by a guard"), "{}", said.out);
    }
}

#[test]
fn a_failed_step_has_the_end_of_its_log_and_history_replays_it() {
    let scene = Scene::new().two_rows();
    scene.says(0, &["sandbox", "say", "create kind/ops fails"]);
    let file = scene.path("run.xml");
    let place = format!("junit={}", file.display());
    let args = [
        "reconcile",
        "--repair",
        "--retries",
        "0",
        "-o",
        &place,
        "-o",
        "markdown",
    ];
    let ran = scene.rollcall(&args).code(1);
    let tail = "```text\nrollcall: the tool failed: it failed";
    assert!(ran.out.contains(tail), "{}", ran.out);
    let report = std::fs::read_to_string(&file).unwrap();
    assert_eq!(counts(&report), (11, 1, 0));
    assert!(
        report.contains("rollcall: the tool failed: it failed"),
        "{report}"
    );
    let past = scene.says(0, &["last-run", "-o", "junit"]);
    assert_eq!(counts(&past), counts(&report));
    let times = |report: &str| {
        let document = Document::parse(report).unwrap();
        let cases = document
            .descendants()
            .filter(|node| node.has_tag_name("testcase"));
        let time = |case: roxmltree::Node<'_, '_>| case.attribute("time").unwrap().to_owned();
        cases.map(time).collect::<Vec<_>>()
    };
    assert_eq!(times(&past), times(&report));
    let past = scene.says(0, &["last-run", "-o", "markdown"]);
    assert!(past.contains(tail), "{past}");
    assert_eq!(past.lines().next(), ran.out.lines().next());
}

#[test]
fn a_run_that_died_is_no_success_of_the_report_and_one_at_work_no_failure() {
    let scene = Scene::new().with_row();
    let died = begun_by(&scene, &dead()).0.to_string();
    let report = scene.says(0, &["history", &died, "-o", "junit"]);
    assert_eq!(counts(&report).1, 1, "{report}");
    assert!(report.contains("it was killed"), "{report}");
    let holder = rollcall::store::Holder::of_this_process("rollcall reconcile --repair");
    let working = begun_by(&scene, &holder).0.to_string();
    let report = scene.says(0, &["history", &working, "-o", "junit"]);
    assert_eq!(counts(&report).1, 0, "{report}");
    assert!(report.contains("it still runs"), "{report}");
}

#[test]
fn what_a_row_is_named_is_text_in_every_format() {
    let scene = Scene::new();
    let name = "<img src=x onerror=alert(1)> | `x` @me\u{1b}[31m\n# x";
    scene.sql(&format!(
        "INSERT INTO clusters (name, provider) VALUES ('{name}', 'k3d')"
    ));
    for (format, _) in FORMATS {
        for args in [&["status"][..], &["reconcile"], &["doctor"]] {
            let said = scene
                .rollcall(&[args, &["-o", format]].concat())
                .code(3)
                .out;
            assert!(
                !said.contains('\u{1b}') && !said.contains("\n# x"),
                "{said}"
            );
            if format == "markdown" {
                let image = |event: Event<'_>| match event {
                    Event::Html(html) | Event::InlineHtml(html) => html.contains("img"),
                    _ => false,
                };
                let mut read = Parser::new_ext(&said, Options::ENABLE_TABLES);
                assert!(!read.any(image), "{said}");
            } else {
                assert!(!said.contains("<img"), "{said}");
            }
        }
    }
}
