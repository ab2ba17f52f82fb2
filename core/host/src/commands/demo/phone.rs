//! The person's phone: shows what exchanges carried, or what a cassette declares as sent.

use std::fmt;

use countersign_harness::cassette::SentMessage;

/// The columns of text on a screen.
const WIDTH: usize = 44;

/// A message that reached the phone.
pub(super) struct Screen(SentMessage);

impl Screen {
    /// The newest of these messages that is for this number, however it is spelled.
    pub(super) fn newest(messages: Vec<SentMessage>, number: &str) -> Option<Self> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let wanted = digits(number);
        messages.into_iter().rev().find(|message| digits(&message.to) == wanted).map(Self)
    }

    /// The code that a person reads there, or hears: the digits of the first line.
    pub(super) fn code(&self) -> String {
        self.first_line().chars().filter(char::is_ascii_digit).collect()
    }

    /// What is read or heard first; a call says it again.
    pub(super) fn first_line(&self) -> &str {
        self.0.text.lines().next().unwrap_or_default()
    }

    /// `shows` a message, `says` a call.
    pub(super) fn verb(&self) -> &'static str {
        if self.is_call() { "says" } else { "shows" }
    }

    fn is_call(&self) -> bool {
        self.0.channel == "voice"
    }
}

impl fmt::Display for Screen {
    /// A box, as wide as a phone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.is_call() { "Incoming call" } else { "New message" };
        writeln!(out, "  ╭─ {title} {}╮", "─".repeat(WIDTH - title.len() - 1))?;
        for line in self.0.text.lines().flat_map(wrapped) {
            let gap = WIDTH - line.chars().count();
            writeln!(out, "  │ {line}{} │", " ".repeat(gap))?;
        }
        write!(out, "  ╰{}╯", "─".repeat(WIDTH + 2))
    }
}

/// A line in pieces that fit on the screen, broken at spaces where there are any.
fn wrapped(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let piece = pieces.last().map_or(0, |piece| piece.chars().count());
            let gap = usize::from(piece > 0);
            let fits = word.len().min(WIDTH.saturating_sub(piece + gap));
            if fits == word.len() || (piece == 0 && fits > 0) {
                let rest = word.split_off(fits);
                if let Some(piece) = pieces.last_mut() {
                    piece.extend(std::iter::repeat_n(' ', gap).chain(word));
                }
                word = rest;
            }
            if word.is_empty() {
                break;
            }
            pieces.push(String::new());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, channel: &str, text: &str) -> SentMessage {
        SentMessage { to: to.to_owned(), channel: channel.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_newest_message_to_the_number_is_shown() {
        let inbox = || {
            vec![
                message("+1 5005550006", "sms", "first 111111"),
                message("+1 5005550006", "sms", "second 222222"),
                message("+15005550007", "sms", "another's 333333"),
            ]
        };
        assert_eq!(Screen::newest(inbox(), "+15005550006").unwrap().code(), "222222");
        assert!(Screen::newest(inbox(), "+15005550008").is_none());
    }

    #[test]
    fn the_code_of_a_call_is_heard_once() {
        let call = Screen(message("+1", "voice", "Your code is: 4, 7, 1.\nOnce more: 4, 7, 1."));
        assert_eq!((call.code().as_str(), call.verb()), ("471", "says"));
    }

    #[test]
    fn every_line_of_the_box_is_as_wide_as_the_others() {
        let long = format!("{} {}\nshort\n", "word ".repeat(30), "x".repeat(100));
        let screen = Screen(message("+1", "sms", &long)).to_string();
        let widths: Vec<_> = screen.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{screen}");
        assert_eq!(screen.matches('x').count(), 100);
    }
}
