//! Programmable Voice, messages and the account (2010-04-01): which resource a request is about.

mod account;
mod call;
mod callback;
mod caller;
mod calls;
mod keys;
mod magic;
mod messages;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use self::caller::{CallerId, Owned};
use super::access::{Access, Caller};
use super::accounts::{Account, Identity};
use super::callbacks::Callback;
use super::dice::Dice;
use super::emulator::Stage;
use super::page::Page;
use super::reply::{Outcome, Refusal, Reply};
use super::request::Asked;
use super::shelf::Shelf;

/// What each account has.
pub(super) struct Voice {
    lines: HashMap<String, Line>,
}

/// The numbers and calls of one account.
struct Line {
    created: Timestamp,
    /// Numbers that it owns.
    owned: Shelf<Owned>,
    /// Numbers of others that were verified as caller ids.
    verified: Shelf<CallerId>,
    calls: Shelf<call::Call>,
    messages: Shelf<messages::Message>,
}

/// One request on its way to the resource that it is about.
struct Context<'a> {
    asked: &'a Asked<'a>,
    stage: &'a mut Stage,
    account: &'a Account,
    access: Access,
}

impl Voice {
    /// With the numbers that the first account has from the beginning.
    pub(super) fn new(identity: &Identity, dice: &mut Dice, now: Timestamp) -> Self {
        let mut lines = HashMap::new();
        for (index, account) in identity.every_account().enumerate() {
            let mut line = Line {
                created: now,
                owned: Shelf::new(),
                verified: Shelf::new(),
                calls: Shelf::new(),
                messages: Shelf::new(),
            };
            for number in identity.from.iter().filter(|_| index == 0) {
                let owned = Owned::new(dice.sid("PN"), number.clone(), now);
                line.owned.insert(&owned.sid.clone(), owned);
            }
            lines.insert(account.sid.clone(), line);
        }
        Self { lines }
    }

    /// The numbers that an account has verified as caller ids: all that a trial account may reach.
    pub(super) fn verified(&self, account: &str) -> BTreeSet<String> {
        let line = self.lines.get(account);
        line.map(|line| line.verified().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// What has come to be told of calls.
    pub(super) fn tell(&mut self, identity: &Identity, now: Timestamp) -> Vec<Callback> {
        let mut due = Vec::new();
        for account in identity.every_account() {
            if let Some(line) = self.lines.get_mut(&account.sid) {
                due.extend(line.calls.iter_mut().flat_map(|call| call.tell(account, now)));
            }
        }
        due
    }

    /// Answers a request of an account. Only JSON is emulated: without `.json` at its end no path is known.
    pub(super) fn answer(&mut self, stage: &mut Stage, caller: Caller<'_>, asked: &Asked<'_>) -> Outcome {
        let Caller { account, access } = caller;
        let line = self.lines.get_mut(&account.sid);
        let mut context = Context { asked, stage, account, access };
        let line = line.ok_or_else(|| context.not_found())?;
        let segments = asked.segments();
        let ["2010-04-01", below @ ..] = segments.as_slice() else {
            return Err(context.not_found());
        };
        match below {
            ["Accounts.json"] => account::list(&context, line),
            ["Accounts", file] => {
                context.own(file.strip_suffix(".json"))?;
                account::fetch(&context, line)
            }
            ["Accounts", sid, below @ ..] => {
                context.own(Some(sid))?;
                match below {
                    ["Balance.json"] => account::balance(&context),
                    ["Calls.json"] => calls::all(&mut context, line),
                    ["Calls", file] => calls::one(&mut context, line, file.strip_suffix(".json")),
                    ["IncomingPhoneNumbers.json"] => caller::all_owned(&mut context, line),
                    ["IncomingPhoneNumbers", file] => caller::one_owned(&context, line, file.strip_suffix(".json")),
                    ["Messages.json"] => messages::all(&mut context, line),
                    ["Messages", file] => messages::one(&context, line, file.strip_suffix(".json")),
                    ["Keys.json"] => keys::all(&context, line),
                    ["Keys", file] => keys::one(&context, line, file.strip_suffix(".json")),
                    ["OutgoingCallerIds.json"] => caller::all_verified(&mut context, line),
                    ["OutgoingCallerIds", file] => caller::one_verified(&context, line, file.strip_suffix(".json")),
                    _ => Err(context.not_found()),
                }
            }
            _ => Err(context.not_found()),
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

    /// That another account's SID in the path is 404/20404 and not 401 is not published.
    fn own(&self, sid: Option<&str>) -> Result<(), Refusal> {
        match sid == Some(self.account.sid.as_str()) {
            true => Ok(()),
            false => Err(self.not_found()),
        }
    }

    /// The path of something below the account.
    fn uri(&self, below: &str) -> String {
        format!("/2010-04-01/Accounts/{}{below}", self.account.sid)
    }

    /// The page asked for, of a list below the account.
    fn page(&self, list: &str) -> Result<Page, Refusal> {
        Page::of(self.asked, self.uri(list))
    }

    fn only(&self, method: &str) -> Result<(), Refusal> {
        match self.asked.method == method {
            true => Ok(()),
            false => Err(Refusal::method()),
        }
    }
}

/// 400 with a code of Twilio's error dictionary. It gives no HTTP status; recordings of others have this one.
fn refused(code: u32, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

/// Deletes from a shelf.
fn delete<T>(context: &Context<'_>, shelf: &mut Shelf<T>, sid: &str) -> Outcome {
    shelf.remove(sid).map(|_| Reply::gone()).ok_or_else(|| context.not_found())
}
