//! A result for a CI: `JUnit` XML as GitHub's, GitLab's and Jenkins's readers take it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::sheet::{Case, CaseEnd, Sheet, Suite};

/// How far an element stands in from its parent.
const INDENT: usize = 2;

/// The sheet as `JUnit` XML.
pub fn junit(sheet: &Sheet) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', INDENT);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = format!("rollcall {}", sheet.kind);
    let mut counts = Counts::default();
    sheet.suites.iter().for_each(|suite| counts.add(suite));
    // The steps of a run overlap: how long all of it took is no sum.
    if sheet.duration_ms > 0 {
        counts.duration_ms = sheet.duration_ms;
    }
    let root = writer.create_element("testsuites");
    let root = root.with_attributes(counts.attributes(&name).pairs());
    root.write_inner_content(|writer| {
        let mut suites = sheet.suites.iter();
        suites.try_for_each(|one| suite(writer, sheet, one))
    })?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn suite(writer: &mut Writer<Vec<u8>>, sheet: &Sheet, suite: &Suite) -> io::Result<()> {
    let mut counts = Counts::default();
    counts.add(suite);
    let mut attributes = counts.attributes(&suite.name);
    attributes.skipped(counts.skipped);
    attributes
        .0
        .extend(sheet.at.iter().map(|at| ("timestamp", legal(at))));
    let element = writer.create_element("testsuite");
    let element = element.with_attributes(attributes.pairs());
    element.write_inner_content(|writer| {
        let class = format!("rollcall.{}", sheet.kind);
        suite
            .cases
            .iter()
            .try_for_each(|one| case(writer, &class, one))
    })?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, class: &str, case: &Case) -> io::Result<()> {
    let (name, time) = (legal(&case.name), seconds(case.duration_ms));
    let element = writer.create_element("testcase").with_attributes([
        ("classname", class),
        ("name", &name),
        ("time", &time),
    ]);
    if case.end == CaseEnd::Passed && case.said.is_none() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        end(writer, &case.end)?;
        if let Some(said) = &case.said {
            let out = writer.create_element("system-out");
            out.write_text_content(BytesText::new(&legal(said)))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn end(writer: &mut Writer<Vec<u8>>, end: &CaseEnd) -> io::Result<()> {
    match end {
        CaseEnd::Passed => Ok(()),
        CaseEnd::Skipped { message } => {
            let skipped = writer.create_element("skipped");
            let skipped = skipped.with_attribute(("message", legal(message).as_str()));
            skipped.write_empty().map(|_| ())
        }
        CaseEnd::Failed {
            kind,
            message,
            detail,
        } => wrong(writer, "failure", kind, message, detail),
        CaseEnd::Unknown {
            kind,
            message,
            detail,
        } => wrong(writer, "error", kind, message, detail),
    }
}

/// A failure or an error. Some readers show the message, some only the text: it stands in both.
fn wrong(
    writer: &mut Writer<Vec<u8>>,
    element: &str,
    kind: &str,
    message: &str,
    detail: &[String],
) -> io::Result<()> {
    let message = legal(message);
    let lines = detail.iter().map(|line| legal(line));
    let text: Vec<_> = [message.clone()].into_iter().chain(lines).collect();
    let element = writer
        .create_element(element)
        .with_attributes([("message", message.as_str()), ("type", kind)]);
    element.write_text_content(BytesText::new(&text.join("\n")))?;
    Ok(())
}

/// The text without what XML 1.0 forbids (its production 2).
fn legal(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

/// What a suite, or all suites, amount to.
#[derive(Debug, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    duration_ms: u64,
}

impl Counts {
    fn add(&mut self, suite: &Suite) {
        for case in &suite.cases {
            self.tests += 1;
            self.duration_ms = self.duration_ms.saturating_add(case.duration_ms);
            match case.end {
                CaseEnd::Passed => {}
                CaseEnd::Skipped { .. } => self.skipped += 1,
                CaseEnd::Failed { .. } => self.failures += 1,
                CaseEnd::Unknown { .. } => self.errors += 1,
            }
        }
    }

    fn attributes(&self, name: &str) -> Attributes {
        Attributes(vec![
            ("name", legal(name)),
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("time", seconds(self.duration_ms)),
        ])
    }
}

struct Attributes(Vec<(&'static str, String)>);

impl Attributes {
    /// `testsuites` has no such count in the schema that Jenkins publishes.
    fn skipped(&mut self, count: usize) {
        self.0.push(("skipped", count.to_string()));
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
