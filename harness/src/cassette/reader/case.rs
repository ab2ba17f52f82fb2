//! Checks the test that a cassette carries.

use std::time::Duration;

use countersign_plugin::{OperationName, Timestamp};
use serde_json::Value;

use super::check_keys;
use crate::cassette::case::{Case, CaseOperation, Setting};
use crate::cassette::format::{CaseFormat, OperationFormat};
use crate::cassette::problem::Problem;
use crate::cassette::unknown::UnknownWord;

pub(super) fn checked(format: CaseFormat) -> Result<Case, Problem> {
    check_keys("log._countersign.case", &format.unknown, CaseFormat::KEYS)?;
    let clock: jiff::Timestamp = format.clock.parse().map_err(|_| Problem::Clock)?;
    let clock = u64::try_from(clock.as_millisecond()).map_err(|_| Problem::Clock)?;
    let settings = format
        .settings
        .0
        .into_iter()
        .map(|(name, value)| Ok((name.clone(), setting(name, value)?)))
        .collect::<Result<_, Problem>>()?;
    if format.operations.is_empty() {
        return Err(Problem::NoOperations);
    }
    Ok(Case {
        plugin: format.plugin,
        channel: format.channel,
        mode: format.mode,
        settings,
        clock: Timestamp::from_millis(clock),
        seed: format.seed,
        operations: format
            .operations
            .into_iter()
            .enumerate()
            .map(|(at, format)| operation(at, format))
            .collect::<Result<_, Problem>>()?,
    })
}

fn setting(name: String, value: Value) -> Result<Setting, Problem> {
    let Value::Object(members) = &value else {
        return Ok(Setting::Plain(value));
    };
    match (members.get("secret"), members.len()) {
        (None, _) => Ok(Setting::Plain(value)),
        (Some(Value::String(secret)), 1) if *secret == name => Ok(Setting::Secret),
        (Some(_), _) => Err(Problem::SecretReference { name }),
    }
}

fn operation(at: usize, format: OperationFormat) -> Result<CaseOperation, Problem> {
    let object = format!("log._countersign.case.operations[{at}]");
    check_keys(&object, &format.unknown, OperationFormat::KEYS)?;
    if format.expect.0.is_empty() {
        return Err(Problem::NoExpectation { operation: at });
    }
    Ok(CaseOperation {
        operation: UnknownWord::look_up(
            format!("{object}.operation"),
            &format.operation,
            &OperationName::ALL.iter().map(|name| (*name, name.as_str())).collect::<Vec<_>>(),
        )?,
        after: Duration::from_secs(format.after_seconds),
        input: format.input.0,
        expect: format.expect.0,
    })
}
