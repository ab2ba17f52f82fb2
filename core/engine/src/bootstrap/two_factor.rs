//! `[two_factor]`: who must pass a second factor, by which channels, and what people may register themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Problem;
use super::key::nearest;
use super::keys::TWO_FACTOR_KEYS;
use super::reader::Entry;
use super::service::Service;

/// The site's options for two-factor authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TwoFactor {
    /// Whether second factors are asked for at all (true).
    pub enabled: bool,
    /// Whether each channel that the file names may be used; one that is not named may.
    pub channels: BTreeMap<String, bool>,
    /// Who must pass a second factor, by kind of login. The names are the host's own; a kind that is not listed is
    /// refused.
    pub login_types: BTreeMap<String, WhoMustPass>,
    /// What happens with a user of whom nothing is known.
    pub unknown_users: UnknownUsers,
    /// What a person may register without an administrator.
    pub registration: Registration,
}

impl Default for TwoFactor {
    fn default() -> Self {
        Self {
            enabled: true,
            channels: BTreeMap::new(),
            login_types: BTreeMap::new(),
            unknown_users: UnknownUsers::default(),
            registration: Registration::default(),
        }
    }
}

impl TwoFactor {
    /// Whether the site has left this channel on. A channel that `[two_factor]` does not name is on.
    #[must_use]
    pub fn channel_enabled(&self, channel: &str) -> bool {
        self.channels.get(channel).copied().unwrap_or(true)
    }

    /// Reads the section; `services` tells which channels there are to switch.
    pub(super) fn read(section: &Entry<'_>, services: &BTreeMap<String, Service>) -> Self {
        Self {
            // Denied by default: whatever is wrong is an error anyway, and no reason to wave people through.
            enabled: section.child("enabled").truth().unwrap_or(true),
            channels: channels(section, services),
            login_types: login_types(&section.child("login_types")),
            unknown_users: section
                .child("unknown_users")
                .choice(&[("error", UnknownUsers::Error), ("register", UnknownUsers::Register)])
                .unwrap_or_default(),
            registration: registration(&section.child("registration")),
        }
    }
}

/// Which users must pass a second factor in one kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WhoMustPass {
    /// No user (`nobody`).
    Nobody,
    /// Users whose box "Two Factor Auth. Required" is ticked (`flagged-users`).
    FlaggedUsers,
    /// Every user (`everyone`).
    Everyone,
}

/// What the host is told about a user of whom nothing is known; never "no second factor is needed".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum UnknownUsers {
    /// The error `unknown_user` (`error`).
    #[default]
    Error,
    /// The user is made, and registers a factor (`register`).
    Register,
}

/// What a person may register without an administrator; both unless `registration` lists less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// A phone number, for SMS and calls (`phone`).
    pub phone: bool,
    /// An app that makes codes (`app`).
    pub app: bool,
}

impl Default for Registration {
    fn default() -> Self {
        Self { phone: true, app: true }
    }
}

/// Channels that can be switched off ahead of the service which offers them.
const USUAL_CHANNELS: [&str; 3] = ["sms", "totp", "voice"];

fn channels(section: &Entry<'_>, services: &BTreeMap<String, Service>) -> BTreeMap<String, bool> {
    let offered = services.values().flat_map(|service| std::iter::once(service).chain(&service.fallback));
    let known: BTreeSet<&str> = offered.map(|service| service.channel.as_str()).chain(USUAL_CHANNELS).collect();
    let mut channels = BTreeMap::new();
    for (name, entry) in section.children() {
        if TWO_FACTOR_KEYS.contains(&name) {
            continue;
        }
        if !known.contains(name) {
            let keys = || known.iter().copied().chain(TWO_FACTOR_KEYS);
            entry.fault(Problem::UnknownKey {
                nearest: nearest(name, keys()),
                known: keys().map(str::to_owned).collect(),
            });
        } else if let Some(on) = entry.choice(&[("enabled", true), ("disabled", false)]) {
            channels.insert(name.to_owned(), on);
        }
    }
    channels
}

fn login_types(table: &Entry<'_>) -> BTreeMap<String, WhoMustPass> {
    let options = [
        ("nobody", WhoMustPass::Nobody),
        ("flagged-users", WhoMustPass::FlaggedUsers),
        ("everyone", WhoMustPass::Everyone),
    ];
    let chosen = |(name, entry): (&str, Entry<'_>)| Some((name.to_owned(), entry.choice(&options)?));
    table.children().filter_map(chosen).collect()
}

fn registration(entry: &Entry<'_>) -> Registration {
    let Some(listed) = entry.texts("a list of \"phone\" and \"app\", or an empty one") else {
        return Registration::default();
    };
    let mut allowed = Registration { phone: false, app: false };
    for option in listed {
        match option.as_str() {
            "phone" => allowed.phone = true,
            "app" => allowed.app = true,
            _ => entry.not_one_of(&option, vec!["phone", "app"]),
        }
    }
    allowed
}
