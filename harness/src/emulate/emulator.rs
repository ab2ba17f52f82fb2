//! The emulator itself: one state behind one lock, and which service a request is for.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::secrets::Secret;
use jiff::Timestamp;

use super::access::{Caller, Standing, Standings, Status as AccountStatus};
use super::accounts::{EmulatorOptions, Identity, OptionsError, random_seed};
use super::authy::Authy;
use super::callbacks::{Callback, Callbacks, Sent};
use super::clock::VirtualClock;
use super::control;
use super::control::Intervened;
use super::control::faults::Armed;
use super::dice::Dice;
use super::inbox::{Arrival, Inbox};
use super::lookup;
use super::number::Number;
use super::phones::{PhoneError, PhoneKind, Phones};
use super::reply::{self, Refusal};
use super::request::Asked;
use super::verify::Verify;
use super::voice::Voice;
use crate::fault::struck;
use crate::serve::Hosts;
use crate::wire::{Responder, WireAnswer, WireRequest};

/// Twilio Verify, Programmable Voice and the Authy-style service, as far as they are published.
///
/// By host, or by path where the client addressed the emulator itself:
///
/// | path | service |
/// |---|---|
/// | `/v2/…` | Verify |
/// | `/v2/PhoneNumbers/…` | Lookup |
/// | `/2010-04-01/…` | Programmable Voice, messages and the account |
/// | `/protected/json/…`, `/onetouch/json/…` | the Authy-style service |
/// | `/_countersign/…` | the controls; never by a host of the services |
///
/// The controls: `GET inbox` (what arrived, oldest first), `GET phones` (the same as a page), `GET callbacks` (what the
/// services told their customers unasked, and what came of it), `POST phones`
/// (`{"to": …, "kind": …}`, see [`PhoneKind`]), `POST clock` (`{"advance_seconds": n}`), `POST channels`
/// (`{"channel": …, "enabled": …}`, as Twilio's console does it for a Verify service), `POST account` (`{"sid": …,
/// "type": "trial" | "full", "status": "active" | "suspended" | "closed"}`, each but one optional), `POST approvals`
/// (`{"uuid": …, "status": "approved" | "denied"}`, as a person does it in their app), `POST faults`
/// (`{"fault": "http-503", "times": 1, "path": "/v2/", "params": {…}, "seed": 0}`, all but the first optional: the next so
/// many requests below that path meet the fault of that id, see [`CATALOG`](crate::fault::CATALOG); faults that were put
/// there earlier come first), `GET faults` (those still to come) and `POST reset`, which also forgets the faults.
pub struct Emulator {
    identity: Identity,
    clock: Arc<VirtualClock>,
    state: Mutex<State>,
    armed: Mutex<Armed>,
}

/// Everything that changes.
struct State {
    stage: Stage,
    verify: Verify,
    voice: Voice,
    authy: Authy,
}

/// What the services share.
pub(super) struct Stage {
    pub(super) now: Timestamp,
    pub(super) dice: Dice,
    pub(super) phones: Phones,
    pub(super) inbox: Inbox,
    pub(super) standings: Standings,
    pub(super) callbacks: Callbacks,
    /// Whom the account that asks may reach; `None` where it is no trial account.
    only_to: Option<BTreeSet<String>>,
}

/// Whom a request is for.
enum Addressee {
    Verify,
    Voice,
    Lookup,
    Authy,
    Control,
}

impl Emulator {
    /// An emulator as the options say.
    ///
    /// # Errors
    /// [`OptionsError`] says which of them is wrong.
    pub fn new(options: EmulatorOptions) -> Result<Self, OptionsError> {
        let seed = match options.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        let mut dice = Dice::new(seed);
        let clock = options.clock.clone().unwrap_or_else(|| Arc::new(VirtualClock::running()));
        let identity = Identity::of(options, &mut dice)?;
        let state = Mutex::new(State::new(&identity, dice, clock.now()));
        Ok(Self { identity, clock, state, armed: Mutex::default() })
    }

    /// The accounts: SID and auth token.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.identity.accounts.iter().map(|account| (account.sid.as_str(), &account.token))
    }

    /// The Verify services that were there from the beginning.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.identity.services.iter().map(String::as_str)
    }

    /// The numbers from which the first account may call.
    pub fn from(&self) -> impl Iterator<Item = &str> {
        self.identity.from.iter().map(|number| number.e164())
    }

    /// The API keys of the Authy applications.
    pub fn authy_keys(&self) -> impl Iterator<Item = &Secret> {
        self.identity.authy_keys.iter()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// What arrived, oldest first, the last thousand.
    pub fn inbox(&self) -> Vec<Arrival> {
        self.state().stage.inbox.iter().cloned().collect()
    }

    /// Says what kind of telephone is at a number.
    ///
    /// # Errors
    /// [`PhoneError`] where it is none in E.164 form, or the ten-thousandth and first.
    pub fn mark_phone(&self, to: &str, kind: PhoneKind) -> Result<(), PhoneError> {
        self.state().stage.phones.mark(to, kind)
    }

    /// Forgets everything that happened; accounts, services, numbers and keys stay as they were in the beginning, and
    /// the clock takes back what it was advanced by. Ids go on, so that an old one never means something new.
    pub fn reset(&self) {
        self.armed(|armed| *armed = Armed::default());
        let mut state = self.state();
        self.clock.reset();
        let dice = std::mem::replace(&mut state.stage.dice, Dice::new(0));
        *state = State::new(&self.identity, dice, self.clock.now());
    }

    /// Says how an account stands with Twilio; what is `None` stays as it is.
    pub fn mark_account(&self, sid: &str, trial: Option<bool>, status: Option<AccountStatus>) -> Intervened {
        if self.identity.accounts.iter().all(|account| account.sid != sid) {
            return Intervened::Unknown;
        }
        let standings = &mut self.state().stage.standings;
        let Standing { trial: before, status: was } = standings.of(sid);
        standings.set(sid, Standing { trial: trial.unwrap_or(before), status: status.unwrap_or(was) });
        Intervened::Done
    }

    /// What a person says to an approval request, in their app.
    pub fn say_to_approval(&self, uuid: &str, approved: bool) -> Intervened {
        let now = self.clock.now();
        self.state().authy.say(uuid, approved, now)
    }

    /// The callbacks whose time has come, each once. Whoever carries the emulator sends them.
    pub fn callbacks_due(&self) -> Vec<Callback> {
        let now = self.clock.now();
        self.state().voice.tell(&self.identity, now)
    }

    /// What came of one, for `GET callbacks`.
    pub fn callback_sent(&self, callback: &Callback, sent: &Sent) {
        let now = self.clock.now();
        self.state().stage.callbacks.record(callback, sent, now);
    }

    /// Who asks, if they may ask this.
    fn admitted(&self, asked: &Asked<'_>, stage: &mut Stage, voice: &Voice) -> Result<Caller<'_>, Refusal> {
        let caller = self.identity.caller(asked)?;
        let standing = stage.standings.of(&caller.account.sid);
        caller.may(asked, standing)?;
        stage.only_to = standing.trial.then(|| voice.verified(&caller.account.sid));
        Ok(caller)
    }

    pub(super) fn verify<T>(&self, change: impl FnOnce(&mut Verify) -> T) -> T {
        change(&mut self.state().verify)
    }

    pub(super) fn stage<T>(&self, look: impl FnOnce(&Stage) -> T) -> T {
        look(&self.state().stage)
    }

    pub(super) fn armed<T>(&self, look: impl FnOnce(&mut Armed) -> T) -> T {
        look(&mut self.armed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Responder for Emulator {
    fn respond(&self, request: &WireRequest) -> WireAnswer {
        let asked = Asked::of(request);
        let Some(addressee) = addressee(request, &asked) else {
            return control::nobody();
        };
        if let Addressee::Control = addressee {
            return control::respond(self, &asked, request.host.as_deref());
        }
        let Some(hit) = self.armed(|armed| armed.next(asked.path)) else { return self.serve(&addressee, &asked) };
        let (answer, met) = struck(&hit.chosen, request, hit.draw, &*self.clock, || self.serve(&addressee, &asked));
        if !met {
            self.armed(|armed| armed.put_back(&hit));
        }
        answer
    }
}

impl Emulator {
    /// The answer of the service.
    fn serve(&self, addressee: &Addressee, asked: &Asked<'_>) -> WireAnswer {
        let mut guard = self.state();
        let State { stage, verify, voice, authy } = &mut *guard;
        stage.now = self.clock.now();
        let outcome = match addressee {
            Addressee::Authy => return authy.respond(stage, &self.identity, asked),
            Addressee::Verify => {
                self.admitted(asked, stage, voice).and_then(|caller| verify.answer(stage, &caller.account.sid, asked))
            }
            Addressee::Lookup => self.admitted(asked, stage, voice).and_then(|_| lookup::answer(stage, asked)),
            Addressee::Voice | Addressee::Control => {
                self.admitted(asked, stage, voice).and_then(|caller| voice.answer(stage, caller, asked))
            }
        };
        reply::twilio(outcome, &mut stage.dice)
    }
}

impl Hosts for Emulator {
    fn names(&self) -> Vec<String> {
        ["api.twilio.com", "verify.twilio.com", "lookups.twilio.com", "api.authy.com"].map(str::to_owned).to_vec()
    }

    fn domains(&self) -> Vec<String> {
        ["twilio.com", "authy.com"].map(str::to_owned).to_vec()
    }

    fn answers_for(&self, host: &str) -> bool {
        by_host(host).flatten().is_some()
    }
}

/// Whose host it is; `None` where it is none of the providers' and the path has to tell. Twilio's hosts are
/// `product.twilio.com` or `product.edge.region.twilio.com`.
fn by_host(host: &str) -> Option<Option<Addressee>> {
    if host == "api.authy.com" {
        return Some(Some(Addressee::Authy));
    }
    let product = host.strip_suffix(".twilio.com").map(|rest| rest.split('.').next().unwrap_or(rest))?;
    Some(match product {
        "verify" => Some(Addressee::Verify),
        "api" => Some(Addressee::Voice),
        "lookups" => Some(Addressee::Lookup),
        _ => None,
    })
}

fn addressee(request: &WireRequest, asked: &Asked<'_>) -> Option<Addressee> {
    let host = request.host.as_deref().unwrap_or_default().to_ascii_lowercase();
    if let Some(known) = by_host(&host) {
        return known;
    }
    match asked.segments().as_slice() {
        ["v2", "PhoneNumbers", ..] => Some(Addressee::Lookup),
        ["v2", ..] => Some(Addressee::Verify),
        ["2010-04-01", ..] => Some(Addressee::Voice),
        ["protected" | "onetouch", ..] => Some(Addressee::Authy),
        ["_countersign", ..] => Some(Addressee::Control),
        _ => None,
    }
}

impl State {
    fn new(identity: &Identity, mut dice: Dice, now: Timestamp) -> Self {
        let verify = Verify::new(identity, now);
        let voice = Voice::new(identity, &mut dice, now);
        let stage = Stage {
            now,
            dice,
            phones: Phones::default(),
            inbox: Inbox::default(),
            standings: Standings::default(),
            callbacks: Callbacks::default(),
            only_to: None,
        };
        Self { stage, verify, voice, authy: Authy::new(identity) }
    }
}

impl Stage {
    /// Refuses where a trial account asks for a number that it has not verified.
    pub(super) fn reaches(&self, to: &Number, refusal: impl FnOnce(&str) -> Refusal) -> Result<(), Refusal> {
        match &self.only_to {
            Some(verified) if !verified.contains(to.e164()) => Err(refusal(to.e164())),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("identity", &self.identity).field("clock", &self.clock).finish_non_exhaustive()
    }
}
