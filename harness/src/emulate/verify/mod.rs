//! Twilio Verify v2: which resource a request is about.

mod attempt;
mod challenge;
mod channel;
mod check;
mod entity;
mod factor;
mod parameter;
mod rate_limit;
mod service;
mod settings;
mod start;
mod verification;

pub(super) use channel::Channel;

use jiff::Timestamp;

use self::attempt::Attempts;
use self::service::Service;
use super::accounts::Identity;
use super::control::Intervened;
use super::emulator::Stage;
use super::page::Page;
use super::reply::{Outcome, Refusal, Reply};
use super::request::Asked;
use super::shelf::Shelf;

/// Where Verify's own addresses begin.
const ORIGIN: &str = "https://verify.twilio.com";

/// Every service of every account, and every attempt to deliver a code.
pub(super) struct Verify {
    services: Shelf<Service>,
    attempts: Attempts,
}

/// One request on its way to the resource that it is about.
struct Context<'a> {
    asked: &'a Asked<'a>,
    stage: &'a mut Stage,
    account: &'a str,
    /// Address of the API, to put in front of a path: `https://verify.twilio.com/v2`.
    root: String,
}

impl Verify {
    /// With the services that are there from the beginning.
    pub(super) fn new(identity: &Identity, now: Timestamp) -> Self {
        let mut services = Shelf::new();
        // Options always have an account: one is made up where none is given.
        if let Some(account) = identity.accounts.first() {
            for sid in &identity.services {
                services.insert(sid, Service::original(sid, &account.sid, now));
            }
        }
        Self { services, attempts: Attempts::new() }
    }

    /// Switches a channel of one service, or of all, on or off, as only Twilio's console can.
    pub(super) fn switch(&mut self, service: Option<&str>, channel: Channel, enabled: bool) -> Intervened {
        let mut found = Intervened::Unknown;
        for known in self.services.iter_mut().filter(|known| service.is_none_or(|wanted| wanted == known.sid())) {
            known.switch(channel, enabled);
            found = Intervened::Done;
        }
        found
    }

    /// Answers a request of an account.
    pub(super) fn answer(&mut self, stage: &mut Stage, account: &str, asked: &Asked<'_>) -> Outcome {
        let root = format!("{}/v2", asked.origin(ORIGIN));
        let mut context = Context { asked, stage, account, root };
        match asked.segments().as_slice() {
            ["v2", "Services"] => self.services(&mut context),
            ["v2", "Services", sid, rest @ ..] => {
                let Self { services, attempts } = self;
                let owned = services.get_mut(sid).filter(|service| service.account() == account);
                let service = owned.ok_or_else(|| context.not_found())?;
                if rest.is_empty() && asked.method == "DELETE" {
                    let sid = (*sid).to_owned();
                    services.remove(&sid);
                    return Ok(Reply::gone());
                }
                service.answer(&mut context, attempts, rest)
            }
            ["v2", "Attempts", rest @ ..] => self.attempts.answer(&mut context, rest),
            _ => Err(context.not_found()),
        }
    }

    fn services(&mut self, context: &mut Context<'_>) -> Outcome {
        match context.asked.method {
            "GET" => {
                let page = context.page("/Services")?;
                let own = self.services.iter().filter(|service| service.account() == context.account);
                Ok(Reply::ok(page.verify("services", own.map(|service| service.body(context)))))
            }
            "POST" => {
                let service = Service::create(context)?;
                let body = service.body(context);
                let sid = service.sid().to_owned();
                self.services.insert(&sid, service);
                Ok(Reply::created(body))
            }
            _ => Err(Refusal::method()),
        }
    }
}

impl Context<'_> {
    const fn now(&self) -> Timestamp {
        self.stage.now
    }

    fn not_found(&self) -> Refusal {
        Refusal::not_found(self.asked.path)
    }

    /// The page asked for, of the list at this path below the root.
    fn page(&self, path: &str) -> Result<Page, Refusal> {
        Page::of(self.asked, format!("{}{path}", self.root))
    }
}
