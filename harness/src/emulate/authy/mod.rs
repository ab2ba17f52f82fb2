//! The Authy-style service (`/protected/json/…`, `/onetouch/json/…`): applications, and which resource a request is about.

mod answer;
mod application;
mod approval;
mod parameters;
mod phone;
mod token;
mod user;

use jiff::Timestamp;
use serde_json::json;

use self::answer::{Answer, Denial};
use self::approval::Approvals;
use self::parameters::Parameters;
use self::phone::PhoneVerifications;
use self::user::Users;
use super::accounts::Identity;
use super::control::Intervened;
use super::emulator::Stage;
use super::request::Asked;
use crate::wire::WireAnswer;

/// Every application, one for each key.
pub(super) struct Authy {
    applications: Vec<Application>,
    /// Ids of users count up, across all applications.
    next_user: u64,
}

/// One application: its users, and what it did.
struct Application {
    users: Users,
    phones: PhoneVerifications,
    approvals: Approvals,
    tally: Tally,
}

/// What `app/stats` counts.
#[derive(Default)]
struct Tally {
    requests: u64,
    texts: u64,
    calls: u64,
    checks: u64,
}

/// One request on its way to the resource that it is about.
struct Context<'a> {
    asked: &'a Asked<'a>,
    stage: &'a mut Stage,
    parameters: Parameters,
}

impl Authy {
    pub(super) fn new(identity: &Identity) -> Self {
        let application = || Application {
            users: Users::new(),
            phones: PhoneVerifications::new(),
            approvals: Approvals::new(),
            tally: Tally::default(),
        };
        Self { applications: identity.authy_keys.iter().map(|_| application()).collect(), next_user: 1000 }
    }

    /// What a person does in their app.
    pub(super) fn say(&mut self, uuid: &str, approved: bool, now: Timestamp) -> Intervened {
        let mut said = self.applications.iter_mut().map(|application| application.approvals.say(uuid, approved, now));
        said.find(|said| *said != Intervened::Unknown).unwrap_or(Intervened::Unknown)
    }

    pub(super) fn respond(&mut self, stage: &mut Stage, identity: &Identity, asked: &Asked<'_>) -> WireAnswer {
        answer::on_the_wire(self.answer(stage, identity, asked))
    }

    fn answer(&mut self, stage: &mut Stage, identity: &Identity, asked: &Asked<'_>) -> Answer {
        let parameters = Parameters::of(asked)?;
        // Old clients send the key as a parameter.
        let key = asked.header("x-authy-api-key").or_else(|| parameters.filled("api_key")).unwrap_or_default();
        let known = identity.application(key).and_then(|index| self.applications.get_mut(index));
        let application = known.ok_or_else(|| Denial::new(401, "60001", "Invalid API key"))?;
        application.tally.requests += 1;
        let mut context = Context { asked, stage, parameters };
        application.answer(&mut context, &mut self.next_user)
    }
}

impl Application {
    /// Every segment of the path was decoded by itself: a slash in a token is a wrong character in a token, and leads
    /// to no other resource.
    fn answer(&mut self, context: &mut Context<'_>, next_user: &mut u64) -> Answer {
        let segments = context.asked.segments();
        let (get, post) = (context.asked.method == "GET", context.asked.method == "POST");
        let below = match segments.as_slice() {
            ["protected", "json", below @ ..] => below,
            ["onetouch", "json", "users", id, "approval_requests"] if post => {
                return self.approvals.ask(&mut self.users, context, id);
            }
            ["onetouch", "json", "approval_requests", uuid] if get => return self.approvals.status(context, uuid),
            _ => return Err(nowhere()),
        };
        match below {
            ["app", "details"] if get => Ok(application::details()),
            ["app", "stats"] if get => Ok(application::stats(self, context.now())),
            ["users", "new"] if post => self.users.register(context, next_user),
            ["users", id, "status"] if get => self.users.status(context, id),
            ["users", id, "update"] if post => self.users.update(context, id),
            ["users", id, "register_activity"] if post => self.users.activity(context, id),
            ["users", id, "remove"] if post => self.users.remove(context, id, "User removed from application"),
            // Two more spellings in official clients.
            ["users", "delete", id] | ["users", id, "delete"] if post => {
                self.users.remove(context, id, "User was added to remove.")
            }
            ["sms", id] if get => token::text(self, context, id),
            ["call", id] if get => token::call(self, context, id),
            ["email", id] if post => token::email(self, context, id),
            ["verify", code, id] if get => token::verify(self, context, code, id),
            ["phones", "verification", "start"] if post => self.phones.start(context),
            ["phones", "verification", "check"] if get => self.phones.check(context),
            ["phones", "verification", "status"] if get => self.phones.status(context),
            ["phones", "info"] if get => phone::info(context),
            _ => Err(nowhere()),
        }
    }
}

impl Context<'_> {
    const fn now(&self) -> Timestamp {
        self.stage.now
    }

    fn forced(&self) -> bool {
        self.parameters.filled("force").is_some_and(|force| force.eq_ignore_ascii_case("true"))
    }
}

/// What the service says of a path that it does not know is not published.
fn nowhere() -> Denial {
    Denial::new(404, "60000", "Requested URL was not found.")
}

/// A success: 200, and `success` as a boolean.
fn success(message: &str) -> serde_json::Value {
    json!({"message": message, "success": true})
}
