//! The person at the terminal and a challenge: codes are asked for until there is a verdict.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use countersign::challenge::{CheckError, NotSent, Progress, Resend, StartError, StartLogin, Started, Verdict};
use countersign::enrollment::{EnrollError, Enrolling};
use countersign::service::Service;
use countersign::store::{ChallengeId, Factor};

use crate::error::CommandError;
use crate::open::Site;
use crate::progress;
use crate::prompt::{self, PromptError};
use crate::telling::{Source, digits, in_words, not_sent, start_error, untried, uses};
use crate::wait;
use crate::words;

/// How often a challenge without code is looked at.
const POLL: Duration = Duration::from_secs(2);

const CODE: &str = "the code";

/// What came of a conversation: the verdict, and by which delivery.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) started: Started,
    /// Whether the verdict is not the last word, and nothing more was typed.
    pub(crate) input_ended: bool,
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
    Enrollment {
        /// For whom.
        user: &'a str,
    },
}

/// Talks about a challenge that was started. It is taken back unless it is passed, so that no code of it lives on that
/// nobody can type any more.
pub(crate) async fn about_challenge(
    site: &Site,
    started: Started,
    subject: Subject<'_>,
) -> Result<Outcome, CommandError> {
    let mut talk = Talk { site, started, subject, others: Vec::new(), last: None, input_ended: false };
    let verdict = talk.run().await;
    if !matches!(verdict, Ok(Verdict::Approved(_))) {
        talk.take_back().await;
    }
    Ok(Outcome { verdict: verdict?, started: talk.started, input_ended: talk.input_ended })
}

/// Talks about a device that waits for its first code. Gives the verdict, and whether it is not the last word because
/// nothing more was typed.
pub(crate) async fn about_device(
    site: &Site,
    user: &str,
    enrolling: &Enrolling,
) -> Result<(Verdict, bool), CommandError> {
    let question = format!("Code ({}), as the app shows it:", digits(enrolling.code_digits));
    let mut last = None;
    loop {
        let typed = match (prompt::ask(&question, CODE), last.take()) {
            (Err(PromptError::End { .. }), Some(verdict)) => return Ok((verdict, true)),
            (typed, _) => typed?,
        };
        if let Some(why) = untried(&typed, enrolling.code_digits, enrolling.code_digits) {
            prompt::tell(&why);
            continue;
        }
        match site.engine.confirm_device(user, &enrolling.enrollment, &typed).await {
            Err(EnrollError::Empty) => prompt::tell("No code was typed."),
            Err(error) => return Err(error.into()),
            Ok(verdict) if goes_on(&verdict) => {
                prompt::tell(&in_words(site, &verdict, Source::Device));
                last = Some(verdict);
            }
            Ok(verdict) => return Ok((verdict, false)),
        }
    }
}

struct Talk<'a> {
    site: &'a Site,
    started: Started,
    subject: Subject<'a>,
    /// Other methods that could be used instead.
    others: Vec<String>,
    /// The last answer that was not final: what it ends with if nothing more is typed.
    last: Option<Result<Verdict, CommandError>>,
    input_ended: bool,
}

impl Talk<'_> {
    async fn run(&mut self) -> Result<Verdict, CommandError> {
        self.announce().await?;
        loop {
            let turn = match self.started.code_digits {
                Some(possible) => self.ask(possible).await?,
                None => Break(self.poll().await?),
            };
            match turn {
                Break(verdict) => return Ok(verdict),
                Continue(()) => {}
            }
        }
    }

    /// Tells what was sent, and where; and what can be typed instead of a code.
    async fn announce(&mut self) -> Result<(), CommandError> {
        let Started { service, channel, recipient, instruction, .. } = &self.started;
        let verb = if self.started.unconfirmed.is_some() { "may be" } else { "is" };
        match (recipient, Source::of(&self.started)) {
            (Some(recipient), _) => {
                prompt::tell(&format!("{service}: a code {verb} on its way to {recipient} by {channel}."));
            }
            (None, Source::Device) => prompt::tell(&format!("{service}: use the code of your device.")),
            (None, Source::Sent) => prompt::tell(&format!("{service}: approve the request on your device.")),
        }
        if self.started.fallback {
            let method = &self.started.method;
            prompt::tell(&format!("({method} does not work at the moment, so {service} was used instead.)"));
        }
        if let Some(instruction) = instruction {
            prompt::tell(instruction);
        }
        if let Some(failure) = &self.started.unconfirmed {
            prompt::tell(&format!("It is not certain, because the service failed: {failure}"));
        }
        // Where there is no code, nothing that is typed is read.
        if self.started.code_digits.is_some() {
            self.others = self.other_methods().await?;
            if let Some(words) = self.words() {
                prompt::tell(&format!("Type {words}."));
            }
        }
        Ok(())
    }

    /// The words that may be typed instead of a code.
    fn words(&self) -> Option<String> {
        let resend = self.started.resend_at.map(|at| match wait::from(self.site.clock.now(), at) {
            now if now == wait::NOTHING => "`resend` for another one".to_owned(),
            wait => format!("`resend` for another one (in {wait})"),
        });
        let other = (!self.others.is_empty())
            .then(|| format!("`other METHOD` for another way ({})", words::list(&self.others)));
        let words: Vec<_> = resend.into_iter().chain(other).collect();
        (!words.is_empty()).then(|| words.join(", or "))
    }

    /// Methods by which this may be proven as well.
    async fn other_methods(&self) -> Result<Vec<String>, CommandError> {
        let site = self.site;
        let factors: Vec<_> = match self.subject {
            Subject::Login { user, .. } => {
                let factors = site.engine.show_user(user).await?.factors.into_iter();
                factors.filter(|view| view.pending_until.is_none()).map(|view| view.factor).collect()
            }
            Subject::Enrollment { .. } => {
                let used = site.every_service().find(|service| service.name == self.started.service);
                let phone = used.is_some_and(|service| uses(service, &Factor::Phone));
                phone.then_some(Factor::Phone).into_iter().collect()
            }
        };
        let fits = |service: &&Arc<Service>| {
            service.name != self.started.method
                && site.bootstrap.two_factor.channel_enabled(&service.channel)
                && factors.iter().any(|factor| uses(service, factor))
        };
        Ok(site.services.iter().filter(fits).map(|service| service.name.clone()).collect())
    }

    /// One line of the person's, asked for by how many digits a code has.
    async fn ask(&mut self, possible: [u8; 2]) -> Result<ControlFlow<Verdict>, CommandError> {
        let told = self.started.configured_digits.map_or(possible, |digits| [digits; 2]);
        let typed = match prompt::ask(&format!("Code ({}):", digits(told)), CODE) {
            Err(error @ PromptError::End { .. }) => return self.left(error).map(Break),
            typed => typed?,
        };
        let mut words = typed.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("resend"), None, None) => self.resend(None).await.map(Continue),
            (Some("other"), Some(method), None) => self.resend(Some(method)).await.map(Continue),
            _ => match untried(&typed, possible, told) {
                Some(why) => {
                    prompt::tell(&match self.words() {
                        Some(words) => format!("{why} Or type {words}."),
                        None => why,
                    });
                    Ok(Continue(()))
                }
                None => self.check(&typed).await,
            },
        }
    }

    async fn check(&mut self, typed: &str) -> Result<ControlFlow<Verdict>, CommandError> {
        let progress = progress::Progress::of(format!("asking {}", self.started.service));
        let (engine, challenge) = (&self.site.engine, &self.started.challenge);
        let checked = match self.subject {
            Subject::Login { .. } => engine.check(challenge, typed).await,
            Subject::Enrollment { .. } => engine.confirm_phone(challenge, typed).await,
        };
        drop(progress);
        match checked {
            Err(CheckError::Empty) => prompt::tell("No code was typed."),
            Err(error) => return Err(error.into()),
            Ok(verdict) if goes_on(&verdict) => {
                prompt::tell(&in_words(self.site, &verdict, Source::of(&self.started)));
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
                self.announce().await?;
            }
            // What was sent before can still be typed, or another way be taken.
            Err(StartError::NotSent(
                why @ (NotSent::CoolDown { .. }
                | NotSent::SendLocked { .. }
                | NotSent::NoSendsLeft
                | NotSent::TryAgainAt { .. }),
            )) => prompt::tell(&not_sent(self.site, self.user(), &why)),
            Err(StartError::NotSent(why @ NotSent::Failed { .. })) => {
                prompt::tell(&not_sent(self.site, self.user(), &why));
                self.last = Some(Err(StartError::from(why).into()));
            }
            Err(error @ (StartError::UnknownMethod { .. } | StartError::Unusable { .. })) => {
                prompt::tell(&error.to_string());
            }
            Err(error) => return Err(start_error(self.site, self.user(), error)),
        }
        Ok(())
    }

    /// The person has gone, or the pipe is at its end.
    fn left(&mut self, error: PromptError) -> Result<Verdict, CommandError> {
        if let Some(last) = self.last.take() {
            // A pipe that had a wrong code and no other has got its answer.
            self.input_ended = true;
            return last;
        }
        match self.started.unconfirmed.take() {
            Some(failure) => Err(CommandError::Unconfirmed { service: self.started.service.clone(), failure }),
            None => Err(error.into()),
        }
    }

    const fn user(&self) -> &str {
        match self.subject {
            Subject::Login { user, .. } | Subject::Enrollment { user } => user,
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
                Subject::Enrollment { .. } => engine.poll_enrollment(challenge).await?,
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
