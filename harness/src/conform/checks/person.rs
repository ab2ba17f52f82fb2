//! What a person reads: short, of this world, and silent about how things are set up.

use std::collections::BTreeSet;

use countersign_plugin::manifest::Shape;
use serde_json::Value;

use super::super::kit::Kit;
use super::super::performed::{End, Performed};
use super::super::report::Verdict;
use super::adverse::{self, PROVIDER_CODE};
use super::problems::Problems;

/// Longest text, in characters: it stands in a login form.
const LONGEST: usize = 200;

pub(in super::super) fn plain(kit: &Kit) -> Verdict {
    let mut problems = Problems::default();
    let mut read = BTreeSet::new();
    let forbidden = forbidden(kit);
    adverse::every(kit, &mut |_, performed| {
        for text in texts(performed) {
            if !read.insert(text.to_owned()) {
                continue;
            }
            if let Some(why) = objection(text, &forbidden) {
                problems.add(
                    format!("{}: the person would read {text:?}, which {why}", performed.place()),
                    "say what the person can do, and leave the rest to the operator's text",
                );
            }
        }
    });
    problems.verdict_with(format!("{} texts read", read.len()))
}

fn texts(performed: &Performed) -> Vec<&str> {
    match &performed.end {
        End::Failure(failure) => vec![&failure.person],
        End::Outcome(outcome) => outcome.get("instruction").and_then(Value::as_str).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Words of the set-up: names of settings, the provider's id, its hosts.
fn forbidden(kit: &Kit) -> Vec<String> {
    let manifest = kit.manifest();
    let shape = Shape::of(&manifest.settings);
    // A short name without a mark is a word like others: `from`, `mode`.
    let settings = shape.names().filter(|name| name.contains('_')).map(str::to_owned);
    let hosts = kit.subjects().flat_map(|subject| subject.hosts.clone());
    let ids = std::iter::once(manifest.id.clone()).filter(|id| id.contains('-'));
    settings.chain(hosts).chain(ids).collect()
}

fn objection(text: &str, forbidden: &[String]) -> Option<String> {
    let lower = text.to_lowercase();
    if text.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Some(format!("is longer than {LONGEST} characters"));
    }
    if text.contains(char::is_control) {
        return Some("has line breaks or control characters".to_owned());
    }
    if text.contains(PROVIDER_CODE) || text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() > 2) {
        return Some("holds a code or a number".to_owned());
    }
    if ["http", "zork", "://", "`", "{", "<"].iter().any(|mark| lower.contains(mark)) {
        return Some("holds technical detail or the provider's words".to_owned());
    }
    let word = forbidden.iter().find(|word| lower.contains(&word.to_lowercase()))?;
    Some(format!("names `{word}`"))
}

#[cfg(test)]
mod tests {
    use countersign_plugin::FailureKind;

    use super::*;

    #[test]
    fn the_standard_texts_are_plain() {
        for kind in [
            FailureKind::InvalidRecipient,
            FailureKind::Blocked,
            FailureKind::RateLimited,
            FailureKind::Expired,
            FailureKind::BadCredentials,
            FailureKind::Unavailable,
        ] {
            assert_eq!(objection(kind.person_text(), &["auth_id".to_owned()]), None);
        }
    }

    #[test]
    fn detail_is_objected_to() {
        let objections = |text: &str| objection(text, &["auth_id".to_owned(), "acme-sms".to_owned()]).is_some();
        for bad in ["", "Error 60203", "HTTP 503", "see `base_url`", "Check Auth_ID.", "acme-sms is down", "a\nb"] {
            assert!(objections(bad), "{bad:?}");
        }
        assert!(objections(&"x".repeat(LONGEST + 1)));
        assert!(!objections("Please wait 30 seconds."));
    }
}
