//! `JUnit`: a real parser takes it, and its counts are what is in it.

use roxmltree::{Document, Node};

use super::examples::{HOSTILE, run, sheets};
use crate::report::{Sheet, junit, run_sheet};

fn with<T>(sheet: &Sheet, look: impl FnOnce(Node<'_, '_>) -> T) -> T {
    let text = junit(sheet).unwrap();
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    look(document.root_element())
}

fn count(node: Node<'_, '_>, name: &str) -> usize {
    node.descendants()
        .filter(|node| node.has_tag_name(name))
        .count()
}

fn number(node: Node<'_, '_>, name: &str) -> usize {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn the_counts_are_what_is_counted() {
    for text in HOSTILE {
        for sheet in sheets(text) {
            with(&sheet, |root| {
                for node in root
                    .descendants()
                    .filter(|node| node.has_attribute("tests"))
                {
                    assert_eq!(number(node, "tests"), count(node, "testcase"));
                    assert_eq!(number(node, "failures"), count(node, "failure"));
                    assert_eq!(number(node, "errors"), count(node, "error"));
                    if node.has_tag_name("testsuite") {
                        assert_eq!(number(node, "skipped"), count(node, "skipped"));
                    }
                }
                assert!(root.has_tag_name("testsuites") && count(root, "testcase") > 0);
            });
        }
    }
}

#[test]
fn each_step_and_each_difference_is_the_case_that_it_is() {
    with(&run_sheet(&run("dev")), |root| {
        let ends = |suite: &str| {
            let suites = root
                .children()
                .filter(|node| node.attribute("name") == Some(suite));
            let cases = suites.flat_map(|suite| suite.children().filter(Node::is_element));
            let end = |case: Node<'_, '_>| {
                case.first_element_child()
                    .map_or("passed".to_owned(), |end| {
                        let kind = end.attribute("type").unwrap_or_default();
                        format!("{} {kind}", end.tag_name().name())
                            .trim_end()
                            .to_owned()
                    })
            };
            cases.map(end).collect::<Vec<_>>()
        };
        assert_eq!(
            ends("steps"),
            ["passed", "failure failed", "skipped", "failure drift"]
        );
        let held = [
            "failure drift",
            "skipped",
            "skipped",
            "skipped",
            "error unknown",
            "error not_ready",
        ];
        assert_eq!(ends("held"), held);
    });
}

#[test]
fn times_are_seconds_and_a_failure_has_the_end_of_its_log() {
    with(&run_sheet(&run("dev")), |root| {
        assert_eq!(root.attribute("time"), Some("2.500"));
        let steps = root.first_element_child().unwrap();
        assert_eq!(steps.attribute("time"), Some("3.750"));
        assert_eq!(steps.attribute("timestamp"), Some("2026-01-02T03:04:05Z"));
        let failure = root.descendants().find(|node| node.has_tag_name("failure"));
        let case = failure.unwrap().parent().unwrap();
        assert_eq!(case.attribute("time"), Some("1.250"));
        assert_eq!(case.attribute("name"), Some("create cluster/k3d/dev"));
        let text = failure.unwrap().text().unwrap();
        assert_eq!(text, "dev\n-> dev\ndev\ndev\nlog: dev");
    });
}

#[test]
fn what_xml_forbids_is_not_in_it_and_what_it_allows_is() {
    let hostile = "a\u{0}b\u{1b}c\u{fffe}d\u{ffff}e]]>f<g>&h";
    with(&run_sheet(&run(hostile)), |root| {
        let failure = root.descendants().find(|node| node.has_tag_name("failure"));
        let message = failure.unwrap().attribute("message").unwrap();
        assert!(message.ends_with("de]]>f<g>&h"), "{message}");
        assert!(!message.contains(['\u{0}', '\u{1b}', '\u{fffe}', '\u{ffff}']));
    });
}

#[test]
fn a_small_run_is_this_report() {
    insta::assert_snapshot!(junit(&run_sheet(&run("dev"))).unwrap());
}
