//! The person's authenticator app: knows what the QR code says, and nothing else.

use countersign_plugin::Timestamp;
use totp_rs::{Totp, TotpError};

/// An app that has scanned one code.
pub(super) struct App(Totp);

impl App {
    /// Scans the address that a QR code holds.
    pub(super) fn scan(uri: &str) -> Result<Self, TotpError> {
        Totp::from_url(uri).map(Self)
    }

    /// What it shows at this moment.
    pub(super) fn code(&self, now: Timestamp) -> String {
        self.0.generate(now.as_secs()).to_string()
    }

    /// When it shows the next code.
    pub(super) fn next(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_secs(self.0.next_step(now.as_secs()))
    }

    /// A code that it shows neither now nor anywhere near.
    pub(super) fn wrong_code(&self, now: Timestamp) -> String {
        const NEAR: u64 = 600;
        let mut near = Vec::new();
        let mut at = Timestamp::from_secs(now.as_secs().saturating_sub(NEAR));
        while at.as_secs() <= now.as_secs() + NEAR {
            near.push(self.code(at));
            at = self.next(at);
        }
        let digits = self.code(now).len();
        // There are more candidates than codes near by.
        (0..=near.len()).map(|it| format!("{it:0digits$}")).find(|it| !near.contains(it)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/ACME:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME";

    #[test]
    fn it_shows_the_codes_of_rfc_6238() {
        let app = App::scan(URI).unwrap();
        assert_eq!(app.code(Timestamp::from_secs(59)), "287082");
        assert_eq!(app.next(Timestamp::from_secs(59)), Timestamp::from_secs(60));
        assert_eq!(app.code(Timestamp::from_secs(1_111_111_109)), "081804");
    }

    #[test]
    fn a_wrong_code_is_of_the_right_length_and_wrong_for_minutes() {
        let app = App::scan(URI).unwrap();
        let wrong = app.wrong_code(Timestamp::from_secs(1_111_111_109));
        assert_eq!(wrong.len(), 6);
        for minutes in 0..10 {
            assert_ne!(app.code(Timestamp::from_secs(1_111_111_109 + 60 * minutes)), wrong);
        }
    }
}
