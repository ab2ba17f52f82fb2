//! An authenticator app, and the program while it waits for the app's first code.

use std::io::{BufRead, BufReader, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use totp_rs::Totp;

use super::{Ran, Site, piped, ran};

/// An app that knows one secret. The site accepts codes of two periods before and after.
pub(crate) struct App {
    pub(crate) totp: Totp,
    pub(crate) key: String,
    /// Seconds since 1970 at the registration. Codes are counted from it: while the test runs, a period may end.
    registered: u64,
}

impl App {
    /// The code of this period, counted from the one of the registration.
    pub(crate) fn code(&self, period: i64) -> String {
        const PERIOD: i64 = 120;
        self.totp.generate(self.registered.checked_add_signed(period * PERIOD).unwrap()).to_string()
    }

    /// Registers an app, confirming with the code of the period before this one. `input` is what
    /// is typed before, where an approval is asked for.
    pub(crate) fn register(site: &Site, user: &str, input: &str, environment: &[(&str, &str)]) -> (Self, Ran) {
        Self::register_by(site, &["enroll", user, "--method", "totp", "--json"], input, environment)
    }

    /// The same by this command.
    pub(crate) fn register_by(site: &Site, by: &[&str], input: &str, environment: &[(&str, &str)]) -> (Self, Ran) {
        let mut command = site.command(by);
        let mut child = piped(command.envs(environment.iter().copied()));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        stdin.flush().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let shown: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no setup in {line:?}"));
        let app = Self {
            totp: Totp::from_url(shown["setup"]["uri"].as_str().unwrap()).unwrap(),
            key: shown["setup"]["key"].as_str().unwrap().to_owned(),
            registered: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        };
        writeln!(stdin, "{}", app.code(-1)).unwrap();
        drop(stdin);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
        let mut ran = ran(child.wait_with_output().unwrap());
        ran.stdout = rest;
        (app, ran)
    }
}
