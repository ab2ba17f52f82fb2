//! What `validate` tells: everything that is wrong, and what should be mended although it works.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;

use common::{Site, copy, plugin_file};

/// A site with codes of an app, and what else the bootstrap is to say.
fn site(more: &str) -> Site {
    Site::with(&format!(
        "version = 1\n[services.totp]\ndelivery_type = \"local\"\nprovider = \"totp\"\nissuer = \"ACME\"\n{more}"
    ))
}

#[test]
fn wrong_limits_do_not_hide_what_is_wrong_with_plugins_and_settings() {
    let site = site(
        "digits = 9\n[services.sms]\ndelivery_type = \"hosted-service\"\nprovider = \"absent\"\n[limits]\ncode_digits = 3\n",
    );
    let words = ["`limits.code_digits` is 3", "libabsent.so", "services.totp.digits", "service `sms` was not checked"];
    let ran = site.refused(&["validate"], 2, &words);
    assert!(ran.stderr.starts_with("error: countersign.toml:11: `limits.code_digits`"), "{ran:#?}");
    assert_eq!(ran.stderr.lines().count(), words.len(), "{ran:#?}");

    // A name that cannot be one is told of once.
    site.write(
        "countersign.toml",
        fs::read_to_string(site.path("countersign.toml")).unwrap().replace("\"absent\"", "\"../x\""),
    );
    let ran = site.refused(&["validate"], 2, &["`services.sms.provider` is no name", "`limits.code_digits`"]);
    assert!(!ran.stderr.contains("no valid name"), "{ran:#?}");
}

#[test]
fn a_wrong_bootstrap_runs_no_plugin() {
    // The digest is none, so nobody knows which file was meant.
    let site = site("[plugins.totp]\nfile = \"libtotp.so\"\nsha256 = \"00\"\n");
    let mut damaged = fs::read(plugin_file("totp")).unwrap();
    let entry = damaged.len() / 3;
    damaged[entry..entry + 4096].fill(0xcc);
    site.write("libtotp.so", damaged);
    let ran = site.refused(&["validate"], 2, &["countersign.toml:8: `plugins.totp.sha256` is no SHA-256"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
}

#[cfg(unix)]
#[test]
fn files_that_others_may_change_are_warned_of_and_counted() {
    let site = site("[plugins.totp]\nfile = \"libtotp.so\"\n");
    copy(&plugin_file("totp"), &site.path("libtotp.so"));
    let open_to = |name: &str, mode| fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).unwrap();
    open_to("libtotp.so", 0o755);
    assert!(site.done(&["validate"]).starts_with("countersign.toml is in order\n"));
    assert_eq!(site.json(&["validate"])["warnings"], serde_json::json!([]));

    open_to("countersign.toml", 0o666);
    let told = site.done(&["validate"]);
    assert!(
        told.starts_with("countersign.toml is in order, with 1 warning:\n  others may change the bootstrap"),
        "{told}"
    );
    open_to("libtotp.so", 0o775);
    let ran = site.run(&["validate"]);
    assert!(ran.stdout.starts_with("countersign.toml is in order, with 2 warnings:\n"), "{ran:#?}");
    assert_eq!(ran.stderr, "", "once is enough");
    let warnings = site.json(&["validate"])["warnings"].clone();
    assert!(warnings[1].as_str().unwrap().contains("libtotp.so is writable by group or others"), "{warnings}");

    // Who goes on working with it is warned, too; and who is refused.
    let added = site.run(&["user", "add", "ada"]);
    assert!(added.code == Some(0) && added.stderr.contains("others may change the bootstrap"), "{added:#?}");
    open_to("countersign.toml", 0o644);
    open_to("", 0o777);
    let told = site.done(&["validate"]);
    assert!(told.contains("others may change the bootstrap") && told.contains("with 3 warnings"), "{told}");
    site.write("libtotp.so", "");
    let refused = site.run(&["validate"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("warning: others may change the bootstrap"), "{refused:#?}");
}

#[test]
fn a_plugin_that_broke_the_contract_when_it_was_tried_out_is_a_warning() {
    let site = Site::with(
        "version = 1\n[services.sms]\ndelivery_type = \"hosted-service\"\nprovider = \"misbehave\"\n\
         token = { file = \"token\" }\nfault = \"panic\"\n",
    );
    site.secret("token", "t");
    let ran = site.run(&["validate"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stdout.starts_with("countersign.toml is in order, with "), "{ran:#?}");
    assert!(ran.stdout.contains("libmisbehave.so broke the contract when it was tried out: "), "{ran:#?}");
    assert_eq!(ran.stderr, "");
    assert!(!site.json(&["validate"])["warnings"].as_array().unwrap().is_empty());
}

#[test]
fn a_provider_is_told_with_its_line_and_what_may_have_been_meant() {
    let good = fs::read_to_string(site("").path("countersign.toml")).unwrap();
    let site = site("");
    site.write("countersign.toml", good.replace("\"totp\"", "\"totpp\""));
    site.refused(&["validate"], 2, &["countersign.toml:4: provider `totpp`", "(did you mean `totp`?)", "libtotpp.so"]);
    site.write("countersign.toml", good.replace("\"totp\"", "\"zzz\""));
    let ran = site.refused(&["validate"], 2, &["countersign.toml:4: provider `zzz`"]);
    assert!(!ran.stderr.contains("did you mean"), "{ran:#?}");

    site.write("countersign.toml", format!("{good}[plugins.totp]\nfile = \"absent.so\"\n"));
    site.refused(&["validate"], 2, &["countersign.toml:7: absent.so is not there"]);
    copy(&plugin_file("totp"), &site.path("libtotp.so"));
    let digest = "0".repeat(64);
    site.write("countersign.toml", format!("{good}[plugins.totp]\nfile = \"libtotp.so\"\nsha256 = \"{digest}\"\n"));
    site.refused(&["validate"], 2, &["countersign.toml:8: plugin file ", "SHA-256", &digest]);
}

#[test]
fn a_setting_that_only_the_plugin_misses_is_told_like_any_other() {
    let voice = "version = 1\n[services.voice]\ndelivery_type = \"hosted-service\"\nprovider = \"twilio-voice\"\n\
                 auth_id = \"AC00000000000000000000000000000001\"\nfrom = \"+15005550006\"\n";
    let site = Site::with(voice);
    let words = [
        "error: countersign.toml:2: `services.voice.auth_token` ",
        "{ file = \"FILE\" } or { env = \"VARIABLE\" }",
        "COUNTERSIGN_SERVICES__VOICE__AUTH_TOKEN",
    ];
    site.refused(&["validate"], 2, &words);
    site.write("countersign.toml", format!("{voice}auth_token = {{ file = \"token\" }}\nlanguage = \"xx\"\n"));
    site.secret("token", "t");
    site.refused(&["validate"], 2, &["countersign.toml:8: `services.voice.language` ", "`xx`", "correct it"]);
}

#[test]
fn a_channel_that_the_plugin_does_not_offer_is_not_called_missing() {
    let ran = site("channel = \"sms\"\n").refused(&["validate"], 2, &["`sms`", "name one of these as `channel`"]);
    assert!(!ran.stderr.contains("set `channel`"), "{ran:#?}");
}

#[test]
fn an_empty_list_is_called_none() {
    let told = site("").done(&["validate"]);
    assert!(told.contains("channels switched off: none"), "{told}");
    let site = site("");
    site.done(&["user", "add", "ada"]);
    let words = ["leave --phone out (the bootstrap has no method that reaches phones)"];
    site.refused(&["enroll", "ada", "--method", "totp", "--phone", "+15005550006"], 2, &words);
}
