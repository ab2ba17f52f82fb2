//! Settings against a schema such as plugins have.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::bootstrap::Bootstrap;

const CANARY: &str = "c4n4ry-5ecret";

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["auth_id", "auth_token"],
        "properties": {
            "auth_id": {"type": "string", "pattern": "^AC[0-9a-f]{4}$", "description": "Account SID:\nAC and four digits\n"},
            "auth_token": {"$ref": "#/$defs/SecretRef", "description": "Auth Token of the account"},
            "spare_token": {"anyOf": [{"$ref": "#/$defs/SecretRef"}, {"type": "null"}]},
            "from": {"type": ["string", "null"], "pattern": "^\\+[0-9]+$"},
            "mode": {"enum": ["call", "authy"]},
            "pause": {"type": "integer", "minimum": 1, "maximum": 9},
            "rate": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]},
            "loud": {"type": "boolean"},
            "languages": {"type": "array", "items": {"type": "string", "maxLength": 5}},
            "extra": {"type": "object", "required": ["deep"], "properties": {"deep": {"type": "integer"}}},
            "note": {"type": "string"},
        },
        "$defs": {
            "SecretRef": {
                "type": "object",
                "x-secret": true,
                "required": ["secret"],
                "properties": {"secret": {"type": "string"}},
            },
        },
    })
}

/// A bootstrap with one service, in a folder with one good secret.
struct Case {
    folder: TempDir,
    variables: Vec<(String, String)>,
    text: String,
}

impl Case {
    /// Settings, from line 5 on.
    fn of(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let case = Self {
            folder,
            variables: Vec::new(),
            text: format!("version = 1\n[services.voice]\ndelivery_type = \"local\"\nprovider = \"acme\"\n{settings}"),
        };
        case.file("good", format!("  {CANARY}\r\n").as_bytes());
        case
    }

    /// Settings after those that are required.
    fn with(settings: &str) -> Self {
        let required = "auth_id = \"AC1234\"\nauth_token = { file = \"good\" }";
        Self::of(&format!("{required}\n{settings}"))
    }

    fn file(&self, name: &str, content: &[u8]) {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn resolve_by(&self, schema: &Value) -> Result<ResolvedSettings, SettingsError> {
        let path = self.folder.path().join("countersign.toml");
        fs::write(&path, &self.text).unwrap();
        let bootstrap = Bootstrap::read_with(&path, self.variables.clone()).unwrap();
        assert!(!format!("{bootstrap:?}").contains(CANARY));
        let resolved = bootstrap.services["voice"].resolve(schema, self.folder.path());
        assert!(!format!("{resolved:?}").contains(CANARY));
        if let Ok(resolved) = &resolved {
            assert!(!resolved.json.to_string().contains(CANARY));
        }
        resolved
    }

    #[track_caller]
    fn resolved(&self) -> ResolvedSettings {
        self.resolve_by(&schema()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn refused(&self, facts: &[&str]) {
        let said = self.resolve_by(&schema()).unwrap_err().to_string();
        for fact in facts {
            assert!(said.contains(fact), "{fact:?} is not in: {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains(CANARY), "{said}");
    }
}

const TOKEN: &str = "COUNTERSIGN_SERVICES__VOICE__AUTH_TOKEN";

#[test]
fn secrets_are_taken_out_and_trimmed() {
    let resolved = Case::with("note = \"n\"\npause = 2").resolved();
    let expected = json!({
        "auth_id": "AC1234",
        "auth_token": {"secret": "auth_token"},
        "note": "n",
        "pause": 2,
    });
    assert_eq!(resolved.json, expected);
    assert_eq!(resolved.secrets.named("auth_token").unwrap().expose(), CANARY);
    assert_eq!(resolved.secrets.iter().count(), 1);
}

#[test]
fn a_secret_comes_from_a_file_a_variable_or_our_own_variable() {
    let named = Case::of("auth_id = \"AC1234\"\nauth_token = { env = \"TWILIO\" }");
    let resolved = named.variable("TWILIO", CANARY).resolved();
    assert_eq!(resolved.secrets.named("auth_token").unwrap().expose(), CANARY);

    let bare = Case::of("auth_id = \"AC1234\"").variable(TOKEN, CANARY);
    assert_eq!(bare.resolved().secrets.named("auth_token").unwrap().expose(), CANARY);

    let over = Case::with("").variable(TOKEN, "{\"other\": 1}");
    assert_eq!(over.resolved().secrets.named("auth_token").unwrap().expose(), "{\"other\": 1}");

    let twice = Case::of("auth_id = \"AC1234\"").variable(&format!("{TOKEN}__ENV"), "TWILIO");
    let resolved = twice.variable("TWILIO", CANARY).resolved();
    assert_eq!(resolved.secrets.named("auth_token").unwrap().expose(), CANARY);

    let file = Case::of("auth_id = \"AC1234\"").variable(&format!("{TOKEN}__FILE"), "good");
    assert_eq!(file.resolved().secrets.named("auth_token").unwrap().expose(), CANARY);

    let spare = Case::with("spare_token = { file = \"good\" }").resolved();
    assert_eq!(spare.json["spare_token"], json!({"secret": "spare_token"}));
}

#[track_caller]
fn check_secret(setting: &str, facts: &[&str]) {
    let case = Case::of(&format!("auth_id = \"AC1234\"\nauth_token = {setting}"));
    case.file("empty", b" \r\n\t");
    case.file("long", &[b'x'; 4097]);
    case.file("latin", b"caf\xe9-c4n4ry-5ecret");
    case.file("lines", format!("{CANARY}\n{CANARY}").as_bytes());
    case.file("nul", format!("{CANARY}\0{CANARY}").as_bytes());
    fs::create_dir(case.folder.path().join("folder")).unwrap();
    let place = ["countersign.toml:6: `services.voice.auth_token`"];
    case.refused(&[&place, facts].concat());
}

/// A value that does not say in a known way where the secret is: the ways are told.
#[track_caller]
fn check_form(setting: &str, facts: &[&str]) {
    check_secret(setting, &[facts, &["; write auth_token = { file = \"FILE\" }", TOKEN]].concat());
}

#[test]
fn a_secret_that_cannot_be_had_is_told_with_the_remedy() {
    let bare = format!("\"{CANARY}\"");
    check_form(&bare, &["stands in the bootstrap file"]);
    check_secret("{ file = \"none\" }", &["/none, which does not exist; create that file, or correct its name"]);
    check_secret("{ file = \"folder\" }", &["/folder, which is a folder, not a file"]);
    check_secret("{ file = \"empty\" }", &["/empty, and what it holds is empty"]);
    check_secret("{ file = \"long\" }", &["/long, and what it holds is longer than 4096 bytes"]);
    check_secret("{ file = \"latin\" }", &["/latin, and what it holds is not UTF-8"]);
    check_secret("{ file = \"lines\" }", &["/lines, and what it holds has a line break"]);
    check_secret("{ file = \"nul\" }", &["/nul, and what it holds has a line break or another control"]);
    check_secret("{ env = \"NOT_SET\" }", &["environment variable NOT_SET, which is not set"]);
    check_form("{ env = \"E\", file = \"good\" }", &["has both `file` and `env`"]);
    check_form("{ fil = \"good\" }", &["is no reference to a secret"]);
    check_form("{ file = \"good\", mode = 1 }", &["is no reference to a secret"]);
    check_form("{ file = \"\" }", &["is no reference to a secret"]);
    check_form("1234", &["is no reference to a secret"]);
    check_form("[]", &["is no reference to a secret"]);
    let empty = Case::of("auth_id = \"AC1234\"").variable(TOKEN, " \n");
    empty.refused(&[&format!("environment variable {TOKEN}: `services.voice.auth_token` is empty")]);
    let lines = Case::of("auth_id = \"AC1234\"\nauth_token = { env = \"T\" }");
    lines.variable("T", "a\nb").refused(&["variable T, and what it holds has a line break"]);
}

#[test]
fn a_secret_of_the_greatest_length_is_read_whole() {
    let case = Case::of("auth_id = \"AC1234\"\nauth_token = { file = \"long\" }");
    case.file("long", &[b'x'; 4096]);
    assert_eq!(case.resolved().secrets.named("auth_token").unwrap().expose().len(), 4096);
    case.file("long", "\u{feff}token".as_bytes());
    assert_eq!(case.resolved().secrets.named("auth_token").unwrap().expose(), "token");
}

#[test]
fn what_is_shared_is_overlaid_setting_by_setting() {
    let case = Case::of(
        "note = \"own\"\n[providers.acme]\nauth_id = \"AC1234\"\nauth_token = { file = \"good\" }\nnote = \"shared\"",
    );
    let resolved = case.variable("COUNTERSIGN_PROVIDERS__ACME__PAUSE", "3").resolved();
    assert_eq!(resolved.json["auth_id"], "AC1234");
    assert_eq!(resolved.json["note"], "own");
    assert_eq!(resolved.json["pause"], 3);

    let shared = Case::of("auth_token = { file = \"good\" }\n[providers.acme]\nauth_id = \"BC\"");
    shared.refused(&["countersign.toml:7: `providers.acme.auth_id` is text of 2 characters"]);
}

#[test]
fn an_unknown_setting_is_told_with_the_nearest_one() {
    Case::with("form = \"+1\"")
        .refused(&["countersign.toml:7: `services.voice.form` is no setting of plugin `acme`; did you mean `from`?"]);
    Case::with("chanel = \"x\"").refused(&["did you mean `channel`?"]);
    Case::with("zzz = 1").refused(&["it has auth_id, auth_token, extra, from"]);
    let variable = Case::with("").variable("COUNTERSIGN_SERVICES__VOICE__PAUSES", "1");
    variable.refused(&["variable COUNTERSIGN_SERVICES__VOICE__PAUSES: `services.voice.pauses`", "`pause`"]);
}

#[test]
fn a_value_that_does_not_fit_is_told_with_what_does() {
    #[track_caller]
    fn check(setting: &str, facts: &[&str]) {
        Case::with(setting).refused(&[&["countersign.toml:7: `services.voice."], facts].concat());
    }
    check("pause = \"2\"", &["voice.pause` is text of 1 character; it has to be a whole number"]);
    check("pause = 0", &["voice.pause` is 0; it has to be at least 1"]);
    check("pause = 10", &["is 10; it has to be at most 9"]);
    check("mode = \"fax\"", &["voice.mode` is \"fax\"; it has to be one of \"call\", \"authy\""]);
    check("from = \"1500\"", &["is text of 4 characters; it has to be text that matches ^\\+[0-9]+$"]);
    check("from = 15", &["is a number; it has to be", "text", "or", "null"]);
    check("rate = 0", &["is 0; it has to be more than 0"]);
    check("rate = \"x\"", &["is text of 1 character; it has to be a number"]);
    check("languages = [\"en\", \"toolong\"]", &["voice.languages.1` is text of 7 characters; it has to be at most 5"]);
    check("extra = {}", &["voice.extra.deep` is missing"]);
    check("extra = { deep = \"x\" }", &["voice.extra.deep` is text of 1 character; it has to be a whole number"]);
    check(
        "note = { file = \"good\" }",
        &["voice.note` is not a secret by its plugin's manifest; write its value here"],
    );
    Case::of("auth_id = \"BC\"\nauth_token = { file = \"good\" }").refused(&[
        "countersign.toml:5: `services.voice.auth_id` is text of 2 characters; it has to be text that matches",
        "(Account SID: AC and four digits)",
    ]);
}

#[test]
fn a_missing_setting_is_told_with_the_ways_to_set_it() {
    Case::of("auth_token = { file = \"good\" }").refused(&[
        "countersign.toml:2: `services.voice.auth_id` is missing (Account SID: AC and four digits)",
        "set it in [services.voice] or [providers.acme], or by COUNTERSIGN_SERVICES__VOICE__AUTH_ID",
    ]);
    Case::of("auth_id = \"AC1234\"").refused(&[
        "`services.voice.auth_token` is missing (Auth Token of the account); set auth_token = { file = \"FILE\" }",
    ]);
}

#[test]
fn a_missing_setting_is_told_at_the_line_of_its_service_though_a_variable_sets_another() {
    let case = Case::of("").variable("COUNTERSIGN_SERVICES__VOICE__AUTH_ID", "AC1234");
    case.refused(&["countersign.toml:2: `services.voice.auth_token` is missing"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let case = Case::of("auth_token = \"x\"\nform = 1\npause = 0\nmode = 1");
    let Err(SettingsError::Invalid { service, faults }) = case.resolve_by(&schema()) else {
        panic!("accepted");
    };
    assert_eq!(service, "voice");
    let mut keys: Vec<_> = faults.iter().map(|fault| fault.key.rsplit_once('.').unwrap().1).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["auth_id", "auth_token", "form", "mode", "pause"]);
}

#[test]
fn a_variable_is_parsed_by_the_type_in_the_schema() {
    #[track_caller]
    fn check(name: &str, value: &str, expected: Value) {
        let variable = format!("COUNTERSIGN_SERVICES__VOICE__{}", name.to_uppercase());
        let resolved = Case::with("").variable(&variable, value).resolved();
        assert_eq!(resolved.json[name], expected);
    }
    check("note", "123456", json!("123456"));
    check("note", "true", json!("true"));
    check("note", "", json!(""));
    check("from", "+15005550006", json!("+15005550006"));
    check("mode", "call", json!("call"));
    check("pause", " 3 ", json!(3));
    check("rate", "0.5", json!(0.5));
    check("rate", "2", json!(2));
    check("loud", "true", json!(true));
    check("languages", "en, de", json!(["en", "de"]));
    check("languages", "[\"en\"]", json!(["en"]));
    check("extra", "{\"deep\": 1}", json!({"deep": 1}));
    let wrong = Case::with("").variable("COUNTERSIGN_SERVICES__VOICE__PAUSE", "soon");
    wrong.refused(&[
        "COUNTERSIGN_SERVICES__VOICE__PAUSE: `services.voice.pause` is text of 4 characters; it has to be a whole",
    ]);
}

#[test]
fn a_variable_finds_a_setting_that_is_spelled_with_hyphens() {
    let schema = json!({"additionalProperties": false, "properties": {"auth-id": {"type": "string"}}});
    let case = Case::of("").variable("COUNTERSIGN_SERVICES__VOICE__AUTH_ID", "x");
    assert_eq!(case.resolve_by(&schema).unwrap().json, json!({"auth-id": "x"}));
    let written = Case::of("auth_id = \"x\"").resolve_by(&schema).unwrap_err();
    assert!(written.to_string().contains("did you mean `auth-id`?"));
}

#[test]
fn of_several_modes_the_one_that_was_meant_is_told_of() {
    let schema = json!({
        "oneOf": [
            {
                "additionalProperties": false,
                "required": ["mode", "auth_id", "from"],
                "properties": {"mode": {"const": "call"}, "auth_id": {"type": "string"}, "from": {"type": "string"}},
            },
            {
                "additionalProperties": false,
                "required": ["mode", "authy_api_key"],
                "properties": {"mode": {"const": "authy"}, "authy_api_key": {"type": "object", "x-secret": true}},
            },
        ],
    });
    let said = |settings: &str| Case::of(settings).resolve_by(&schema).unwrap_err().to_string();
    let authy = said("mode = \"authy\"");
    assert!(authy.contains("`services.voice.authy_api_key` is missing"), "{authy}");
    assert_eq!(authy.lines().count(), 1, "{authy}");
    let call = said("mode = \"call\"\nfrom = \"+1\"");
    assert!(call.contains("`services.voice.auth_id` is missing"), "{call}");
    let both = said("mode = \"call\"\nauth_id = \"x\"\nfrom = \"+1\"\nauthy_api_key = { file = \"good\" }");
    assert!(both.contains("`services.voice.authy_api_key` has no place here"), "{both}");
}

#[test]
fn a_secret_in_the_wrong_setting_is_not_repeated() {
    let case = Case::of("auth_id = \"c4n4ry-5ecret\"\nauth_token = { file = \"good\" }");
    case.refused(&["`services.voice.auth_id` is a secret; it has to be text that matches"]);
}

#[test]
fn a_token_in_the_wrong_setting_is_not_repeated_though_nobody_knows_that_it_is_one() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    for (wrong, told) in [
        (format!("auth_id = \"{TOKEN}\""), "is text of 32 characters; it has to be text that matches"),
        (format!("mode = \"{TOKEN}\""), "is text of 32 characters; it has to be one of"),
        (format!("pause = \"{TOKEN}\""), "is text of 32 characters; it has to be a whole number"),
        (format!("mode = [\"{TOKEN}\"]"), "is a list; it has to be one of"),
        (format!("note = {{ x = \"{TOKEN}\" }}"), "is a table; it has to be text"),
        (format!("languages = [\"{TOKEN}\"]"), "is text of 32 characters; it has to be at most 5 characters"),
    ] {
        // The secret's own setting names a file that is not there.
        let said = Case::of(&format!("{wrong}\nauth_token = {{ file = \"none\" }}")).resolve_by(&schema()).unwrap_err();
        let (said, debugged) = (said.to_string(), format!("{said:?}"));
        assert!(said.contains(told), "{said}");
        assert!(!said.contains(&TOKEN[..8]) && !debugged.contains(&TOKEN[..8]), "{debugged}");
    }
}

#[test]
fn what_two_rules_of_a_schema_say_is_told_once() {
    let schema = json!({"required": ["auth_id"], "allOf": [{"required": ["auth_id"]}]});
    let said = Case::of("").resolve_by(&schema).unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_schema_that_is_none_is_the_fault_of_the_plugin() {
    let schema = json!({"properties": {"auth_id": {"type": "strin"}}});
    let said = Case::with("").resolve_by(&schema).unwrap_err().to_string();
    assert!(said.contains("plugin `acme`"), "{said}");
    assert!(said.contains("/properties/auth_id/type"), "{said}");
}

#[test]
fn a_secret_within_a_setting_is_the_fault_of_the_plugin() {
    let schema = json!({"properties": {"accounts": {"items": {"x-secret": true}}}});
    let said = Case::of("").resolve_by(&schema).unwrap_err().to_string();
    assert!(said.contains("plugin `acme` has a secret within setting `accounts`"), "{said}");
}

#[test]
fn a_fallback_is_resolved_by_itself() {
    let case = Case::with(
        "[[services.voice.fallback]]\ndelivery_type = \"local\"\nprovider = \"other\"\nauth_id = \"AC5678\"",
    );
    let path = case.folder.path().join("countersign.toml");
    fs::write(&path, &case.text).unwrap();
    let bootstrap = Bootstrap::read_with(&path, []).unwrap();
    let fallback = &bootstrap.services["voice"].fallback[0];
    let said = fallback.resolve(&schema(), case.folder.path()).unwrap_err().to_string();
    // What the service itself is given is not the fallback's, which has a provider of its own.
    assert!(said.contains("toml:7: `services.voice.fallback[0].auth_token` is missing"), "{said}");
    assert!(said.contains("set COUNTERSIGN_PROVIDERS__OTHER__AUTH_TOKEN"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_secret_does_not_show() {
    let resolved = Case::with("").resolved();
    assert_eq!(format!("{:?}", resolved.secrets.named("auth_token").unwrap()), "Secret(…)");
    assert!(format!("{resolved:#?}").contains("Secret(…)"));
}

proptest! {
    #[test]
    fn text_of_a_variable_is_taken_verbatim(value in "[^\0]{0,40}", digits in "[+]?[0-9]{1,30}") {
        for value in [value, digits] {
            let resolved = Case::with("").variable("COUNTERSIGN_SERVICES__VOICE__NOTE", &value).resolved();
            prop_assert_eq!(resolved.json["note"].as_str(), Some(value.as_str()));
        }
    }

    #[test]
    fn no_settings_make_it_panic_or_show_the_secret(
        names in proptest::sample::subsequence(vec!["auth_id", "pause", "note", "extra", "form", "spare_token"], 0..6),
        values in proptest::collection::vec(
            proptest::sample::select(vec!["''", "1", "[1]", "{ file = 'good' }", "{ env = 'X', file = 'good' }", "{}"]),
            6,
        ),
        token in proptest::sample::select(vec!["{ file = 'good' }", "'c4n4ry-5ecret'", "['c4n4ry-5ecret']", "{ x = 'c4n4ry-5ecret' }"]),
    ) {
        let lines = names.iter().zip(values).map(|(name, value)| format!("{name} = {value}\n"));
        let settings: String = lines.chain([format!("auth_token = {token}")]).collect();
        // `resolve_by` looks for the canary in everything that can be shown.
        if let Err(error) = Case::of(&settings).resolve_by(&schema()) {
            prop_assert!(!error.to_string().contains(CANARY), "{}", error);
        }
    }
}
