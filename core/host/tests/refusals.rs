//! Bad plugin files and bad bootstraps: each has its own error and changes nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;

use common::{Site, copy, plugin_file};

const TOTP: &str = r#"
version = 1
[services.totp]
delivery_type = "local"
provider = "totp"
issuer = "ACME"
[two_factor.login_types]
web-portal = "everyone"
[plugins.totp]
file = "plugins/libtotp.so"
"#;

/// A site whose plugin file is this, with a store in use.
fn site_with_plugin(bytes: impl AsRef<[u8]>) -> Site {
    let site = Site::with(TOTP);
    copy(&plugin_file("totp"), &site.path("plugins/libtotp.so"));
    site.write("plugins/libtotp.so", bytes);
    site
}

#[track_caller]
fn check_plugin(bytes: impl AsRef<[u8]>, words: &[&str]) {
    let site = site_with_plugin(bytes);
    let words = [&["libtotp.so"], words].concat();
    site.refused(&["validate"], 2, &words);
    site.refused(&["login", "ada", "--type", "web-portal"], 2, &words);
}

fn totp() -> Vec<u8> {
    fs::read(plugin_file("totp")).unwrap()
}

#[test]
fn a_missing_plugin_file_is_named_with_every_place_looked_at() {
    let site = Site::with(
        &TOTP.replace("[plugins.totp]\nfile = \"plugins/libtotp.so\"", "[plugins]\nsearch = [\"here\", \"there\"]"),
    );
    site.refused(&["validate"], 2, &["here/libtotp.so", "there/libtotp.so"]);
    let site = Site::with(TOTP);
    site.refused(&["validate"], 2, &["plugins/libtotp.so"]);
}

#[test]
fn an_empty_or_truncated_plugin_file_is_refused() {
    let whole = totp();
    check_plugin([], &["empty"]);
    check_plugin(&whole[..10], &["cut short", "ELF header"]);
    check_plugin(&whole[..whole.len() / 2], &["cut short"]);
    check_plugin(&whole[..whole.len() - 1], &["cut short"]);
}

#[test]
fn a_plugin_file_for_another_machine_is_refused_with_both_sides() {
    let mut foreign = totp();
    // e_machine of the ELF header: aarch64, or x86-64 where this is aarch64.
    let other: u16 = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    foreign[18..20].copy_from_slice(&other.to_ne_bytes());
    check_plugin(foreign, &["aarch64", "x86_64"]);
}

#[test]
fn a_file_that_is_no_plugin_is_refused() {
    check_plugin("just text", &["not an ELF file"]);
    // A whole dynamic library of this machine: the test plugin's neighbour, the C library.
    let library = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6", "/lib64/libm.so.6"];
    let library = library.iter().map(Path::new).find(|path| path.exists()).expect("a C library");
    check_plugin(fs::read(library).unwrap(), &["not a Countersign plugin"]);
}

#[test]
fn a_flipped_bit_is_refused_by_the_pinned_hash() {
    let site = Site::with(TOTP);
    copy(&plugin_file("totp"), &site.path("plugins/libtotp.so"));
    let inspected = site.json(&["plugin", "inspect", "plugins/libtotp.so"]);
    let sha256 = inspected["sha256"].as_str().unwrap();
    site.write("countersign.toml", format!("{TOTP}sha256 = \"{sha256}\"\n"));
    assert!(site.done(&["validate"]).contains("(pinned)"));

    let mut flipped = totp();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    site.write("plugins/libtotp.so", flipped);
    site.refused(&["validate"], 2, &["libtotp.so", sha256, "`sha256` of this plugin"]);
}

#[test]
fn flipped_bits_of_an_unpinned_file_never_end_the_program_by_a_signal() {
    let whole = totp();
    let site = site_with_plugin(&whole);
    // Spread over the file, so that headers, code and tables all get their share.
    for part in 0..24 {
        let mut flipped = whole.clone();
        let place = part * (flipped.len() - 1) / 23;
        for byte in &mut flipped[place.saturating_sub(32)..=place] {
            *byte ^= 0x5a;
        }
        site.write("plugins/libtotp.so", flipped);
        let ran = site.run(&["validate"]);
        assert!(matches!(ran.code, Some(0 | 2)), "bytes up to {place}: {ran:#?}");
    }
}

#[test]
fn two_providers_with_one_plugin_are_told_of_both_files() {
    let site = Site::with(&TOTP.replace(
        "[two_factor.login_types]",
        "[services.other]\nchannel = \"totp\"\ndelivery_type = \"local\"\nprovider = \"other\"\nissuer = \"B\"\n[two_factor.login_types]",
    ));
    for name in ["totp", "other"] {
        copy(&plugin_file("totp"), &site.path(&format!("plugins/lib{name}.so")));
    }
    let text = fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", format!("{text}\n[plugins.other]\nfile = \"plugins/libother.so\"\n"));
    site.refused(&["validate"], 2, &["`totp`", "`other`", "libother.so", "libtotp.so"]);
}

const HOSTED: &str = r#"
version = 1
[services.sms]
delivery_type = "hosted-service"
provider = "twilio-verify"
auth_id = "AC00000000000000000000000000000001"
auth_token = { file = "token" }
service_sid = "VA00000000000000000000000000000001"
[limits]
code_digits = 6
"#;

#[track_caller]
fn check_bootstrap(good: &str, bad: &str, words: &[&str]) {
    assert!(HOSTED.contains(good));
    let site = Site::with(&HOSTED.replace(good, bad));
    site.secret("token", "0123456789abcdef0123456789abcdef");
    let ran = site.refused(&["validate"], 2, words);
    assert!(ran.stderr.contains("countersign.toml"), "{ran:#?}");
    assert!(!ran.stderr.contains("0123456789abcdef"), "{ran:#?}");
}

#[test]
fn a_bad_bootstrap_is_told_with_file_key_and_remedy() {
    check_bootstrap("code_digits", "code_digit", &["`limits.code_digit`", "did you mean `limits.code_digits`?"]);
    check_bootstrap("auth_id", "auth_ids", &["services.sms.auth_ids", "auth_id"]);
    check_bootstrap("code_digits = 6", "code_digits = \"six\"", &["`limits.code_digits`"]);
    check_bootstrap("code_digits = 6", "code_digits = 3", &["`limits.code_digits`", "3", "4 to 10"]);
    check_bootstrap("\"VA0", "\"VX0", &["services.sms.service_sid"]);
    check_bootstrap("\"AC0", "\"AC", &["services.sms.auth_id"]);
    check_bootstrap(
        "file = \"token\"",
        "file = \"tokens\"",
        &["services.sms.auth_token", "tokens", "create that file, or correct its name\n"],
    );
    check_bootstrap(
        "{ file = \"token\" }",
        "\"0123456789abcdef0123456789abcdef\"",
        &["services.sms.auth_token", "file"],
    );
    check_bootstrap("version = 1", "version = 2", &["version 1"]);
    check_bootstrap("[limits]", "[limits", &["countersign.toml:"]);
}

#[test]
fn a_folder_is_not_taken_for_a_file() {
    let site =
        Site::with(&TOTP.replace("[plugins.totp]\nfile = \"plugins/libtotp.so\"", "[store]\nkey_file = \"keys\""));
    for folder in ["keys", "site.toml"] {
        fs::create_dir(site.path(folder)).unwrap();
    }
    site.refused(&["validate"], 2, &["key file keys ", "a folder, not a file"]);
    site.refused(&["user", "add", "ada"], 2, &["key file keys ", "a folder, not a file"]);
    for bootstrap in ["site.toml", "keys"] {
        site.refused(&["validate", "--bootstrap", bootstrap], 2, &["a folder, not a file", "/countersign.toml"]);
    }

    let site = Site::with(&TOTP.replace("[plugins.totp]\nfile = \"plugins/libtotp.so\"", "[store]\npath = \"data\""));
    fs::create_dir(site.path("data")).unwrap();
    site.refused(&["validate"], 2, &["data is no store"]);

    let site = Site::with(HOSTED);
    fs::create_dir(site.path("token")).unwrap();
    site.refused(&["validate"], 2, &["services.sms.auth_token", "from token,", "a folder, not a file"]);
}

#[test]
fn contradictions_between_bootstrap_and_plugin_name_both_sides() {
    let site = Site::with(&HOSTED.replace("hosted-service", "local"));
    site.secret("token", "t");
    let words = ["countersign.toml:3: ", "`sms`", "local", "twilio-verify", "write delivery_type = \"hosted-service\""];
    site.refused(&["validate"], 2, &words);

    let site = Site::with(&HOSTED.replace("[services.sms]", "[services.fax]"));
    site.secret("token", "t");
    site.refused(&["validate"], 2, &["countersign.toml:3: ", "`fax`", "twilio-verify", "`sms`", "`voice`"]);
}

#[test]
fn an_unknown_provider_is_told_with_the_file_that_is_missing() {
    let site = Site::with(&HOSTED.replace("twilio-verify", "twilio-verifi"));
    site.secret("token", "t");
    site.refused(&["validate"], 2, &["libtwilio_verifi.so", "correct the provider's name", "`sms`"]);
}

#[test]
fn all_errors_come_at_once() {
    let site = Site::with(&HOSTED.replace("\"VA0", "\"VX0").replace("\"AC0", "\"XX0"));
    site.secret("token", "t");
    let ran = site.refused(&["validate"], 2, &["auth_id", "service_sid"]);
    assert_eq!(ran.stderr.lines().count(), 2);
}

#[test]
fn services_of_plugins_in_order_are_checked_beside_files_that_are_not() {
    let site = Site::with(
        &TOTP.replace("issuer = \"ACME\"", "issuer = \"ACME\"\ndigits = 9").replace(
            "[two_factor.login_types]",
            "[services.sms]\ndelivery_type = \"hosted-service\"\nprovider = \"absent\"\n\
             [[services.sms.fallback]]\ndelivery_type = \"local\"\nprovider = \"twilio-verify\"\n[two_factor.login_types]",
        ),
    );
    copy(&plugin_file("totp"), &site.path("plugins/libtotp.so"));
    let words = [
        "libabsent.so",
        "service `sms` was not checked, because the plugin of its provider `absent` did not load",
        "countersign.toml:11: service `sms fallback 1` has delivery_type \"local\"",
        "services.totp.digits",
        "set it in that fallback or [providers.twilio-verify]",
    ];
    site.refused(&["validate"], 2, &words);
    let text = fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", format!("{text}\n[store]\nkey_file = \"kyes/key\"\n"));
    site.refused(&["validate"], 2, &[&words[..], &["`store.key_file`"]].concat());
    site.write("countersign.toml", &text);

    // So they are where a file fails no sooner than its code runs.
    site.write("countersign.toml", text.replace("\"absent\"", "\"twilio-voice\"").replace("digits = 9", ""));
    site.write("plugins/libtotp.so", without_code(totp()));
    let ran = site.refused(&["validate"], 2, &["libtotp.so", "service `totp` was not checked", "services.sms"]);
    assert!(!ran.stderr.contains("service `sms` was not checked"), "{ran:#?}");
}

/// An ELF file whose every instruction stops the process.
fn without_code(mut elf: Vec<u8>) -> Vec<u8> {
    const STOP: u8 = if cfg!(target_arch = "aarch64") { 0 } else { 0xcc };
    let number = |elf: &[u8], at: usize, size: usize| {
        elf[at..at + size].iter().rev().fold(0, |number: usize, byte| number << 8 | usize::from(*byte))
    };
    let (first, size, count) = (number(&elf, 32, 8), number(&elf, 54, 2), number(&elf, 56, 2));
    for header in (0..count).map(|index| first + index * size) {
        let (kind, flags) = (number(&elf, header, 4), number(&elf, header + 4, 4));
        let (start, length) = (number(&elf, header + 8, 8), number(&elf, header + 32, 8));
        if kind == 1 && flags & 1 == 1 {
            elf[start..start + length].fill(STOP);
        }
    }
    elf
}
