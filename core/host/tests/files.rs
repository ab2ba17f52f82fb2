//! `init`, `validate` and `plugin inspect`, on the built program.

mod common;

use common::{PROGRAM, Site, plugin_file};

#[test]
fn what_init_writes_passes_validate() {
    let site = Site::empty();
    let told = site.done(&["init"]);
    assert!(told.contains("countersign.toml") && told.contains("countersign.key") && told.contains("validate"));
    let files: Vec<_> = site.files().into_keys().collect();
    assert_eq!(files, [site.path("countersign.key"), site.path("countersign.toml")]);

    let validated = site.json(&["validate"]);
    let service = &validated["services"][0];
    assert_eq!(service["service"], "totp");
    assert_eq!(service["delivery_type"], "local");
    assert_eq!(service["provider"], "totp");
    assert_eq!(service["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(service["file"], plugin_file("totp").to_str().unwrap());
    assert_eq!(service["code_made_by"], "device");
    assert_eq!(service["code_checked_by"], "plugin");
    assert_eq!(service["egress"], serde_json::json!([]));
    assert_eq!(validated["two_factor"]["login_types"]["web-portal"], "everyone");
    // It made no store.
    assert_eq!(site.files().into_keys().collect::<Vec<_>>(), files);
}

#[test]
fn validate_tells_of_a_key_file_that_is_still_to_be_made() {
    let site = Site::empty();
    site.done(&["init"]);
    let text = site.done(&["validate"]);
    assert!(text.contains("countersign.sqlite will be made at first use, with key file countersign.key"), "{text}");
    assert_eq!(site.json(&["validate"])["store"]["made_at_first_use"], serde_json::json!(["countersign.sqlite"]));

    let bootstrap = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    site.write("countersign.toml", bootstrap.replace("\"countersign.key\"", "\"countersing.key\""));
    let text = site.done(&["validate"]);
    assert!(text.contains("key file countersing.key do not exist; both will be made there at first use"), "{text}");
    let unmade = &site.json(&["validate"])["store"]["made_at_first_use"];
    assert_eq!(*unmade, serde_json::json!(["countersign.sqlite", "countersing.key"]));

    site.done(&["user", "add", "ada"]);
    let text = site.done(&["validate"]);
    assert!(text.contains("store countersign.sqlite opens with key file countersing.key"), "{text}");
    assert_eq!(site.json(&["validate"])["store"]["made_at_first_use"], serde_json::json!([]));
}

#[test]
fn a_store_or_key_that_could_not_be_made_is_told_with_line_key_and_folder() {
    let site = Site::empty();
    site.done(&["init"]);
    let good = std::fs::read_to_string(site.path("countersign.toml")).unwrap();
    let line =
        |name: &str| format!("countersign.toml:{}: ", good.lines().position(|line| line.contains(name)).unwrap() + 1);
    let (key, store) = (line("\"countersign.key\""), line("\"countersign.sqlite\""));

    let bad = good.replace("\"countersign.key\"", "\"kyes/site.key\"");
    site.write("countersign.toml", bad.replace("\"countersign.sqlite\"", "\"data/site.sqlite\""));
    for command in [&["validate"][..], &["user", "show", "ada"], &["user", "add", "ada"]] {
        let words = [&key, "`store.key_file`", "kyes/site.key", "folder kyes does not exist", "make the folder"];
        site.refused(command, 2, &words);
        site.refused(command, 2, &[&store, "`store.path`", "data/site.sqlite", "folder data does not exist"]);
    }

    site.write("countersign.toml", good.replace("\"countersign.key\"", "\"countersign.toml/key\""));
    site.refused(&["validate"], 2, &["folder countersign.toml is a file"]);
    site.write("countersign.toml", good.replace("\"countersign.sqlite\"", "\"countersign.toml/store\""));
    site.refused(&["validate"], 2, &["folder countersign.toml is a file"]);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_only() {
    use std::os::unix::fs::MetadataExt;
    let site = Site::empty();
    site.done(&["init"]);
    let key = site.path("countersign.key");
    assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);

    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    site.refused(&["validate"], 2, &["countersign.key", "chmod 600"]);
}

#[test]
fn init_overwrites_nothing() {
    for name in ["countersign.toml", "countersign.key", "countersign.sqlite"] {
        let site = Site::empty();
        site.write(name, "something dear");
        site.refused(&["init"], 2, &[name, "exists"]);
    }
}

#[test]
fn init_goes_where_it_is_told() {
    let site = Site::empty();
    std::fs::create_dir(site.path("site")).unwrap();
    site.done(&["init", "--bootstrap", "site/main.toml"]);
    assert!(site.path("site/main.toml").is_file() && site.path("site/countersign.key").is_file());

    site.refused(&["init", "--bootstrap", "main.json"], 2, &["main.json", ".toml"]);
    site.refused(&["init", "--bootstrap", "nowhere/main.toml"], 2, &["nowhere/", "its folder does not exist"]);
}

#[test]
fn the_environment_may_name_the_bootstrap() {
    let site = Site::empty();
    let mut command = site.command(&["init"]);
    command.env("COUNTERSIGN_BOOTSTRAP", "other.toml");
    assert_eq!(common::finish(command, "").code, Some(0));
    assert!(site.path("other.toml").is_file());
}

#[test]
fn validate_shows_one_table_of_all_services() {
    let site = Site::with(
        r#"
        version = 1
        [services.sms]
        delivery_type = "hosted-service"
        provider = "twilio-verify"
        [services.call-me]
        channel = "voice"
        delivery_type = "hosted-service"
        provider = "twilio-voice"
        mode = "call"
        auth_id = "AC00000000000000000000000000000001"
        auth_token = { file = "token" }
        from = "+15005550006"
        [[services.call-me.fallback]]
        delivery_type = "hosted-service"
        provider = "twilio-verify"
        [services.totp]
        delivery_type = "local"
        provider = "totp"
        issuer = "ACME"
        [providers.twilio-verify]
        auth_id = "AC00000000000000000000000000000001"
        auth_token = { file = "token" }
        service_sid = "VA00000000000000000000000000000001"
        [two_factor]
        sms = "disabled"
        [two_factor.login_types]
        windows = "flagged-users"
        "#,
    );
    site.secret("token", "0123456789abcdef0123456789abcdef");
    let table = site.done(&["validate"]);
    for (service, words) in [
        (
            " call-me (call)",
            [
                "hosted-service",
                "twilio-voice",
                "libtwilio_voice.so",
                "engine",
                "https://api.twilio.com/2010-04-01/Accounts",
            ],
        ),
        (
            " call-me fallback 1",
            [
                "hosted-service",
                "twilio-verify",
                "libtwilio_verify.so",
                "provider",
                "https://verify.twilio.com/v2/Services",
            ],
        ),
        (
            " sms",
            [
                "hosted-service",
                "twilio-verify",
                "libtwilio_verify.so",
                "provider",
                "https://verify.twilio.com/v2/Services",
            ],
        ),
        (" totp", ["local", "totp", "libtotp.so", "device", "none"]),
    ] {
        let row = table.lines().find(|line| line.starts_with(service)).unwrap_or_else(|| panic!("{service}: {table}"));
        assert!(words.iter().all(|word| row.contains(word)), "{words:?} in {row:?}");
    }
    assert!(table.contains("flagged-users") && table.contains("channels switched off: sms"), "{table}");
    assert!(!table.contains("0123456789abcdef"));
}

#[test]
fn inspect_shows_the_manifest_as_the_vendor_wrote_it() {
    let site = Site::empty();
    let file = plugin_file("twilio_verify");
    let shown = site.json(&["plugin", "inspect", file.to_str().unwrap()]);
    assert_eq!(shown["manifest"]["id"], "twilio-verify");
    assert_eq!(shown["size"], std::fs::metadata(&file).unwrap().len());
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);

    let text = site.done(&["plugin", "inspect", file.to_str().unwrap()]);
    for word in ["twilio-verify", "hosted-service", "https://verify.twilio.com/v2/Services", "service_sid", "secret"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn inspect_refuses_what_is_no_plugin() {
    let site = Site::empty();
    site.write("notes.txt", "no plugin");
    site.refused(&["plugin", "inspect", "notes.txt"], 2, &["notes.txt"]);
    site.refused(&["plugin", "inspect", "nowhere.so"], 2, &["nowhere.so"]);
    site.refused(&["plugin", "inspect", PROGRAM], 2, &["not a Countersign plugin"]);
}

#[test]
fn errors_are_json_for_scripts() {
    let site = Site::empty();
    let ran = site.run(&["validate", "--json"]);
    assert_eq!(ran.code, Some(2));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["error"]["kind"], "bootstrap");
    assert!(document["error"]["message"].as_str().unwrap().contains("countersign init"));
}

#[test]
fn wrong_usage_ends_with_2() {
    let site = Site::empty();
    assert_eq!(site.run(&["frobnicate"]).code, Some(2));
    assert_eq!(site.run(&[]).code, Some(2));
    assert_eq!(site.run(&["--help"]).code, Some(0));
    let mut command = site.command(&["validate"]);
    command.env("COUNTERSIGN_LOG", "countersign=loudly");
    let ran = common::finish(command, "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("COUNTERSIGN_LOG"), "{ran:?}");
}

#[test]
fn the_help_of_every_command_has_a_paragraph_an_example_and_the_exit_codes() {
    /// The commands that a help lists.
    fn commands(help: &str) -> Vec<String> {
        let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        list.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }
    let site = Site::empty();
    let mut paths: Vec<Vec<String>> = vec![vec![]];
    let mut leaves = 0;
    while let Some(path) = paths.pop() {
        let arguments: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = site.done(&arguments);
        let below = commands(&help);
        for name in below.iter().filter(|name| *name != "help") {
            paths.push([&path[..], std::slice::from_ref(name)].concat());
        }
        if below.is_empty() {
            leaves += 1;
            let told = help.split("Usage:").next().unwrap_or_default();
            assert!(told.trim().lines().filter(|line| !line.is_empty()).count() > 1, "{path:?}: {help}");
            assert!(help.contains(&format!("\n  countersign {}", path.join(" "))), "{path:?}: {help}");
        }
        assert!(help.contains("Exit codes: 0 "), "{path:?}: {help}");
    }
    assert_eq!(leaves, 15, "the commands of the program");
    assert!(site.done(&["plugin", "inspect", "--help"]).contains("nothing of it is executed"));
}
