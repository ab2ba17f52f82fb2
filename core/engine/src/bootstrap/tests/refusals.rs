//! Keys and values that are refused, each with what the person is told.

use super::*;

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    refused_line("[limit]", &["countersign.toml:2: `limit` is not known; did you mean `limits`?"]);
    refused_line(
        "[limits]\ncode_digts = 6",
        &["countersign.toml:3: `limits.code_digts`", "did you mean `limits.code_digits`?"],
    );
    refused_line("[store]\nkeyfile = \"k\"", &["`store.keyfile`", "`store.key_file`"]);
    refused_line("[two_factor]\nenabeld = true", &["`two_factor.enabeld`", "`enabled`"]);
    refused_line("[two_factor]\nvioce = \"disabled\"", &["`two_factor.vioce`", "`voice`"]);
    refused_line("[server]\nlisten = \"\"", &["`server` is not known"]);
    refused_line("qqq = 1", &["`qqq` is not known; known here: version, services, "]);
    refused(
        &format!("{TOTP}[plugins.totp]\nsha265 = \"\""),
        &[],
        &["countersign.toml:6: `plugins.totp.sha265`", "`plugins.totp.sha256`"],
    );
    refused_line(
        "[services.totp]\ndelivery_typ = \"local\"\nprovider = \"totp\"",
        &["countersign.toml:3: `services.totp.delivery_typ`", "did you mean `delivery_type`?"],
    );
}

#[test]
fn a_value_of_another_type_is_told_by_its_type_and_not_repeated() {
    refused_line("services = 3", &["`services` is a number; it has to be a table"]);
    refused_line("[services]\nvoice = \"x\"", &["`services.voice` is text; it has to be a table"]);
    refused_line("[limits]\ncode_digits = \"6\"", &["`limits.code_digits` is text"]);
    refused_line("[limits]\ncode_digits = 6.0", &["`limits.code_digits` is a number; it has to be a whole"]);
    refused_line("[two_factor]\nenabled = \"true\"", &["is text; it has to be true or false"]);
    refused_line("[two_factor]\nregistration = \"app\"", &["`two_factor.registration` is text"]);
    refused_line("[limits]\nallowed_countries = [1]", &["`limits.allowed_countries[0]` is a number"]);
    refused_line("[store]\npath = \"\"", &["`store.path` is empty; give the path of a file"]);
    refused_line("[services.a]\nfallback = 1", &["`services.a.fallback` is a number; it has to be a list"]);
}

#[test]
fn every_number_has_a_range_that_zero_is_outside_of() {
    for (key, lowest, highest) in [
        ("code_digits", 4, 10),
        ("code_lifetime_seconds", 30, 600),
        ("attempts_per_challenge", 1, 10),
        ("attempts_per_user", 1, 100),
        ("guess_lock_seconds", 60, 86_400),
        ("sends_per_challenge", 1, 10),
        ("send_cool_down_seconds", 5, 600),
        ("sends_per_number", 1, 100),
        ("send_window_seconds", 60, 86_400),
        ("send_lock_seconds", 60, 86_400),
        ("enrollment_timeout_seconds", 60, 3600),
        ("operation_timeout_seconds", 1, 30),
        ("request_timeout_seconds", 1, 30),
        ("connect_timeout_seconds", 1, 30),
    ] {
        let timeouts = ["operation", "request", "connect"].map(|name| format!("{name}_timeout_seconds"));
        let others = |value: i64| {
            // The time-outs limit each other; here each one is tried against its own range.
            let mut text = "version = 1\n[limits]\n".to_owned();
            for timeout in timeouts.iter().filter(|other| *other != key) {
                let value = if timeout.starts_with("connect") || key.starts_with("operation") { 1 } else { 30 };
                text.push_str(&format!("{timeout} = {value}\n"));
            }
            format!("{text}{key} = {value}\n")
        };
        for good in [lowest, highest] {
            let text = if key.starts_with("connect") || key.starts_with("request") || key.starts_with("operation") {
                others(good)
            } else {
                format!("version = 1\n[limits]\n{key} = {good}")
            };
            let bootstrap = read(&text, &[]).unwrap();
            let limits = serde_json::to_value(&bootstrap.limits).unwrap();
            assert_eq!(limits[key], good, "{key}");
        }
        for bad in [0, lowest - 1, highest + 1, -1, i64::from(u32::MAX) + 1 + lowest] {
            let line = format!("[limits]\n{key} = {bad}");
            let range = format!("is {bad}; it has to be from {lowest} to {highest} ");
            refused_line(&line, &[&format!("countersign.toml:3: `limits.{key}`"), &range]);
        }
    }
}

#[test]
fn an_inner_timeout_is_within_the_outer_one() {
    refused_line(
        "[limits]\noperation_timeout_seconds = 8",
        &["built-in default: `limits.request_timeout_seconds` is 10 seconds, more than the 8 of `limits.operation_"],
    );
    refused_line(
        "[limits]\nconnect_timeout_seconds = 11",
        &["countersign.toml:3: `limits.connect_timeout_seconds` is 11 seconds, more than the 10"],
    );
}

#[test]
fn words_that_mean_nothing_are_told_with_those_that_do() {
    refused_line(
        "[two_factor.login_types]\nwindows = \"flagged\"",
        &["countersign.toml:3: `two_factor.login_types.windows` is \"flagged\"", "nobody, flagged-users, everyone"],
    );
    refused_line("[two_factor]\nsms = \"off\"", &["is \"off\"; it has to be one of enabled, disabled"]);
    refused_line("[two_factor]\nsms = true", &["`two_factor.sms` is true or false; it has to be one of"]);
    refused_line("[two_factor]\nunknown_users = \"allow\"", &["error, register"]);
    refused_line("[two_factor]\nregistration = [\"fax\"]", &["is \"fax\"; it has to be one of phone, app"]);
    refused_line("[limits]\nallowed_countries = [\"GB\", \"UK\"]", &["lists \"UK\"", "3166-1"]);
    refused_line("[plugins]\nsearch = []", &["`plugins.search` is empty"]);
    refused(
        &format!("{TOTP}[plugins.totp]\nsha256 = \"abc\""),
        &[],
        &["countersign.toml:6: `plugins.totp.sha256` is no SHA-256", "64 hexadecimal digits"],
    );
    refused(&format!("{TOTP}[plugins.totp]\nsha256 = \"abcd\""), &[], &["is no SHA-256"]);
    let longer = "0".repeat(65);
    refused(&format!("{TOTP}[plugins.totp]\nsha256 = \"{longer}\""), &[], &["is no SHA-256"]);
    let almost = "g".repeat(64);
    refused(&format!("{TOTP}[plugins.totp]\nsha256 = \"{almost}\""), &[], &["is no SHA-256"]);
    refused_line("[store]\nkey_file = \"countersign.sqlite\"", &["`store.key_file` is the same file as `store.path`"]);
    let hosted = "[services.sms]\ndelivery_type = \"hosted\"\nprovider = \"p\"";
    refused_line(hosted, &["`services.sms.delivery_type` is \"hosted\"", "hosted-service, local"]);
}

#[test]
fn a_service_names_its_provider_and_how_it_is_delivered() {
    refused_line(
        "[services.sms]",
        &[
            "countersign.toml:2: `services.sms.provider` is missing; give the id of a provider's plugin",
            "countersign.toml:2: `services.sms.delivery_type` is missing; give \"hosted-service\" or \"local\"",
        ],
    );
    refused_line("[services.sms]\nfallback = [{}]", &["`services.sms.fallback[0].provider` is missing"]);
}

#[test]
fn a_name_is_fit_for_a_file_name() {
    for bad in ["../evil", "Totp", "a_b", "a/b", "", "1st", &"a".repeat(41)] {
        let text = format!("version = 1\n[services.totp]\ndelivery_type = \"local\"\nprovider = {bad:?}");
        refused(&text, &[], &["countersign.toml:4: `services.totp.provider`"]);
    }
    refused_line("[services.\"a b\"]", &["`services.\"a b\"` is no name of a service: lower-case letters"]);
    refused_line(
        "[services.a]\nchannel = \"A\"\nprovider = \"a\"\ndelivery_type = \"local\"",
        &["countersign.toml:3: `services.a.channel` is no name of a channel"],
    );
    refused_line(
        "[services.enabled]\nprovider = \"a\"\ndelivery_type = \"local\"",
        &["countersign.toml:2: `services.enabled` names a channel like a key of [two_factor]"],
    );
}

#[test]
fn a_provider_or_plugin_that_no_service_uses_is_told_with_the_nearest_one() {
    refused(
        &format!("{TOTP}[providers.totpp]\nissuer = \"x\""),
        &[],
        &["countersign.toml:5: `providers.totpp` is used by no service; did you mean `totp`?"],
    );
    refused(
        &format!("{TOTP}[plugins.toptp]\nfile = \"x\""),
        &[],
        &["countersign.toml:5: `plugins.toptp` is used by no service; did you mean `totp`?"],
    );
    let fallback = "[[services.totp.fallback]]\ndelivery_type = \"local\"\nprovider = \"other\"\n[providers.other]";
    read(&format!("{TOTP}{fallback}"), &[]).unwrap();
}

#[test]
fn fallbacks_are_not_nested() {
    let one = "delivery_type = \"local\"\nprovider = \"totp\"";
    refused(
        &format!("{TOTP}[[services.totp.fallback]]\n{one}\n[[services.totp.fallback.fallback]]\n{one}"),
        &[],
        &["countersign.toml:8: `services.totp.fallback[0].fallback` is nested; list all fallbacks"],
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let text = "version = 3\n[limits]\ncode_digits = 3\nsends_per_numer = 1\n[services.sms]\nprovider = \"x\"";
    let Err(BootstrapError::Invalid { faults }) = read(text, &[("COUNTERSIGN_NONSENSE", "1")]) else {
        panic!("accepted");
    };
    let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
    let expected =
        ["nonsense", "version", "limits.sends_per_numer", "services.sms.delivery_type", "limits.code_digits"];
    assert_eq!(keys, expected);
}
