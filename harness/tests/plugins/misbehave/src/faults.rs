//! The faults, each as an operation commits it.

use countersign_plugin::{Context, Data, Delivered, Effect, Endpoint, Failure, FailureKind, Level, Reply, Request};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::config::Fault;

/// Larger than any one step may be.
const OVER_A_STEP: usize = (1 << 20) + 1;
/// Larger than any data may be.
const OVER_DATA: usize = (16 << 10) + 1;

/// What the operation knows and should keep to itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Private<'a> {
    pub(crate) number: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
}

/// Commits the faults that come before the operation's own request.
pub(crate) async fn commit(fault: Fault, cx: &Context, private: Private<'_>) -> Result<(), Failure> {
    match fault {
        Fault::Panic => {
            let Private { number, code } = private;
            panic!("this plugin panics because its settings say so; number {number:?}, code {code:?}")
        }
        Fault::Abort => std::process::abort(),
        Fault::ForeignAwait => std::future::pending().await,
        Fault::EndlessSteps => loop {
            cx.random(1).await?;
        },
        Fault::LogCode => {
            let Private { number, code } = private;
            cx.log(Level::Info, format!("number {}, code {}", number.unwrap_or("none"), code.unwrap_or("none")));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Spoils the operation's own request.
pub(crate) fn spoil(fault: Fault, base: &str, request: Request) -> Request {
    let mut request = request;
    match fault {
        Fault::HugeStep => request.json(json!({ "filler": "x".repeat(OVER_A_STEP) })),
        Fault::OtherHost => {
            request.url = Endpoint::new("https://elsewhere.example").path(["v1", "messages"]).to_string();
            request
        }
        Fault::EncodedSlash => {
            request.url = format!("{base}/v1/messages%2f%2e%2e%2f%2e%2e%2fadmin");
            request
        }
        Fault::ActAsRead => request.effect(Effect::Read),
        Fault::SendAsIdempotent => request.effect(Effect::Idempotent),
        Fault::SecretInUrl => {
            // A plugin has no secret's value; what it can do is to make the operator write one
            // into a plain setting, or to hope that references in addresses are filled in.
            let authority = base.replacen("://", "://user:canary-password@", 1);
            request.url = format!("{authority}/v1/messages?token=%7B%22secret%22%3A%22token%22%7D");
            request
        }
        _ => request,
    }
}

/// Performs the operation's own request, once or, by the fault, as often as it takes.
pub(crate) async fn send(fault: Fault, cx: &Context, request: Request) -> Result<Reply, Failure> {
    match cx.http(request.clone()).await {
        Err(_) if fault == Fault::Resend => Ok(cx.http(request).await?),
        Err(error) if fault == Fault::CallUndelivered => Err(Failure::from(error).delivered(Delivered::No)),
        reply => Ok(reply?),
    }
}

/// Reads a reply, or does by the fault what must not be done with it.
pub(crate) fn read<T: DeserializeOwned>(fault: Fault, reply: &Reply) -> Result<T, Failure> {
    let is_json = || reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let failure = match reply.json() {
        Ok(value) if reply.is_success() && (fault != Fault::HeedContentType || is_json()) => return Ok(value),
        Err(malformed) if reply.is_success() => Failure::from(malformed),
        _ => Failure::new(FailureKind::Unavailable, format!("the service answered with HTTP {}", reply.status))
            .delivered(if matches!(reply.status, 400..=499) { Delivered::No } else { Delivered::Maybe }),
    };
    match fault {
        Fault::PanicOnBadReply => panic!("this plugin takes every reply for a good one"),
        Fault::QuoteReply => {
            let quoted = format!("the service answered {}", String::from_utf8_lossy(reply.body.as_slice()));
            Err(Failure::new(failure.kind, quoted).delivered(failure.delivered))
        }
        Fault::CallUndelivered => Err(failure.delivered(Delivered::No)),
        _ => Err(failure),
    }
}

/// Opaque data that is too large.
pub(crate) fn huge_data() -> Data {
    Data::from_json(1, json!({ "filler": "x".repeat(OVER_DATA) }))
}

/// Opaque data of a version that the manifest does not name.
pub(crate) fn data_of_another_version() -> Data {
    Data::from_json(99, json!({ "id": "1" }))
}
