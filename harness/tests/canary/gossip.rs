//! A plugin that writes everything it was given into its log and its failures, in every notation, and what a provider
//! told it of our credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::instance::Instance;
use countersign_plugin::step::{Action, Answer, Done, Level, LogLine, Step};
use countersign_plugin::{Data, Diagnosis, Failure, FailureKind, Fault, Finding, Manifest, Started};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::secrets::{TOKEN, in_lower_case};

pub(crate) struct Gossip {
    /// Whose manifest it bears.
    pub(crate) plugin: Arc<dyn Instance>,
    /// Whether it comes to outcomes, so that there is something to check.
    pub(crate) starts: AtomicBool,
}

impl Instance for Gossip {
    fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        let call: Value = serde_json::from_slice(call).unwrap();
        let text = gossip(&call);
        let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
        let logs = levels.map(|level| {
            // As a plugin without the SDK would write it.
            let mut line = LogLine::new(level, "");
            line.text.clone_from(&text);
            line
        });
        let done = if call["operation"].get("start").is_some() && self.starts.load(Ordering::SeqCst) {
            let delivery = Some(Data::from_json(1, json!({"sid": "VE00000000000000000000000000000007"})));
            let started = Started::new().delivery(delivery).instruction(text);
            Done::Outcome(serde_json::to_value(started).unwrap())
        } else if call["operation"].get("test_credentials").is_some() && self.starts.load(Ordering::SeqCst) {
            let finding = Finding::bad(text.clone(), text.clone()).remedy(text);
            Done::Outcome(serde_json::to_value(Diagnosis::new(vec![finding])).unwrap())
        } else {
            let failure = Failure::new(FailureKind::Misconfigured, text.clone()).person(text.clone()).code(text);
            Done::Failure(failure)
        };
        let mut answer = Answer::new(1, vec![Step::new(1, Action::Done(done))]);
        answer.logs = logs.into();
        Ok(serde_json::to_vec(&answer).unwrap())
    }

    fn resume(&self, _: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        panic!("nothing was asked: {} bytes", reply.len())
    }

    fn end(&self, _: u64) {}
}

fn gossip(call: &Value) -> String {
    let mut known = vec![TOKEN.to_owned(), format!("AC00000000000000000000000000000001:{TOKEN}")];
    strings(call, &mut known);
    let percent = |text: &String| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = |text: &String| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let notations: [&dyn Fn(&String) -> String; 6] = [
        &String::clone,
        &percent,
        &|text| in_lower_case(&percent(text)),
        &form,
        &|text| json!({ "it": text }).to_string(),
        &|text| STANDARD.encode(text),
    ];
    notations.iter().flat_map(|write| known.iter().map(write)).collect::<Vec<_>>().join(" ")
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(entries) => entries.values().for_each(|entry| strings(entry, found)),
        _ => {}
    }
}
