//! One exchange of a journal as a report shows it.

use countersign_plugin::Effect;
use countersign_plugin::http::{Auth, Body, FieldValue, Request, TransportFailure};
use countersign_plugin::{Reply, TransportFailureKind};
use percent_encoding::percent_decode_str;
use url::Url;

use super::body;
use super::masked::{Mask, Masked};
use super::model::{
    ReportAnswer, ReportBody, ReportContent, ReportEntry, ReportExchange, ReportFact, ReportMismatch, ReportNearest,
    ReportRequest,
};
use crate::cassette::{Cassette, Mismatch};
use crate::journal::Exchanged;

/// An exchange of a case that was run with this cassette.
pub(super) fn exchange(mask: &Mask, cassette: &Cassette, exchanged: &Exchanged) -> ReportExchange {
    let played = exchanged.played_by.and_then(|by| cassette.entries().get(by.entry));
    ReportExchange {
        number: exchanged.number,
        operation: exchanged.operation,
        request: request(mask, &exchanged.request),
        answer: answer(mask, &exchanged.answer, exchanged.body_bytes),
        played_by: played.map(|entry| ReportEntry {
            cassette: Masked::known(cassette.path().to_string_lossy()),
            entry: entry.index,
            title: mask.otherwise_open(&entry.title),
        }),
        mismatch: exchanged.mismatch.as_ref().map(|found| mismatch(mask, found)),
        fault: None,
    }
}

fn request(mask: &Mask, request: &Request) -> ReportRequest {
    let mut headers: Vec<ReportFact> = request.auth.iter().map(|auth| authorization(mask, auth)).collect();
    headers.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| ReportFact::new(mask.text(name), field_value(value, |text| mask.header(name, text)))),
    );
    ReportRequest {
        method: Masked::known(request.method.as_str()),
        url: url(mask, &request.url),
        effect: Some(match request.effect {
            Effect::Read => "read",
            Effect::Idempotent => "idempotent",
            Effect::Act => "act",
        }),
        headers,
        body: request.body.as_ref().map(|body| match body {
            Body::Json(value) => body::asked(mask, value),
            Body::Form(fields) => ReportBody {
                bytes: None,
                cut: false,
                content: ReportContent::Form(
                    fields
                        .iter()
                        .map(|(name, value)| {
                            ReportFact::new(mask.text(name), field_value(value, |text| mask.field(name, text)))
                        })
                        .collect(),
                ),
            },
        }),
    }
}

fn authorization(mask: &Mask, auth: &Auth) -> ReportFact {
    let value = match auth {
        Auth::Basic { user, password } => {
            let user = field_value(user, |text| mask.text(text));
            Masked::known(format!("Basic {user}:{}", field_value(password, Masked::hidden)))
        }
        Auth::Bearer { token } => Masked::known(format!("Bearer {}", field_value(token, Masked::hidden))),
    };
    ReportFact::new(Masked::known("Authorization"), value)
}

/// A reference to a secret stands as the setting's name in brackets, as in cassettes.
fn field_value(value: &FieldValue, text: impl FnOnce(&str) -> Masked) -> Masked {
    match value {
        FieldValue::Text(value) => text(value),
        FieldValue::Secret(reference) => Masked::known(format!("[{}]", reference.name())),
    }
}

/// An address, its path segments and parameters decoded for masking: an escaped digit is a digit.
fn url(mask: &Mask, text: &str) -> Masked {
    let Ok(url) = Url::parse(text) else {
        return mask.text(text);
    };
    let mut shown = format!("{}://{}", url.scheme(), mask.text(url.host_str().unwrap_or_default()));
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    for segment in url.path_segments().into_iter().flatten() {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        let masked = mask.text(&decoded);
        shown.push('/');
        // What has nothing to hide keeps its escapes: they tell how the plugin wrote it.
        shown.push_str(if masked.as_str() == decoded { segment } else { masked.as_str() });
    }
    for (at, (name, value)) in url.query_pairs().enumerate() {
        shown.push(if at == 0 { '?' } else { '&' });
        shown.push_str(&format!("{}={}", mask.text(&name), mask.field(&name, &value)));
    }
    Masked::known(shown)
}

fn answer(mask: &Mask, answer: &Result<Reply, TransportFailure>, body_bytes: u64) -> ReportAnswer {
    match answer {
        Ok(reply) => {
            let headers = reply.headers.iter();
            let content = body::received(mask, reply.status, reply.header("content-type"), reply.body.as_slice());
            ReportAnswer::Reply {
                status: reply.status,
                headers: headers
                    .map(|(name, value)| ReportFact::new(mask.text(name), mask.header(name, value)))
                    .collect(),
                body: content.map(|content| ReportBody {
                    cut: content.cut || content.bytes != Some(body_bytes),
                    bytes: Some(body_bytes),
                    ..content
                }),
            }
        }
        Err(failure) => ReportAnswer::Failure {
            failure: Masked::known(failure_name(failure.kind)),
            detail: mask.text(&failure.detail),
        },
    }
}

/// In words that a person understands; cassettes have shorter ones.
const fn failure_name(kind: TransportFailureKind) -> &'static str {
    match kind {
        TransportFailureKind::NotSent => "not sent: nothing left",
        TransportFailureKind::NoAnswer => "no answer: the request may have arrived",
        TransportFailureKind::TooLarge => "the answer is too large",
        TransportFailureKind::Refused => "refused: the request was not sent",
        TransportFailureKind::Deadline => "the time was used up before it was sent",
        _ => "failed",
    }
}

fn mismatch(mask: &Mask, mismatch: &Mismatch) -> ReportMismatch {
    let nearest = mismatch.nearest.iter().map(|nearest| ReportNearest {
        entry: ReportEntry {
            cassette: Masked::known(nearest.cassette.to_string_lossy()),
            entry: nearest.entry,
            title: mask.otherwise_open(&nearest.title),
        },
        differences: nearest
            .differences
            .iter()
            .map(|difference| mask.otherwise_open(&difference.to_string()))
            .collect(),
    });
    ReportMismatch { nearest: nearest.collect() }
}
