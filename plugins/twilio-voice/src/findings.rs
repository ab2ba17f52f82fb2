//! Findings of `test_credentials`, each about one setting.

use countersign_plugin::{Failure, FailureKind, Finding, Health};

pub(crate) fn good(subject: &str, message: &str) -> Finding {
    finding(subject, Health::Good, message, None)
}

pub(crate) fn notice(subject: &str, message: &str) -> Finding {
    finding(subject, Health::Notice, message, None)
}

pub(crate) fn bad(subject: &str, message: &str, remedy: impl Into<String>) -> Finding {
    finding(subject, Health::Bad, message, Some(remedy.into()))
}

pub(crate) fn unknown(subject: &str, message: impl Into<String>) -> Finding {
    finding(subject, Health::Unknown, message, None)
}

/// A refusal as a finding about `subject`, where a setting can mend it.
///
/// # Errors
/// The failure itself where the service is to blame or cannot be understood.
pub(crate) fn refused(subject: &str, failure: Failure) -> Result<Finding, Failure> {
    match failure.kind {
        FailureKind::BadCredentials | FailureKind::Misconfigured | FailureKind::Blocked => {
            Ok(finding(subject, Health::Bad, failure.to_string(), None))
        }
        _ => Err(failure),
    }
}

fn finding(subject: &str, state: Health, message: impl Into<String>, remedy: Option<String>) -> Finding {
    Finding { subject: subject.to_owned(), state, message: message.into(), remedy }
}
