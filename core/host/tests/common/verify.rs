//! A double of Twilio Verify on loopback. Each verification has a code of its own, accepted once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::Site;

pub(crate) const TOKEN: &str = "canary70ken0123456789abcdef01234";
pub(crate) const NUMBER: &str = "+15005550006";
const SERVICE: &str = "VA00000000000000000000000000000001";
const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// The provider's side.
pub(crate) struct Verify {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Number and whether it is approved, by sid.
    verifications: Vec<(String, bool)>,
    /// What it was asked, without bodies.
    asked: Vec<String>,
    down: bool,
    /// What it answers instead, by what it is asked.
    refusals: BTreeMap<String, (u16, u32)>,
}

/// The code of the n-th verification, from 0.
pub(crate) fn code(verification: usize) -> String {
    format!("{:06}", 7_310_429 * (verification + 1) % 1_000_000)
}

/// A code that no verification of a test has.
pub(crate) const WRONG: &str = "000000";

impl Verify {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let state = Arc::<Mutex<State>>::default();
        Mock::given(any()).respond_with(Answers(Arc::clone(&state))).mount(&server).await;
        Self { server, state }
    }

    /// A site with sms by this provider, totp, and what else the bootstrap is to say.
    pub(crate) fn site(&self, more: &str) -> Site {
        let site = Site::with(&format!(
            r#"
            version = 1
            [services.sms]
            delivery_type = "hosted-service"
            provider = "twilio-verify"
            auth_id = "{ACCOUNT}"
            auth_token = {{ file = "token" }}
            service_sid = "{SERVICE}"
            base_url = "{}"
            [services.totp]
            delivery_type = "local"
            provider = "totp"
            issuer = "ACME"
            period = 120
            skew = 2
            [two_factor.login_types]
            web-portal = "everyone"
            windows = "flagged-users"
            {more}
            "#,
            self.server.uri()
        ));
        site.secret("token", TOKEN);
        site
    }

    pub(crate) fn fail(&self) {
        self.state.lock().unwrap().down = true;
    }

    /// From now on answers this question with HTTP status and error code.
    pub(crate) fn refuse(&self, what: &str, status: u16, code: u32) {
        self.state.lock().unwrap().refusals.insert(what.to_owned(), (status, code));
    }

    /// Ends [`Self::fail`] and [`Self::refuse`].
    pub(crate) fn recover(&self) {
        let mut state = self.state.lock().unwrap();
        state.down = false;
        state.refusals.clear();
    }

    /// How often it was asked for this, as `POST Verifications`.
    pub(crate) fn asked(&self, what: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| asked.as_str() == what).count()
    }
}

struct Answers(Arc<Mutex<State>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path: Vec<_> = request.url.path_segments().unwrap().collect();
        assert_eq!(path[..3], ["v2", "Services", SERVICE]);
        let below = path[3..].iter().map(|segment| if segment.starts_with("VE") { "SID" } else { segment });
        let asked = format!("{} {}", request.method, below.collect::<Vec<_>>().join("/"));
        let refusal = if state.down { Some((503, 20503)) } else { state.refusals.get(&asked).copied() };
        state.asked.push(asked);
        if let Some((status, code)) = refusal {
            return reply(status, json!({"code": code, "status": status}));
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        match (request.method.as_str(), path.get(3).copied(), path.get(4).copied()) {
            ("GET", None, None) => reply(200, json!({"sid": SERVICE, "account_sid": ACCOUNT, "friendly_name": "ACME"})),
            ("POST", Some("Verifications"), None) => {
                state.verifications.push((form["To"].clone(), false));
                let number = state.verifications.len() - 1;
                reply(201, state.shown(number, "pending"))
            }
            ("POST", Some("Verifications"), Some(sid)) => reply(200, state.shown(number(sid), "canceled")),
            ("POST", Some("VerificationCheck"), None) => {
                let number = number(&form["VerificationSid"]);
                if state.verifications[number].1 {
                    return reply(404, json!({"code": 20404, "status": 404}));
                }
                let right = form["Code"] == code(number);
                state.verifications[number].1 = right;
                reply(200, state.shown(number, if right { "approved" } else { "pending" }))
            }
            other => panic!("{other:?} is not asked of Verify"),
        }
    }
}

impl State {
    fn shown(&self, number: usize, status: &str) -> Value {
        json!({
            "sid": format!("VE{number:032x}"), "service_sid": SERVICE, "account_sid": ACCOUNT,
            "to": self.verifications[number].0, "channel": "sms", "status": status, "valid": status == "approved",
        })
    }
}

fn number(sid: &str) -> usize {
    usize::from_str_radix(&sid[2..], 16).unwrap()
}

fn reply(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}
