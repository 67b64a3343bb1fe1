//! HTML: what comes from outside is text, and nothing comes from anywhere.

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::examples::{HOSTILE, sheets};
use crate::report::html;

/// The tags with their attributes, in their order. Text that is escaped has none.
fn tags(page: &str) -> Vec<&str> {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    [head, body]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1))
        .map(|part| part.split_once('>').unwrap().0)
        .collect()
}

#[test]
fn no_text_becomes_a_tag_or_an_attribute() {
    for (place, tame) in sheets("tame").iter().enumerate() {
        let tame = html(tame).unwrap();
        for text in HOSTILE {
            let page = html(&sheets(text)[place]).unwrap();
            assert_eq!(tags(&page), tags(&tame), "{text:?}");
            assert!(
                !page.contains(|c: char| c.is_control() && c != '\n'),
                "{text:?}"
            );
            assert!(
                !page.contains(['\u{202e}', '\u{61c}', '\u{2028}', '\u{2029}']),
                "{text:?}"
            );
        }
    }
}

#[test]
fn the_policy_allows_the_pages_own_style_and_nothing_else() {
    let page = html(&sheets("tame")[0]).unwrap();
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = format!("default-src 'none'; style-src 'sha256-{digest}';");
    assert!(page.contains(&policy), "{policy}");
    for source in [
        "http:", "https:", "src=", "url(", "@import", "<script", "style=", "href=\"/",
    ] {
        assert!(!page.contains(source), "{source}");
    }
}

#[test]
fn a_page_says_its_state_in_words_and_its_tables_have_headers() {
    let page = html(&sheets("tame")[0]).unwrap();
    for said in [
        "<html lang=\"en\">",
        "<title>failed: not converged: tame (rollcall run)</title>",
        "<span class=\"state bad\">failed</span>",
        "<caption>Changes",
        "scope=\"col\"",
        "scope=\"row\"",
        "<meta name=\"viewport\"",
        "<meta name=\"color-scheme\" content=\"light dark\">",
        "<details>",
        "Exit code",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert_eq!(page.matches("<h1>").count(), 1);
}

#[test]
fn a_megabyte_of_text_is_cut_in_every_format() {
    for sheet in sheets(&"<a|b`@c ".repeat(1 << 17)) {
        let page = html(&sheet).unwrap();
        assert!(page.len() < 200_000, "{}", page.len());
        assert!(crate::report::markdown(&sheet).len() < 60_000);
        assert!(crate::report::junit(&sheet).unwrap().len() < 120_000);
    }
}
