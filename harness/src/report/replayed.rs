//! What became of a cassette, as a case of a report.

use std::path::Path;
use std::time::Duration;

use countersign::registry::Plugin;

use super::exchange::exchange;
use super::masked::{Mask, Masked};
use super::model::{
    ReportCase, ReportMessage, ReportOperation, ReportPlugin, ReportProvenance, ReportValue, ReportVerdict,
};
use crate::case::Verdict;
use crate::cassette::Cassette;
use crate::journal::{Exchanged, OperationEnd, Pages};
use crate::suite::Ran;

/// The suite and the case of a cassette that was run. A cassette that was named and has no case is bad; the caller says
/// so by `named`.
pub fn replayed(cassette: &Cassette, ran: &Ran, named: bool, pages: &Pages, took: Duration) -> (Masked, ReportCase) {
    let path = cassette.path();
    let mask = Mask::of(cassette);
    let verdict = match ran {
        Ran::Case { verdict: Verdict::Passed(_), .. } => ReportVerdict::Passed,
        Ran::Case { verdict: Verdict::Failed(problems), .. } => {
            ReportVerdict::Failed(problems.iter().map(|problem| mask.otherwise_open(&problem.to_string())).collect())
        }
        Ran::NoCase if named => {
            ReportVerdict::Bad(vec![Masked::known("the cassette has no log._countersign.case to run")])
        }
        Ran::NoCase => ReportVerdict::WithoutCase,
        Ran::Impossible(impossible) => ReportVerdict::Bad(vec![mask.text(&impossible.to_string())]),
    };
    // Written by the cassette's author, who may name the very number that the case uses.
    let title = mask.otherwise_open(cassette.title().unwrap_or("a HAR file without a title"));
    let report = ReportCase {
        took,
        operations: pages.operations.iter().map(|end| operation(&mask, end, &pages.exchanges)).collect(),
        steps: match ran {
            Ran::Case { steps, .. } => Some(*steps),
            Ran::NoCase | Ran::Impossible(_) => None,
        },
        exchanges: pages.exchanges.iter().map(|exchanged| exchange(&mask, cassette, exchanged)).collect(),
        exchanges_dropped: pages.dropped,
        ..described(&mask, cassette, ReportCase::new(id(path), title, verdict))
    };
    (suite(path), report)
}

/// A case with what its cassette says of itself.
pub(super) fn described(mask: &Mask, cassette: &Cassette, case: ReportCase) -> ReportCase {
    let asked = cassette.case();
    ReportCase {
        cassette: Some(Masked::known(cassette.path().to_string_lossy())),
        provenance: cassette.provenance().map(|provenance| ReportProvenance {
            kind: provenance.kind,
            source: mask.otherwise_open(&provenance.source),
        }),
        plugin: asked.map(|asked| Masked::known(&asked.plugin)),
        channel: asked.map(|asked| Masked::known(&asked.channel)),
        mode: asked.and_then(|asked| asked.mode.as_ref()).map(Masked::known),
        ..case
    }
}

/// The suite and the case of a file that cannot be read as a cassette, and why.
pub fn bad_file(path: &Path, reason: &str) -> (Masked, ReportCase) {
    let verdict = ReportVerdict::Bad(vec![Masked::known(reason)]);
    let title = Masked::known("cannot be used");
    let case = ReportCase {
        cassette: Some(Masked::known(path.to_string_lossy())),
        ..ReportCase::new(id(path), title, verdict)
    };
    (suite(path), case)
}

/// A plugin that was loaded, as a report names it.
pub fn loaded(plugin: &Plugin) -> ReportPlugin {
    ReportPlugin {
        id: Masked::known(&plugin.manifest.id),
        version: Masked::known(&plugin.manifest.version),
        path: Masked::known(plugin.path.to_string_lossy()),
        sha256: Masked::known(plugin.sha256.to_string()),
    }
}

/// Cassettes of one folder are one suite.
pub(super) fn suite(path: &Path) -> Masked {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Masked::known(folder.unwrap_or_else(|| Path::new(".")).to_string_lossy())
}

pub(super) fn id(path: &Path) -> Masked {
    Masked::known(path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy())
}

fn operation(mask: &Mask, end: &OperationEnd, exchanges: &[Exchanged]) -> ReportOperation {
    let value = |pointer: &str, shown: &crate::cassette::Shown| {
        let shown = shown.to_string();
        // The engine has masked failures, and the numbers of errors are what one looks for in them.
        if pointer.starts_with("/failure/") { mask.otherwise_open(&shown) } else { mask.text(&shown) }
    };
    // The mismatch stands with its exchange; the failure would only repeat it.
    let mismatched = exchanges.iter().any(|one| one.operation == Some(end.index) && one.mismatch.is_some());
    let ended = &end.compared.ended;
    ReportOperation {
        index: end.index,
        name: Masked::known(end.name.as_str()),
        after: end.after,
        as_expected: end.compared.as_expected(),
        ended: if mismatched { Masked::known(ended) } else { mask.text(&format!("{ended}: {}", end.compared.detail)) },
        values: end
            .compared
            .values
            .iter()
            .map(|(compared, same)| ReportValue {
                pointer: Masked::known(&compared.pointer),
                expected: value(&compared.pointer, &compared.expected),
                found: compared.found.as_ref().map(|found| value(&compared.pointer, found)),
                same: *same,
            })
            .collect(),
        messages: end
            .messages
            .iter()
            .map(|message| ReportMessage {
                to: mask.text(&message.to),
                channel: mask.text(&message.channel),
                text: mask.text(&message.text),
            })
            .collect(),
    }
}
