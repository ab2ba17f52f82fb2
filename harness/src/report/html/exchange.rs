//! One exchange on the page: request beside reply.

use maud::{Markup, html as page};

use crate::report::model::{
    ReportAnswer, ReportBody, ReportContent, ReportExchange, ReportFact, ReportMismatch, ReportRequest,
};

pub(super) fn exchange(exchange: &ReportExchange) -> Markup {
    page! {
        article class="exchange" {
            header {
                strong { "Exchange " (exchange.number) }
                @if let Some(effect) = exchange.request.effect { " · effect: " (effect) }
                @if let Some(fault) = &exchange.fault { " · fault " code { (fault.name) } ": " (fault.value) }
            }
            div class="pair" {
                div class="side" { (request(&exchange.request)) }
                div class="side" { (answer(&exchange.answer, exchange.mismatch.is_some())) }
            }
            footer {
                @if let Some(entry) = &exchange.played_by {
                    "Played by entry " (entry.entry) " of " code { (entry.cassette) } ", “" (entry.title) "”"
                }
                @if let Some(mismatch) = &exchange.mismatch { (nearest(mismatch)) }
                @if exchange.played_by.is_none() && exchange.mismatch.is_none() {
                    "No cassette was asked for this."
                }
            }
        }
    }
}

fn request(request: &ReportRequest) -> Markup {
    page! {
        h5 { "Request" }
        p class="wire" { span class="status" { (request.method) } " " (request.url) }
        (headers("Header fields of the request", &request.headers))
        @if let Some(body) = &request.body { (self::body("Form of the request", body)) }
    }
}

fn answer(answer: &ReportAnswer, mismatched: bool) -> Markup {
    page! {
        h5 { "Reply" }
        @match answer {
            ReportAnswer::Reply { status, headers, body } => {
                p class="wire" { span class="status" { (status) } }
                (self::headers("Header fields of the reply", headers))
                @match body {
                    Some(body) => (self::body("Form of the reply", body)),
                    None => p class="faint" { "No body." },
                }
            }
            ReportAnswer::Failure { failure, detail } => {
                p { span class="status" { "None" } ": " (failure) }
                // A mismatch stands below in full.
                @if !detail.is_empty() && !mismatched { p class="faint lines" { (detail) } }
            }
        }
    }
}

fn headers(caption: &str, headers: &[ReportFact]) -> Markup {
    page! {
        @if !headers.is_empty() { (fields(caption, headers)) }
    }
}

fn fields(caption: &str, fields: &[ReportFact]) -> Markup {
    page! {
        table class="wire" {
            caption { (caption) }
            tbody {
                @for field in fields { tr { th scope="row" { (field.name) } td { (field.value) } } }
            }
        }
    }
}

fn body(caption: &str, body: &ReportBody) -> Markup {
    page! {
        @match &body.content {
            ReportContent::Form(form) => (fields(caption, form)),
            ReportContent::Json(text) | ReportContent::Text(text) => pre { (text) },
            ReportContent::Binary => p class="faint" { "Bytes that are no text." },
        }
        @if let Some(note) = note(body) { p class="faint" { (note) } }
    }
}

fn note(body: &ReportBody) -> Option<String> {
    let bytes = body.bytes.map(|bytes| if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") });
    match (&body.content, bytes, body.cut) {
        (ReportContent::Binary, bytes, _) => bytes,
        (_, Some(bytes), true) => Some(format!("{bytes} on the wire; only the beginning is shown")),
        (_, None, true) => Some("Only the beginning is shown".to_owned()),
        (ReportContent::Json(_), Some(bytes), false) => Some(format!("{bytes} on the wire, shown indented")),
        (_, bytes, false) => bytes.map(|bytes| format!("{bytes} on the wire")),
    }
}

fn nearest(mismatch: &ReportMismatch) -> Markup {
    page! {
        strong class="differs" { "No recorded exchange answers this." }
        @if mismatch.nearest.is_empty() { " The cassettes have no entries." }
        @else {
            ul {
                @for near in &mismatch.nearest {
                    li {
                        "Near: entry " (near.entry.entry) " of " code { (near.entry.cassette) } ", “" (near.entry.title) "”"
                        ul { @for difference in &near.differences { li { (difference) } } }
                    }
                }
            }
        }
    }
}
