//! The person at the terminal and a challenge: codes are asked for until there is a verdict.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use countersign::challenge::{CheckError, NotSent, Progress, Resend, StartError, StartLogin, Started, Verdict};
use countersign::enrollment::{EnrollError, Enrolling};
use countersign::store::{ChallengeId, UNTIL_UNLOCKED};

use crate::error::CommandError;
use crate::open::Site;
use crate::progress;
use crate::prompt::{self, PromptError};
use crate::wait;

/// How often a challenge without code is looked at.
const POLL: Duration = Duration::from_secs(2);

const CODE: &str = "the code";

/// What came of a conversation: the verdict, and by which delivery.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) started: Started,
}

/// What is talked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// Logging in.
    Login {
        /// Whom.
        user: &'a str,
        /// Where to.
        login_type: &'a str,
    },
    /// Proving what is to be registered.
    Enrollment,
}

/// Talks about a challenge that was started. It is taken back unless it is passed, so that no code of it lives on that
/// nobody can type any more.
pub(crate) async fn about_challenge(
    site: &Site,
    started: Started,
    subject: Subject<'_>,
) -> Result<Outcome, CommandError> {
    let mut talk = Talk { site, started, subject, last: None };
    let verdict = talk.run().await;
    if !matches!(verdict, Ok(Verdict::Approved(_))) {
        talk.take_back().await;
    }
    Ok(Outcome { verdict: verdict?, started: talk.started })
}

/// Talks about a device that waits for its first code.
pub(crate) async fn about_device(site: &Site, user: &str, enrolling: &Enrolling) -> Result<Verdict, CommandError> {
    let question = format!("{}, as the app shows it:", digits(enrolling.code_digits));
    let mut last = None;
    loop {
        let typed = match (prompt::ask(&question, CODE), last.take()) {
            (Err(PromptError::End { .. }), Some(verdict)) => return Ok(verdict),
            (typed, _) => typed?,
        };
        if is_word(&typed) {
            prompt::tell("A code has digits only; this was not tried.");
            continue;
        }
        match site.engine.confirm_device(user, &enrolling.enrollment, &typed).await {
            Err(EnrollError::Empty) => prompt::tell("No code was typed."),
            Err(error) => return Err(error.into()),
            Ok(verdict) if goes_on(&verdict) => {
                tell(site, &verdict);
                last = Some(verdict);
            }
            Ok(verdict) => return Ok(verdict),
        }
    }
}

/// Tells what was sent, and where.
pub(crate) fn announce(site: &Site, started: &Started) {
    let Started { service, channel, recipient, instruction, .. } = started;
    let verb = if started.unconfirmed.is_some() { "may be" } else { "is" };
    match recipient {
        Some(recipient) => prompt::tell(&format!("{service}: a code {verb} on its way to {recipient} by {channel}.")),
        None if started.code_digits.is_some() => prompt::tell(&format!("{service}: use the code of your device.")),
        None => prompt::tell(&format!("{service}: approve the request on your device.")),
    }
    if started.fallback {
        prompt::tell(&format!("({} does not work at the moment, so {service} was used instead.)", started.method));
    }
    if let Some(instruction) = instruction {
        prompt::tell(instruction);
    }
    if let Some(failure) = &started.unconfirmed {
        prompt::tell(&format!("It is not certain, because the service failed: {failure}"));
    }
    // Where there is no code, nothing that is typed is read.
    if let Some(at) = started.resend_at.filter(|_| started.code_digits.is_some()) {
        let wait = wait::from(site.clock.now(), at);
        prompt::tell(&format!("Type `resend` for another one (in {wait}), or `other METHOD` for another way."));
    }
}

/// Whether a person asked for something and typed no code at all: worth a hint, not one of their attempts.
pub(crate) fn is_word(typed: &str) -> bool {
    typed.chars().any(char::is_alphabetic)
}

struct Talk<'a> {
    site: &'a Site,
    started: Started,
    subject: Subject<'a>,
    /// The last answer that was not final: what it ends with if nothing more is typed.
    last: Option<Result<Verdict, CommandError>>,
}

impl Talk<'_> {
    async fn run(&mut self) -> Result<Verdict, CommandError> {
        announce(self.site, &self.started);
        loop {
            let turn = match self.started.code_digits {
                Some(range) => self.ask(self.started.configured_digits.map_or(range, |digits| [digits; 2])).await?,
                None => Break(self.poll().await?),
            };
            match turn {
                Break(verdict) => return Ok(verdict),
                Continue(()) => {}
            }
        }
    }

    /// One line of the person's, asked for by how many digits a code has.
    async fn ask(&mut self, range: [u8; 2]) -> Result<ControlFlow<Verdict>, CommandError> {
        let typed = match prompt::ask(&format!("{}:", digits(range)), CODE) {
            Err(error @ PromptError::End { .. }) => return self.left(error).map(Break),
            typed => typed?,
        };
        let mut words = typed.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("resend"), None, None) => self.resend(None).await.map(Continue),
            (Some("other"), Some(method), None) => self.resend(Some(method)).await.map(Continue),
            _ if is_word(&typed) => {
                prompt::tell(
                    "A code has digits only; this was not tried. `resend` and `other METHOD` are the words known here.",
                );
                Ok(Continue(()))
            }
            _ => self.check(&typed).await,
        }
    }

    async fn check(&mut self, typed: &str) -> Result<ControlFlow<Verdict>, CommandError> {
        let progress = progress::Progress::of(format!("asking {}", self.started.service));
        let (engine, challenge) = (&self.site.engine, &self.started.challenge);
        let checked = match self.subject {
            Subject::Login { .. } => engine.check(challenge, typed).await,
            Subject::Enrollment => engine.confirm_phone(challenge, typed).await,
        };
        drop(progress);
        match checked {
            Err(CheckError::Empty) => prompt::tell("No code was typed."),
            Err(error) => return Err(error.into()),
            Ok(verdict) if goes_on(&verdict) => {
                tell(self.site, &verdict);
                self.last = Some(Ok(verdict));
            }
            Ok(verdict) => return Ok(Break(verdict)),
        }
        Ok(Continue(()))
    }

    async fn resend(&mut self, method: Option<&str>) -> Result<(), CommandError> {
        let progress = progress::Progress::of("sending");
        let resend = Resend { challenge: &self.started.challenge, method, locale: None };
        let sent = match (self.site.engine.resend(resend).await, self.subject, method) {
            (Err(StartError::Unusable { .. }), Subject::Login { user, login_type }, Some(_)) => {
                // Another factor than the challenge asks for: that takes a challenge of its own.
                let login = StartLogin { user, login_type, method, locale: None };
                let started = self.site.engine.start(login).await;
                if started.is_ok() {
                    self.take_back().await;
                }
                started
            }
            (sent, _, _) => sent,
        };
        drop(progress);
        match sent {
            Ok(started) => {
                self.started = started;
                self.last = None;
                announce(self.site, &self.started);
            }
            // What was sent before can still be typed, or another way be taken.
            Err(StartError::NotSent(
                why @ (NotSent::CoolDown { .. }
                | NotSent::SendLocked { .. }
                | NotSent::NoSendsLeft
                | NotSent::TryAgainAt { .. }),
            )) => prompt::tell(&not_sent(self.site, &why)),
            Err(StartError::NotSent(why @ NotSent::Failed { .. })) => {
                prompt::tell(&not_sent(self.site, &why));
                self.last = Some(Err(StartError::from(why).into()));
            }
            Err(error @ (StartError::UnknownMethod { .. } | StartError::Unusable { .. })) => {
                prompt::tell(&error.to_string());
            }
            Err(error) => return Err(start_error(self.site, error)),
        }
        Ok(())
    }

    /// The person has gone, or the pipe is at its end.
    fn left(&mut self, error: PromptError) -> Result<Verdict, CommandError> {
        if let Some(last) = self.last.take() {
            // A pipe that had a wrong code and no other has got its answer.
            return last;
        }
        match self.started.unconfirmed.take() {
            Some(failure) => Err(CommandError::Unconfirmed { service: self.started.service.clone(), failure }),
            None => Err(error.into()),
        }
    }

    async fn take_back(&self) {
        // What is at hand to be told matters more than whether this worked; the log has it.
        let _ = self.site.engine.cancel(&self.started.challenge).await;
    }

    async fn poll(&self) -> Result<Verdict, CommandError> {
        let _progress = progress::Progress::of("waiting for your approval");
        let (engine, challenge): (_, &ChallengeId) = (&self.site.engine, &self.started.challenge);
        loop {
            let progress = match self.subject {
                Subject::Login { .. } => engine.poll(challenge).await?,
                Subject::Enrollment => engine.poll_enrollment(challenge).await?,
            };
            match progress {
                Progress::Over(verdict) => return Ok(verdict),
                Progress::Waiting => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// Whether the same challenge may still be passed by another code.
const fn goes_on(verdict: &Verdict) -> bool {
    match verdict {
        // A provider that could not be asked has not judged: the code is still good.
        Verdict::WrongCode { attempts_left } | Verdict::Unavailable { attempts_left, .. } => *attempts_left > 0,
        Verdict::Replayed => true,
        Verdict::Approved(_) | Verdict::Locked { .. } | Verdict::Expired | Verdict::Denied => false,
    }
}

fn tell(site: &Site, verdict: &Verdict) {
    prompt::tell(&in_words(site, verdict));
}

/// A verdict for the person at the terminal.
pub(crate) fn in_words(site: &Site, verdict: &Verdict) -> String {
    match verdict {
        Verdict::WrongCode { attempts_left: left @ 1.. } => format!("{} ({left} left)", verdict.person()),
        Verdict::Locked { until } if *until < UNTIL_UNLOCKED => format!(
            "Too many wrong codes: locked for another {}, on all methods.",
            wait::from(site.clock.now(), *until)
        ),
        Verdict::Unavailable { service, failure, attempts_left } => {
            format!("Service `{service}` failed: {failure} ({attempts_left} left)")
        }
        other => other.person().to_owned(),
    }
}

/// Why nothing was sent, with the time that is left instead of a moment.
pub(crate) fn not_sent(site: &Site, why: &NotSent) -> String {
    let wait = why.until().map(|until| wait::from(site.clock.now(), until)).unwrap_or_default();
    match why {
        NotSent::CoolDown { .. } => format!("something was sent to this recipient a moment ago; try again in {wait}"),
        NotSent::SendLocked { .. } => {
            format!("too much was sent to this recipient; try again in {wait}, or use a method that sends nothing")
        }
        NotSent::GuessLocked { .. } => {
            format!("the user typed too many wrong codes; try again in {wait}, or let an administrator unlock the user")
        }
        NotSent::TryAgainAt { .. } => {
            format!(
                "another code for this recipient is live at the provider and cannot be canceled; try again in {wait}"
            )
        }
        NotSent::NoSendsLeft | NotSent::Over | NotSent::Failed { .. } => why.to_string(),
    }
}

/// An error of starting, with the time that is left.
pub(crate) fn start_error(site: &Site, error: StartError) -> CommandError {
    match error {
        StartError::NotSent(why) if why.until().is_some() => CommandError::Wait(not_sent(site, &why)),
        error => error.into(),
    }
}

/// An error of enrolling, with the time that is left.
pub(crate) fn enroll_error(site: &Site, error: EnrollError) -> CommandError {
    match error {
        EnrollError::NotSent(why) if why.until().is_some() => CommandError::Wait(not_sent(site, &why)),
        closed @ (EnrollError::RegistrationClosed { .. } | EnrollError::NeedsAdministrator) => {
            CommandError::Closed(closed)
        }
        error => error.into(),
    }
}

fn digits([fewest, most]: [u8; 2]) -> String {
    if fewest == most { format!("Code ({fewest} digits)") } else { format!("Code ({fewest} to {most} digits)") }
}
