//! All that a report says of one case as plain text, for forms that have one place for it.

use std::fmt::{self, Display, Formatter};

use super::model::{
    ReportAnswer, ReportBody, ReportCase, ReportContent, ReportExchange, ReportOperation, ReportProvenance,
};

/// All of a case but the reasons of its verdict, which stand elsewhere, unless it is only a warning.
pub(super) fn case_text(case: &ReportCase) -> String {
    Case(case).to_string()
}

struct Case<'a>(&'a ReportCase);

impl Display for Case<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let case = self.0;
        writeln!(f, "{}", case.verdict.word())?;
        if matches!(case.verdict, super::model::ReportVerdict::Warned(_)) {
            case.verdict.reasons().iter().try_for_each(|reason| writeln!(f, "  {reason}"))?;
        }
        if let Some(cassette) = &case.cassette {
            writeln!(f, "cassette: {cassette}")?;
        }
        match (&case.provenance, &case.cassette) {
            (Some(ReportProvenance { kind, source }), _) => writeln!(f, "provenance: {kind}: {source}")?,
            (None, Some(_)) => writeln!(f, "provenance: not stated")?,
            (None, None) => {}
        }
        if let Some(plugin) = &case.plugin {
            write!(f, "plugin: {plugin}")?;
            case.channel.iter().try_for_each(|channel| write!(f, ", channel {channel}"))?;
            case.mode.iter().try_for_each(|mode| write!(f, ", mode {mode}"))?;
            writeln!(f)?;
        }
        case.facts.iter().try_for_each(|fact| writeln!(f, "{}: {}", fact.name, fact.value))?;
        case.steps.iter().try_for_each(|steps| writeln!(f, "steps: {steps}"))?;
        case.operations.iter().try_for_each(|operation| write_operation(f, operation))?;
        if case.exchanges_dropped > 0 {
            writeln!(f, "{} earlier exchanges are not shown", case.exchanges_dropped)?;
        }
        case.exchanges.iter().try_for_each(|exchange| write_exchange(f, exchange))
    }
}

fn write_operation(f: &mut Formatter<'_>, operation: &ReportOperation) -> fmt::Result {
    let ReportOperation { index, name, ended, .. } = operation;
    let word = if operation.as_expected { "as expected" } else { "not as expected" };
    writeln!(f, "operation {index} {name}: {word}: {ended}")?;
    for value in operation.values.iter().filter(|value| !value.same) {
        write!(f, "  {}: expected {}, found ", value.pointer, value.expected)?;
        match &value.found {
            Some(found) => writeln!(f, "{found}")?,
            None => writeln!(f, "nothing")?,
        }
    }
    operation
        .messages
        .iter()
        .try_for_each(|message| writeln!(f, "  to {} by {}: {}", message.to, message.channel, message.text))
}

fn write_exchange(f: &mut Formatter<'_>, exchange: &ReportExchange) -> fmt::Result {
    let ReportExchange { number, request, .. } = exchange;
    writeln!(f, "exchange {number}: {} {}", request.method, request.url)?;
    request.body.iter().try_for_each(|body| write_body(f, "  > ", body))?;
    if let Some(fault) = &exchange.fault {
        writeln!(f, "  fault {}: {}", fault.name, fault.value)?;
    }
    match &exchange.answer {
        ReportAnswer::Reply { status, body, .. } => {
            writeln!(f, "  {status}")?;
            body.iter().try_for_each(|body| write_body(f, "  < ", body))?;
        }
        ReportAnswer::Failure { failure, detail } => writeln!(f, "  {failure} ({detail})")?,
    }
    if let Some(entry) = &exchange.played_by {
        writeln!(f, "  played by {} entry {} ({})", entry.cassette, entry.entry, entry.title)?;
    }
    for nearest in exchange.mismatch.iter().flat_map(|mismatch| &mismatch.nearest) {
        writeln!(f, "  near: {} entry {} ({})", nearest.entry.cassette, nearest.entry.entry, nearest.entry.title)?;
        nearest.differences.iter().try_for_each(|difference| writeln!(f, "    {difference}"))?;
    }
    Ok(())
}

fn write_body(f: &mut Formatter<'_>, indent: &str, body: &ReportBody) -> fmt::Result {
    match &body.content {
        ReportContent::Form(fields) => {
            fields.iter().try_for_each(|field| writeln!(f, "{indent}{} = {}", field.name, field.value))?;
        }
        ReportContent::Json(text) | ReportContent::Text(text) => {
            text.as_str().lines().try_for_each(|line| writeln!(f, "{indent}{line}"))?;
        }
        ReportContent::Binary => writeln!(f, "{indent}(no text)")?,
    }
    match (body.cut, body.bytes) {
        (true, Some(bytes)) => writeln!(f, "{indent}… {bytes} bytes in all"),
        (true, None) => writeln!(f, "{indent}… there is more of it"),
        (false, _) => Ok(()),
    }
}
