//! One case on the page: closed unless something is wrong with it.

use std::time::Duration;

use maud::{Markup, html as page};

use super::exchange::exchange;
use super::{Kind, duration};
use crate::cassette::ProvenanceKind;
use crate::report::model::{ReportCase, ReportExchange, ReportOperation, ReportProvenance, ReportVerdict};

pub(super) fn case(number: usize, case: &ReportCase) -> Markup {
    let kind = Kind::of(&case.verdict);
    let open = matches!(case.verdict, ReportVerdict::Failed(_) | ReportVerdict::Bad(_));
    page! {
        details class={ "case one " (kind.class()) } open[open] {
            summary {
                h3 { span class={ "verdict " (kind.class()) } { (kind.sign()) " " (kind.word()) } " " (case.id) }
                span class="faint" {
                    (case.title)
                    @if let Some(provenance) = &case.provenance { " · " (provenance.kind) }
                }
            }
            // A link to something inside opens what is closed; a link to the whole does not.
            div class="inside" id={ "case-" (number) } {
                (reasons(case))
                (facts(case))
                @for operation in &case.operations {
                    (operation_section(number, operation, &case.exchanges))
                }
                (others(case))
                @if case.exchanges_dropped > 0 {
                    p class="faint" { (case.exchanges_dropped) " earlier exchanges are not shown." }
                }
            }
        }
    }
}

fn reasons(case: &ReportCase) -> Markup {
    page! {
        @if !case.verdict.reasons().is_empty() {
            ul {
                @for reason in case.verdict.reasons() { li class="lines" { (reason) } }
            }
        }
    }
}

fn facts(case: &ReportCase) -> Markup {
    page! {
        dl class="facts" {
            @if let Some(cassette) = &case.cassette {
                dt { "Cassette" } dd { code { (cassette) } }
                dt { "Provenance" } dd { (provenance(case.provenance.as_ref())) }
            }
            @if let Some(plugin) = &case.plugin {
                dt { "Plugin" }
                dd {
                    (plugin)
                    @if let Some(channel) = &case.channel { ", channel " (channel) }
                    @if let Some(mode) = &case.mode { ", mode " (mode) }
                }
            }
            @for fact in &case.facts { dt { (fact.name) } dd class="lines" { (fact.value) } }
            @if let Some(steps) = &case.steps { dt { "Steps" } dd { code { (steps) } } }
            dt { "Took" } dd { (duration(case.took)) }
        }
    }
}

fn provenance(provenance: Option<&ReportProvenance>) -> Markup {
    page! {
        @match provenance {
            Some(ReportProvenance { kind, source }) => {
                (kind) ": " (source)
                @if *kind != ProvenanceKind::Recorded { " (no recording)" }
            }
            None => "not stated",
        }
    }
}

/// What the plugin was asked, what it then did, and how that ended.
fn operation_section(case: usize, operation: &ReportOperation, exchanges: &[ReportExchange]) -> Markup {
    let index = operation.index;
    page! {
        section class="operation" aria-labelledby={ "case-" (case) "-operation-" (index) } {
            h4 id={ "case-" (case) "-operation-" (index) } { "Operation " (index) ": " (operation.name) }
            @if !operation.after.is_zero() {
                p class="faint" { "The clock moved by " (time(operation.after)) " before it." }
            }
            @for one in exchanges.iter().filter(|one| one.operation == Some(index)) { (exchange(one)) }
            p {
                @if operation.as_expected { span class="verdict passed" { "✓ as expected" } }
                @else { span class="verdict failed" { "✗ not as expected" } }
                " · " (operation.ended)
            }
            @if !operation.values.is_empty() { (values(operation)) }
            @for message in &operation.messages {
                p { "To " (message.to) " by " (message.channel) ": " q { (message.text) } }
            }
        }
    }
}

/// Days and hours where seconds would tell nobody anything.
fn time(after: Duration) -> String {
    let seconds = after.as_secs();
    match seconds {
        0..=120 => format!("{} s", after.as_secs_f64()),
        121..86_400 => format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        _ => {
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            format!("{days} days and {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
        }
    }
}

fn values(operation: &ReportOperation) -> Markup {
    page! {
        table {
            caption { "What the case expects of " (operation.name) ", and what was found" }
            thead {
                tr {
                    th scope="col" { "Where" } th scope="col" { "Expected" } th scope="col" { "Found" }
                    th scope="col" { "Same" }
                }
            }
            tbody {
                @for value in &operation.values {
                    tr {
                        th scope="row" { code { (value.pointer) } }
                        td { (value.expected) }
                        td { @match &value.found { Some(found) => (found), None => span class="faint" { "nothing" } } }
                        td { @if value.same { "✓ yes" } @else { span class="differs" { "✗ no" } } }
                    }
                }
            }
        }
    }
}

/// Exchanges of operations that did not end, or of none.
fn others(case: &ReportCase) -> Markup {
    let ended = |one: &&ReportExchange| !case.operations.iter().any(|operation| one.operation == Some(operation.index));
    let others: Vec<_> = case.exchanges.iter().filter(ended).collect();
    page! {
        @if !others.is_empty() {
            section class="operation" {
                h4 { "Exchanges" }
                @for one in others { (exchange(one)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_people_know() {
        for (milliseconds, expected) in [
            (1500, "1.5 s"),
            (120_000, "120 s"),
            (121_000, "00:02:01"),
            (86_399_000, "23:59:59"),
            (1_111_111_050_000, "12860 days and 01:57:30"),
        ] {
            assert_eq!(time(Duration::from_millis(milliseconds)), expected);
        }
    }
}
