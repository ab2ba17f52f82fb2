//! Sample inputs; change the fields that a test is about.

use crate::operation::{CheckCode, Enroll, Person, Phone, Purpose, Recipient, StartChallenge};
use crate::secret::Code;

/// `+15005550006`, a number that Twilio reserves for tests.
pub fn phone() -> Phone {
    Phone {
        e164: "+15005550006".to_owned(),
        country_code: "1".to_owned(),
        national: "5005550006".to_owned(),
        region: Some("US".to_owned()),
    }
}

/// A login on `channel` to [`phone`].
pub fn start(channel: &str) -> StartChallenge {
    StartChallenge {
        channel: channel.to_owned(),
        mode: None,
        purpose: Purpose::Login,
        recipient: Some(Recipient::Phone(phone())),
        code: None,
        person: Person::default(),
        enrollment: None,
    }
}

/// A check of `code` on `channel`, sent to [`phone`].
pub fn check(channel: &str, code: &str) -> CheckCode {
    CheckCode {
        channel: channel.to_owned(),
        mode: None,
        purpose: Purpose::Login,
        recipient: Some(Recipient::Phone(phone())),
        code: Code::new(code),
        enrollment: None,
        delivery: None,
    }
}

/// The enrollment of a device on `channel` for the account `ada`.
pub fn enroll(channel: &str) -> Enroll {
    Enroll {
        channel: channel.to_owned(),
        mode: None,
        person: Person { account: Some("ada".to_owned()), ..Person::default() },
    }
}
