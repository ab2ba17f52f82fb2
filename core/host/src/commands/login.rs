//! `countersign login`: is a second factor asked for, and does the person pass it?

use std::fmt;
use std::path::Path;

use countersign::challenge::{StartError, StartLogin};
use countersign::policy::{Assessment, Explanation, Method};
use countersign_plugin::manifest::Destination;
use serde::Serialize;

use crate::cli::LoginArgs;
use crate::conversation::{Subject, about_challenge};
use crate::error::CommandError;
use crate::exit::{self, Exit};
use crate::open::{FirstUse, Site, block_on};
use crate::output::Output;
use crate::progress::Progress;
use crate::report::Report;
use crate::telling::start_error;

/// Logs a user in.
pub(crate) fn run(bootstrap: &Path, args: &LoginArgs, output: Output) -> Result<Exit, CommandError> {
    let site = Site::open(bootstrap, args.method.as_deref(), FirstUse::Registers)?;
    block_on(perform(&site, args, output))
}

async fn perform(site: &Site, args: &LoginArgs, output: Output) -> Result<Exit, CommandError> {
    let LoginArgs { user, login_type, method } = args;
    // Also where nothing will be asked: a name mistyped in a script shows at its first run.
    if let Some(asked) = method.as_ref().filter(|name| !site.services.iter().any(|it| it.name == **name)) {
        return Err(StartError::UnknownMethod { asked: asked.clone(), known: site.known() }.into());
    }
    match site.engine.assess(user, login_type).await? {
        Assessment::NotRequired { why } => {
            output.answer(&Unasked::NotRequired { user, login_type, why: lines(&why) })?;
            Ok(Exit::Yes)
        }
        Assessment::Register { options, why } => {
            output.answer(&Unasked::register(user, login_type, &options, &why))?;
            Ok(Exit::No)
        }
        // What the user has may be just what is left out.
        Assessment::Verify { methods, .. } if methods.is_empty() && !site.left_out.is_empty() => {
            Err(CommandError::OutOfOrder(site.left_out.told(None)))
        }
        Assessment::Verify { .. } => {
            let progress = Progress::of("sending");
            let login = StartLogin { user, login_type, method: method.as_deref(), locale: None };
            let started = site.engine.start(login).await;
            drop(progress);
            let started = started.map_err(|error| start_error(site, user, error))?;
            let outcome = about_challenge(site, started, Subject::Login { user, login_type }).await?;
            site.tidy().await;
            output.answer(&Report::of_login(site, user, login_type, &outcome))?;
            Ok(exit::of_verdict(&outcome.verdict))
        }
    }
}

/// Why nothing was asked.
#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Unasked<'a> {
    /// The person may go on.
    NotRequired { user: &'a str, login_type: &'a str, why: Vec<String> },
    /// The person has no factor and must register one first.
    Register { user: &'a str, login_type: &'a str, options: Vec<Choice>, why: Vec<String> },
}

#[derive(Serialize)]
struct Choice {
    method: String,
    channel: String,
    /// What to run.
    command: String,
}

impl<'a> Unasked<'a> {
    fn register(user: &'a str, login_type: &'a str, options: &[Method], why: &Explanation) -> Self {
        let choice = |method: &Method| {
            let number = if method.destination == Destination::Phone { " --phone NUMBER" } else { "" };
            let command = format!("countersign enroll {user} --method {}{number}", method.name);
            Choice { method: method.name.clone(), channel: method.channel.clone(), command }
        };
        Self::Register { user, login_type, options: options.iter().map(choice).collect(), why: lines(why) }
    }
}

fn lines(why: &Explanation) -> Vec<String> {
    why.reasons().iter().map(ToString::to_string).collect()
}

impl fmt::Display for Unasked<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::NotRequired { user, login_type, why } => {
                write!(out, "no second factor is required of {user} for {login_type}")?;
                why
            }
            Self::Register { user, login_type, options, why } => {
                write!(out, "denied: {user} must register a second factor before a login to {login_type}")?;
                if options.is_empty() {
                    write!(out, "\nonly an administrator can register one")?;
                }
                options.iter().try_for_each(|choice| write!(out, "\n  {}", choice.command))?;
                why
            }
        };
        why.iter().try_for_each(|reason| write!(out, "\nbecause {reason}"))
    }
}
