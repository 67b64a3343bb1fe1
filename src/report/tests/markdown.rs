//! Markdown: what comes from outside can end no cell, and means nothing.

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::examples::{HOSTILE, run, sheets};
use crate::report::{markdown, run_sheet};

/// The HTML that the format itself writes.
const OURS: [&str; 5] = [
    "<br>",
    "<details>",
    "</details>",
    "<details><summary>The end of its log</summary>",
    "<details><summary>Why this exit code</summary>",
];

fn events(text: &str) -> Vec<Event<'_>> {
    let all = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH;
    Parser::new_ext(text, all).collect()
}

/// What a reader makes of it, without what is said.
fn shape(text: &str) -> Vec<String> {
    let said = |event: &Event<'_>| !matches!(event, Event::Text(_) | Event::Code(_));
    let events = events(text).into_iter().filter(said);
    // How long a fence must be depends on what is in it.
    events.map(|event| format!("{event:?}")).collect()
}

#[test]
fn no_text_changes_what_a_reader_makes_of_it() {
    for (place, tame) in sheets("tame").iter().enumerate() {
        let tame = markdown(tame);
        for text in HOSTILE {
            let hostile = markdown(&sheets(text)[place]);
            assert_eq!(shape(&hostile), shape(&tame), "{text:?}:\n{hostile}");
        }
    }
}

#[test]
fn nothing_that_a_forge_reads_stands_outside_of_code() {
    for text in HOSTILE {
        for sheet in sheets(text) {
            let text = markdown(&sheet);
            let mut fenced = false;
            for event in events(&text) {
                match event {
                    Event::Start(Tag::CodeBlock(_)) => fenced = true,
                    Event::End(pulldown_cmark::TagEnd::CodeBlock) => fenced = false,
                    Event::Text(said) if !fenced => {
                        let signs = ['@', '#', '<', '[', '|', '`', '$', '~', '_', '*', '&'];
                        assert!(!said.contains(signs), "{said:?} in {text}");
                        for sign in ["www.", "://", "GH-", "deadbeef", ":tada:"] {
                            assert!(!said.contains(sign), "{said:?} in {text}");
                        }
                    }
                    Event::Html(html) | Event::InlineHtml(html) => {
                        assert!(OURS.contains(&html.trim_end()), "{html:?} in {text}");
                    }
                    Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("{text}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn what_stands_in_a_code_span_is_what_was_said() {
    for said in ["a|b", "`", "``x", "x`", "a\\|b", "<b>", "&amp;", "@me"] {
        let text = markdown(&run_sheet(&run(said)));
        let wanted = format!("cluster/k3d/{said}");
        let found = events(&text).into_iter().any(|event| match event {
            Event::Code(code) => *code == *wanted,
            _ => false,
        });
        assert!(found, "{wanted} in {text}");
    }
}

#[test]
fn line_1_is_the_verdict_and_every_part_is_there() {
    let text = markdown(&run_sheet(&run("dev")));
    assert_eq!(
        text.lines().next(),
        Some("**rollcall run in a sandbox: failed.** not converged: dev")
    );
    for part in [
        "#### Changes",
        "#### Held",
        "| `rollcall cluster adopt dev` |",
        "<details><summary>The end of its log</summary>\n\n```text\ndev\ndev\n```\n\n</details>",
        "\nExit code 1; ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_small_run_is_this_comment() {
    insta::assert_snapshot!(markdown(&run_sheet(&run("dev"))));
}
