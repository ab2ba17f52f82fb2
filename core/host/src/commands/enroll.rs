//! `countersign enroll`: registers a phone number or an app, proven by a first code.

use std::fmt;
use std::path::Path;

use countersign::account::UserError;
use countersign::challenge::{StartError, StartLogin, Verdict};
use countersign::enrollment::{Actor, BeginFactor, BeginPhone, EnrollError};
use countersign::store::ChallengeId;
use countersign_plugin::Setup;
use countersign_plugin::manifest::Destination;
use serde::Serialize;

use crate::cli::EnrollArgs;
use crate::conversation::{Outcome, Subject, about_challenge, about_device};
use crate::error::CommandError;
use crate::exit::{self, Exit};
use crate::open::{FirstUse, Site, block_on};
use crate::output::Output;
use crate::progress::Progress;
use crate::prompt;
use crate::report::Report;
use crate::telling::{enroll_error, start_error};

/// Enrolls a factor.
pub(crate) fn run(bootstrap: &Path, args: &EnrollArgs, output: Output) -> Result<Exit, CommandError> {
    let site = Site::open(bootstrap, Some(&args.method), FirstUse::Registers)?;
    block_on(perform(&site, args, output))
}

async fn perform(site: &Site, args: &EnrollArgs, output: Output) -> Result<Exit, CommandError> {
    let EnrollArgs { user, method, phone, as_administrator } = args;
    let Some(service) = site.services.iter().find(|service| service.name == *method) else {
        return Err(EnrollError::UnknownMethod { asked: method.clone(), known: site.known() }.into());
    };
    let number;
    let what = match service.destination() {
        Destination::Phone => {
            number = match phone {
                Some(phone) => phone.clone(),
                None => prompt::ask("Phone number, with + and country code:", "the phone number")?.to_string(),
            };
            What::Phone { user, number: &number, method }
        }
        Destination::Device | Destination::None | Destination::Email if phone.is_some() => {
            let reaching = site.services.iter().filter(|service| service.destination() == Destination::Phone);
            let reaching = reaching.map(|service| service.name.clone()).collect();
            return Err(CommandError::NoNumberWanted { method: method.clone(), reaching });
        }
        Destination::Device => What::Device { user, method },
        Destination::Email | Destination::None => What::Person { user, method },
    };
    if *as_administrator {
        let verdict = enroll(site, what, Actor::Administrator, output).await?;
        site.tidy().await;
        return Ok(exit::of_verdict(&verdict));
    }
    if let What::Person { .. } = what {
        // The engine leaves these to administrators, who may do without; here nobody may.
        let factors = match site.engine.show_user(user).await {
            // Made at once, where the bootstrap says so; and without a factor for sure.
            Err(UserError::Unknown { .. }) => Vec::new(),
            account => account?.factors,
        };
        if factors.iter().any(|factor| factor.pending_until.is_none())
            && let Approved::No(verdict) = approve(site, user, output).await?
        {
            return Ok(exit::of_verdict(&verdict));
        }
    }
    let verdict = match enroll(site, what, Actor::Person { approval: None }, output).await {
        Err(CommandError::Enroll(EnrollError::NeedsApproval)) => match approve(site, user, output).await? {
            Approved::Yes(approval) => enroll(site, what, Actor::Person { approval: Some(&approval) }, output).await?,
            Approved::No(verdict) => verdict,
        },
        enrolled => enrolled?,
    };
    site.tidy().await;
    Ok(exit::of_verdict(&verdict))
}

/// What is to be enrolled.
#[derive(Clone, Copy)]
enum What<'a> {
    Phone {
        user: &'a str,
        number: &'a str,
        method: &'a str,
    },
    Device {
        user: &'a str,
        method: &'a str,
    },
    /// Reached without number or device.
    Person {
        user: &'a str,
        method: &'a str,
    },
}

async fn enroll(site: &Site, what: What<'_>, actor: Actor<'_>, output: Output) -> Result<Verdict, CommandError> {
    let engine = &site.engine;
    let progress = Progress::of("registering");
    let (user, method, begun) = match what {
        What::Device { user, method } => {
            let begun = engine.begin_device(BeginFactor { user, method, locale: None, actor }).await;
            drop(progress);
            let enrolling = match begun {
                Ok(enrolling) => enrolling,
                Err(error) => return Err(enroll_error(site, user, method, error).await),
            };
            output.answer(&ShownSetup { user, method, setup: &enrolling.setup })?;
            let (verdict, input_ended) = about_device(site, user, &enrolling).await?;
            output.answer(&Report::of_device(site, user, method, (&verdict, input_ended)))?;
            return Ok(verdict);
        }
        What::Phone { user, number, method } => {
            (user, method, engine.begin_phone(BeginPhone { user, number, method, locale: None, actor }).await)
        }
        What::Person { user, method } => {
            let actor = Actor::Administrator;
            (user, method, engine.begin_other(BeginFactor { user, method, locale: None, actor }).await)
        }
    };
    drop(progress);
    let started = match begun {
        Ok(started) => started,
        Err(error) => return Err(enroll_error(site, user, method, error).await),
    };
    let outcome = about_challenge(site, started, Subject::Enrollment { user }).await?;
    output.answer(&Report::of_enrollment(site, user, &outcome))?;
    Ok(outcome.verdict)
}

enum Approved {
    Yes(ChallengeId),
    No(Verdict),
}

/// Who has a factor must pass it before another one is registered.
async fn approve(site: &Site, user: &str, output: Output) -> Result<Approved, CommandError> {
    let login_type = site.bootstrap.two_factor.login_types.keys().next().ok_or(CommandError::NoLoginTypes)?;
    prompt::tell("The user has a second factor already, and must pass it first.");
    let progress = Progress::of("sending");
    let login = StartLogin { user, login_type, method: None, locale: None };
    let started = site.engine.start(login).await;
    drop(progress);
    let started = match started {
        Err(StartError::NoMethodWorks) if !site.left_out.is_empty() => {
            return Err(CommandError::OutOfOrder(site.left_out.told(None)));
        }
        started => started.map_err(|error| start_error(site, user, error))?,
    };
    let outcome = about_challenge(site, started, Subject::Login { user, login_type }).await?;
    if let Verdict::Approved(_) = outcome.verdict {
        return Ok(Approved::Yes(outcome.started.challenge));
    }
    output.answer(&Report::of_login(site, user, login_type, &outcome))?;
    let Outcome { verdict, .. } = outcome;
    Ok(Approved::No(verdict))
}

/// What the person's app needs. It is shown once, and nothing of it is ever shown again.
#[derive(Serialize)]
struct ShownSetup<'a> {
    user: &'a str,
    method: &'a str,
    setup: &'a Setup,
}

impl fmt::Display for ShownSetup<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { uri, key, qr_text, .. } = self.setup;
        write!(out, "Scan this with the authenticator app of {}:\n\n{qr_text}\n\n", self.user)?;
        write!(out, "or type this key into it:   {key}\nor open this address on it: {uri}")
    }
}
