//! The channels of a verification, and what a person gets by each.

use crate::emulate::emulator::Stage;
use crate::emulate::inbox::Arrival;
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::Refusal;

/// How a code travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Sms,
    Call,
    Email,
    Whatsapp,
    /// Silent Network Auth: there is no code, the network answers for the telephone. Nobody does here, so such a
    /// verification stays pending.
    Sna,
}

/// To whom.
#[derive(Clone)]
pub(super) enum Recipient {
    Phone(Number),
    Email(String),
}

impl Channel {
    const ALL: [Self; 5] = [Self::Sms, Self::Call, Self::Email, Self::Whatsapp, Self::Sna];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Sna => "sna",
        }
    }

    /// The channel of that name. `auto` is none: it leaves the choice to Twilio.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// As `send_code_attempts` writes it; Twilio's examples have both cases.
    pub(super) const fn as_attempt(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Call => "CALL",
            Self::Email => "EMAIL",
            Self::Whatsapp => "whatsapp",
            Self::Sna => "sna",
        }
    }

    /// Whether the channel leads to such a recipient.
    pub(super) const fn reaches(self, recipient: &Recipient) -> bool {
        matches!(recipient, Recipient::Email(_)) == matches!(self, Self::Email)
    }
}

impl Recipient {
    /// An E.164 number or an e-mail address.
    pub(super) fn read(text: &str) -> Option<Self> {
        let Some((name, domain)) = text.split_once('@') else {
            return Number::read(text).map(Self::Phone);
        };
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        let address = text.len() <= 254 && plain(name) && plain(domain);
        address.then(|| Self::Email(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Phone(number) => number.e164(),
            Self::Email(address) => address,
        }
    }

    pub(super) fn country(&self) -> Option<&str> {
        match self {
            Self::Phone(number) => number.country(),
            Self::Email(_) => None,
        }
    }

    pub(super) fn kind(&self, stage: &Stage) -> PhoneKind {
        match self {
            Self::Phone(number) => stage.phones.kind(number.e164()),
            Self::Email(_) => PhoneKind::Mobile,
        }
    }
}

/// Why nothing is sent to such a telephone, if so. `trusted` is a start with `RiskCheck=disable`, which for text
/// messages bypasses Fraud Guard and geo permissions (Twilio Verify, Verifications).
pub(super) fn refusal(recipient: &Recipient, kind: PhoneKind, channel: Channel, trusted: bool) -> Option<Refusal> {
    let to = recipient.as_str();
    let texts = channel == Channel::Sms;
    match kind {
        PhoneKind::Invalid => Some(Refusal::parameter("To")),
        PhoneKind::Crowded => Some(Refusal::new(429, 60212, "Too many concurrent requests for phone number")),
        // Twilio looks the number up only for services with LookupEnabled and SkipSmsToLandlines. Who marks a number as
        // a landline wants to see the refusal, so it does not depend on them here.
        PhoneKind::Landline if texts => Some(Refusal::new(403, 60205, "SMS is not supported by landline phone number")),
        PhoneKind::Blocked if texts && !trusted => {
            let prefix = to.get(..8).unwrap_or(to);
            let message = format!(
                "The destination phone number has been temporarily blocked by Twilio due to fraudulent activities. \
                 {prefix} prefix is blocked for the SMS channel. \
                 More information: https://www.twilio.com/docs/verify/preventing-toll-fraud"
            );
            Some(Refusal::new(403, 60410, message))
        }
        PhoneKind::NoPermission if channel == Channel::Call || texts && !trusted => {
            let channel = channel.name();
            let message = format!(
                "The destination phone number has been blocked by Verify Geo-Permissions. \
                 {to} is blocked for {channel} channel for all services"
            );
            Some(Refusal::new(403, 60605, message))
        }
        _ => None,
    }
}

/// What is sent.
pub(super) struct Wording<'a> {
    pub(super) brand: &'a str,
    pub(super) code: &'a str,
    pub(super) warning: bool,
    pub(super) app_hash: Option<&'a str>,
}

/// Sends a code; `false` where it does not arrive.
pub(super) fn send(stage: &mut Stage, recipient: &Recipient, channel: Channel, wording: &Wording<'_>) -> bool {
    let kind = recipient.kind(stage);
    let (name, arrives) = match channel {
        Channel::Sms => ("sms", kind.reads_texts()),
        Channel::Whatsapp => ("whatsapp", kind.reads_texts()),
        Channel::Call => ("voice", kind.answers_calls()),
        Channel::Email => ("email", true),
        Channel::Sna => return true,
    };
    if arrives {
        let (to, code) = (recipient.as_str().to_owned(), Some(wording.code.to_owned()));
        stage.inbox.push(Arrival {
            to,
            channel: name,
            text: wording.text(channel),
            code,
            time: stage.now,
            approval: None,
        });
    }
    arrives
}

impl Wording<'_> {
    /// The wording of Twilio's base template. It is English whatever the locale: the other translations are not
    /// published.
    fn text(&self, channel: Channel) -> String {
        let Self { brand, code, .. } = self;
        if channel == Channel::Call {
            let spoken: Vec<String> = code.chars().map(String::from).collect();
            let spoken = spoken.join(", ");
            return format!("Your {brand} verification code is: {spoken}. Once more: {spoken}.");
        }
        let mut text = format!("Your {brand} verification code is: {code}");
        if self.warning && channel == Channel::Sms {
            text.push_str(". Do not share this code with anyone.");
        }
        if let Some(hash) = self.app_hash {
            text.push_str("\n\n");
            text.push_str(hash);
        }
        text
    }
}
