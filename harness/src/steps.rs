//! What a plugin asked for, byte for byte, as one digest: two runs of a case with the same digest asked the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::instance::Instance;
use countersign_plugin::{Fault, Manifest};
use ring::digest::{Context, SHA256};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::cassette::Sha256;

/// Listens to an instance, and changes nothing.
///
/// The digest is over every answer in its order, as the plugin wrote it: its steps, its log lines, and whatever a later
/// contract adds. It leaves out `handle`, which names the operation and asks for nothing: it counts the operations of
/// the process, so a case would otherwise have another digest after other cases. A fault counts as an answer.
pub struct Witness {
    instance: Arc<dyn Instance>,
    heard: Mutex<Context>,
}

impl Witness {
    /// A witness that has heard nothing yet.
    pub fn new(instance: Arc<dyn Instance>) -> Self {
        Self { instance, heard: Mutex::new(Context::new(&SHA256)) }
    }

    /// The digest of what the plugin answered so far.
    pub fn steps(&self) -> Sha256 {
        Sha256::so_far(&self.lock())
    }

    fn hear(&self, asked: Asked, answer: &Result<Vec<u8>, Fault>) {
        let mut heard = self.lock();
        heard.update(&[asked as u8, u8::from(answer.is_ok())]);
        match answer {
            Ok(bytes) => match members(bytes) {
                Some(members) => {
                    let members: Vec<_> = members.into_iter().filter(|(name, _)| name != "handle").collect();
                    heard.update(&size(members.len()));
                    for (name, value) in members {
                        sized(&mut heard, name.as_bytes());
                        sized(&mut heard, value);
                    }
                }
                // Not an answer. The engine will say so; here it is what the plugin said.
                None => sized(&mut heard, bytes),
            },
            Err(fault) => {
                sized(&mut heard, format!("{:?}", fault.kind).as_bytes());
                sized(&mut heard, fault.message.as_bytes());
                for line in &fault.logs {
                    sized(&mut heard, format!("{:?}", line.level).as_bytes());
                    sized(&mut heard, line.text.as_bytes());
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Context> {
        // What was heard before a panic elsewhere was heard.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instance for Witness {
    fn manifest(&self) -> &Manifest {
        self.instance.manifest()
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer = self.instance.begin(call);
        self.hear(Asked::Begin, &answer);
        answer
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer = self.instance.resume(handle, reply);
        self.hear(Asked::Resume, &answer);
        answer
    }

    fn end(&self, handle: u64) {
        self.instance.end(handle);
    }
}

/// What an answer answers.
#[derive(Clone, Copy)]
enum Asked {
    Begin = 1,
    Resume = 2,
}

/// With its length before it, so that no two sequences of bytes read the same.
fn sized(heard: &mut Context, bytes: &[u8]) {
    heard.update(&size(bytes.len()));
    heard.update(bytes);
}

fn size(length: usize) -> [u8; 8] {
    (length as u64).to_le_bytes()
}

/// The members of a JSON object in their order, each value as it is written; `None` where it is no object with members.
fn members(bytes: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut rest = bytes.trim_ascii().strip_prefix(b"{")?;
    let mut members = Vec::new();
    loop {
        let (name, _, after) = value::<String>(rest)?;
        let (IgnoredAny, written, after) = value(after.trim_ascii_start().strip_prefix(b":")?)?;
        members.push((name, written));
        rest = match after.trim_ascii_start() {
            b"}" => return Some(members),
            more => more.strip_prefix(b",")?,
        };
    }
}

/// The JSON value at the beginning: read, as written, and what follows it.
fn value<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, &[u8], &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let value = values.next()?.ok()?;
    let (written, after) = bytes.split_at_checked(values.byte_offset())?;
    Some((value, written, after))
}

#[cfg(test)]
mod tests {
    use countersign_plugin::step::LogLine;
    use countersign_plugin::{FaultKind, Level};

    use super::*;

    struct Silent;

    impl Instance for Silent {
        fn manifest(&self) -> &Manifest {
            unreachable!("nobody asks for it")
        }

        fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
            Ok(call.to_vec())
        }

        fn resume(&self, _: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
            Err(Fault::new(FaultKind::Panicked, String::from_utf8_lossy(reply)))
        }

        fn end(&self, _: u64) {}
    }

    /// The digest of an operation whose first answer is this.
    fn steps(answers: &[&str]) -> Sha256 {
        let witness = Witness::new(Arc::new(Silent));
        for answer in answers {
            assert_eq!(witness.begin(answer.as_bytes()).expect("echoes"), answer.as_bytes());
        }
        witness.steps()
    }

    #[test]
    fn a_handle_is_no_step() {
        let answer = |handle: &str| steps(&[&format!(r#"{{{handle}"steps":[{{"id":1,"do":{{}}}}]}}"#)]);
        for handle in [r#""handle":7,"#, r#" "handle" : 8 , "#, r#""h\u0061ndle":9,"#] {
            assert_eq!(answer(handle), answer(""), "{handle}");
        }
        assert_eq!(steps(&[r#"{"steps":[],"handle":7}"#]), steps(&[r#"{"steps":[]}"#]));
        let within = |handle: u64| steps(&[&format!(r#"{{"steps":[{{"do":{{"handle":{handle}}}}}]}}"#)]);
        assert_ne!(within(7), within(8));
    }

    #[test]
    fn every_other_byte_counts() {
        let answers = [
            r#"{"steps":[{"id":1,"do":{"a":1,"b":2}}]}"#,
            r#"{"steps":[{"id":1,"do":{"b":2,"a":1}}]}"#,
            r#"{"steps":[{"id":1,"do":{"a":1,"b": 2}}]}"#,
            r#"{"steps":[{"id":1,"do":{"\u0061":1,"b":2}}]}"#,
            r#"{"steps":[],"logs":[{"level":"warn","text":"x"}]}"#,
            r#"{"logs":[{"level":"warn","text":"x"}],"steps":[]}"#,
            r#"{"steps":[]}"#,
            "{}",
            "[]",
            "",
            r#"{"steps":[]"#,
            r#"{"steps":[]}}"#,
        ];
        for (at, one) in answers.iter().enumerate() {
            for other in &answers[at + 1..] {
                assert_ne!(steps(&[one]), steps(&[other]), "{one} {other}");
            }
        }
    }

    #[test]
    fn order_number_and_faults_of_answers_count() {
        let (one, other) = (r#"{"steps":[1]}"#, r#"{"steps":[2]}"#);
        assert_ne!(steps(&[one, other]), steps(&[other, one]));
        assert_ne!(steps(&[one]), steps(&[one, one]));
        let faulty = |message: &str| {
            let witness = Witness::new(Arc::new(Silent));
            assert!(witness.resume(1, message.as_bytes()).is_err());
            witness.steps()
        };
        assert_ne!(faulty("one"), faulty("other"));
        let talks = |text: &str| {
            let witness = Witness::new(Arc::new(Silent));
            let fault = Fault::new(FaultKind::Panicked, "one").logs(vec![LogLine::new(Level::Info, text)]);
            witness.hear(Asked::Resume, &Err(fault));
            witness.steps()
        };
        assert_ne!(talks("a"), talks("b"), "what was logged before a fault counts");
        assert_ne!(faulty("one"), steps(&["one"]));
        assert_eq!(faulty("one"), faulty("one"));
    }
}
