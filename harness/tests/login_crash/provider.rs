//! The provider's side, which does not die with us: a Verify service with its codes, and a telephone that rings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use async_trait::async_trait;
use countersign::clock::Clock as _;
use countersign::transport::{Outgoing, Transport};
use countersign_plugin::http::{Body, FieldValue, TransportFailure};
use countersign_plugin::{Reply, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::moments::Moments;
use crate::replace;
use crate::site::OwnClock;

/// How long a verification lives, in seconds.
const LIFETIME: u64 = 600;

#[derive(Default, Serialize, Deserialize)]
struct State {
    verifications: Vec<Verification>,
    messages: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Verification {
    sid: String,
    to: String,
    code: String,
    created: Timestamp,
    status: String,
    checks: u32,
}

/// What the providers know; it is on the disk before any answer leaves.
pub(crate) struct World {
    file: PathBuf,
    clock: Arc<OwnClock>,
    moments: Arc<Moments>,
    state: Mutex<State>,
    lies: AtomicBool,
}

impl World {
    pub(crate) fn open(file: PathBuf, clock: &Arc<OwnClock>, moments: &Arc<Moments>) -> Self {
        let state = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
                State::default()
            }
        };
        let (clock, moments) = (Arc::clone(clock), Arc::clone(moments));
        Self { file, clock, moments, state: Mutex::new(state), lies: AtomicBool::new(false) }
    }

    /// The codes that reached the person, oldest first.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.state.lock().unwrap().messages.clone()
    }

    pub(crate) fn last_code(&self) -> String {
        self.messages().pop().expect("a code was sent")
    }

    /// Whether the provider has said yes to this code.
    pub(crate) fn has_approved(&self, code: &str) -> bool {
        let state = self.state.lock().unwrap();
        state.verifications.iter().any(|it| it.code == code && it.status == "approved")
    }

    /// How often somebody has tried to guess this code.
    pub(crate) fn checks(&self, code: &str) -> u32 {
        let state = self.state.lock().unwrap();
        state.verifications.iter().filter(|it| it.code == code).map(|it| it.checks).sum()
    }

    /// From now on the provider says yes to every code, and forgets it at once.
    pub(crate) fn lie(&self, lies: bool) {
        self.lies.store(lies, Ordering::SeqCst);
    }

    fn answer(&self, path: &[&str], form: &BTreeMap<&str, &str>) -> Reply {
        let mut state = self.state.lock().unwrap();
        let now = self.clock.now();
        let live = |it: &Verification| it.status == "pending" && now.since(it.created).as_secs() < LIFETIME;
        match path {
            ["v2", "Services", _, "Verifications"] => {
                let to = form["To"];
                let number = state.verifications.len() as u64;
                // Asked again, Verify sends the same code again.
                let known = state.verifications.iter().find(|it| it.to == to && live(it)).cloned();
                let verification = known.unwrap_or_else(|| {
                    let new = Verification {
                        sid: format!("VE{:032x}", number + 1),
                        to: to.to_owned(),
                        code: format!("{:06}", 100_003 + number * 7919),
                        created: now,
                        status: "pending".to_owned(),
                        checks: 0,
                    };
                    state.verifications.push(new.clone());
                    new
                });
                state.messages.push(verification.code.clone());
                shown(201, &verification)
            }
            ["v2", "Services", _, "VerificationCheck"] => {
                let lies = self.lies.load(Ordering::SeqCst);
                let sid = form["VerificationSid"];
                let Some(known) = state.verifications.iter_mut().find(|it| it.sid == sid && live(it)) else {
                    return unknown();
                };
                known.checks += 1;
                if lies {
                    return shown(200, &Verification { status: "approved".to_owned(), ..known.clone() });
                }
                if known.code == form["Code"] {
                    known.status = "approved".to_owned();
                }
                shown(200, known)
            }
            ["v2", "Services", _, "Verifications", sid] => {
                assert_eq!(form["Status"], "canceled");
                let Some(known) = state.verifications.iter_mut().find(|it| it.sid == *sid && live(it)) else {
                    return unknown();
                };
                known.status = "canceled".to_owned();
                shown(200, known)
            }
            ["2010-04-01", "Accounts", _, "Calls.json"] => {
                let words = form["Twiml"].split_once("code is: ").expect("a code is spoken").1;
                let spoken = words.split('.').next().unwrap_or_default();
                state.messages.push(spoken.chars().filter(char::is_ascii_digit).collect());
                let sid = format!("CA{:032x}", state.messages.len());
                Reply::from_json(201, &json!({"sid": sid, "to": form["To"], "status": "queued"}))
            }
            other => panic!("nobody serves {other:?}"),
        }
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let path: Vec<&str> = outgoing.url.path_segments().unwrap().collect();
        let name = path.last().unwrap();
        self.moments.pass(format!("before the exchange {name}"));
        let Some(Body::Form(fields)) = &outgoing.request.body else { panic!("a form is sent") };
        let form = fields.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
        let reply = self.answer(&path, &form);
        replace(&self.file, &serde_json::to_vec(&*self.state.lock().unwrap()).unwrap());
        self.moments.pass(format!("after the exchange {name}"));
        Ok(reply)
    }
}

fn text(value: &FieldValue) -> &str {
    match value {
        FieldValue::Text(text) => text,
        FieldValue::Secret(_) => panic!("no form holds a secret"),
    }
}

fn shown(status: u16, verification: &Verification) -> Reply {
    let Verification { sid, to, status: state, .. } = verification;
    Reply::from_json(status, &json!({"sid": sid, "to": to, "status": state, "valid": state == "approved"}))
}

fn unknown() -> Reply {
    Reply::from_json(404, &json!({"code": 20404, "message": "not found", "status": 404}))
}
