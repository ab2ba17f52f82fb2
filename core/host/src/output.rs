//! Answers: text for people, or with `--json` JSON for scripts, a document a line, on standard output.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{LineStyle, Table};
use serde::Serialize;
use serde_json::json;
use terminal_size::terminal_size_of;

use crate::error::CommandError;
use crate::words::shown;

/// How answers are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// JSON or text.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether scripts read it.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Writes the answer of a command.
    ///
    /// # Errors
    /// Where standard output cannot be written to.
    pub(crate) fn answer(self, answer: &(impl Serialize + Display)) -> Result<(), CommandError> {
        if self.json {
            let document = serde_json::to_string(answer).map_err(io::Error::from)?;
            self.line(&document)
        } else {
            self.line(&answer.to_string())
        }
    }

    /// Says something to the person on the way; scripts are not bothered with it.
    ///
    /// # Errors
    /// Where standard output cannot be written to.
    pub(crate) fn say(self, text: &str) -> Result<(), CommandError> {
        if self.json { Ok(()) } else { self.line(text) }
    }

    /// Reports an error: for people on standard error, for scripts on standard output too.
    pub(crate) fn error(self, error: &CommandError) {
        let message = error.to_string();
        self.failure(error.kind(), &message);
        for line in shown(&message).lines() {
            // There is nobody left to be told that this could not be written.
            let _ = writeln!(io::stderr(), "error: {line}");
        }
    }

    /// Reports an error to scripts; people are told of it elsewhere.
    pub(crate) fn failure(self, kind: &str, message: &str) {
        if self.json {
            let document = json!({ "error": { "kind": kind, "message": message } });
            // It is on standard error as well.
            let _ = self.line(&document.to_string());
        }
    }

    /// Reports wrong usage to scripts, apart from how it is used.
    pub(crate) fn misuse(self, message: &str, usage: Option<&str>) {
        if self.json {
            let document = json!({ "error": { "kind": "usage", "message": message, "usage": usage } });
            let _ = self.line(&document.to_string());
        }
    }

    fn line(self, text: &str) -> Result<(), CommandError> {
        // JSON has escapes of its own.
        let text = if self.json { Cow::Borrowed(text) } else { Cow::Owned(shown(text)) };
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
            // The reader has seen enough, as `head` has.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}

/// The columns of whatever shows standard output: `COLUMNS`, or else those of the terminal. `None` where it is neither.
pub(crate) fn width() -> Option<u16> {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    asked.or_else(|| Some(terminal_size_of(io::stdout())?.0.0)).filter(|columns| *columns > 0)
}

/// An empty table of the program's one style.
pub(crate) fn table(heading: &[&str]) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(NOTHING.header_separator(rule)).set_header(heading);
    table
}
