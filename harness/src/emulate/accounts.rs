//! Whose the emulator is: accounts, services, numbers and keys, given or made up, and who may ask.

use std::fmt;
use std::sync::Arc;

use countersign::clock::NoRandomness;
use countersign::secrets::Secret;
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::access::{Access, Caller, KeyPower};
use super::clock::VirtualClock;
use super::dice::Dice;
use super::number::Number;
use super::reply::Refusal;
use super::request::Asked;

/// What an emulator is to be. Of what is left empty one is made up.
#[derive(Clone, Debug, Default)]
pub struct EmulatorOptions {
    /// Twilio accounts: `AC` and 32 hexadecimal digits, and the auth token.
    pub accounts: Vec<(String, Secret)>,
    /// Test credentials: the SID and the token of accounts with which nothing happens.
    pub test_accounts: Vec<(String, Secret)>,
    /// API keys of the first account: `SK` and 32 hexadecimal digits, the secret, and what they may.
    pub api_keys: Vec<(String, Secret, KeyPower)>,
    /// Verify services, `VA` and 32 hexadecimal digits. They are the first account's.
    pub services: Vec<String>,
    /// Numbers in E.164 form from which the first account may call.
    pub from: Vec<String>,
    /// API keys of Authy applications.
    pub authy_keys: Vec<Secret>,
    /// Where ids and codes come from; the same seed gives the same ones. Without it, from the system's randomness.
    pub seed: Option<u64>,
    /// The emulator's time. Without it, one that starts at wall time and runs with it.
    pub clock: Option<Arc<VirtualClock>>,
}

/// Why there is no emulator.
#[derive(Clone, Debug, Error)]
pub enum OptionsError {
    /// Not an account's SID.
    #[error("account {sid:?} is no account SID; write AC and 32 hexadecimal digits")]
    Account {
        /// What was given.
        sid: String,
    },
    /// An account without a token could never be used.
    #[error("account {sid} has no auth token; write SID:TOKEN")]
    Token {
        /// The account.
        sid: String,
    },
    /// Not a key's SID.
    #[error("API key {sid:?} is no key's SID; write SK and 32 hexadecimal digits")]
    ApiKey {
        /// What was given.
        sid: String,
    },
    /// A key without a secret could never be used.
    #[error("API key {sid} has no secret; write SID:SECRET")]
    ApiKeySecret {
        /// The key.
        sid: String,
    },
    /// Not a service's SID.
    #[error("service {sid:?} is no Verify service SID; write VA and 32 hexadecimal digits")]
    Service {
        /// What was given.
        sid: String,
    },
    /// Not a number.
    #[error("caller id {number:?} is no phone number in E.164 form, such as +15005550006")]
    From {
        /// What was given.
        number: String,
    },
    /// An empty key could never be told from a missing one.
    #[error("Authy key {position} is empty; leave it out, and one is made up")]
    Key {
        /// Which of the keys, from 1.
        position: usize,
    },
    /// The same thing twice.
    #[error("{name} is given twice; each must be another")]
    Twice {
        /// The SID or number.
        name: String,
    },
    /// The system's randomness fails.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What the emulator goes by, complete.
pub(super) struct Identity {
    pub(super) accounts: Vec<Account>,
    tests: Vec<Account>,
    pub(super) services: Vec<String>,
    pub(super) from: Vec<Number>,
    pub(super) authy_keys: Vec<Secret>,
}

/// One Twilio account.
pub(super) struct Account {
    pub(super) sid: String,
    pub(super) token: Secret,
    pub(super) keys: Vec<ApiKey>,
}

/// One API key of an account.
pub(super) struct ApiKey {
    pub(super) sid: String,
    secret: Secret,
    power: KeyPower,
}

impl Identity {
    /// Takes what is given, and makes up the rest.
    pub(super) fn of(options: EmulatorOptions, dice: &mut Dice) -> Result<Self, OptionsError> {
        let mut names: Vec<&str> = options.accounts.iter().map(|(sid, _)| sid.as_str()).collect();
        names.extend(options.test_accounts.iter().map(|(sid, _)| sid.as_str()));
        names.extend(options.api_keys.iter().map(|(sid, ..)| sid.as_str()));
        names.extend(options.services.iter().chain(&options.from).map(String::as_str));
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(OptionsError::Twice { name: pair[0].to_owned() });
        }
        let mut identity = Self {
            accounts: options.accounts.into_iter().map(Account::new).collect::<Result<_, _>>()?,
            tests: options.test_accounts.into_iter().map(Account::new).collect::<Result<_, _>>()?,
            services: Vec::new(),
            from: Vec::new(),
            authy_keys: Vec::new(),
        };
        let keys: Vec<ApiKey> = options.api_keys.into_iter().map(ApiKey::new).collect::<Result<_, _>>()?;
        for sid in options.services {
            if !is_sid(&sid, "VA") {
                return Err(OptionsError::Service { sid });
            }
            identity.services.push(sid);
        }
        for number in options.from {
            identity.from.push(Number::read(&number).ok_or(OptionsError::From { number })?);
        }
        for (index, key) in options.authy_keys.into_iter().enumerate() {
            if key.expose().is_empty() {
                return Err(OptionsError::Key { position: index + 1 });
            }
            identity.authy_keys.push(key);
        }
        identity.make_up(dice);
        if let Some(first) = identity.accounts.first_mut() {
            first.keys = keys;
        }
        Ok(identity)
    }

    fn make_up(&mut self, dice: &mut Dice) {
        if self.accounts.is_empty() {
            self.accounts.push(Account { sid: dice.sid("AC"), token: Secret::new(dice.hex()), keys: Vec::new() });
        }
        if self.services.is_empty() {
            self.services.push(dice.sid("VA"));
        }
        if self.from.is_empty() {
            // Any number of the range will do, and all of them can be read.
            let made = format!("+1500555{:04}", dice.below(10_000));
            self.from.extend(Number::read(&made));
        }
        if self.authy_keys.is_empty() {
            self.authy_keys.push(Secret::new(dice.hex()));
        }
    }

    /// Whose credentials the request carries.
    pub(super) fn caller(&self, asked: &Asked<'_>) -> Result<Caller<'_>, Refusal> {
        let (user, password) = asked.basic().ok_or_else(Refusal::credentials)?;
        if !is_sid(&user, "AC") && !is_sid(&user, "SK") {
            return Err(Refusal::new(401, 20003, "Authentication Error - invalid username"));
        }
        let tokens = self.accounts.iter().map(|account| (account, &account.sid, &account.token, Access::Token));
        let keys = self.accounts.iter().flat_map(|account| {
            account.keys.iter().map(move |key| (account, &key.sid, &key.secret, Access::Key(key.power)))
        });
        let tests = self.tests.iter().map(|account| (account, &account.sid, &account.token, Access::Test));
        let found = tokens.chain(keys).chain(tests).find(|(_, sid, ..)| **sid == user);
        let (account, _, secret, access) = found.ok_or_else(Refusal::credentials)?;
        match bool::from(secret.expose().as_bytes().ct_eq(password.as_bytes())) {
            true => Ok(Caller { account, access }),
            false => Err(Refusal::credentials()),
        }
    }

    /// Accounts of both kinds.
    pub(super) fn every_account(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().chain(&self.tests)
    }

    /// Which of the Authy applications has this key.
    pub(super) fn application(&self, key: &str) -> Option<usize> {
        // All are compared, so that the time does not tell how far one was.
        let matches = self.authy_keys.iter().map(|known| bool::from(known.expose().as_bytes().ct_eq(key.as_bytes())));
        matches.enumerate().fold(None, |found, (index, same)| if same { Some(index) } else { found })
    }
}

impl Account {
    fn new((sid, token): (String, Secret)) -> Result<Self, OptionsError> {
        if !is_sid(&sid, "AC") {
            return Err(OptionsError::Account { sid });
        }
        match token.expose().is_empty() {
            true => Err(OptionsError::Token { sid }),
            false => Ok(Self { sid, token, keys: Vec::new() }),
        }
    }
}

impl ApiKey {
    fn new((sid, secret, power): (String, Secret, KeyPower)) -> Result<Self, OptionsError> {
        if !is_sid(&sid, "SK") {
            return Err(OptionsError::ApiKey { sid });
        }
        match secret.expose().is_empty() {
            true => Err(OptionsError::ApiKeySecret { sid }),
            false => Ok(Self { sid, secret, power }),
        }
    }
}

/// A seed that nobody knows.
pub(super) fn random_seed() -> Result<u64, NoRandomness> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(u64::from_be_bytes(bytes))
}

/// Whether it is a SID of that prefix.
pub(super) fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl fmt::Debug for Identity {
    /// Without numbers and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts: Vec<_> = self.accounts.iter().map(|account| &account.sid).collect();
        f.debug_struct("Identity")
            .field("accounts", &accounts)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}
