//! What reached people: text messages as they were shown, calls as they were spoken.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cassette::Shown;

/// Messages that are kept.
pub(super) const ROOM: usize = 1_000;

/// One text message, or one call.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The number in E.164 form, or the e-mail address.
    pub to: String,
    /// How it came: `sms`, `voice`, `whatsapp`, `email`, or `push` to an app.
    pub channel: &'static str,
    /// What was shown or spoken.
    pub text: String,
    /// The code in it, where there is one.
    pub code: Option<String>,
    /// When it was sent.
    pub time: Timestamp,
    /// The approval request that the person is to answer, for `POST approvals`.
    pub approval: Option<String>,
}

impl Arrival {
    pub(super) fn json(&self) -> Value {
        let mut body = json!({
            "to": self.to, "channel": self.channel, "text": self.text, "code": self.code,
            "time": self.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        if let Some(uuid) = &self.approval {
            body["approval"] = json!(uuid);
        }
        body
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("to", &Shown::of(&self.to))
            .field("channel", &self.channel)
            .field("text", &Shown::of(&self.text))
            .finish_non_exhaustive()
    }
}

/// The last messages, oldest first.
#[derive(Default)]
pub(super) struct Inbox {
    arrivals: VecDeque<(u64, Arrival)>,
    next: u64,
    dropped: u64,
}

impl Inbox {
    /// Adds a message, and says by what it can be withdrawn.
    pub(super) fn push(&mut self, arrival: Arrival) -> u64 {
        let id = self.next;
        self.next += 1;
        self.arrivals.push_back((id, arrival));
        if self.arrivals.len() > ROOM {
            self.arrivals.pop_front();
            self.dropped += 1;
        }
        id
    }

    /// Takes a message back, as that of a call that was canceled before anybody picked up.
    pub(super) fn withdraw(&mut self, id: u64) {
        self.arrivals.retain(|(known, _)| *known != id);
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arrival> {
        self.arrivals.iter().map(|(_, arrival)| arrival)
    }

    /// How many were dropped because there were too many.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(text: String) -> Arrival {
        Arrival {
            to: "+15005550006".to_owned(),
            channel: "sms",
            text,
            code: None,
            time: Timestamp::UNIX_EPOCH,
            approval: None,
        }
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let mut inbox = Inbox::default();
        for number in 0..ROOM + 3 {
            inbox.push(arrival(number.to_string()));
        }
        assert_eq!(inbox.dropped(), 3);
        assert_eq!(inbox.iter().count(), ROOM);
        assert_eq!(inbox.iter().next().map(|first| first.text.as_str()), Some("3"));
    }

    #[test]
    fn what_is_withdrawn_was_never_there() {
        let mut inbox = Inbox::default();
        let first = inbox.push(arrival("first".to_owned()));
        inbox.push(arrival("second".to_owned()));
        inbox.withdraw(first);
        assert_eq!(inbox.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["second"]);
        assert_eq!(inbox.dropped(), 0);
    }

    #[test]
    fn nothing_of_a_code_is_printed() {
        let printed = format!("{:?}", arrival("Your code is 135790".to_owned()));
        assert!(!printed.contains("135790") && !printed.contains("5005550006"), "{printed}");
    }
}
