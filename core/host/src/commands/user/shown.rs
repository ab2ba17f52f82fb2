//! Users as they are shown.

use std::fmt;

use countersign::account::{Account, FactorView};
use countersign::store::{Factor, UNTIL_UNLOCKED};
use countersign_plugin::{Failure, Timestamp};
use serde::Serialize;

use crate::output::table;
use crate::wait;
use crate::words;

/// A user.
#[derive(Serialize)]
pub(super) struct Shown {
    /// The name, in its one spelling.
    user: String,
    /// The id under which the audit knows the user.
    id: String,
    /// The box "Two Factor Auth. Required".
    required: bool,
    /// Whether there is an e-mail address; it is not shown.
    has_email: bool,
    locale: Option<String>,
    /// Wrong codes since the last full success or unlock.
    failures: u32,
    /// Seconds since 1970; the end of the year 9999 where only an unlock ends the lock.
    locked_until: Option<u64>,
    factors: Vec<ShownFactor>,
    /// How long the lock lasts, in words.
    #[serde(skip)]
    locked_for: Option<String>,
}

#[derive(Serialize)]
struct ShownFactor {
    /// `phone`, or the channel for which a device is enrolled.
    factor: String,
    /// The number, masked.
    number: Option<String>,
    provider: Option<String>,
    /// `active`, or `pending` until its first code.
    state: &'static str,
    /// Seconds since 1970.
    pending_until: Option<u64>,
    /// How long the first code is awaited, in words.
    #[serde(skip)]
    pending_for: Option<String>,
}

impl Shown {
    pub(super) fn of(account: Account, now: Timestamp) -> Self {
        Self {
            user: account.name,
            id: account.id.to_string(),
            required: account.required,
            has_email: account.email.is_some(),
            locale: account.locale,
            failures: account.failures,
            locked_until: account.locked_until.map(|until| until.as_secs()),
            factors: account.factors.into_iter().map(|view| ShownFactor::of(view, now)).collect(),
            locked_for: account.locked_until.map(|until| match until {
                until if until >= UNTIL_UNLOCKED => "until an administrator's unlock".to_owned(),
                until => format!("for another {}", wait::from(now, until)),
            }),
        }
    }
}

impl ShownFactor {
    fn of(view: FactorView, now: Timestamp) -> Self {
        Self {
            factor: match view.factor {
                Factor::Phone => "phone".to_owned(),
                Factor::Device(channel) | Factor::Other(channel) => channel,
            },
            number: view.number,
            provider: view.provider,
            state: if view.pending_until.is_some() { "pending" } else { "active" },
            pending_until: view.pending_until.map(|until| until.as_secs()),
            pending_for: view.pending_until.map(|until| wait::from(now, until)),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |it| if it { "yes" } else { "no" };
        writeln!(out, "user      {}", self.user)?;
        writeln!(out, "id        {}", self.id)?;
        writeln!(out, "required  {}", yes(self.required))?;
        writeln!(out, "e-mail    {}", yes(self.has_email))?;
        writeln!(out, "language  {}", self.locale.as_deref().unwrap_or("-"))?;
        match &self.locked_for {
            Some(wait) => writeln!(out, "locked    {wait}")?,
            None => writeln!(out, "locked    no")?,
        }
        writeln!(out, "failures  {} since the last success", self.failures)?;
        if self.factors.is_empty() {
            return write!(out, "factors   none");
        }
        let mut factors = table(&["factor", "number", "provider", "state"]);
        let or_dash = |text: &Option<String>| words::cell(text);
        factors.add_rows(self.factors.iter().map(|factor| {
            let state = match &factor.pending_for {
                Some(wait) => format!("{} for another {wait}", factor.state),
                None => factor.state.to_owned(),
            };
            [factor.factor.clone(), or_dash(&factor.number), or_dash(&factor.provider), state]
        }));
        write!(out, "\n{}", factors.trim_fmt())
    }
}

/// A page of users, a line each. The heading stands above the first one.
pub(super) fn page(users: &[Shown], is_first: bool) -> String {
    let mut lines = table(&["user", "required", "factors", "locked"]);
    lines.add_rows(users.iter().map(|user| {
        let factor = |factor: &ShownFactor| match &factor.pending_for {
            Some(_) => format!("{} ({})", factor.factor, factor.state),
            None => factor.factor.clone(),
        };
        let required = if user.required { "yes" } else { "no" };
        let factors = words::cell(user.factors.iter().map(factor));
        let locked = user.locked_for.clone().unwrap_or_else(|| "no".to_owned());
        [user.user.clone(), required.to_owned(), factors, locked]
    }));
    let lines = lines.trim_fmt();
    if is_first { lines } else { lines.lines().skip(2).collect::<Vec<_>>().join("\n") }
}

/// A user who is no more.
#[derive(Serialize)]
pub(super) struct Forgotten {
    forgotten: String,
    /// Providers that could not be made to forget the person.
    left_at: Vec<Left>,
}

#[derive(Serialize)]
struct Left {
    provider: String,
    why: String,
}

impl Forgotten {
    pub(super) fn of(forgotten: String, left_at: Vec<(String, Failure)>) -> Self {
        let left = |(provider, why): (String, Failure)| Left { provider, why: why.to_string() };
        Self { forgotten, left_at: left_at.into_iter().map(left).collect() }
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is forgotten, with everything that belonged to the user", self.forgotten)?;
        self.left_at.iter().try_for_each(|left| write!(out, "\nbut still known to {}: {}", left.provider, left.why))
    }
}
