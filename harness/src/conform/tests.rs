//! The catalogue, and the tokens of counterexamples.

use std::collections::BTreeSet;

use super::*;

#[test]
fn ids_are_names_and_stand_once() {
    let ids: Vec<_> = catalogue().map(|check| check.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for check in catalogue() {
        assert!(check.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", check.id);
        assert!(!check.reason.is_empty() && !check.reason.ends_with('.') && check.reason.len() < 100, "{}", check.id);
    }
}

#[test]
fn a_token_comes_back_as_it_was_printed() {
    let token = Token::of("odd-replies", &serde_json::json!({"a": [1, "x"]}));
    let read: Token = token.to_string().parse().expect("a token");
    assert_eq!(read, token);
    assert_eq!(read.check(), "odd-replies");
    assert_eq!(read.case::<serde_json::Value>(), Some(serde_json::json!({"a": [1, "x"]})));
}

#[test]
fn what_is_no_token_says_what_one_looks_like() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = text.parse::<Token>().expect_err("no token").to_string();
        assert!(error.contains(expected), "{error}");
    }
    check("", "has to begin with the id of a check and a colon");
    check("no-such-check:e30", "`no-such-check:e30` is no token");
    check("odd-replies:e3", "damaged; copy it whole");
    check("odd-replies:###", "damaged; copy it whole");
}
