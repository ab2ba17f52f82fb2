//! What the engine answers, in the words of a terminal: with the time that is left instead of moments, and with the
//! commands that help.

use countersign::account::FactorView;
use countersign::challenge::{NotSent, StartError, Started, Verdict, typed_digits};
use countersign::enrollment::EnrollError;
use countersign::store::{Factor, UNTIL_UNLOCKED};

use crate::error::{CommandError, UserCommandHint};
use crate::open::Site;
use crate::wait;
use crate::words;

/// Where a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is sent, and another one may be asked for.
    Sent,
    /// A device of the person's shows it, one after the other.
    Device,
}

impl Source {
    /// Where the code of this challenge comes from.
    pub(crate) const fn of(started: &Started) -> Self {
        if started.recipient.is_none() && started.code_digits.is_some() { Self::Device } else { Self::Sent }
    }
}

/// A verdict for the person at the terminal.
pub(crate) fn in_words(site: &Site, verdict: &Verdict, source: Source) -> String {
    let person = match source {
        Source::Sent => verdict.person(),
        Source::Device => verdict.person_with_device(),
    };
    match verdict {
        Verdict::WrongCode { attempts_left: left @ 1.. } => format!("{person} ({left} left)"),
        Verdict::Locked { until } if *until < UNTIL_UNLOCKED => format!(
            "Too many wrong codes: locked for another {}, on all methods.",
            wait::from(site.clock.now(), *until)
        ),
        Verdict::Unavailable { service, failure, attempts_left } => {
            format!("Service `{service}` failed: {failure} ({attempts_left} left)")
        }
        _ => person.to_owned(),
    }
}

/// Why what was typed is not even tried: it cannot be a code, and would cost an attempt. `None`: it is tried.
///
/// Digits of another number than the present configuration has are: a device may have been enrolled under an earlier
/// one.
pub(crate) fn untried(typed: &str, possible: [u8; 2], told: [u8; 2]) -> Option<String> {
    let [fewest, most] = possible.map(usize::from);
    match typed_digits(typed) {
        None => Some("A code has digits only; this was not tried.".to_owned()),
        // The engine tells nothing and a code apart.
        Some(0) => None,
        Some(found) if (fewest..=most).contains(&found) => None,
        Some(_) => Some(format!("A code has {}; this was not tried.", digits(told))),
    }
}

/// `6 digits`, or `4 to 10 digits`.
pub(crate) fn digits([fewest, most]: [u8; 2]) -> String {
    if fewest == most { format!("{fewest} digits") } else { format!("{fewest} to {most} digits") }
}

/// Why nothing was sent, with the time that is left instead of a moment.
pub(crate) fn not_sent(site: &Site, user: &str, why: &NotSent) -> String {
    let wait = why.until().map(|until| wait::from(site.clock.now(), until)).unwrap_or_default();
    match why {
        NotSent::CoolDown { .. } => format!("something was sent to this recipient a moment ago; try again in {wait}"),
        NotSent::SendLocked { .. } => {
            format!("too much was sent to this recipient; try again in {wait}, or use a method that sends nothing")
        }
        NotSent::GuessLocked { until } => {
            let later = if *until < UNTIL_UNLOCKED { format!("try again in {wait}, or ") } else { String::new() };
            format!("the user typed too many wrong codes; {later}let an administrator end that: {}", unlock(user))
        }
        NotSent::TryAgainAt { .. } => {
            format!(
                "another code for this recipient is live at the provider and cannot be canceled; try again in {wait}"
            )
        }
        NotSent::NoSendsLeft | NotSent::Over | NotSent::Failed { .. } => why.to_string(),
    }
}

/// The command that ends a guess lock.
pub(crate) fn unlock(user: &str) -> String {
    format!("`countersign user unlock {}`", words::argument(user))
}

/// An error of starting, with the time that is left and the command that helps.
pub(crate) fn start_error(site: &Site, user: &str, error: StartError) -> CommandError {
    match error {
        StartError::NotSent(why) if is_told_otherwise(&why) => CommandError::Wait(not_sent(site, user, &why)),
        error => error.into(),
    }
}

/// An error of enrolling, with the time that is left and the command that helps.
pub(crate) async fn enroll_error(site: &Site, user: &str, method: &str, error: EnrollError) -> CommandError {
    match error {
        EnrollError::NotSent(why) if is_told_otherwise(&why) => CommandError::Wait(not_sent(site, user, &why)),
        EnrollError::RegistrationClosed { .. } => CommandError::Closed(error),
        EnrollError::AlreadyEnrolled { factor: Factor::Phone } => {
            CommandError::Hinted(Box::new(error), UserCommandHint::ChangeNumber { user: user.to_owned() })
        }
        EnrollError::AlreadyEnrolled { .. } => {
            let (user, method) = (user.to_owned(), method.to_owned());
            CommandError::Hinted(Box::new(error), UserCommandHint::RemoveFactor { user, method })
        }
        EnrollError::NeedsAdministrator => needs_administrator(site, user, method).await,
        error => error.into(),
    }
}

fn is_told_otherwise(why: &NotSent) -> bool {
    why.until().is_some() || matches!(why, NotSent::GuessLocked { .. })
}

/// Why only an administrator can enroll: the engine leaves open which of two things it is, so that whoever comes
/// without leave learns nothing. At this terminal sits the administrator.
async fn needs_administrator(site: &Site, user: &str, method: &str) -> CommandError {
    let factors = match site.engine.show_user(user).await {
        Ok(account) => account.factors,
        Err(error) => return error.into(),
    };
    let user = user.to_owned();
    let pending = |view: &&FactorView| view.by_administrator && view.pending_until.is_some();
    match factors.iter().find(pending) {
        Some(view) => CommandError::BeingEnrolled {
            user,
            what: described(&view.factor),
            method: method_of(site, &view.factor).unwrap_or_else(|| method.to_owned()),
            wait: view.pending_until.map(|until| wait::from(site.clock.now(), until)).unwrap_or_default(),
        },
        None => CommandError::HadFactor { user, method: method.to_owned() },
    }
}

/// What a factor is, in one or two words.
pub(crate) fn described(factor: &Factor) -> String {
    match factor {
        Factor::Phone => "phone number".to_owned(),
        Factor::Device(channel) => format!("{channel} device"),
        Factor::Other(channel) => format!("{channel} enrollment"),
    }
}

/// A service that uses this factor.
fn method_of(site: &Site, factor: &Factor) -> Option<String> {
    site.services.iter().find(|service| uses(service, factor)).map(|service| service.name.clone())
}

/// Whether a service goes by this factor.
pub(crate) fn uses(service: &countersign::service::Service, factor: &Factor) -> bool {
    use countersign_plugin::manifest::Destination;
    match service.destination() {
        Destination::Phone => *factor == Factor::Phone,
        Destination::Device => matches!(factor, Factor::Device(channel) if *channel == service.channel),
        Destination::Email | Destination::None => matches!(factor, Factor::Other(it) if *it == service.channel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, possible: [u8; 2], told: [u8; 2], expected: Option<&str>) {
        assert_eq!(untried(typed, possible, told).as_deref(), expected, "{typed:?}");
    }

    #[test]
    fn what_can_be_no_code_is_not_tried() {
        check("123 456", [6, 8], [6, 6], None);
        check("", [6, 8], [6, 6], None);
        for typed in ["help", "12345a", "\u{fffd}", "123-456", "１２３４５６"] {
            check(typed, [6, 8], [6, 6], Some("A code has digits only; this was not tried."));
        }
        check("12345", [6, 8], [6, 6], Some("A code has 6 digits; this was not tried."));
        check("123", [4, 10], [4, 10], Some("A code has 4 to 10 digits; this was not tried."));
        // A device that was enrolled when codes had eight.
        check("12345678", [6, 8], [6, 6], None);
    }
}
