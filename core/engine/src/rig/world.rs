//! The world outside: providers with their own memory, phones with screens, and the weather.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use countersign_plugin::http::{Body, TransportFailure, TransportFailureKind};
use countersign_plugin::{
    Canceled, Checked, Confirmed, Data, Diagnosis, Enrolled, Failure, FailureKind, Operation, OperationName, Reply,
    Setup, Started, Status, Timestamp, Unenrolled,
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::OwnClock;
use super::plugin::done;
use crate::clock::Clock as _;
use crate::transport::{Outgoing, Transport};

/// How a provider behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes and checks codes: one per recipient, the same one when asked again, five guesses.
    Verify,
    /// The same, but its codes cannot be canceled.
    NoCancel,
    /// Delivers codes of the engine's. Asked to check, it says yes to everything.
    Caller,
    /// An app; checks without network.
    App,
    /// An app whose codes its provider checks.
    RemoteApp,
    /// Asks for an approval.
    Push,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Verify, Self::NoCancel, Self::Caller, Self::App, Self::RemoteApp, Self::Push];

    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What happens to an exchange.
#[derive(Clone, Debug)]
pub(crate) enum Weather {
    /// It takes place.
    Fair,
    /// Provably nothing leaves.
    NotSent,
    /// It leaves, does not arrive, and nobody can tell.
    LostRequest,
    /// It takes place, but the answer is lost.
    LostReply,
    /// The provider refuses like this.
    Refused(Failure),
    /// We die before it takes place.
    DieBefore,
    /// We die after it took place.
    DieAfter,
    /// The answer takes so many seconds.
    Slow(u64),
    /// The answer waits until somebody says so.
    Until(Arc<Notify>),
}

/// A code at a provider that makes codes.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) provider: String,
    pub(crate) to: String,
    pub(crate) sid: u64,
    pub(crate) code: String,
    pub(crate) until: Timestamp,
    pub(crate) wrong: u32,
    pub(crate) over: bool,
}

#[derive(Default)]
struct State {
    codes: Vec<Live>,
    screens: BTreeMap<String, Vec<String>>,
    weather: Option<Weather>,
    forecast: VecDeque<Weather>,
    asked: Vec<(String, OperationName)>,
    answers: BTreeMap<u64, Status>,
    fault: Option<String>,
    locale: Option<String>,
    count: u64,
}

pub(crate) struct World {
    clock: Arc<OwnClock>,
    state: Mutex<State>,
    pub(crate) died: Notify,
}

impl World {
    pub(crate) fn new(clock: Arc<OwnClock>) -> Self {
        Self { clock, state: Mutex::default(), died: Notify::new() }
    }

    /// The weather from now on.
    pub(crate) fn weather(&self, weather: Weather) {
        self.state().weather = Some(weather);
    }

    /// No weather is waiting any more, and it is fair.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.weather = None;
        state.forecast.clear();
    }

    /// The weather of the next exchange; may be called several times.
    pub(crate) fn next(&self, weather: Weather) {
        self.state().forecast.push_back(weather);
    }

    /// The next operation panics before it asks for anything.
    pub(crate) fn panic_next(&self) {
        self.state().fault = Some("the provider panicked".to_owned());
    }

    /// Everything that a screen showed, oldest first.
    pub(crate) fn screen(&self, to: &str) -> Vec<String> {
        self.state().screens.get(to).cloned().unwrap_or_default()
    }

    pub(crate) fn last_code(&self, to: &str) -> String {
        self.screen(to).pop().expect("a code on the screen")
    }

    /// The code that an app shows now.
    pub(crate) fn app_code(&self, setup: &Setup) -> String {
        self.app_code_at(setup, 0)
    }

    /// The code that it shows so many steps later.
    pub(crate) fn app_code_at(&self, setup: &Setup, later: i64) -> String {
        let step = (self.clock.now().as_secs() / 30).checked_add_signed(later).unwrap();
        totp(setup.key.parse().unwrap(), step)
    }

    /// Codes that could be approved at this moment.
    pub(crate) fn live(&self) -> Vec<Live> {
        let now = self.clock.now();
        self.state().codes.iter().filter(|live| !live.over && now < live.until).cloned().collect()
    }

    /// How often a provider was asked for an operation.
    pub(crate) fn times(&self, provider: &str, operation: OperationName) -> usize {
        self.state().asked.iter().filter(|(id, name)| id == provider && *name == operation).count()
    }

    /// What the person says to the newest request on their device.
    pub(crate) fn decide(&self, status: Status) {
        let mut state = self.state();
        let newest = state.count;
        state.answers.insert(newest, status);
    }

    /// What the person says to this request.
    pub(crate) fn decide_for(&self, request: u64, status: Status) {
        self.state().answers.insert(request, status);
    }

    /// What the person said to this request.
    pub(crate) fn answer_to(&self, request: u64) -> Option<Status> {
        self.state().answers.get(&request).copied()
    }

    /// The language of the last send.
    pub(crate) fn last_locale(&self) -> Option<String> {
        self.state().locale.clone()
    }

    pub(super) fn asked(&self, provider: &str, operation: OperationName) {
        self.state().asked.push((provider.to_owned(), operation));
    }

    pub(super) fn take_fault(&self) -> Option<String> {
        self.state().fault.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What a provider does.
    pub(super) fn answer(&self, provider: &str, kind: Kind, operation: &Operation) -> Result<Value, Failure> {
        let now = self.clock.now();
        let mut state = self.state();
        state.count += 1;
        let fresh = state.count;
        if let Operation::Start(start) = operation {
            state.locale.clone_from(&start.person.locale);
        }
        match (kind, operation) {
            (_, Operation::TestCredentials(_)) => Ok(value(Diagnosis::new(vec![]))),
            (Kind::Verify | Kind::NoCancel, Operation::Start(start)) => {
                let to = start.recipient.as_ref().unwrap().address().to_owned();
                let known = state
                    .codes
                    .iter()
                    .find(|live| live.provider == provider && live.to == to && !live.over && now < live.until);
                let live = known.cloned().unwrap_or_else(|| Live {
                    provider: provider.to_owned(),
                    to: to.clone(),
                    sid: fresh,
                    code: format!("{:06}", 100_000 + fresh * 7919 % 800_000),
                    until: now + std::time::Duration::from_secs(600),
                    wrong: 0,
                    over: false,
                });
                let sid = live.sid;
                // One of them tells when its code ends.
                let left = u32::try_from(live.until.since(now).as_secs()).unwrap();
                let expires_in_seconds = (kind == Kind::Verify).then_some(left);
                state.screens.entry(to).or_default().push(live.code.clone());
                if sid == fresh {
                    state.codes.push(live);
                }
                Ok(value(Started::new().delivery(data(sid)).expires_in_seconds(expires_in_seconds)))
            }
            (Kind::Verify | Kind::NoCancel, Operation::Check(check)) => {
                let dead = || Failure::new(FailureKind::Expired, "unknown, expired, or approved already");
                let live = find(&mut state.codes, check.delivery.as_ref()).ok_or_else(dead)?;
                if live.over || now >= live.until {
                    return Err(dead());
                }
                if live.wrong >= 5 {
                    return Err(Failure::new(FailureKind::TooManyAttempts, "five wrong codes"));
                }
                if live.code == check.code.as_str() {
                    live.over = true;
                    return Ok(value(Checked::approved()));
                }
                live.wrong += 1;
                Ok(value(Checked::WrongCode))
            }
            (Kind::Verify, Operation::Cancel(cancel)) => {
                let unknown = || Failure::new(FailureKind::Misconfigured, "no sid");
                let live = find(&mut state.codes, cancel.delivery.as_ref()).ok_or_else(unknown)?;
                let over = live.over || now >= live.until;
                live.over = true;
                Ok(value(if over { Canceled::AlreadyOver } else { Canceled::Canceled }))
            }
            (_, Operation::Unenroll(_)) => Ok(value(Unenrolled::new())),
            (Kind::Caller, Operation::Start(start)) => {
                let phone = start.recipient.as_ref().unwrap().phone().unwrap().e164.clone();
                state.screens.entry(phone).or_default().push(start.code.as_ref().unwrap().as_str().to_owned());
                Ok(value(Started::new().delivery(data(fresh))))
            }
            (Kind::Caller, Operation::Check(_)) => Ok(value(Checked::approved())),
            (Kind::App | Kind::RemoteApp, Operation::Enroll(_)) => {
                let key = fresh.to_string();
                let setup = Setup::new("", key);
                Ok(value(Enrolled::new(data(fresh), setup)))
            }
            (Kind::App | Kind::RemoteApp, Operation::ConfirmEnrollment(confirm)) => {
                let step = matching(&confirm.enrollment, confirm.code.as_str(), now);
                Ok(value(step.map_or(Confirmed::WrongCode, Confirmed::right_code_of_step)))
            }
            (Kind::App | Kind::RemoteApp, Operation::Check(check)) => {
                let step = matching(check.enrollment.as_ref().unwrap(), check.code.as_str(), now);
                Ok(value(step.map_or(Checked::WrongCode, Checked::approved_by_step)))
            }
            (Kind::Push, Operation::Start(_)) => Ok(value(Started::new().delivery(data(fresh)))),
            (Kind::Push, Operation::Status(ask)) => {
                // Asking is no request of its own.
                state.count -= 1;
                let unknown = || Failure::new(FailureKind::Misconfigured, "no sid");
                let sid: u64 = ask.delivery.as_ref().and_then(|data| data.read().ok()).ok_or_else(unknown)?;
                Ok(value(state.answers.get(&sid).copied().unwrap_or(Status::Pending)))
            }
            (Kind::Push, Operation::Cancel(_)) => Ok(value(Canceled::Canceled)),
            // Only a plugin that lies says so of a code; the engine must not ask.
            (_, Operation::Status(_)) => Ok(value(Status::Approved)),
            (kind, operation) => panic!("{kind:?} was asked to {}", operation.name()),
        }
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let weather = {
            let mut state = self.state();
            let next = state.forecast.pop_front();
            next.or_else(|| state.weather.clone()).unwrap_or(Weather::Fair)
        };
        let failed = |kind| Err(TransportFailure::new(kind, ""));
        let Some(Body::Json(body)) = &outgoing.request.body else { panic!("a plugin of the rig sends JSON") };
        let kind = Kind::ALL.into_iter().find(|kind| body["kind"] == kind.name()).unwrap();
        let operation: Operation = serde_json::from_value(body["operation"].clone()).unwrap();
        let act = || Ok(reply(self.answer(body["provider"].as_str().unwrap(), kind, &operation)));
        match weather {
            Weather::Fair => act(),
            Weather::Slow(seconds) => {
                let reply = act();
                self.clock.advance(seconds);
                reply
            }
            Weather::Until(said) => {
                let reply = act();
                said.notified().await;
                reply
            }
            Weather::NotSent => failed(TransportFailureKind::NotSent),
            Weather::LostRequest => failed(TransportFailureKind::NoAnswer),
            Weather::LostReply => {
                let _lost = act();
                failed(TransportFailureKind::NoAnswer)
            }
            Weather::Refused(failure) => Ok(reply(Err(failure))),
            Weather::DieBefore => self.die().await,
            Weather::DieAfter => {
                let _never_seen = act();
                self.die().await
            }
        }
    }
}

impl World {
    /// Whoever waits for us gives up; we never return.
    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

fn reply(result: Result<Value, Failure>) -> Reply {
    Reply::from_json(200, &value(done(result)))
}

fn value(outcome: impl Serialize) -> Value {
    serde_json::to_value(outcome).unwrap()
}

fn data(sid: u64) -> Data {
    Data::from_json(1, json!(sid))
}

fn find<'a>(codes: &'a mut [Live], delivery: Option<&Data>) -> Option<&'a mut Live> {
    let sid: u64 = delivery?.read().ok()?;
    codes.iter_mut().find(|live| live.sid == sid)
}

fn matching(enrollment: &Data, code: &str, now: Timestamp) -> Option<u64> {
    let seed: u64 = enrollment.read().unwrap();
    let step = now.as_secs() / 30;
    (step - 1..=step + 1).rev().find(|step| totp(seed, *step) == code)
}

fn totp(seed: u64, step: u64) -> String {
    format!("{:06}", (seed.wrapping_mul(1_000_003).wrapping_add(step.wrapping_mul(7919))) % 900_000)
}
