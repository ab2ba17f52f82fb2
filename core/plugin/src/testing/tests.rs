//! A bench is as strict as a host.

use futures_util::future::try_join;
use serde_json::{Value, json};

use crate::http::{Endpoint, Method, Reply, Request, TransportFailureKind};
use crate::operation::*;
use crate::provider::Provider;
use crate::testing::{self, Bench, Ran};
use crate::{Context, Effect, Failure, FailureKind, FaultKind, HmacAlgorithm, Level, Scope, SecretRef, limits};

/// Does in `start` what the channel's name says.
struct Puppet {
    base_url: String,
    token: SecretRef,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "the bench reads it")]
    mode: Option<String>,
    token: SecretRef,
}

impl Puppet {
    fn endpoint(&self, path: &str) -> Endpoint {
        Endpoint::new(&self.base_url).path(path.split(' '))
    }

    fn request(&self, channel: &str) -> Option<Request> {
        let post = || Request::post(self.endpoint("v1 send"));
        Some(match channel {
            "sms" => post().bearer(&self.token),
            "elsewhere" => Request::post(Endpoint::new("https://elsewhere.example").path(["v1"])),
            "beside" => Request::post(self.endpoint("v1beside")),
            "two ways" => {
                let mut request = post();
                request.url.push_str("/..%2fsms");
                request
            }
            "post that reads" => post().effect(Effect::Read),
            "get with a body" => Request::get(self.endpoint("v1")).json(json!({})),
            "header of the host" => post().header("content-Length", "0"),
            "header with a line break" => post().header("X-A", "a\r\nb"),
            "another secret" => post().bearer(&SecretRef::named("other")),
            _ => return None,
        })
    }
}

impl Provider for Puppet {
    type Settings = Settings;

    fn open(settings: Settings) -> Result<Self, Failure> {
        let base_url = settings.base_url.unwrap_or_else(|| "https://acme.example".to_owned());
        Ok(Self { base_url, token: settings.token })
    }

    async fn test_credentials(&self, cx: &Context, _: TestCredentials) -> Result<Diagnosis, Failure> {
        cx.http(Request::new(Method::Put, Effect::Idempotent, self.endpoint("v1"))).await?;
        Ok(Diagnosis { findings: vec![] })
    }

    async fn start(&self, cx: &Context, input: StartChallenge) -> Result<Started, Failure> {
        let mut value = String::new();
        match input.channel.as_str() {
            "another secret for a mac" => {
                cx.hmac(&SecretRef::named("other"), HmacAlgorithm::Sha1, b"").await?;
            }
            "so many steps" => {
                for n in 0..limits::STEPS_PER_OPERATION {
                    cx.keep(Scope::Delivery, Data::new(1, &n)?).await?;
                }
            }
            "endless steps" => loop {
                cx.random(1).await?;
            },
            "much data" => value = "x".repeat(limits::DATA_BYTES),
            "asks twice at once" => {
                let ask = async |path: &str| {
                    let reply = cx.http(Request::post(self.endpoint(path))).await?;
                    if reply.is_success() { Ok(()) } else { Err(Failure::new(FailureKind::Blocked, "no")) }
                };
                try_join(ask("v1 first"), ask("v1 second")).await?;
            }
            "talks and panics" => {
                cx.log(Level::Info, "before it");
                panic!("no luck");
            }
            channel => {
                if let Some(request) = self.request(channel) {
                    cx.http(request).await?;
                }
            }
        }
        Ok(Started { delivery: Some(Data::new(1, &value)?), ..Started::default() })
    }
}

fn manifest() -> Vec<u8> {
    let channel = |name: &str, operations: Value| {
        json!({
            "channel": name, "code_made_by": "provider", "code_checked_by": "provider", "destination": "phone",
            "operations": operations,
        })
    };
    let manifest = json!({
        "manifest": 1, "id": "puppet", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "local",
        "labels": {},
        "channels": [
            channel("sms", json!(["start"])), channel("elsewhere", json!(["start"])),
            channel("beside", json!(["start"])), channel("two ways", json!(["start"])),
        ],
        "settings": {"properties": {"mode": {"default": "new"}}},
        "egress": [
            {"base": "https://acme.example", "paths": ["/v1"], "mode": "new"},
            {"base": "https://old.acme.example", "paths": ["/v1"], "mode": "old"},
        ],
    });
    manifest.to_string().into_bytes()
}

fn settings() -> Value {
    json!({"token": {"secret": "token"}})
}

fn bench() -> Bench<Puppet> {
    Bench::open(settings())
}

fn start(bench: &Bench<Puppet>, channel: &str) -> Ran<Started> {
    bench.host().reply(200, json!({})).start(testing::start(channel))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(ran: &Ran<T>, kind: FailureKind, because: &str) {
    let Err(failure) = &ran.outcome else { panic!("it was not refused: {ran:?}") };
    assert_eq!(ran.fault, None, "{failure}");
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.operator.contains(because), "{failure}");
}

#[test]
fn requests_against_the_contract_are_refused() {
    for (channel, because) in [
        ("post that reads", "a POST cannot have the effect `read`"),
        ("get with a body", "a GET has no body"),
        ("header of the host", "`content-Length` belongs to the host"),
        ("header with a line break", "`X-A` holds control characters"),
        ("another secret", "`other`, which is not a secret setting"),
        ("two ways", "an encoded slash"),
    ] {
        let ran = start(&bench(), channel);
        refused(&ran, FailureKind::PluginFault, because);
        assert_eq!((ran.requests.len(), ran.unused_replies), (1, 1), "{channel}: it got no reply");
    }
    assert!(start(&bench(), "sms").outcome.is_ok());
}

#[test]
fn testing_credentials_may_only_read() {
    refused(&bench().host().reply(200, json!({})).test_credentials(), FailureKind::PluginFault, "may only read");
}

#[test]
fn a_mac_is_made_under_a_secret_of_the_settings_only() {
    refused(&start(&bench(), "another secret for a mac"), FailureKind::PluginFault, "`other`");
}

#[test]
fn steps_and_data_are_counted() {
    assert_eq!(start(&bench(), "so many steps").kept.len(), limits::STEPS_PER_OPERATION);
    refused(&start(&bench(), "endless steps"), FailureKind::PluginFault, "more than 32 steps");
    refused(&start(&bench(), "much data"), FailureKind::PluginFault, "16386 bytes; 16384 are allowed");
}

#[test]
fn what_a_provider_has_given_up_on_is_not_performed() {
    let ran = bench().host().reply(403, json!({})).start(testing::start("asks twice at once"));
    assert_eq!(ran.outcome.expect_err("its own failure").kind, FailureKind::Blocked);
    assert_eq!(ran.requests.len(), 1);
}

#[test]
fn what_was_logged_before_a_fault_is_told() {
    let ran = start(&bench(), "talks and panics");
    assert!(ran.outcome.expect_err("it panicked").operator.contains("no luck"));
    assert_eq!(ran.fault, Some(FaultKind::Panicked));
    assert_eq!(ran.logs[0].text, "before it");
}

#[test]
fn a_reply_that_no_host_passes_on_is_too_large_here_too() {
    let reply = Reply { status: 200, headers: vec![], body: "x".repeat(limits::REPLY_BODY_BYTES + 1).into() };
    let ran = bench().host().raw_reply(reply).start(testing::start("sms"));
    refused(&ran, FailureKind::MalformedReply, "too large");
    let ran = bench().host().no_reply(TransportFailureKind::Deadline).start(testing::start("sms"));
    refused(&ran, FailureKind::Unavailable, "time");
}

#[test]
fn with_its_manifest_a_provider_stays_within_that() {
    let bench = |settings| Bench::<Puppet>::open(settings).manifest(&manifest());
    assert!(start(&bench(settings()), "sms").outcome.is_ok());
    refused(&start(&bench(settings()), "elsewhere"), FailureKind::PluginFault, "`egress`");
    refused(&start(&bench(settings()), "beside"), FailureKind::PluginFault, "`egress`");
    refused(&start(&bench(settings()), "so many steps"), FailureKind::Unsupported, "`start` for the channel `so many");
    refused(&bench(settings()).host().test_credentials(), FailureKind::Unsupported, "`test_credentials` in mode `new`");
    let check = bench(settings()).host().check(testing::check("sms", "123456"));
    refused(&check, FailureKind::Unsupported, "does not declare `check`");
}

#[test]
fn mode_and_base_url_of_the_settings_say_which_egress_holds() {
    let start = |mode: Value, base_url: Value| {
        let settings = json!({"token": {"secret": "token"}, "mode": mode, "base_url": base_url});
        start(&Bench::open(settings).manifest(&manifest()), "sms")
    };
    assert!(start(json!("new"), Value::Null).outcome.is_ok());
    refused(&start(json!("old"), Value::Null), FailureKind::PluginFault, "`egress`");
    assert!(start(json!("old"), json!("http://127.0.0.1:1/proxy/")).outcome.is_ok());
    assert!(start(Value::Null, json!("https://old.acme.example")).outcome.is_ok());
}

#[test]
fn settings_are_read_as_by_a_plugin_file() {
    #[track_caller]
    fn refused(settings: Value, kind: FailureKind, because: &str) {
        let Err(failure) = Bench::<Puppet>::try_open(settings) else { panic!("it opened") };
        assert_eq!(failure.kind, kind);
        assert!(failure.operator.contains(because), "{failure}");
        assert!(!failure.operator.contains("canary"), "{failure}");
    }
    refused(json!({"token": "canary"}), FailureKind::Misconfigured, "not of the expected type");
    refused(json!({}), FailureKind::Misconfigured, "missing field `token`");
    let long = "x".repeat(limits::SETTINGS_BYTES);
    refused(json!({"token": {"secret": "token"}, "mode": long}), FailureKind::PluginFault, "65536 are allowed");
}
