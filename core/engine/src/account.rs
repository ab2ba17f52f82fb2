//! Users as the engine knows them, and what an administrator does with them.

use countersign_plugin::Timestamp;

use crate::bootstrap::UnknownUsers;
use crate::clock::NoRandomness;
use crate::engine::Engine;
use crate::phone;
use crate::store::{Email, EnrollmentId, Factor, NewUser, StoreError, User, UserChange, UserId};
use crate::user::{NameError, UserName};

/// The longest address (RFC 5321 §4.5.3.1.3, without the angle brackets).
const ADDRESS_BYTES: usize = 254;

/// A user to be added.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewAccount<'a> {
    /// The name, in any spelling.
    pub name: &'a str,
    /// The e-mail address, for providers that want one.
    pub email: Option<&'a str>,
    /// BCP 47 tag of the user's language.
    pub locale: Option<&'a str>,
    /// The box "Two Factor Auth. Required".
    pub required: bool,
}

/// A user, as an administrator is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id, under which the audit knows it.
    pub id: UserId,
    /// The name, in its one spelling.
    pub name: String,
    /// The e-mail address; it never prints.
    pub email: Option<Email>,
    /// BCP 47 tag of the user's language.
    pub locale: Option<String>,
    /// The box "Two Factor Auth. Required".
    pub required: bool,
    /// Wrong codes since the last full success or unlock. The end of a lock does not clear them.
    pub failures: u32,
    /// The end of the guess lock, while there is one; [`UNTIL_UNLOCKED`](crate::store::UNTIL_UNLOCKED)
    /// where only an unlock ends it.
    pub locked_until: Option<Timestamp>,
    /// The factors, pending ones included.
    pub factors: Vec<FactorView>,
}

/// A factor, as an administrator is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorView {
    /// Its enrollment.
    pub enrollment: EnrollmentId,
    /// What it is.
    pub factor: Factor,
    /// The number, masked: `•••• 06`.
    pub number: Option<String>,
    /// The provider that keeps a device's secret.
    pub provider: Option<String>,
    /// While it is pending: the moment until which it must be confirmed. `None`: it is active.
    pub pending_until: Option<Timestamp>,
    /// Whether an administrator enrolled it, or is enrolling it.
    pub by_administrator: bool,
}

/// Why there is no such user to work with.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nobody has that name: `unknown_user`.
    #[error("there is no user `{name}`; {}", remedy.in_words(name))]
    Unknown {
        /// The name, in its one spelling.
        name: String,
        /// What can be done, which depends on who asked.
        remedy: UnknownRemedy,
    },
    /// The user was forgotten in the middle.
    #[error("the user was forgotten a moment ago; add the user again")]
    Gone,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What can be done about a user whom nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownRemedy {
    /// An administrator asked: only adding the user helps.
    Add,
    /// It was at a login or a registration, where the site may let unknown users in to register.
    AddOrRegister,
}

impl UnknownRemedy {
    fn in_words(self, name: &str) -> String {
        // What a shell would take for something else is left to the administrator to quote.
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let name = if name.chars().all(is_plain) && !name.starts_with('-') { name } else { "NAME" };
        match self {
            Self::Add => format!("correct the name, or add the user: `countersign user add {name}`"),
            Self::AddOrRegister => {
                let add = Self::Add.in_words(name);
                format!("{add}; or set two_factor.unknown_users to \"register\"")
            }
        }
    }
}

impl UserError {
    /// An administrator named somebody who is not there.
    pub(crate) const fn unknown(name: String) -> Self {
        Self::Unknown { name, remedy: UnknownRemedy::Add }
    }
}

/// Why an administrator's change was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The name is taken.
    #[error("there is a user `{name}` already; choose another name")]
    Exists {
        /// Which.
        name: String,
    },
    /// That is no language tag.
    #[error(
        "that is not a language tag (BCP 47); write it like `en` or `pt-BR`: parts of 1 to 8 letters or digits, joined \
         by hyphens"
    )]
    Language,
    /// That is no e-mail address. It is not repeated.
    #[error("that is not an e-mail address; write it like ada@example.com, in at most {ADDRESS_BYTES} bytes")]
    Address,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A user that must exist.
pub(crate) async fn existing(engine: &Engine, name: &str) -> Result<User, UserError> {
    let name = UserName::parse(name)?;
    let found = engine.store.user(name.as_str()).await?;
    found.ok_or_else(|| UserError::unknown(name.to_string()))
}

/// A user at a login: one of whom nothing is known is made, if the site wants it so.
pub(crate) async fn at_login(engine: &Engine, name: &str) -> Result<User, UserError> {
    match (existing(engine, name).await, engine.two_factor.unknown_users) {
        (Err(UserError::Unknown { name, .. }), UnknownUsers::Error) => {
            Err(UserError::Unknown { name, remedy: UnknownRemedy::AddOrRegister })
        }
        (Err(UserError::Unknown { name, .. }), UnknownUsers::Register) => {
            let id = UserId::new(&*engine.random)?;
            let new = NewUser { id, name: name.clone(), email: None, locale: None, required: false };
            match engine.store.add_user(new, engine.clock.now()).await? {
                Some(user) => Ok(user),
                // Somebody else made it in the meantime.
                None => existing(engine, &name).await,
            }
        }
        (found, _) => found,
    }
}

pub(crate) async fn add(engine: &Engine, account: NewAccount<'_>) -> Result<Account, AdminError> {
    let name = UserName::parse(account.name).map_err(UserError::Name)?;
    let id = UserId::new(&*engine.random)?;
    let new = NewUser {
        id,
        name: name.to_string(),
        email: account.email.map(address).transpose()?,
        locale: account.locale.map(language).transpose()?,
        required: account.required,
    };
    match engine.store.add_user(new, engine.clock.now()).await? {
        Some(user) => Ok(view(user, Vec::new())),
        None => Err(AdminError::Exists { name: name.to_string() }),
    }
}

pub(crate) async fn show(engine: &Engine, name: &str) -> Result<Account, UserError> {
    let user = existing(engine, name).await?;
    Ok(with_factors(engine, user).await?)
}

pub(crate) async fn list(engine: &Engine, after: Option<&str>, limit: u32) -> Result<Vec<Account>, StoreError> {
    let mut accounts = Vec::new();
    for user in engine.store.users(after, limit).await? {
        accounts.push(with_factors(engine, user).await?);
    }
    Ok(accounts)
}

async fn with_factors(engine: &Engine, user: User) -> Result<Account, StoreError> {
    let now = engine.clock.now();
    let enrollments = engine.store.enrollments(&user.id, now).await?;
    let factors = enrollments.into_iter().map(|enrollment| FactorView {
        enrollment: enrollment.id,
        number: enrollment.phone.as_ref().map(phone::masked),
        factor: enrollment.factor,
        provider: enrollment.provider,
        by_administrator: enrollment.by_administrator,
        pending_until: if enrollment.active { None } else { enrollment.expires },
    });
    let locked_until = user.locked_until.filter(|until| *until > now);
    Ok(view(User { locked_until, ..user }, factors.collect()))
}

pub(crate) async fn change(engine: &Engine, name: &str, change: UserChange) -> Result<(), AdminError> {
    let user = existing(engine, name).await?;
    if engine.store.update_user(&user.id, change, engine.clock.now()).await? {
        Ok(())
    } else {
        Err(UserError::unknown(user.name).into())
    }
}

/// Something that looks enough like an address that a provider may judge it.
pub(crate) fn address(text: &str) -> Result<Email, AdminError> {
    let text = text.trim();
    let (name, domain) = text.rsplit_once('@').ok_or(AdminError::Address)?;
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if name.is_empty() || domain.is_empty() || text.len() > ADDRESS_BYTES || text.contains(odd) {
        return Err(AdminError::Address);
    }
    Ok(Email(text.to_owned()))
}

/// A tag of the shape of BCP 47 (RFC 5646 §2.1): subtags of 1 to 8 letters and digits, joined by hyphens, the first of
/// letters only. Whether there is such a language is for providers to say.
pub(crate) fn language(text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    let is_subtag = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    let sound = first.bytes().all(|byte| byte.is_ascii_alphabetic()) && text.split('-').all(is_subtag);
    if sound { Ok(text.to_owned()) } else { Err(AdminError::Language) }
}

fn view(user: User, factors: Vec<FactorView>) -> Account {
    Account {
        id: user.id,
        name: user.name,
        email: user.email,
        locale: user.locale,
        required: user.required,
        failures: user.failures,
        locked_until: user.locked_until,
        factors,
    }
}
