//! Users of an application: a number that was registered has one id, however often it is registered.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Denial};
use super::token::Token;
use super::{Context, success};
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::shelf::Shelf;

/// How long a removed user is still there (reported by users of the API, "about 24 hours").
const REMOVAL: SignedDuration = SignedDuration::from_hours(24);
/// The activities that may be registered.
const ACTIVITIES: [&str; 4] = ["password_reset", "banned", "unbanned", "cookie_login"];

/// One user.
pub(super) struct User {
    pub(super) email: String,
    pub(super) number: Number,
    pub(super) created: Timestamp,
    /// Whether a valid code was used once.
    pub(super) confirmed: bool,
    pub(super) token: Option<Token>,
    removed: Option<Timestamp>,
}

/// The users of an application.
pub(super) struct Users {
    all: Shelf<User>,
    /// Ids by number.
    ids: HashMap<String, String>,
}

impl Users {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new(), ids: HashMap::new() }
    }

    pub(super) fn count(&self, now: Timestamp) -> usize {
        self.all.iter().filter(|user| user.present(now)).count()
    }

    /// The user of that id, as it stands in a path.
    pub(super) fn find(&mut self, id: &str, now: Timestamp) -> Result<&mut User, Denial> {
        self.all.get_mut(id).filter(|user| user.present(now)).ok_or_else(Denial::unknown_user)
    }

    /// `POST users/new`.
    pub(super) fn register(&mut self, context: &Context<'_>, next: &mut u64) -> Answer {
        let now = context.now();
        let email = context.parameters.filled("user[email]").filter(|email| is_email(email));
        let number = number(context, "user[country_code]", "user[cellphone]");
        let number = number.filter(|number| context.stage.phones.kind(number.e164()) != PhoneKind::Invalid);
        let (email, number) = match (email, number) {
            (Some(email), Some(number)) => (email, number),
            (None, Some(_)) => return Err(Denial::fields(&["email"])),
            (Some(_), None) => return Err(Denial::fields(&["cellphone"])),
            (None, None) => return Err(Denial::fields(&["cellphone", "email"])),
        };
        let known = self.ids.get(number.e164()).and_then(|id| Some((id.clone(), self.all.get_mut(id)?)));
        let id = match known {
            Some((id, user)) if user.present(now) => {
                user.removed = None;
                id
            }
            _ => {
                let id = next.to_string();
                *next += 1;
                let to = number.e164().to_owned();
                let user = User {
                    email: email.to_owned(),
                    number,
                    created: now,
                    confirmed: false,
                    token: None,
                    removed: None,
                };
                if let Some((gone, old)) = self.all.insert(&id, user)
                    && self.ids.get(old.number.e164()) == Some(&gone)
                {
                    self.ids.remove(old.number.e164());
                }
                self.ids.insert(to, id.clone());
                id
            }
        };
        let id: u64 = id.parse().unwrap_or_default();
        Ok(json!({"message": "User created successfully.", "user": {"id": id}, "success": true}))
    }

    /// `GET users/{id}/status`.
    pub(super) fn status(&mut self, context: &Context<'_>, id: &str) -> Answer {
        let user = self.find(id, context.now())?;
        let app = context.stage.phones.kind(user.number.e164()) == PhoneKind::Smartphone;
        let national: String = user.number.e164().chars().skip(1 + user.number.country_code().len()).collect();
        let tail = &national[national.len().saturating_sub(4)..];
        let status = json!({
            "authy_id": id.parse::<u64>().unwrap_or_default(),
            "confirmed": user.confirmed,
            "registered": app,
            "country_code": user.number.country_code().parse::<u32>().unwrap_or_default(),
            "phone_number": format!("XXX-XXX-{tail}"),
            "email": user.email,
            "devices": if app { json!(["iphone"]) } else { json!([]) },
            "has_hard_token": false,
            "account_disabled": false,
            "detailed_devices": [],
            "deleted_devices": [],
        });
        Ok(json!({"status": status, "message": "User status.", "success": true}))
    }

    /// `POST users/{id}/update`.
    pub(super) fn update(&mut self, context: &Context<'_>, id: &str) -> Answer {
        let user = self.find(id, context.now())?;
        let email = context.parameters.filled("email").filter(|email| is_email(email));
        email.ok_or_else(|| Denial::fields(&["email"]))?.clone_into(&mut user.email);
        Ok(success("User was updated successfully"))
    }

    /// `POST users/{id}/register_activity`.
    pub(super) fn activity(&mut self, context: &Context<'_>, id: &str) -> Answer {
        self.find(id, context.now())?;
        match context.parameters.filled("type") {
            Some(kind) if ACTIVITIES.contains(&kind) => Ok(success("Activity was created.")),
            _ => Err(Denial::new(400, "60004", "Invalid parameter: type")),
        }
    }

    /// `POST users/{id}/remove`, in three spellings with two answers.
    pub(super) fn remove(&mut self, context: &Context<'_>, id: &str, message: &str) -> Answer {
        let now = context.now();
        self.find(id, now)?.removed.get_or_insert(now);
        Ok(success(message))
    }
}

impl User {
    fn present(&self, now: Timestamp) -> bool {
        self.removed.is_none_or(|removed| now.duration_since(removed) < REMOVAL)
    }
}

/// The number of two parameters. Clients write it with dashes and spaces too, and leave the country code out where it
/// is 1.
pub(super) fn number(context: &Context<'_>, country_code: &str, national: &str) -> Option<Number> {
    let country_code = context.parameters.filled(country_code).unwrap_or("1");
    let national = context.parameters.filled(national)?;
    let separator = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')');
    let digits: String = national.chars().filter(|c| !separator(*c)).collect();
    Number::read(&format!("+{}{digits}", country_code.trim_start_matches('+')))
}

fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, domain)| plain(name) && plain(domain))
}

/// As `verify` shows the device that the token was for.
pub(super) fn device(user: &User) -> Value {
    let registered = user.created.as_second();
    json!({
        "id": null,
        "os_type": "sms",
        "registration_date": registered,
        "registration_method": null,
        "registration_country": null,
        "registration_region": null,
        "registration_city": null,
        "country": null,
        "region": null,
        "city": null,
        "ip": null,
        "last_account_recovery_at": registered,
        "last_sync_date": null,
    })
}
