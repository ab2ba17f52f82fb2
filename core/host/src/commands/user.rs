//! `countersign user`: what an administrator does with users. Numbers are only shown masked.

mod shown;

use std::path::Path;

use countersign::account::NewAccount;
use countersign::enrollment::{Actor, EnrollError, Removed};
use countersign::store::Factor;
use countersign_plugin::manifest::Destination;

use crate::cli::UserCommand;
use crate::conversation::{Subject, about_challenge};
use crate::error::CommandError;
use crate::exit::{self, Exit};
use crate::open::{FirstUse, Site, block_on};
use crate::output::Output;
use crate::progress::Progress;
use crate::prompt;
use crate::report::Report;
use crate::telling::{self, enroll_error};

use shown::{Forgotten, Shown};

/// Runs one of the commands.
pub(crate) fn run(bootstrap: &Path, command: &UserCommand, output: Output) -> Result<Exit, CommandError> {
    let site = match command {
        UserCommand::Add { .. } => Site::without_services(bootstrap, FirstUse::Makes)?,
        UserCommand::List | UserCommand::Show { .. } | UserCommand::Require { .. } | UserCommand::Unlock { .. } => {
            Site::without_services(bootstrap, FirstUse::Refuses)?
        }
        UserCommand::ChangeNumber { method, .. } => Site::open(bootstrap, method.as_deref(), FirstUse::Refuses)?,
        // Providers that cannot be asked are told of like those that fail.
        UserCommand::RemoveFactor { .. } | UserCommand::Forget { .. } => {
            let site = Site::available(bootstrap, FirstUse::Refuses)?;
            site.warn();
            site
        }
    };
    block_on(perform(&site, command, output))
}

async fn perform(site: &Site, command: &UserCommand, output: Output) -> Result<Exit, CommandError> {
    let engine = &site.engine;
    let (user, done) = match command {
        UserCommand::Add { user, email, required, locale } => {
            let (email, locale) = (email.as_deref(), locale.as_deref());
            let added = engine.add_user(NewAccount { name: user, email, locale, required: *required }).await?;
            (user, Some(format!("added {}", added.name)))
        }
        UserCommand::List => return list(site, output).await,
        UserCommand::Show { user } => (user, None),
        UserCommand::Require { user, off } => {
            engine.require(user, !off).await?;
            (user, Some(format!("{} the box \"Two Factor Auth. Required\"", if *off { "cleared" } else { "ticked" })))
        }
        UserCommand::Unlock { user } => {
            engine.unlock(user).await?;
            (user, Some(format!("unlocked {}", engine.show_user(user).await?.name)))
        }
        UserCommand::ChangeNumber { user, phone, method } => {
            return change_number(site, user, phone, method.as_deref(), output).await;
        }
        UserCommand::RemoveFactor { user, method } => {
            let factor = factor(site, user, method).await?;
            let Removed { left_at } = engine.remove_factor(user, &factor, Actor::Administrator).await?;
            for (provider, failure) in left_at {
                prompt::tell(&format!("Provider `{provider}` still holds something of it: {failure}"));
            }
            (user, Some(format!("removed the {}", telling::described(&factor))))
        }
        UserCommand::Forget { user } => {
            let name = engine.show_user(user).await?.name;
            let Removed { left_at } = engine.forget(user).await?;
            output.answer(&Forgotten::of(name, left_at))?;
            return Ok(Exit::Yes);
        }
    };
    let account = engine.show_user(user).await?;
    if let Some(done) = done {
        output.say(&format!("{done}\n"))?;
    }
    output.answer(&Shown::of(account, site.clock.now()))?;
    Ok(Exit::Yes)
}

/// All users, as many at a time as are kept in memory.
async fn list(site: &Site, output: Output) -> Result<Exit, CommandError> {
    const PAGE: u32 = 500;
    let mut after: Option<String> = None;
    loop {
        let page = site.engine.list_users(after.as_deref(), PAGE).await?;
        let is_first = after.is_none();
        let Some(last) = page.last().map(|account| account.name.clone()) else {
            if is_first {
                output.say("no users; `countersign user add NAME` adds one")?;
            }
            return Ok(Exit::Yes);
        };
        let listed: Vec<_> = page.into_iter().map(|account| Shown::of(account, site.clock.now())).collect();
        if output.is_json() {
            listed.iter().try_for_each(|user| output.answer(user))?;
        } else {
            output.say(&shown::page(&listed, is_first))?;
        }
        after = Some(last);
    }
}

/// The factor that a service uses. Of one that is out of order the manifest still says so, or else the user's factors
/// may: those of devices and the like are kept by channel.
async fn factor(site: &Site, user: &str, method: &str) -> Result<Factor, CommandError> {
    let Some(configured) = site.bootstrap.services.get(method) else {
        return Err(EnrollError::UnknownMethod { asked: method.to_owned(), known: site.known() }.into());
    };
    let channel = &configured.channel;
    let opened = site.services.iter().find(|service| service.name == method).map(|service| service.destination());
    let declared = || {
        let manifest = &site.registry.plugin(&configured.provider)?.manifest;
        manifest.channels.iter().find(|offer| offer.channel == *channel).map(|offer| offer.destination)
    };
    match opened.or_else(declared) {
        Some(Destination::Phone) => return Ok(Factor::Phone),
        Some(Destination::Device) => return Ok(Factor::Device(channel.clone())),
        Some(Destination::Email | Destination::None) => return Ok(Factor::Other(channel.clone())),
        None => {}
    }
    let mut factors = site.engine.show_user(user).await?.factors.into_iter().map(|view| view.factor);
    let of_channel = |factor: &Factor| matches!(factor, Factor::Device(it) | Factor::Other(it) if it == channel);
    factors.find(of_channel).ok_or_else(|| CommandError::OutOfOrder(site.left_out.told(Some(method))))
}

/// The new number counts once its code was typed. Until then the user has none; whatever went wrong, it can be changed
/// once more.
async fn change_number(
    site: &Site,
    user: &str,
    phone: &str,
    method: Option<&str>,
    output: Output,
) -> Result<Exit, CommandError> {
    let enabled = |channel: &str| site.bootstrap.two_factor.channel_enabled(channel);
    let mut reaching = site.services.iter().filter(|it| it.destination() == Destination::Phone && enabled(&it.channel));
    let Some(method) = method.or_else(|| reaching.next().map(|service| service.name.as_str())) else {
        let left_out = &site.left_out;
        return Err(if left_out.is_empty() {
            CommandError::NoPhoneService
        } else {
            CommandError::OutOfOrder(left_out.told(None))
        });
    };
    let had_number = has_number(site, user).await?;
    let progress = Progress::of(format!("asking {method}"));
    let started = site.engine.change_number(user, phone, method).await;
    drop(progress);
    let outcome = match started {
        Ok(started) => about_challenge(site, started, Subject::Enrollment { user }).await,
        Err(error) => Err(enroll_error(site, user, method, error).await),
    };
    // Not every failure comes after the old number went, but once it has, the user must be told of it.
    if had_number && matches!(has_number(site, user).await, Ok(false)) {
        prompt::tell(&format!(
            "The old number is gone, and the new one does not count before it is proven. To begin again: \
             countersign user change-number {user} --phone NUMBER --method {method}"
        ));
    }
    let outcome = outcome?;
    output.answer(&Report::of_enrollment(site, user, &outcome))?;
    Ok(exit::of_verdict(&outcome.verdict))
}

/// Whether a proven number is a factor of the user's.
async fn has_number(site: &Site, user: &str) -> Result<bool, CommandError> {
    let factors = site.engine.show_user(user).await?.factors;
    Ok(factors.iter().any(|it| it.factor == Factor::Phone && it.pending_until.is_none()))
}
