//! A report as one page for people: no network, no script, and nothing in it that a foreign text could become.
//!
//! The page allows itself nothing but its own style, by that style's digest, and every text goes through the template's
//! escaping: a reply that says `<script>` is shown saying it.

mod case;
mod exchange;

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as page};
use ring::digest::{SHA256, digest};

use super::model::{Report, ReportCase, ReportSuite, ReportVerdict};
use crate::cassette::ProvenanceKind;

const STYLE: &str = include_str!("style.css");

/// Writes a report as one self-contained HTML page.
///
/// # Errors
/// When it cannot be written.
pub fn html(report: &Report, out: &mut impl Write) -> io::Result<()> {
    out.write_all(whole(report).into_string().as_bytes())
}

fn whole(report: &Report) -> Markup {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'");
    page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (report.title) ": " (summary(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#cases" { "Skip to the cases" }
                header { (head(report)) }
                main {
                    (troubles(report))
                    (plugins(report))
                    (legend())
                    (filter(report))
                    (index(report))
                    h2 id="cases" { "The cases" }
                    (suites(report))
                }
            }
        }
    }
}

fn head(report: &Report) -> Markup {
    page! {
        h1 { (report.title) }
        ul class="counts" aria-label="Verdicts" {
            @for kind in Kind::ALL {
                @let count = kind.count(report);
                @if count > 0 || kind == Kind::Failed {
                    li { span class={ "verdict " (kind.class()) } { (kind.sign()) " " (count) " " (kind.word()) } }
                }
            }
        }
        dl class="facts" {
            dt { "Started" } dd { time datetime=(report.started) { (report.started.strftime("%Y-%m-%d %H:%M:%S UTC")) } }
            dt { "Took" } dd { (duration(report.took)) }
            dt { "Program" } dd { "countersign-harness " (report.program_version) }
            @if let Some(seed) = report.seed { dt { "Seed" } dd { code { (seed) } } }
        }
    }
}

fn plugins(report: &Report) -> Markup {
    page! {
        @if !report.plugins.is_empty() {
            h2 { "Plugin files" }
            table {
                caption { "Those that were loaded, each with the digest of its file" }
                thead { tr { th scope="col" { "Plugin" } th scope="col" { "File" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for plugin in &report.plugins {
                        tr {
                            th scope="row" { (plugin.id) " " (plugin.version) }
                            td { code { (plugin.path) } }
                            td { code { (plugin.sha256) } }
                        }
                    }
                }
            }
        }
    }
}

/// What somebody must look at, in a line each.
fn troubles(report: &Report) -> Markup {
    let troubled = |(_, case): &(usize, &ReportCase)| {
        matches!(case.verdict, ReportVerdict::Failed(_) | ReportVerdict::Bad(_) | ReportVerdict::Warned(_))
    };
    let troubles: Vec<_> = report.cases().enumerate().filter(troubled).collect();
    page! {
        @if !troubles.is_empty() {
            h2 { "What to look at" }
            ul class="troubles" {
                @for (number, case) in troubles {
                    @let kind = Kind::of(&case.verdict);
                    li {
                        span class={ "verdict " (kind.class()) } { (kind.sign()) " " (kind.word()) } " "
                        a href={ "#case-" (number) } { (case.id) }
                        @if let Some(reason) = case.verdict.reasons().first() {
                            ": " (reason.as_str().lines().next().unwrap_or_default())
                        }
                    }
                }
            }
        }
    }
}

fn filter(report: &Report) -> Markup {
    page! {
        fieldset class="filter" {
            legend { "Show" }
            label { input type="radio" name="show" id="show-all" checked; " all" }
            @for kind in Kind::ALL {
                @let count = kind.count(report);
                @if count > 0 {
                    label {
                        input type="radio" name="show" id={ "show-" (kind.class()) };
                        " " (kind.word()) " (" (count) ")"
                    }
                }
            }
        }
    }
}

fn index(report: &Report) -> Markup {
    page! {
        h2 { "Overview" }
        table class="index" {
            caption { "Every case, with its verdict and where its exchanges come from" }
            thead {
                tr {
                    th scope="col" { "Verdict" }
                    th scope="col" { "Case" }
                    th scope="col" class="wide" { "Title" }
                    th scope="col" { "Provenance" }
                    th scope="col" class="wide" { "Took" }
                }
            }
            @for (suite, first) in numbered(report) {
                tbody class="group" {
                    tr { th colspan="5" scope="rowgroup" { (suite.name) } }
                    @for (number, case) in (first..).zip(&suite.cases) {
                        @let kind = Kind::of(&case.verdict);
                        tr class={ "one " (kind.class()) } {
                            td { span class={ "verdict " (kind.class()) } { (kind.sign()) " " (kind.word()) } }
                            td { a href={ "#case-" (number) } { (case.id) } }
                            td class="wide" { (case.title) }
                            td { (provenance_word(case)) }
                            td class="wide" { (duration(case.took)) }
                        }
                    }
                }
            }
        }
    }
}

fn suites(report: &Report) -> Markup {
    page! {
        @for (suite, first) in numbered(report) {
            section class="group" {
                h2 { (suite.name) }
                @for (number, case) in (first..).zip(&suite.cases) {
                    (case::case(number, case))
                }
            }
        }
    }
}

/// The suites, each with the number of its first case: cases are numbered through all of them.
fn numbered(report: &Report) -> impl Iterator<Item = (&ReportSuite, usize)> {
    report.suites.iter().scan(0, |next, suite| {
        let first = *next;
        *next += suite.cases.len();
        Some((suite, first))
    })
}

fn legend() -> Markup {
    page! {
        h2 { "What the words mean" }
        dl class="facts" {
            dt { (ProvenanceKind::Recorded) }
            dd { "The exchanges were taken from the wire." }
            dt { (ProvenanceKind::Transcribed) }
            dd { "They were written down from published API documents. " strong { "This is no recording." } }
            dt { (ProvenanceKind::Synthetic) }
            dd { "They were made up for a test. " strong { "This is no recording." } }
            dt { "•••" }
            dd { "Codes, numbers, addresses of people and secrets are masked; two masked values may differ all the same." }
            dt { "[name]" }
            dd { "Stands where the engine puts the secret of this setting in. The plugin never has its value." }
        }
    }
}

fn provenance_word(case: &ReportCase) -> Markup {
    page! {
        @match (&case.provenance, &case.cassette) {
            (Some(provenance), _) => (provenance.kind),
            (None, Some(_)) => "not stated",
            (None, None) => "",
        }
    }
}

fn summary(report: &Report) -> String {
    let counts = Kind::ALL.map(|kind| (kind, kind.count(report)));
    let told: Vec<_> = counts
        .iter()
        .filter(|(kind, count)| *count > 0 || *kind == Kind::Failed)
        .map(|(kind, count)| format!("{count} {}", kind.word()))
        .collect();
    told.join(", ")
}

/// As exact as is of use.
fn duration(took: Duration) -> String {
    match took.as_micros() {
        0 => "–".to_owned(),
        1..50 => "under 0.1 ms".to_owned(),
        micros @ 50..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        micros @ 10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

/// A verdict without its reasons.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failed,
    Bad,
    Warned,
    Passed,
    Without,
    Skipped,
}

impl Kind {
    /// What somebody must do something about comes first.
    const ALL: [Self; 6] = [Self::Failed, Self::Bad, Self::Warned, Self::Passed, Self::Without, Self::Skipped];

    const fn of(verdict: &ReportVerdict) -> Self {
        match verdict {
            ReportVerdict::Passed => Self::Passed,
            ReportVerdict::Warned(_) => Self::Warned,
            ReportVerdict::Failed(_) => Self::Failed,
            ReportVerdict::Bad(_) => Self::Bad,
            ReportVerdict::WithoutCase => Self::Without,
            ReportVerdict::Skipped(_) => Self::Skipped,
        }
    }

    fn count(self, report: &Report) -> usize {
        report.cases().filter(|case| Self::of(&case.verdict) == self).count()
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Bad => "bad",
            Self::Warned => "warned",
            Self::Passed => "passed",
            Self::Without => "without",
            Self::Skipped => "skipped",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Without => "without a case",
            other => other.class(),
        }
    }

    /// Beside the word, so that colour is never alone.
    const fn sign(self) -> &'static str {
        match self {
            Self::Failed => "✗",
            Self::Bad => "■",
            Self::Warned => "▲",
            Self::Passed => "✓",
            Self::Without | Self::Skipped => "–",
        }
    }
}
