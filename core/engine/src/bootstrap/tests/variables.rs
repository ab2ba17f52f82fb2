//! The environment over the file.

use serde_json::json;

use super::*;

#[test]
fn a_variable_wins_over_the_file_and_the_file_over_the_default() {
    let text = "version = 1\n[limits]\ncode_digits = 7\nguess_lock_seconds = 60";
    let bootstrap = read(text, &[("COUNTERSIGN_LIMITS__CODE_DIGITS", " 8 ")]).unwrap();
    assert_eq!(bootstrap.limits.code_digits, 8);
    assert_eq!(bootstrap.limits.guess_lock_seconds, 60);
    assert_eq!(bootstrap.limits.attempts_per_user, 10);
}

#[test]
fn variables_set_all_kinds_of_values() {
    let text = format!("{TOTP}[two_factor.login_types]\nweb_portal = \"nobody\"");
    let variables = [
        ("COUNTERSIGN_TWO_FACTOR__ENABLED", "false"),
        ("COUNTERSIGN_TWO_FACTOR__TOTP", "disabled"),
        ("COUNTERSIGN_TWO_FACTOR__REGISTRATION", ""),
        ("COUNTERSIGN_TWO_FACTOR__LOGIN_TYPES__WEB_PORTAL", "everyone"),
        ("COUNTERSIGN_TWO_FACTOR__LOGIN_TYPES__HELP_DESK", "flagged-users"),
        ("COUNTERSIGN_LIMITS__ALLOWED_COUNTRIES", "GB, us ,"),
        ("COUNTERSIGN_PLUGINS__SEARCH", r#"["/a,b", "/c"]"#),
        ("COUNTERSIGN_SERVICES__SPARE_APP__PROVIDER", "totp-two"),
        ("COUNTERSIGN_SERVICES__SPARE_APP__DELIVERY_TYPE", "local"),
        ("COUNTERSIGN_PROVIDERS__TOTP_TWO__ISSUER", "ACME"),
        ("COUNTERSIGN_PLUGINS__TOTP_TWO__FILE", "/p.so"),
        ("COUNTERSIGN_BOOTSTRAP", "elsewhere"),
        ("COUNTERSIGN_LOG", "debug"),
        ("HOME", "/root"),
    ];
    let bootstrap = read(&text, &variables).unwrap();
    let two_factor = &bootstrap.two_factor;
    assert!(!two_factor.enabled);
    assert!(!two_factor.channel_enabled("totp"));
    assert_eq!(two_factor.registration, Registration { phone: false, app: false });
    // The file has `_`, so the variable means `_`; what the file does not have is spelled with `-`.
    assert_eq!(two_factor.login_types["web_portal"], WhoMustPass::Everyone);
    assert_eq!(two_factor.login_types["help-desk"], WhoMustPass::FlaggedUsers);
    assert_eq!(two_factor.login_types.len(), 2);
    assert!(bootstrap.limits.allowed_countries.iter().eq(["GB", "US"]));
    let search = bootstrap.plugins.search.unwrap();
    assert_eq!(search, [Path::new("/a,b"), Path::new("/c")]);
    let spare = &bootstrap.services["spare-app"];
    assert_eq!(spare.provider, "totp-two");
    let name = "COUNTERSIGN_PROVIDERS__TOTP_TWO__ISSUER".to_owned();
    assert!(spare.settings.origins().eq([("issuer", &Origin::Variable { name })]));
    assert_eq!(bootstrap.plugins.pins["totp-two"].file.as_deref(), Some(Path::new("/p.so")));
}

#[track_caller]
fn refused_variable(name: &str, value: &str, facts: &[&str]) {
    refused(TOTP, &[(name, value)], &[&[name], facts].concat());
}

#[test]
fn a_variable_that_sets_nothing_is_named() {
    refused_variable(
        "COUNTERSIGN_LIMITS__CODE_DIGTS",
        "6",
        &["`limits.code_digts` is not known; did you mean `COUNTERSIGN_LIMITS__CODE_DIGITS`?"],
    );
    refused_variable("COUNTERSIGN_LIMIT__CODE_DIGITS", "6", &["did you mean `COUNTERSIGN_LIMITS`?"]);
    refused_variable("COUNTERSIGN_LIMITS", "6", &["`limits` is not known", "COUNTERSIGN_LIMITS__CODE_DIGITS"]);
    refused_variable("COUNTERSIGN_VERSION__X", "6", &["did you mean `COUNTERSIGN_VERSION`?"]);
    refused_variable("COUNTERSIGN_", "6", &["is not known"]);
    refused_variable("COUNTERSIGN_FOO", "6", &["COUNTERSIGN_LIMITS", "COUNTERSIGN_BOOTSTRAP", "COUNTERSIGN_LOG"]);
    refused_variable("COUNTERSIGN_LOGS", "6", &["did you mean `COUNTERSIGN_LOG`?"]);
    refused_variable("COUNTERSIGN_SERVICES____X", "6", &["is not known"]);
    refused_variable("COUNTERSIGN_SERVICES__TOTP__A__B", "6", &["`services.totp.a.b` is part of a setting"]);
    refused_variable("COUNTERSIGN_SERVICES__TOTP__FALLBACK__0", "6", &["cannot be set by the environment"]);
    refused_variable("COUNTERSIGN_SERVICES__TOTP__FALLBACK", "6", &["cannot be set by the environment"]);
    refused_variable("COUNTERSIGN_LIMITS__CODE_DIGITS", "six", &["`limits.code_digits` is text"]);
    refused_variable("COUNTERSIGN_LIMITS__CODE_DIGITS", "0", &["is 0; it has to be from 4 to 10 digits"]);
    refused_variable("COUNTERSIGN_LIMITS__ALLOWED_COUNTRIES", "[1]", &["`limits.allowed_countries` is text"]);
}

#[test]
fn two_variables_or_keys_that_a_variable_cannot_tell_apart_are_named() {
    refused(
        TOTP,
        &[("COUNTERSIGN_LIMITS__CODE_DIGITS", "6"), ("countersign_limits__code_digits", "7")],
        &["variable countersign_limits__code_digits", "is also set by COUNTERSIGN_LIMITS__CODE_DIGITS"],
    );
    refused(
        "version = 1\n[two_factor.login_types]\na-b = \"nobody\"\na_b = \"nobody\"",
        &[("COUNTERSIGN_TWO_FACTOR__LOGIN_TYPES__A_B", "everyone")],
        &["fits both `a-b` and `a_b`"],
    );
}

#[test]
fn two_variables_for_one_secret_are_named() {
    const TOKEN: &str = "COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN";
    for reference in ["COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN__FILE", "COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN__ENV"] {
        let variables = [(TOKEN, "x"), (reference, "y")];
        refused(TOTP, &variables, &[&format!("variable {reference}"), &format!("is also set by {TOKEN};")]);
    }
}

/// The settings of the service `totp`, as they were read.
#[track_caller]
fn settings_of_totp(text: &str, variables: &[(&str, &str)]) -> RawSettings {
    read(text, variables).unwrap().services["totp"].settings.clone()
}

#[test]
fn a_reference_by_variable_replaces_the_one_of_the_file() {
    const FILE: &str = "COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN__FILE";
    const ENV: &str = "COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN__ENV";
    for (written, variable, value, expected) in [
        ("{ file = \"a\" }", ENV, "TOKEN", json!({"env": "TOKEN"})),
        ("{ env = \"A\" }", FILE, "/b", json!({"file": "/b"})),
        ("{ file = \"a\" }", FILE, "/b", json!({"file": "/b"})),
        ("\"in clear\"", ENV, "TOKEN", json!({"env": "TOKEN"})),
    ] {
        let text = format!("{TOTP}auth_token = {written}\nissuer = \"ACME\"");
        let settings = settings_of_totp(&text, &[(variable, value)]);
        assert_eq!(settings.0["auth_token"].value, expected, "{written} under {variable}");
        assert_eq!(settings.0["auth_token"].origin, Origin::Variable { name: variable.to_owned() });
        assert_eq!(settings.0["issuer"].value, "ACME", "what stands beside it stays");
    }
}

#[test]
fn a_variable_of_ours_may_hold_a_secret_to_which_a_variable_refers() {
    let variables = [("COUNTERSIGN_SERVICES__TOTP__AUTH_TOKEN__ENV", "COUNTERSIGN_TOKEN"), ("COUNTERSIGN_TOKEN", "x")];
    settings_of_totp(TOTP, &variables);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let folder = Folder::with("a.toml", TOTP);
    let value = std::ffi::OsString::from_vec(vec![0xff]);
    let environment = Environment::new([("COUNTERSIGN_LIMITS__CODE_DIGITS".to_owned(), value)]);
    let read = Bootstrap::read_over(&folder.0.path().join("a.toml"), &environment);
    let said = read.unwrap_err().to_string();
    assert!(said.contains("COUNTERSIGN_LIMITS__CODE_DIGITS: `limits.code_digits` is set to something"));
}

#[test]
fn a_variable_of_ours_may_hold_a_secret_to_which_the_file_refers() {
    let text = format!("{TOTP}auth_token = {{ env = \"COUNTERSIGN_TOKEN\" }}");
    read(&text, &[("COUNTERSIGN_TOKEN", "x")]).unwrap();
    refused(&text, &[("COUNTERSIGN_TOKENS", "x")], &["COUNTERSIGN_TOKENS", "is not known"]);
}

/// Names the file for the child below. It is none of ours, which would have to set a key.
const CHILD_READS: &str = "CHILD_READS";

#[test]
#[ignore = "is what the test below runs as its child"]
fn reads_what_its_parent_says() {
    let path = std::env::var_os(CHILD_READS).expect("is set by the test that starts this");
    assert_eq!(Bootstrap::read(Path::new(&path)).unwrap().limits.code_digits, 8);
}

#[test]
fn the_process_environment_is_what_counts_by_default() {
    let folder = Folder::with("a.toml", TOTP);
    let read_where = |digits: &str| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "bootstrap::tests::variables::reads_what_its_parent_says", "--ignored"]);
        child.env(CHILD_READS, folder.0.path().join("a.toml")).env("COUNTERSIGN_LIMITS__CODE_DIGITS", digits);
        let output = child.output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"));
        output.status.success()
    };
    assert!(read_where("8"));
    assert!(!read_where("7"));
}
