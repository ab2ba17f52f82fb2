//! What the conformance kit found, as cases of a report.

use super::masked::Masked;
use super::model::{ReportCase, ReportFact, ReportPlugin, ReportVerdict};
use crate::conform::{CheckResult, Level, Problem, Report, Verdict};

/// The checks as cases, in one suite by the name of the file.
pub fn judged(report: &Report) -> impl Iterator<Item = (Masked, ReportCase)> {
    let suite = Masked::known(report.plugin.to_string_lossy());
    report.checks.iter().map(move |check| (suite.clone(), case(check, report.name.as_deref())))
}

/// The plugin that was judged; none where its file could not be read.
pub fn judged_plugin(report: &Report) -> Option<ReportPlugin> {
    let (id, version) = report.name.as_deref()?.rsplit_once(' ')?;
    Some(ReportPlugin {
        id: Masked::known(id),
        version: Masked::known(version),
        path: Masked::known(report.plugin.to_string_lossy()),
        sha256: Masked::known(report.sha256.as_deref()?),
    })
}

fn case(check: &CheckResult, plugin: Option<&str>) -> ReportCase {
    let fact = |name, value: Masked| ReportFact { name: Masked::known(name), value };
    let mut facts = vec![fact("level", Masked::known(check.level.as_str()))];
    if !check.judged.replies.is_empty() {
        facts.push(fact("replies", Masked::known(check.judged.replies.to_string())));
    }
    let verdict = match (&check.judged.verdict, check.level) {
        (Verdict::Passed { note }, _) => {
            if !note.is_empty() {
                facts.push(fact("found", Masked::known(note)));
            }
            ReportVerdict::Passed
        }
        (Verdict::Failed { problems }, Level::Must) => ReportVerdict::Failed(reasons(problems)),
        (Verdict::Failed { problems }, Level::Should) => ReportVerdict::Warned(reasons(problems)),
        (Verdict::Skipped { because }, _) => ReportVerdict::Skipped(vec![Masked::of(because)]),
    };
    let mut case = ReportCase::new(Masked::known(check.id), Masked::known(check.reason), verdict);
    case.took = check.took;
    case.plugin = plugin.map(Masked::known);
    case.facts = facts;
    case
}

fn reasons(problems: &[Problem]) -> Vec<Masked> {
    let told = |problem: &Problem| {
        // A token is for one command and tells nothing; masking would break it.
        let again =
            problem.reproduce.as_ref().map_or_else(String::new, |token| format!("; again: --reproduce {token}"));
        Masked::known(format!("{}; {}{again}", Masked::of(&problem.what), Masked::of(&problem.remedy)))
    };
    problems.iter().map(told).collect()
}
