//! Findings of `test_credentials`, each about one setting.

use countersign_plugin::{Failure, FailureKind, Finding};

pub(crate) fn good(subject: &str, message: &str) -> Finding {
    Finding::good(subject, message)
}

pub(crate) fn notice(subject: &str, message: &str) -> Finding {
    Finding::notice(subject, message)
}

pub(crate) fn bad(subject: &str, message: &str, remedy: impl Into<String>) -> Finding {
    Finding::bad(subject, message).remedy(remedy)
}

pub(crate) fn unknown(subject: &str, message: impl Into<String>) -> Finding {
    Finding::unknown(subject, message)
}

/// A refusal as a finding about `subject`, where a setting can mend it. The operator's texts say
/// what is wrong and, after the first semicolon, what to do.
///
/// # Errors
/// The failure itself where the service is to blame or cannot be understood.
pub(crate) fn refused(subject: &str, failure: Failure) -> Result<Finding, Failure> {
    if !is_to_be_mended(failure.kind) {
        return Err(failure);
    }
    let (what, remedy) = failure.operator.split_once("; ").unwrap_or((&failure.operator, LOOK_UP));
    let message = match &failure.provider_code {
        Some(code) => format!("{what} (provider code {code})"),
        None => what.to_owned(),
    };
    Ok(bad(subject, &message, remedy))
}

const LOOK_UP: &str = "look the code up in the provider's documentation";

const fn is_to_be_mended(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::BadCredentials | FailureKind::Misconfigured | FailureKind::Blocked)
}

#[cfg(test)]
mod tests {
    use countersign_plugin::{Effect, Reply, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::{authy, call};

    #[test]
    fn every_refusal_that_can_be_mended_says_how() {
        #[track_caller]
        fn check(failure: Failure) {
            if let Ok(finding) = refused("x", failure) {
                let remedy = finding.remedy.as_deref().unwrap_or_default();
                assert!(!remedy.is_empty() && remedy != LOOK_UP, "{finding:?}");
            }
        }
        for table in [&call::TABLE, &authy::TABLE] {
            for row in table.rows {
                check(Failure::new(row.kind, row.operator));
            }
            for status in 100..600 {
                let reply = Reply::from_json(status, &json!({}));
                check(table.failure(&reply, Effect::Read, Timestamp::from_secs(0)));
            }
        }
    }

    #[test]
    fn a_refusal_becomes_what_is_wrong_and_what_to_do() {
        let failure = Failure::new(FailureKind::Misconfigured, "the cat sits on it; lift her; then go on").code("7");
        let finding = refused("sofa", failure).expect("a finding");
        assert_eq!(finding, bad("sofa", "the cat sits on it (provider code 7)", "lift her; then go on"));
        let finding = refused("sofa", Failure::new(FailureKind::Blocked, "no")).expect("a finding");
        assert_eq!(finding, bad("sofa", "no", LOOK_UP));
        assert!(refused("sofa", Failure::new(FailureKind::Unavailable, "down; wait")).is_err());
    }
}
