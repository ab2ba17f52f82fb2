//! Files that are read, and text that is not well-formed.

use super::*;

#[test]
fn what_is_not_given_has_its_default() {
    let folder = Folder::with("countersign.toml", "version = 1");
    let bootstrap = folder.read("countersign.toml", &[]).unwrap();
    assert_eq!(bootstrap.limits, Limits::default());
    assert!(bootstrap.services.is_empty());
    assert!(bootstrap.two_factor.enabled);
    assert!(bootstrap.two_factor.channel_enabled("sms"));
    assert_eq!(bootstrap.two_factor.unknown_users, UnknownUsers::Error);
    assert_eq!(bootstrap.two_factor.registration, Registration::default());
    assert_eq!(bootstrap.store.path, folder.0.path().join("countersign.sqlite"));
    assert_eq!(bootstrap.store.key_file, folder.0.path().join("countersign.key"));
    assert_eq!(bootstrap.plugins, Plugins::default());
}

#[test]
fn a_whole_file_is_read() {
    let text = r#"
        version = 1
        [services.voice]
        delivery_type = "hosted-service"
        provider = "twilio-voice"
        [[services.voice.fallback]]
        delivery_type = "hosted-service"
        provider = "twilio-verify"
        [services.app]
        channel = "totp"
        delivery_type = "local"
        provider = "totp"
        [two_factor]
        enabled = false
        voice = "disabled"
        totp = "enabled"
        unknown_users = "register"
        registration = ["app"]
        login_types = { windows = "flagged-users", "Web Portal" = "everyone", kiosk = "nobody" }
        [store]
        path = "data/store.sqlite"
        key_file = "/keys/store.key"
        [limits]
        code_digits = 8
        allowed_countries = ["GB", "us"]
        [plugins]
        search = ["plugins", "/opt/plugins"]
        [plugins.totp]
        file = "libtotp.so"
        sha256 = "00FF000000000000000000000000000000000000000000000000000000000001"
    "#;
    let folder = Folder::with("countersign.toml", text);
    let bootstrap = folder.read("countersign.toml", &[]).unwrap();
    let here = |name: &str| folder.0.path().join(name);

    let voice = &bootstrap.services["voice"];
    assert_eq!((voice.channel.as_str(), voice.provider.as_str()), ("voice", "twilio-voice"));
    assert_eq!(voice.delivery_type, DeliveryType::HostedService);
    assert_eq!(voice.fallback[0].name, "voice fallback 1");
    assert_eq!(voice.fallback[0].channel, "voice");
    assert_eq!(voice.fallback[0].provider, "twilio-verify");
    assert_eq!(bootstrap.services["app"].channel, "totp");
    assert_eq!(bootstrap.services["app"].delivery_type, DeliveryType::Local);

    let two_factor = &bootstrap.two_factor;
    assert!(!two_factor.enabled);
    assert!(!two_factor.channel_enabled("voice"));
    assert!(two_factor.channel_enabled("totp"));
    assert_eq!(two_factor.unknown_users, UnknownUsers::Register);
    assert_eq!(two_factor.registration, Registration { phone: false, app: true });
    assert_eq!(two_factor.login_types["windows"], WhoMustPass::FlaggedUsers);
    assert_eq!(two_factor.login_types["Web Portal"], WhoMustPass::Everyone);
    assert_eq!(two_factor.login_types["kiosk"], WhoMustPass::Nobody);

    assert_eq!(bootstrap.store.path, here("data/store.sqlite"));
    assert_eq!(bootstrap.store.key_file, Path::new("/keys/store.key"));
    assert_eq!(bootstrap.limits.code_digits, 8);
    assert!(bootstrap.limits.allowed_countries.iter().eq(["GB", "US"]));
    assert_eq!(bootstrap.plugins.search, Some(vec![here("plugins"), "/opt/plugins".into()]));
    let pin = &bootstrap.plugins.pins["totp"];
    assert_eq!(pin.file, Some(here("libtotp.so")));
    let mut hash = [0; 32];
    (hash[1], hash[31]) = (0xff, 1);
    assert_eq!(pin.sha256, Some(hash));
}

#[test]
fn json_says_the_same_as_toml() {
    let text = r#"{"version": 1, "limits": {"code_digits": 7, "allowed_countries": ["DE"]},
        "services": {"totp": {"delivery_type": "local", "provider": "totp", "issuer": "ACME"}}}"#;
    let folder = Folder::with("countersign.json", text);
    let bootstrap = folder.read("countersign.json", &[]).unwrap();
    assert_eq!(bootstrap.limits.code_digits, 7);
    assert_eq!(bootstrap.services["totp"].provider, "totp");
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let folder = Folder::with("countersign.yaml", "version: 1");
    let said = |name: &str| folder.read(name, &[]).unwrap_err().to_string();
    assert!(said("countersign.yaml").contains(".toml or .json"));
    assert!(said("other.toml").contains("other.toml: no such bootstrap file; `countersign init`"));
    fs::create_dir(folder.0.path().join("folder.toml")).unwrap();
    assert!(said("folder.toml").contains("folder.toml: is a folder, not a file"));
    fs::write(folder.0.path().join("latin.toml"), b"issuer = \"\xe9\"").unwrap();
    assert!(said("latin.toml").contains("latin.toml: not UTF-8"));
    fs::write(folder.0.path().join("big.toml"), vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    assert!(said("big.toml").contains("larger than 1048576 bytes"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_file() {
    for (name, text) in [("a.toml", "\u{feff}version = 1"), ("a.json", "\u{feff}{\"version\": 1}")] {
        Folder::with(name, text).read(name, &[]).unwrap();
    }
}

#[test]
fn text_that_is_not_well_formed_is_told_by_line_and_column() {
    refused_line("[limits", &["countersign.toml:2:8: "]);
    refused_line("a = 1\na = 2", &["countersign.toml:3:1: ", "duplicate"]);
    refused_line("é = 2024-01-01", &["countersign.toml:2:"]);
    refused_line("a = 2024-01-01", &["countersign.toml:2:5: no key takes a date"]);
    refused_line("a = 99999999999999999999", &["countersign.toml:2:5: this integer"]);
    refused_line("a = [1, nan]", &["countersign.toml:2:9: no key takes an infinite number"]);
    let json = |text| {
        let folder = Folder::with("a.json", text);
        folder.read("a.json", &[]).unwrap_err().to_string()
    };
    assert!(json("{\n \"a\": 1,\n}").contains("a.json:3:1: "));
    assert!(json("{\"a\": 1, \"a\": 2}").contains("key \"a\" stands twice"));
    assert!(json("{\"a\": {\"b\": 1, \"b\": 2}}").contains("key \"b\" stands twice"));
    assert!(json("[]").contains("a bootstrap is a JSON object"));
    assert!(!json("{\n \"a\": 1,\n}").contains("at line"));
}

#[test]
fn only_version_1_is_read() {
    refused("", &[], &["`version` is missing; give version = 1"]);
    refused("version = 2", &[], &["countersign.toml:1: `version` is 2; this program reads version 1"]);
    refused("version = \"1\"", &[], &["`version` is text; it has to be a whole number"]);
}
