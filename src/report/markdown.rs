//! A result for a pull request: GitHub-flavoured Markdown.
//!
//! What comes from outside is escaped twice over: words that could mean anything to Markdown, to HTML or to a forge
//! (pipes, backticks, brackets, mentions, references, addresses) stand in code spans, where nothing is read; and no text
//! has a line end.

use std::fmt::Write as _;

use super::sheet::{Cell, Failure, Line, Part, Sheet, Table};

/// The sheet as Markdown. Line 1 is the verdict.
pub fn markdown(sheet: &Sheet) -> String {
    let mut out = String::new();
    let world = if sheet.sandbox { " in a sandbox" } else { "" };
    let (kind, state) = (sheet.kind, &sheet.ending.word);
    let _ = writeln!(
        out,
        "**rollcall {kind}{world}: {state}.** {}",
        prose(&sheet.verdict, Place::Paragraph)
    );
    for note in &sheet.notes {
        let _ = writeln!(out, "\n{}", prose(note, Place::Paragraph));
    }
    for failure in &sheet.failures {
        failed(&mut out, failure);
    }
    for table in &sheet.tables {
        tabled(&mut out, table);
    }
    for way in &sheet.ways {
        let _ = writeln!(
            out,
            "\n{}: {}",
            way.label,
            line(&way.line, Place::Paragraph)
        );
    }
    reasons(&mut out, &sheet.ending.reasons);
    let code = sheet.ending.code.map(|code| format!("Exit code {code}"));
    let facts = sheet.facts.iter();
    let facts = facts.map(|fact| {
        format!(
            "{} {}",
            fact.name.to_lowercase(),
            span(&fact.value, Place::Paragraph)
        )
    });
    let foot: Vec<_> = code.into_iter().chain(facts).collect();
    if !foot.is_empty() {
        let _ = writeln!(out, "\n{}", foot.join("; "));
    }
    out
}

fn tabled(out: &mut String, table: &Table) {
    let rule = vec!["---"; table.columns.len()];
    let _ = writeln!(out, "\n#### {}\n", table.title);
    let _ = writeln!(
        out,
        "| {} |\n|{}|",
        table.columns.join(" | "),
        rule.join("|")
    );
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(lines).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn lines(cell: &Cell) -> String {
    let lines = cell.iter().map(|one| line(one, Place::Cell));
    lines.collect::<Vec<_>>().join("<br>")
}

fn failed(out: &mut String, failure: &Failure) {
    let (word, address) = (failure.word, span(&failure.address, Place::Paragraph));
    let _ = writeln!(
        out,
        "\n**Not done:** {word} {address}: {}",
        prose(&failure.message, Place::Paragraph)
    );
    if let Some(hint) = &failure.hint {
        let _ = writeln!(out, "\nWhat to do: {}", line(hint, Place::Paragraph));
    }
    if !failure.tail.is_empty() {
        let fence = "`".repeat(backticks(failure.tail.iter()).max(2) + 1);
        let lines = failure.tail.join("\n");
        let _ = writeln!(
            out,
            "\n<details><summary>The end of its log</summary>\n\n{fence}text\n{lines}\n{fence}\n\n</details>"
        );
    }
    if let Some(log) = &failure.log {
        let _ = writeln!(out, "\nLog: {}", span(log, Place::Paragraph));
    }
}

/// Everything that speaks for the exit code. In a table nothing begins like a list or a heading.
fn reasons(out: &mut String, reasons: &[String]) {
    if reasons.is_empty() {
        return;
    }
    let summary = "<details><summary>Why this exit code</summary>";
    let _ = writeln!(out, "\n{summary}\n\n| Reason |\n|---|");
    for reason in reasons {
        let _ = writeln!(out, "| {} |", prose(reason, Place::Cell));
    }
    let _ = writeln!(out, "\n</details>");
}

/// Where a text stands: in a cell a pipe is escaped, also in code; elsewhere it cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Cell,
    Paragraph,
}

fn line(line: &Line, place: Place) -> String {
    let part = |part: &Part| match part {
        Part::Text { text } => prose(text, place),
        Part::Code { text } => span(text, place),
        Part::Word { text, .. } => format!("**{text}**"),
    };
    line.iter().map(part).collect::<Vec<_>>().join(" ")
}

/// A sentence, with the words in code spans that could mean anything to anybody but a person.
fn prose(text: &str, place: Place) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut odd: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        if is_plain(word) {
            if !odd.is_empty() {
                out.push(span(&std::mem::take(&mut odd).join(" "), place));
            }
            out.push(word.to_owned());
        } else {
            odd.push(word);
        }
    }
    if !odd.is_empty() {
        out.push(span(&odd.join(" "), place));
    }
    out.join(" ")
}

/// Whether a word is read as it stands by Markdown, by HTML and by every forge.
fn is_plain(word: &str) -> bool {
    let word = word.strip_suffix([':', ';', ',']).unwrap_or(word);
    let harmless = |c: char| c.is_alphanumeric() || ".,;()'\"-/+%=?→…".contains(c);
    let lower = word.to_ascii_lowercase();
    let reference = ["www.", "gh-", "gl-"]
        .iter()
        .any(|sign| lower.contains(sign));
    word.chars().all(harmless) && !reference && !is_hash(&lower)
}

/// Whether a forge may take a word for a commit.
fn is_hash(word: &str) -> bool {
    let longest = word.split(|c: char| !c.is_ascii_hexdigit());
    let longest = longest.max_by_key(|part| part.len()).unwrap_or_default();
    longest.len() >= 7 && longest.contains(|c: char| c.is_ascii_digit())
}

/// A code span: nothing in it is read but its end, and in a table pipes.
fn span(text: &str, place: Place) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(backticks([&text]) + 1);
    // A space at each end is taken away by the reader where there is one at both.
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    let text = match place {
        Place::Cell => text.replace('|', "\\|"),
        Place::Paragraph => text,
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The longest run of backticks.
fn backticks<'t>(texts: impl IntoIterator<Item = &'t String>) -> usize {
    let runs = texts.into_iter().flat_map(|text| text.split(|c| c != '`'));
    runs.map(str::len).max().unwrap_or(0)
}
