//! A report as JUnit XML, for the systems that run tests: the elements and attributes that the schema of Jenkins' xUnit
//! plugin (junit-10) knows and that GitLab reads.
//!
//! A case that failed has a `failure`, one that could not be run an `error`, one that was not run is `skipped`. A warning
//! is no failure: it stands in `system-out`, where everything else about a case stands, too.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::model::{Report, ReportCase, ReportSuite, ReportVerdict};
use super::text::case_text;

/// Writes a report as JUnit XML.
///
/// # Errors
/// When it cannot be written.
pub fn junit(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let counts = Counts::of(report.cases());
    let root = BytesStart::new("testsuites").with_attributes([
        ("name", report.title.as_str()),
        ("tests", &counts.tests.to_string()),
        ("failures", &counts.failures.to_string()),
        ("errors", &counts.errors.to_string()),
        ("time", &seconds(report.took)),
    ]);
    xml.write_event(Event::Start(root))?;
    for suite in &report.suites {
        write_suite(&mut xml, report, suite)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    drop(xml);
    writeln!(out)
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    took: Duration,
}

impl Counts {
    fn of<'a>(cases: impl IntoIterator<Item = &'a ReportCase>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.tests += 1;
            counts.took += case.took;
            match case.verdict {
                ReportVerdict::Passed | ReportVerdict::Warned(_) => {}
                ReportVerdict::Failed(_) => counts.failures += 1,
                ReportVerdict::Bad(_) => counts.errors += 1,
                ReportVerdict::WithoutCase | ReportVerdict::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }
}

fn write_suite<W: Write>(xml: &mut Writer<W>, report: &Report, suite: &ReportSuite) -> io::Result<()> {
    let counts = Counts::of(&suite.cases);
    let start = BytesStart::new("testsuite").with_attributes([
        ("name", suite.name.as_str()),
        ("tests", &counts.tests.to_string()),
        ("failures", &counts.failures.to_string()),
        ("errors", &counts.errors.to_string()),
        ("skipped", &counts.skipped.to_string()),
        ("time", &seconds(counts.took)),
        // Readers take no fraction and no zone; UTC is what they then mean.
        ("timestamp", &report.started.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
    ]);
    xml.write_event(Event::Start(start))?;
    write_properties(xml, report)?;
    for case in &suite.cases {
        write_case(xml, suite, case)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn write_properties<W: Write>(xml: &mut Writer<W>, report: &Report) -> io::Result<()> {
    let mut properties = vec![("program.version".to_owned(), report.program_version.to_string())];
    properties.extend(report.seed.map(|seed| ("seed".to_owned(), seed.to_string())));
    for plugin in &report.plugins {
        properties.push((format!("plugin.{}.file", plugin.id), plugin.path.to_string()));
        properties.push((format!("plugin.{}.sha256", plugin.id), plugin.sha256.to_string()));
    }
    xml.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in &properties {
        let property = BytesStart::new("property").with_attributes([("name", &**name), ("value", &**value)]);
        xml.write_event(Event::Empty(property))?;
    }
    xml.write_event(Event::End(BytesEnd::new("properties")))
}

fn write_case<W: Write>(xml: &mut Writer<W>, suite: &ReportSuite, case: &ReportCase) -> io::Result<()> {
    // GitLab shows the class name as the suite, and takes only the first of two cases with the same name.
    let start = BytesStart::new("testcase").with_attributes([
        ("name", &*format!("{}: {}", case.id, case.title)),
        ("classname", suite.name.as_str()),
        ("time", &seconds(case.took)),
    ]);
    xml.write_event(Event::Start(start))?;
    let element = match &case.verdict {
        ReportVerdict::Passed | ReportVerdict::Warned(_) => None,
        ReportVerdict::Failed(_) => Some("failure"),
        ReportVerdict::Bad(_) => Some("error"),
        ReportVerdict::WithoutCase | ReportVerdict::Skipped(_) => Some("skipped"),
    };
    if let Some(element) = element {
        let reasons: Vec<&str> = case.verdict.reasons().iter().map(|reason| reason.as_str()).collect();
        let reasons = if reasons.is_empty() { case.verdict.word().to_owned() } else { reasons.join("\n") };
        let first = reasons.lines().next().unwrap_or_default();
        let start = BytesStart::new(element).with_attributes([("message", first), ("type", case.verdict.word())]);
        write_text(xml, start, &reasons)?;
    }
    write_text(xml, BytesStart::new("system-out"), &case_text(case))?;
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn write_text<W: Write>(xml: &mut Writer<W>, start: BytesStart<'_>, text: &str) -> io::Result<()> {
    let end = start.to_end().into_owned();
    xml.write_event(Event::Start(start.borrow()))?;
    xml.write_event(Event::Text(BytesText::new(text)))?;
    xml.write_event(Event::End(end))
}

/// Three decimals: the schema takes no more.
fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}
