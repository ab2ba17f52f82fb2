//! Everything that could tell a secret: logs, errors, answers, the audit and the files of the store.

use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::secrets::Secrets;

/// Takes down what it is shown.
pub(crate) struct Watch {
    logs: Logs,
    answers: Mutex<String>,
    files: Mutex<String>,
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Watch {
    /// From here on every log line of the process is taken down.
    pub(crate) fn begin() -> Self {
        let logs = Logs::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(logs.clone());
        subscriber.init();
        Self { logs, answers: Mutex::default(), files: Mutex::default() }
    }

    /// An answer in all the ways in which a host could print it.
    pub(crate) fn answer<T: Debug, E: Error>(&self, answer: Result<T, E>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.value(&answer);
                Some(answer)
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }

    /// An answer that must be one, lest nothing of what follows is tried.
    pub(crate) fn went_well<T: Debug, E: Error>(&self, answer: Result<T, E>) {
        drop(self.answer(answer).expect("this goes well"));
    }

    pub(crate) fn value(&self, value: &impl Debug) {
        self.text(&format!("{value:?}\n{value:#?}"));
    }

    /// An error with all its causes.
    pub(crate) fn error(&self, error: &dyn Error) {
        self.text(&format!("{error:?}\n{error:#?}"));
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.text(&error.to_string());
            cause = error.source();
        }
    }

    pub(crate) fn text(&self, text: &str) {
        writeln!(self.answers.lock().unwrap(), "{text}").unwrap();
    }

    /// All files of a folder as they are now, but for those that hold secrets by purpose.
    pub(crate) fn files(&self, folder: &Path) {
        let mut files = self.files.lock().unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            writeln!(files, "{}", path.display()).unwrap();
            files.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        }
    }

    /// Whether anything was told. What should have been seen was seen.
    pub(crate) fn judge(&self, secrets: &Secrets) {
        let logs = String::from_utf8(self.logs.0.lock().unwrap().clone()).unwrap();
        for expected in [
            "twilio-verify",
            "twilio-voice",
            "repeating a request",
            "number …, code …",
            "settings say so; number Some(\"…\"), code Some(\"…\")",
            "DEBUG",
        ] {
            assert!(logs.contains(expected), "the logs were taken down, and `{expected}` is not in them");
        }
        let answers = self.answers.lock().unwrap();
        for expected in
            ["Approved(", "WrongCode", "Replayed", "BadCredentials", "MalformedReply", "instruction: Some(\"… "]
        {
            assert!(answers.contains(expected), "`{expected}` was never answered");
        }
        let files = self.files.lock().unwrap();
        for expected in ["store.db-wal", "store.db-shm", "SQLite format 3", "web-portal"] {
            assert!(files.contains(expected), "`{expected}` is not on the disk");
        }
        secrets.must_not_be_in(&[("the log", &logs), ("an answer", &answers), ("a file", &files)]);
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
