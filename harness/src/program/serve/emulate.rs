//! `serve --emulate`: whose the emulator is, and what to tell whoever wants to use it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use countersign::secrets::Secret;
use countersign_harness::emulate::{Emulator, EmulatorOptions, KeyPower};

use super::callbacks::send_all;
use super::{Place, reachable};
use crate::program::Exit;

/// Where the printed bootstrap has the secrets from.
const TOKEN: &str = "EMULATOR_AUTH_TOKEN";
const KEY: &str = "EMULATOR_AUTHY_KEY";

/// Who may use the emulator. Of what is left out one is made up, and printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --emulate")]
pub(super) struct Identity {
    /// An account: AC and 32 hexadecimal digits, a colon, its auth token. May repeat; services, numbers and API keys
    /// are the first account's. Take no real token: others on this machine can read command lines.
    #[arg(long, value_name = "SID:TOKEN", requires = "emulate", conflicts_with = "cassette")]
    account: Vec<String>,
    /// Test credentials: AC and 32 hexadecimal digits, a colon, the token. Calls, messages and purchases of numbers by
    /// the magic numbers are answered and nothing happens; all else is refused. May repeat.
    #[arg(long, value_name = "SID:TOKEN", requires = "emulate", conflicts_with = "cassette")]
    test_account: Vec<String>,
    /// A standard API key: SK and 32 hexadecimal digits, a colon, its secret. May repeat.
    #[arg(long, value_name = "SID:SECRET", requires = "emulate", conflicts_with = "cassette")]
    api_key: Vec<String>,
    /// A main API key, which may see the account and its keys, too. May repeat.
    #[arg(long, value_name = "SID:SECRET", requires = "emulate", conflicts_with = "cassette")]
    main_key: Vec<String>,
    /// A Verify service: VA and 32 hexadecimal digits. May repeat.
    #[arg(long, value_name = "SID", requires = "emulate", conflicts_with = "cassette")]
    service: Vec<String>,
    /// A number to call from, in E.164 form. May repeat.
    #[arg(long, value_name = "NUMBER", requires = "emulate", conflicts_with = "cassette")]
    from: Vec<String>,
    /// The API key of an Authy application. May repeat.
    #[arg(long, value_name = "KEY", requires = "emulate", conflicts_with = "cassette")]
    authy_key: Vec<String>,
    /// Makes everything that is made up (credentials, ids, codes) the same in every run with this number. Without it,
    /// nobody can guess them.
    #[arg(long, value_name = "N", requires = "emulate", conflicts_with = "cassette")]
    seed: Option<u64>,
}

/// Emulates until the program is interrupted.
pub(super) fn run(identity: Identity, place: &Place, out: &mut impl Write) -> io::Result<Exit> {
    let made = Made { token: identity.account.is_empty(), key: identity.authy_key.is_empty() };
    let options = match options(identity) {
        Ok(options) => options,
        Err(option) => {
            writeln!(out, "BAD   {option}")?;
            return Ok(Exit::BadFile);
        }
    };
    let emulator = match Emulator::new(options) {
        Ok(emulator) => Arc::new(emulator),
        Err(error) => {
            writeln!(out, "BAD   {error}")?;
            return Ok(Exit::BadFile);
        }
    };
    let told = Arc::clone(&emulator);
    let callbacks = send_all(Arc::clone(&emulator));
    let served = place.serve(&emulator, out, callbacks, |out, address| {
        out.write_all(told_of(&told, &made, address, &place.base(address)).as_bytes())
    })?;
    Ok(served.unwrap_or(Exit::Passed))
}

/// An option that is not a pair. What was given is not shown: it may be the secret.
#[derive(Debug, thiserror::Error)]
#[error("{option} (number {number}) has no colon in it; write {shape}")]
struct NoColon {
    option: &'static str,
    /// Which of those that were given; the first is 1.
    number: usize,
    shape: &'static str,
}

fn options(identity: Identity) -> Result<EmulatorOptions, NoColon> {
    let pairs = |option: &'static str, shape: &'static str, given: Vec<String>| {
        let pair = |(index, text): (usize, String)| match text.split_once(':') {
            Some((sid, secret)) => Ok((sid.to_owned(), Secret::new(secret))),
            None => Err(NoColon { option, number: index + 1, shape }),
        };
        given.into_iter().enumerate().map(pair).collect::<Result<Vec<(String, Secret)>, NoColon>>()
    };
    let keys = |option: &'static str, given: Vec<String>, power: KeyPower| -> Result<Vec<_>, NoColon> {
        let pairs = pairs(option, "SID:SECRET", given)?;
        Ok(pairs.into_iter().map(|(sid, secret)| (sid, secret, power)).collect())
    };
    let mut api_keys = keys("--api-key", identity.api_key, KeyPower::Standard)?;
    api_keys.extend(keys("--main-key", identity.main_key, KeyPower::Main)?);
    Ok(EmulatorOptions {
        accounts: pairs("--account", "SID:TOKEN", identity.account)?,
        test_accounts: pairs("--test-account", "SID:TOKEN", identity.test_account)?,
        api_keys,
        services: identity.service,
        from: identity.from,
        authy_keys: identity.authy_key.into_iter().map(Secret::new).collect(),
        seed: identity.seed,
        clock: None,
    })
}

/// Which secrets were made up. Others are not repeated: whoever gave them knows them.
struct Made {
    token: bool,
    key: bool,
}

/// The lines below the first: where the phones are, and what to put into the shell and the bootstrap.
fn told_of(emulator: &Emulator, made: &Made, address: SocketAddr, base: &str) -> String {
    let mut text = format!("phones on {base}/_countersign/phones\n\n# For the shell:\n");
    let (sid, token) = emulator.accounts().next().unzip();
    let secrets = [(TOKEN, made.token, token), (KEY, made.key, emulator.authy_keys().next())];
    for (name, made, secret) in secrets {
        let secret = secret.map_or("", |secret| secret.expose());
        // Writing to a string does not fail.
        let _ = match made {
            true => writeln!(text, "export {name}={secret}"),
            false => writeln!(text, "# export {name}=… (the first that you gave)"),
        };
    }
    let sid = sid.unwrap_or_default();
    let service = emulator.services().next().unwrap_or_default();
    let from = emulator.from().next().unwrap_or_default();
    text.push_str("\n# For the bootstrap:\n");
    if !reachable(address).ip().is_loopback() {
        text.push_str("# (the engine sends plain http to loopback only: listen there for it)\n");
    }
    let _ = write!(
        text,
        "[services.sms]\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-verify\"\nauth_id = \"{sid}\"\n\
         auth_token = {{ env = \"{TOKEN}\" }}\nservice_sid = \"{service}\"\nbase_url = \"{base}\"\n\n\
         [services.voice]\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-voice\"\nmode = \"call\"\n\
         auth_id = \"{sid}\"\nauth_token = {{ env = \"{TOKEN}\" }}\nfrom = \"{from}\"\nbase_url = \"{base}\"\n\n\
         [services.authy]\nchannel = \"voice\"\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-voice\"\n\
         mode = \"authy\"\nauthy_api_key = {{ env = \"{KEY}\" }}\nbase_url = \"{base}\"\n"
    );
    text
}
