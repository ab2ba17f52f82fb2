//! What a manifest must not say: no host could keep it. The engine refuses such a manifest, and
//! [`check_manifest`](crate::testing::check_manifest) fails before it does.

use std::fmt;
use std::ops::RangeInclusive;

use super::{Channel, Checker, Maker, Manifest, Shape};
use crate::operation::OperationName;

/// Digits that a code may have, whoever makes it. A shorter one is guessed too soon.
pub const CODE_DIGITS: RangeInclusive<u8> = 4..=32;

/// The most characters of a provider's id.
pub const ID_LIMIT: usize = 40;

/// The most characters of a channel's or a mode's name.
pub const NAME_LIMIT: usize = 64;

/// The ways to make and to check a code; any other would leave a code that nobody can check. With each what it cannot
/// do without: a channel that lacks one of these can be chosen, but never approve anybody.
const WAYS: [(Maker, Checker, &[OperationName]); 5] = [
    (Maker::Provider, Checker::Provider, &[OperationName::Start, OperationName::Check]),
    (Maker::Engine, Checker::Engine, &[OperationName::Start]),
    (Maker::Device, Checker::Plugin, &[OperationName::Enroll, OperationName::ConfirmEnrollment, OperationName::Check]),
    (Maker::Device, Checker::Provider, &[OperationName::Check]),
    (Maker::Nobody, Checker::Provider, &[OperationName::Status]),
];

/// Something that a manifest must not say, as what "the manifest …" does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The id could not name a file.
    Id {
        /// The id.
        id: String,
    },
    /// A channel or mode that could not be written in a bootstrap.
    Name {
        /// The text.
        name: String,
    },
    /// One channel and mode stands twice. An entry without mode stands for every mode.
    ChannelTwice {
        /// The channel.
        channel: String,
    },
    /// A code that its checker could not know.
    MakerAndChecker {
        /// The channel.
        channel: String,
    },
    /// A channel on which nobody could ever be approved.
    CannotApprove {
        /// The channel.
        channel: String,
        /// The operations that are missing.
        missing: Vec<OperationName>,
    },
    /// Lengths of codes beyond [`CODE_DIGITS`], or the wrong way round.
    CodeDigits {
        /// The channel.
        channel: String,
        /// Fewest digits.
        fewest: u8,
        /// Most digits.
        most: u8,
    },
    /// A mode in `channels` or `egress` that the setting `mode` cannot have: nobody could choose it.
    Mode {
        /// Where it stands.
        place: &'static str,
        /// The mode.
        mode: String,
    },
    /// A name in `account` that is no setting: it would tell no two accounts apart.
    Account {
        /// The name.
        name: String,
    },
    /// A setting that is no secret and has one within, where the host could not take it out.
    SecretWithin {
        /// The setting.
        setting: String,
    },
}

impl Manifest {
    /// Everything that it must not say; empty for one that hosts can keep. Whether a host has
    /// what it [requires](Manifest::requires) is another question.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !Self::is_id(&self.id) {
            problems.push(Problem::Id { id: self.id.clone() });
        }
        for (number, channel) in self.channels.iter().enumerate() {
            self.check_channel(channel, &mut problems);
            let mut earlier = self.channels.iter().take(number);
            if earlier.any(|other| other.channel == channel.channel && overlaps(other, channel)) {
                problems.push(Problem::ChannelTwice { channel: in_mode(channel) });
            }
        }
        self.check_settings(&mut problems);
        problems
    }

    fn check_channel(&self, channel: &Channel, problems: &mut Vec<Problem>) {
        for name in [Some(&channel.channel), channel.mode.as_ref()].into_iter().flatten() {
            if !is_name(name) {
                problems.push(Problem::Name { name: name.clone() });
            }
        }
        let way = (channel.code_made_by, channel.code_checked_by);
        if let Some((_, _, needed)) = WAYS.iter().find(|(maker, checker, _)| (*maker, *checker) == way) {
            // What the plugin offers for all of its channels, it offers on this one.
            let lacks = |name: &&OperationName| !channel.operations.contains(name) && !self.operations.contains(name);
            let missing: Vec<_> = needed.iter().filter(lacks).copied().collect();
            if !missing.is_empty() {
                problems.push(Problem::CannotApprove { channel: in_mode(channel), missing });
            }
        } else {
            problems.push(Problem::MakerAndChecker { channel: in_mode(channel) });
        }
        let [fewest, most] = channel.code_digits;
        if fewest > most || !CODE_DIGITS.contains(&fewest) || !CODE_DIGITS.contains(&most) {
            problems.push(Problem::CodeDigits { channel: in_mode(channel), fewest, most });
        }
    }

    fn check_settings(&self, problems: &mut Vec<Problem>) {
        let shape = Shape::of(&self.settings);
        let modes = shape.choices("mode");
        let can_be = |mode: &str| shape.contains("mode") && (modes.is_empty() || modes.contains(&mode));
        let channels = self.channels.iter().map(|channel| ("channels", &channel.mode));
        let egress = self.egress.iter().map(|egress| ("egress", &egress.mode));
        for (place, mode) in channels.chain(egress) {
            if let Some(mode) = mode.as_ref().filter(|mode| !can_be(mode)) {
                problems.push(Problem::Mode { place, mode: mode.clone() });
            }
        }
        let strangers = self.account.iter().filter(|name| !shape.contains(name));
        problems.extend(strangers.map(|name| Problem::Account { name: name.clone() }));
        problems.extend(shape.around_a_secret().map(|setting| Problem::SecretWithin { setting: setting.to_owned() }));
    }
}

/// What bootstrap, messages and pages can show as it is.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= NAME_LIMIT
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

fn overlaps(one: &Channel, other: &Channel) -> bool {
    one.mode.is_none() || other.mode.is_none() || one.mode == other.mode
}

/// A channel as messages name it: `sms`, or `voice` in mode `call`.
fn in_mode(channel: &Channel) -> String {
    let name = channel.channel.escape_debug();
    match &channel.mode {
        Some(mode) => format!("`{name}` in mode `{}`", mode.escape_debug()),
        None => format!("`{name}`"),
    }
}

impl fmt::Display for Problem {
    /// A predicate without its subject: "describes the channel `sms` twice".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id { id } => write!(
                f,
                "has the id {id:?}, which is none: 1 to {ID_LIMIT} characters, a to z, 0 to 9 and `-`, beginning \
                 with a letter"
            ),
            Self::Name { name } => write!(
                f,
                "has a channel or mode {name:?}, which is no name: a to z, 0 to 9, `-` and `_`, beginning with a \
                 letter, at most {NAME_LIMIT}"
            ),
            Self::ChannelTwice { channel } => write!(f, "describes the channel {channel} twice"),
            Self::MakerAndChecker { channel } => write!(
                f,
                "says of the channel {channel} that one side makes the code and another checks it that cannot know it"
            ),
            Self::CannotApprove { channel, missing } => {
                let missing: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
                let missing = missing.join(", ");
                write!(
                    f,
                    "does not offer {missing} on the channel {channel}, without which nobody can be approved there"
                )
            }
            Self::CodeDigits { channel, fewest, most } => write!(
                f,
                "says of the channel {channel} that codes have {fewest} to {most} digits; they may have {} to {}",
                CODE_DIGITS.start(),
                CODE_DIGITS.end()
            ),
            Self::Mode { place, mode } => write!(
                f,
                "has the mode `{}` in `{place}`, which the setting `mode` in its schema cannot have",
                mode.escape_debug()
            ),
            Self::Account { name } => {
                write!(f, "names `{}` in `account`, which is no setting in its schema", name.escape_debug())
            }
            Self::SecretWithin { setting } => write!(
                f,
                "has a secret within the setting `{}`, where it could not be kept apart; it has to be a setting of its own",
                setting.escape_debug()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A provider with a channel in two modes and one without.
    fn sound() -> Value {
        let entry = |channel: &str, mode: Option<&str>, side: &str| {
            json!({
                "channel": channel, "mode": mode, "code_made_by": side, "code_checked_by": side,
                "destination": "phone", "operations": ["start", "check"],
            })
        };
        json!({
            "manifest": 1, "id": "sample", "version": "1.2.3", "vendor": {"name": "v"}, "delivery_type": "local",
            "labels": {}, "account": ["auth_id"],
            "channels": [
                entry("voice", Some("call"), "engine"), entry("voice", Some("authy"), "provider"),
                entry("sms", None, "provider"),
            ],
            "egress": [{"base": "https://h.example", "paths": ["/v1"], "mode": "call"}],
            "settings": {"properties": {
                "mode": {"oneOf": [{"const": "call"}, {"enum": ["authy", "other"]}]},
                "auth_id": {"type": "string"}, "auth_token": {"x-secret": true}, "list": {"type": "array"},
            }},
        })
    }

    fn problems(pointer: &str, value: Value) -> Vec<Problem> {
        let mut manifest = sound();
        *manifest.pointer_mut(pointer).expect("a place") = value;
        serde_json::from_value::<Manifest>(manifest).expect("a manifest").problems()
    }

    #[track_caller]
    fn check(pointer: &str, value: Value, expected: &[Problem]) {
        assert_eq!(problems(pointer, value), expected);
    }

    #[test]
    fn each_problem_is_found_by_itself() {
        let text = str::to_owned;
        let call = || text("`voice` in mode `call`");
        check("/labels", json!({}), &[]);
        check("/id", json!("Sample"), &[Problem::Id { id: text("Sample") }]);
        check("/channels/2/channel", json!("sms\n"), &[Problem::Name { name: text("sms\n") }]);
        check("/channels/2/mode", json!("other"), &[]);
        check("/channels/1/channel", json!("sms"), &[Problem::ChannelTwice { channel: text("`sms`") }]);
        check("/channels/1/mode", json!("call"), &[Problem::ChannelTwice { channel: call() }]);
        check("/channels/0/code_checked_by", json!("provider"), &[Problem::MakerAndChecker { channel: call() }]);
        let missing = vec![OperationName::Start];
        check("/channels/0/operations", json!([]), &[Problem::CannotApprove { channel: call(), missing }]);
        for [fewest, most] in [[3, 6], [6, 33], [8, 6]] {
            let problem = Problem::CodeDigits { channel: call(), fewest, most };
            let mut digits = sound();
            digits["channels"][0]["code_digits"] = json!([fewest, most]);
            assert_eq!(serde_json::from_value::<Manifest>(digits).expect("a manifest").problems(), [problem]);
        }
        let mode = |place, mode: &str| [Problem::Mode { place, mode: text(mode) }];
        check("/channels/1/mode", json!("call2"), &mode("channels", "call2"));
        check("/egress/0/mode", json!("old"), &mode("egress", "old"));
        check("/account/0", json!("authid"), &[Problem::Account { name: text("authid") }]);
        let within = json!({"items": {"x-secret": true}});
        check("/settings/properties/list", within, &[Problem::SecretWithin { setting: text("list") }]);
    }

    #[test]
    fn a_mode_needs_a_setting_and_is_free_where_that_is() {
        assert_eq!(problems("/settings/properties/mode", json!({"type": "string"})), []);
        let modes = ["call", "authy", "call"].into_iter().zip(["channels", "channels", "egress"]);
        let none: Vec<_> = modes.map(|(mode, place)| Problem::Mode { place, mode: mode.to_owned() }).collect();
        assert_eq!(problems("/settings", json!({"properties": {"auth_id": {}}})), none);
    }

    #[test]
    fn every_problem_is_told_in_one_line() {
        let many = json!([{
            "channel": "a\nb", "mode": "c\u{1b}", "code_made_by": "engine", "code_checked_by": "plugin",
            "destination": "phone", "operations": [], "code_digits": [0, 0],
        }]);
        let told: Vec<_> = problems("/channels", many).iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told.iter().all(|line| !line.contains(char::is_control)), "{told:?}");
    }
}
