//! What the kit gives to operations: values that belong to nobody, and that are found again wherever they turn up.

use countersign_plugin::manifest::{Channel, Destination, Maker};
use countersign_plugin::{
    AskStatus, CancelChallenge, CheckCode, Code, ConfirmEnrollment, Data, Enroll, Operation, OperationName, Person,
    Phone, Provision, Purpose, Receive, Recipient, Scope, StartChallenge, TestCredentials, Timestamp, Unenroll,
};
use serde_json::Value;

use super::performed::{End, Performed};

/// 2026-01-15T12:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_768_478_400_000);
/// The value of every secret, where the kit needs one. No plugin ever sees it.
pub(super) const SECRET: &str = "kit5ecretkit5ecretkit5ecretkit5e";
/// What the names of references to secrets begin with; the setting's own name follows.
pub(super) const REFERENCE: &str = "kitreference_";
/// Digits of the codes that the kit makes.
pub(super) const DIGITS: &str = "83529174605318462957036184729350";

/// Who is asked, and where they are reached.
pub(super) struct Somebody {
    pub(super) e164: &'static str,
    pub(super) national: &'static str,
    pub(super) email: &'static str,
    pub(super) account: &'static str,
}

/// NANP 555-01XX, RFC 2606.
pub(super) const ADA: Somebody = Somebody {
    e164: "+12025550147",
    national: "2025550147",
    email: "kit.ada@host.example",
    account: "kit-account-ada",
};

/// Somebody else.
pub(super) const BOB: Somebody = Somebody {
    e164: "+12025550188",
    national: "2025550188",
    email: "kit.bob@host.example",
    account: "kit-account-bob",
};

impl Somebody {
    pub(super) fn phone(&self) -> Phone {
        Phone::new(self.e164, "1", self.national).region("US".to_owned())
    }

    pub(super) fn recipient(&self, destination: Destination) -> Option<Recipient> {
        match destination {
            Destination::Phone => Some(Recipient::Phone(self.phone())),
            Destination::Email => Some(Recipient::Email(self.email.to_owned())),
            Destination::Device | Destination::None => None,
        }
    }

    pub(super) fn person(&self) -> Person {
        let (account, email) = (self.account.to_owned(), self.email.to_owned());
        Person::default().account(account).email(email).locale("en".to_owned())
    }
}

/// What one operation leaves to the next, as the engine's store does.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) delivery: Option<Data>,
    pub(super) enrollment: Option<Data>,
    /// What the person's app was set up with.
    pub(super) uri: Option<String>,
}

impl Memory {
    pub(super) fn take(&mut self, performed: &Performed) {
        if performed.name() == OperationName::Start {
            self.delivery = None;
        }
        for (scope, data) in &performed.kept {
            match scope {
                Scope::Delivery => self.delivery = Some(data.clone()),
                Scope::Enrollment => self.enrollment = Some(data.clone()),
            }
        }
        let End::Outcome(outcome) = &performed.end else { return };
        let holder = match performed.name() {
            OperationName::ConfirmEnrollment => outcome.get("confirmed").unwrap_or(&Value::Null),
            _ => outcome,
        };
        let data = |field: &str| holder.get(field).and_then(|data| serde_json::from_value::<Data>(data.clone()).ok());
        if let Some(delivery) = data("delivery") {
            self.delivery = Some(delivery);
        }
        if let Some(enrollment) = data("enrollment") {
            self.enrollment = Some(enrollment);
        }
        if let Some(uri) = outcome.pointer("/setup/uri").and_then(Value::as_str) {
            self.uri = Some(uri.to_owned());
        }
    }
}

/// The operation as the engine would ask for it; none where it needs an enrollment and there is none.
pub(super) fn operation(
    name: OperationName,
    channel: Option<&Channel>,
    somebody: &Somebody,
    memory: &Memory,
    code: &str,
) -> Option<Operation> {
    let mode = channel.and_then(|it| it.mode.clone());
    let recipient = channel.and_then(|it| somebody.recipient(it.destination));
    let made_here = channel.is_some_and(|it| it.code_made_by == Maker::Engine).then(|| Code::new(code));
    let channel = channel.map(|it| it.channel.clone()).unwrap_or_default();
    let Memory { delivery, enrollment, .. } = memory.clone();
    let purpose = Purpose::Login;
    Some(match name {
        OperationName::TestCredentials => Operation::TestCredentials(TestCredentials::default()),
        OperationName::Provision => Operation::Provision(Provision::new(true)),
        OperationName::Enroll => Operation::Enroll(Enroll::new(channel).mode(mode).person(somebody.person())),
        OperationName::ConfirmEnrollment => {
            Operation::ConfirmEnrollment(ConfirmEnrollment::new(channel, enrollment?, Code::new(code)).mode(mode))
        }
        OperationName::Unenroll => Operation::Unenroll(Unenroll::new(channel).mode(mode).enrollment(enrollment)),
        OperationName::Start => Operation::Start(
            StartChallenge::new(channel, purpose)
                .mode(mode)
                .recipient(recipient)
                .code(made_here)
                .person(somebody.person())
                .enrollment(enrollment),
        ),
        OperationName::Check => Operation::Check(
            CheckCode::new(channel, purpose, Code::new(code))
                .mode(mode)
                .recipient(recipient)
                .enrollment(enrollment)
                .delivery(delivery),
        ),
        OperationName::Cancel => Operation::Cancel(CancelChallenge::new(channel).mode(mode).delivery(delivery)),
        OperationName::Status => {
            Operation::Status(AskStatus::new(channel).mode(mode).recipient(recipient).delivery(delivery))
        }
        OperationName::Receive => Operation::Receive(
            Receive::new("POST", "https://host.example/callback")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body("Status=delivered")
                .delivery(delivery),
        ),
    })
}

/// A code of the kit's, as long as the channel takes them; six digits where it may.
pub(super) fn code(channel: Option<&Channel>) -> &'static str {
    let [fewest, most] = channel.map_or([6, 6], |it| it.code_digits);
    let digits = 6_u8.clamp(fewest.min(most), most.max(fewest));
    DIGITS.get(..usize::from(digits)).unwrap_or(DIGITS)
}

/// Another code of the same length: every digit differs.
pub(super) fn other_code(code: &str) -> String {
    code.chars()
        .map(|c| c.to_digit(10).and_then(|digit| char::from_digit((digit + 5) % 10, 10)).unwrap_or('0'))
        .collect()
}

/// What an authenticator app shows that was set up with this key URI (RFC 6238).
pub(super) fn shown_by_app(uri: &str, now: Timestamp) -> Option<String> {
    let uri = url::Url::parse(uri).ok().filter(|uri| uri.scheme() == "otpauth")?;
    let field = |name: &str| uri.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let algorithm = match field("algorithm").as_deref() {
        Some("SHA256") => totp_rs::Algorithm::SHA256,
        Some("SHA512") => totp_rs::Algorithm::SHA512,
        _ => totp_rs::Algorithm::SHA1,
    };
    let digits = field("digits").and_then(|digits| digits.parse().ok()).unwrap_or(6);
    let period = field("period").and_then(|period| period.parse().ok()).filter(|period| *period > 0).unwrap_or(30);
    let secret = totp_rs::Secret::try_from_base32(&field("secret")?).ok()?;
    let builder = totp_rs::Builder::new().with_algorithm(algorithm).with_digits(digits).with_step_duration(period);
    let app = builder.with_secret(secret).build().ok()?;
    Some(app.generate(now.as_secs()).to_string())
}
