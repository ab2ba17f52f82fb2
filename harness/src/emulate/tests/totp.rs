//! Verify: entities, TOTP factors and challenges. Codes come from RFC 6238's own appendix, not from the emulator.

use serde_json::json;

use super::*;

const IDENTITY: &str = "ff483d1ff591898a9942916050d2ca3f";
/// Base32 of the seed of RFC 6238, appendix B.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn at(second: i64) -> Rig {
    let mut rig = Rig::new();
    let clock = Arc::new(VirtualClock::standing(jiff::Timestamp::from_second(second).expect("in range")));
    let options = EmulatorOptions {
        accounts: vec![(ACCOUNT.to_owned(), Secret::new(TOKEN))],
        services: vec![SERVICE.to_owned()],
        seed: Some(1),
        clock: Some(Arc::clone(&clock)),
        ..EmulatorOptions::default()
    };
    rig.emulator = Emulator::new(options).expect("good options");
    rig.clock = clock;
    rig
}

fn below(path: &str) -> String {
    format!("Entities/{IDENTITY}/{path}")
}

fn factor(rig: &Rig, more: &[(&str, &str)]) -> Value {
    let form = [("FriendlyName", "John’s Account Name"), ("FactorType", "totp"), ("Binding.Secret", SECRET)];
    let form: Vec<_> = form.iter().chain(more).copied().collect();
    rig.service(&below("Factors"), &form).expect(201)
}

fn sid(body: &Value) -> &str {
    body["sid"].as_str().expect("a sid")
}

#[test]
fn the_codes_are_those_of_rfc_6238() {
    #[track_caller]
    fn check(second: i64, alg: &str, seed: &str, code: &str) {
        let rig = at(second);
        let secret = totp_rs::Secret::from(seed.as_bytes().to_vec()).to_base32();
        let form = [
            ("FriendlyName", "a"),
            ("FactorType", "totp"),
            ("Binding.Secret", &secret),
            ("Config.Alg", alg),
            ("Config.CodeLength", "8"),
            ("Config.Skew", "0"),
        ];
        let made = rig.service(&below("Factors"), &form).expect(201);
        let verified = rig.service(&below(&format!("Factors/{}", sid(&made))), &[("AuthPayload", code)]).expect(200);
        assert_eq!(verified["status"], "verified", "{second} {alg}");
    }
    let seed = "1234567890".repeat(7);
    for (second, sha1, sha256, sha512) in [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ] {
        check(second, "sha1", &seed[..20], sha1);
        check(second, "sha256", &seed[..32], sha256);
        check(second, "sha512", &seed[..64], sha512);
    }
}

#[test]
fn a_factor_shows_its_secret_once_and_is_verified_by_a_code() {
    let rig = at(59);
    rig.post(&format!("/v2/Services/{SERVICE}"), &[("Totp.Issuer", "test-issuer")]).expect(200);
    let made = factor(&rig, &[]);
    let uri = "otpauth://totp/test-issuer:John%E2%80%99s%20Account%20Name\
               ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=test-issuer&algorithm=SHA1&digits=6&period=30";
    assert_eq!(made["binding"], json!({"secret": SECRET, "uri": uri}));
    assert_eq!((&made["status"], &made["options"]), (&json!("unverified"), &Value::Null));
    let path = below(&format!("Factors/{}", sid(&made)));
    assert!(rig.get(&format!("/v2/Services/{SERVICE}/{path}")).expect(200).get("binding").is_none());
    assert_eq!(rig.service(&path, &[("AuthPayload", "000000")]).expect(200)["status"], "unverified");
    assert_eq!(rig.service(&path, &[("AuthPayload", "287082")]).expect(200)["status"], "verified");
    let listed = rig.get(&format!("/v2/Services/{SERVICE}/{}", below("Factors"))).expect(200);
    assert_eq!(listed["factors"][0]["sid"], made["sid"]);
    assert_eq!(rig.delete(&format!("/v2/Services/{SERVICE}/{path}")).status, 204);
}

#[test]
fn the_window_is_as_wide_as_the_skew() {
    #[track_caller]
    fn check(second: i64, skew: &str, status: &str) {
        let rig = at(second);
        let made = factor(&rig, &[("Config.Skew", skew)]);
        let path = below(&format!("Factors/{}", sid(&made)));
        // The code of the step from 30 to 59.
        assert_eq!(rig.service(&path, &[("AuthPayload", "287082")]).expect(200)["status"], status, "{second} {skew}");
    }
    check(60, "0", "unverified");
    check(60, "1", "verified");
    check(89, "1", "verified");
    check(90, "1", "unverified");
    check(119, "2", "verified");
    check(0, "1", "verified");
}

#[test]
fn five_wrong_codes_use_a_factor_up() {
    let rig = at(59);
    let path = below(&format!("Factors/{}", sid(&factor(&rig, &[]))));
    for _ in 0..5 {
        assert_eq!(rig.service(&path, &[("AuthPayload", "000000")]).expect(200)["status"], "unverified");
    }
    rig.service(&path, &[("AuthPayload", "287082")]).refused(429, 60310);
    rig.service(&path, &[("FriendlyName", "only another name")]).expect(200);
}

#[test]
fn challenges_are_approved_refused_and_expire() {
    let rig = at(59);
    let made = factor(&rig, &[]);
    let (factor, challenges) = (sid(&made), below("Challenges"));
    let payload = ("AuthPayload", "287082");
    rig.service(&challenges, &[("FactorSid", factor), payload]).refused(403, 60318);
    rig.service(&below(&format!("Factors/{factor}")), &[payload]).expect(200);

    let approved = rig.service(&challenges, &[("FactorSid", factor), payload]).expect(201);
    assert_eq!((&approved["status"], &approved["factor_type"]), (&json!("approved"), &json!("totp")));
    rig.service(&format!("{challenges}/{}", sid(&approved)), &[payload]).refused(403, 60322);

    let pending = rig.service(&challenges, &[("FactorSid", factor), ("AuthPayload", "000000")]).expect(201);
    assert_eq!(pending["status"], "pending");
    let path = format!("{challenges}/{}", sid(&pending));
    for _ in 0..4 {
        assert_eq!(rig.service(&path, &[("AuthPayload", "000000")]).expect(200)["status"], "pending");
    }
    rig.service(&path, &[payload]).refused(429, 60308);

    let third = rig.service(&challenges, &[("FactorSid", factor)]).expect(201);
    let path = format!("{challenges}/{}", sid(&third));
    rig.advance(299);
    assert_eq!(rig.get(&format!("/v2/Services/{SERVICE}/{path}")).expect(200)["status"], "pending");
    rig.advance(1);
    assert_eq!(rig.get(&format!("/v2/Services/{SERVICE}/{path}")).expect(200)["status"], "expired");
    rig.service(&path, &[payload]).refused(403, 60323);
    let listed = rig.get(&format!("/v2/Services/{SERVICE}/{challenges}?Status=expired&Order=desc")).expect(200);
    assert_eq!(listed["challenges"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_factor_has_so_many_challenges() {
    let rig = at(59);
    let made = factor(&rig, &[("Config.CodeLength", "4")]);
    rig.service(&below(&format!("Factors/{}", sid(&made))), &[("AuthPayload", "7082")]).expect(200);
    let form = [("FactorSid", sid(&made))];
    for _ in 0..10 {
        rig.service(&below("Challenges"), &form).expect(201);
    }
    rig.service(&below("Challenges"), &form).refused(429, 60312);
    rig.advance(24 * 60 * 60);
    rig.service(&below("Challenges"), &form).expect(201);
}

#[test]
fn entities_are_made_once_and_by_their_first_factor() {
    let rig = at(59);
    let made = rig.service("Entities", &[("Identity", IDENTITY)]).expect(201);
    assert_eq!(made["identity"], IDENTITY);
    rig.service("Entities", &[("Identity", IDENTITY)]).refused(409, 60301);
    for bad in ["", "short", "with_underscore", "user@example.com", &"x".repeat(65)] {
        rig.service("Entities", &[("Identity", bad)]).refused(400, 60306);
    }
    let other = "Entities/another-identity/Factors";
    rig.service(other, &[("FriendlyName", "a"), ("FactorType", "totp")]).expect(201);
    rig.get(&format!("/v2/Services/{SERVICE}/Entities/another-identity")).expect(200);
    assert_eq!(rig.delete(&format!("/v2/Services/{SERVICE}/Entities/{IDENTITY}")).status, 204);
    rig.get(&format!("/v2/Services/{SERVICE}/Entities/{IDENTITY}")).refused(404, 20404);
}

#[test]
fn malformed_factors_are_refused() {
    #[track_caller]
    fn check(form: &[(&str, &str)], status: u16, code: u32) {
        at(59).service(&below("Factors"), form).refused(status, code);
    }
    let (name, totp) = (("FriendlyName", "a"), ("FactorType", "totp"));
    check(&[totp], 400, 60306);
    check(&[name], 400, 60306);
    check(&[name, ("FactorType", "push")], 403, 60313);
    check(&[name, totp, ("Binding.Secret", "1!")], 400, 60314);
    check(&[name, totp, ("Config.Alg", "md5")], 400, 60306);
    check(&[name, totp, ("Config.TimeStep", "10")], 400, 60306);
    check(&[name, totp, ("Metadata", "{\"a\": 1}")], 400, 60306);
    let rig = at(59);
    factor(&rig, &[]);
    let twice = [name, totp, ("Binding.Secret", SECRET)];
    rig.service(&below("Factors"), &twice).refused(409, 60317);
}

#[test]
fn an_entity_gets_a_hundred_factors() {
    let rig = at(59);
    for _ in 0..100 {
        rig.service(&below("Factors"), &[("FriendlyName", "a"), ("FactorType", "totp")]).expect(201);
    }
    rig.service(&below("Factors"), &[("FriendlyName", "a"), ("FactorType", "totp")]).refused(400, 60315);
    let listed = rig.get(&format!("/v2/Services/{SERVICE}/{}", below("Factors"))).expect(200);
    let first = sid(&listed["factors"][0]).to_owned();
    rig.delete(&format!("/v2/Services/{SERVICE}/{}", below(&format!("Factors/{first}"))));
    rig.service(&below("Factors"), &[("FriendlyName", "a"), ("FactorType", "totp")]).refused(429, 60326);
}
