//! The provider through its operations, as a host sees it.

use countersign_plugin::testing::{self, Bench};
use countersign_plugin::{
    Checked, Code, ConfirmEnrollment, Confirmed, Data, Enrolled, Failure, FailureKind, Person, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Totp;

/// Seeds of RFC 6238 Appendix B (with its errata: each as long as its hash) in Base32.
const SEED_SHA1: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SEED_SHA256: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
const SEED_SHA512: &str =
    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<Totp>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

mod checking {
    use super::*;

    #[track_caller]
    fn accepts(app: &Data, seconds: u64, code: &str) {
        let at = Timestamp::from_secs(seconds);
        let period = app.value["period"].as_u64().expect("a number");
        assert_eq!(check(&bench(json!({"skew": 0})), app, at, code), approved(seconds / period));
    }

    #[test]
    fn the_vectors_of_rfc_6238_appendix_b_are_accepted() {
        let table = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (seconds, sha1, sha256, sha512) in table {
            accepts(&app("sha1", SEED_SHA1, 8, 30), seconds, sha1);
            accepts(&app("sha256", SEED_SHA256, 8, 30), seconds, sha256);
            accepts(&app("sha512", SEED_SHA512, 8, 30), seconds, sha512);
            accepts(&app("sha1", SEED_SHA1, 7, 30), seconds, &sha1[1..]);
            accepts(&app("sha1", SEED_SHA1, 6, 30), seconds, &sha1[2..]);
        }
    }

    // The code of step 37037036 (from 1111111080 s on) is 081804: RFC 6238 at 1111111109.
    const STEP: u64 = 37_037_036;
    const BEGIN_MS: u64 = STEP * 30_000;
    const CODE: &str = "081804";

    #[track_caller]
    fn lives_exactly(skew: u64) {
        let bench = bench(json!({ "skew": skew }));
        let app = app("sha1", SEED_SHA1, 6, 30);
        let (first, beyond) = (BEGIN_MS - skew * 30_000, BEGIN_MS + (skew + 1) * 30_000);
        let at = |millis| check(&bench, &app, Timestamp::from_millis(millis), CODE);
        assert_eq!(at(first - 1), Ok(Checked::WrongCode), "1 ms too early");
        assert_eq!(at(first), approved(STEP), "the first millisecond");
        assert_eq!(at(BEGIN_MS), approved(STEP), "the step's own begin");
        assert_eq!(at(beyond - 1), approved(STEP), "the last millisecond");
        assert_eq!(at(beyond), Ok(Checked::WrongCode), "1 ms too late");
    }

    #[test]
    fn a_code_lives_to_the_millisecond_as_long_as_the_skew_says() {
        lives_exactly(0);
        lives_exactly(1);
        lives_exactly(2);
    }

    #[test]
    fn the_clock_may_stand_before_the_first_steps() {
        // RFC 4226 Appendix D: counters 0 to 2.
        let bench = bench(json!({"skew": 2}));
        let app = app("sha1", SEED_SHA1, 6, 30);
        for (step, code) in [(0, "755224"), (1, "287082"), (2, "359152")] {
            assert_eq!(check(&bench, &app, Timestamp::from_millis(0), code), approved(step));
        }
        assert_eq!(check(&bench, &app, Timestamp::from_millis(0), "969429"), Ok(Checked::WrongCode), "counter 3");
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        let app = app("sha1", SEED_SHA1, 6, 30);
        let outcome = check(&bench(json!({"skew": 2})), &app, Timestamp::from_millis(u64::MAX), CODE);
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    #[test]
    fn the_years_2038_and_2106_are_ordinary() {
        // 2^31 and 2^32 seconds; both codes were computed without totp-rs.
        accepts(&app("sha1", SEED_SHA1, 8, 30), 2_147_483_648, "24703886");
        accepts(&app("sha1", SEED_SHA1, 8, 30), 4_294_967_296, "59791428");
    }

    #[test]
    fn text_that_is_not_exactly_so_many_ascii_digits_is_a_wrong_code() {
        let bench = bench(json!({}));
        let app = app("sha1", SEED_SHA1, 6, 30);
        for text in
            ["", "81804", "0081804", "081804 ", " 081804", "+81804", "08180４", "０８１８０４", "08-804", "abcdef"]
        {
            let outcome = check(&bench, &app, Timestamp::from_millis(BEGIN_MS), text);
            assert_eq!(outcome, Ok(Checked::WrongCode), "{text:?}");
        }
    }

    #[test]
    fn of_two_steps_with_one_code_the_newest_is_reported() {
        // Found by search: the first two neighbors that show the same code with this seed.
        const TWIN: u64 = 910_737;
        let app = app("sha1", SEED_SHA1, 6, 30);
        let at = Timestamp::from_secs(TWIN * 30);
        assert_eq!(check(&bench(json!({"skew": 1})), &app, at, "911617"), approved(TWIN + 1));
        assert_eq!(check(&bench(json!({"skew": 0})), &app, at, "911617"), approved(TWIN));
    }

    #[test]
    fn other_settings_do_not_break_an_app_that_is_registered() {
        let bench = bench(json!({"digits": 8, "period": 60, "algorithm": "sha512"}));
        let app = app("sha1", SEED_SHA1, 6, 30);
        assert_eq!(check(&bench, &app, Timestamp::from_millis(BEGIN_MS), CODE), approved(STEP));
    }

    #[test]
    fn without_an_enrollment_there_is_nothing_to_check() {
        let failure = bench(json!({})).host().check(testing::check("totp", CODE)).outcome.expect_err("no enrollment");
        assert_eq!(failure.kind, FailureKind::Misconfigured);
    }

    #[test]
    fn another_channel_is_not_offered() {
        let input = testing::check("sms", CODE).enrollment(app("sha1", SEED_SHA1, 6, 30));
        let failure = bench(json!({})).host().check(input).outcome.expect_err("sms");
        assert_eq!(failure.kind, FailureKind::Unsupported);
    }

    #[track_caller]
    fn unusable(data: &Data, because: &str) {
        let failure = check(&bench(json!({})), data, Timestamp::from_millis(BEGIN_MS), CODE).expect_err("damaged");
        assert_eq!(failure.kind, FailureKind::PluginFault);
        assert!(failure.operator.contains(because), "{failure}");
        assert!(!failure.operator.contains(SEED_SHA1), "{failure}");
    }

    #[test]
    fn damaged_data_is_a_failure_that_does_not_quote_it() {
        unusable(&app("sha1", SEED_SHA1, 6, 0), "period is 0");
        unusable(&app("sha1", SEED_SHA1, 10, 30), "6 to 8 digits");
        unusable(&app("sha1", SEED_SHA1, 5, 30), "6 to 8 digits");
        unusable(&app("sha1", "GEZDGNBVGY3TQOJQ", 6, 30), "shorter than 128 bits");
        unusable(&app("sha1", "GEZDGNBVGY3TQOJ1!", 6, 30), "not Base32");
        unusable(&app("md5", SEED_SHA1, 6, 30), "not of the shape");
        unusable(&Data::from_json(1, json!(SEED_SHA1)), "not of the shape");
        unusable(&Data::from_json(0, app("sha1", SEED_SHA1, 6, 30).value), "no version of this plugin");
    }

    #[test]
    fn an_app_of_a_newer_plugin_is_not_to_be_removed() {
        let newer = Data::from_json(2, json!({"seed": SEED_SHA1, "shape": "of the future"}));
        for data in [newer, Data::from_json(7, app("sha1", SEED_SHA1, 6, 30).value)] {
            unusable(&data, "install that version again");
            unusable(&data, &format!("data version {}; this one reads 1", data.version));
            let failure = check(&bench(json!({})), &data, Timestamp::from_millis(BEGIN_MS), CODE).expect_err("newer");
            assert!(!failure.operator.contains("remove") && !failure.operator.contains("register"), "{failure}");
        }
    }

    proptest! {
        #[test]
        fn only_the_codes_of_the_window_are_accepted(
            now in 0_u64..5_000_000_000, skew in 0_u64..=2, typed in 0_u32..1_000_000, near in -4_i64..=4,
            period in 15_u64..=120, use_near in any::<bool>(),
        ) {
            // The reference: totp-rs for one step at a time, the window counted by hand.
            let reference = totp_rs::Builder::new()
                .with_step_duration(period)
                .with_secret(*b"12345678901234567890")
                .build_noncompliant();
            let current = now / period;
            let code = match current.checked_add_signed(near) {
                Some(step) if use_near => reference.generate(step * period).to_string(),
                _ => format!("{typed:06}"),
            };
            let window = current.saturating_sub(skew)..=current + skew;
            let expected = window.rev().find(|step| reference.generate(step * period).to_string() == code);
            let app = app("sha1", SEED_SHA1, 6, period);
            let outcome = check(&bench(json!({ "skew": skew })), &app, Timestamp::from_secs(now), &code);
            prop_assert_eq!(outcome, expected.map_or(Ok(Checked::WrongCode), approved));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let outcome = check(&bench(json!({})), &app("sha1", SEED_SHA1, 6, 30), Timestamp::from_secs(59), &text);
            prop_assert!(outcome.is_ok());
        }
    }
}

mod enrolling {
    use super::*;

    /// The bench's "random" bytes 0, 1, 2, … in Base32.
    const KEY_20: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT";

    #[test]
    fn the_key_uri_names_issuer_twice_and_encodes_the_label() {
        let enrolled = enroll(json!({"issuer": "ACME & Söhne"}), Some("John’s Account: 1"));
        assert_eq!(
            enrolled.setup.uri,
            format!(
                "otpauth://totp/ACME%20%26%20S%C3%B6hne:John%E2%80%99s%20Account%3A%201?secret={KEY_20}\
                 &issuer=ACME%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
            )
        );
        assert_eq!(enrolled.setup.key, KEY_20);
    }

    #[test]
    fn without_an_account_the_label_is_the_issuer() {
        let enrolled = enroll(json!({}), None);
        assert!(enrolled.setup.uri.starts_with("otpauth://totp/ACME?secret="), "{}", enrolled.setup.uri);
    }

    #[test]
    fn the_data_holds_seed_and_parameters() {
        let enrolled = enroll(json!({}), Some("ada"));
        assert_eq!(enrolled.enrollment.version, 1);
        let expected = json!({"secret": KEY_20, "algorithm": "sha1", "digits": 6, "period": 30});
        assert_eq!(enrolled.enrollment.value, expected);
    }

    #[track_caller]
    fn seed_of(algorithm: &str, uri_name: &str, bytes: usize) {
        let settings = json!({"algorithm": algorithm, "digits": 8, "period": 60});
        let Enrolled { setup, enrollment, .. } = enroll(settings, Some("ada"));
        let tail = format!("&algorithm={uri_name}&digits=8&period=60");
        assert!(setup.uri.ends_with(&tail), "{}", setup.uri);
        assert_eq!(enrollment.value["algorithm"], algorithm);
        let seed = totp_rs::Secret::try_from_base32(&setup.key).expect("Base32");
        let counted: Vec<u8> = (0..).take(bytes).collect();
        assert_eq!(seed.as_bytes(), counted, "all of the host's bytes, in order");
    }

    #[test]
    fn the_seed_is_as_long_as_the_hash() {
        seed_of("sha1", "SHA1", 20);
        seed_of("sha256", "SHA256", 32);
        seed_of("sha512", "SHA512", 64);
    }

    #[test]
    fn the_terminal_code_reads_as_the_uri_on_a_dark_terminal() {
        let setup = enroll(json!({}), Some("ada")).setup;
        let rows: Vec<Vec<char>> = setup.qr_text.lines().map(|line| line.chars().collect()).collect();
        let (width, height) = (rows[0].len(), rows.len() * 2);
        let drawn = |x: usize, y: usize| match rows[y / 2][x] {
            '█' => true,
            '▀' => y.is_multiple_of(2),
            '▄' => !y.is_multiple_of(2),
            ' ' => false,
            other => panic!("{other:?} is no block"),
        };
        // What is drawn shines, what is not is dark.
        assert_eq!(scan(width, height, |x, y| if drawn(x, y) { 255 } else { 0 }), setup.uri);
        assert!((0..4).all(|n| (0..width).all(|x| drawn(x, n))), "a quiet zone of four modules at the top");
        assert!((0..4).all(|n| (0..width).all(|y| drawn(n, y))), "and at the left");
        assert!(width <= 80 && rows.len() <= 40, "{width} by {} do not fit a terminal", rows.len());
    }

    #[test]
    fn the_svg_reads_as_the_uri() {
        let setup = enroll(json!({}), Some("ada")).setup;
        let number = |text: &str| text.parse::<usize>().expect("a number");
        let size = number(setup.qr_svg.split("width=\"").nth(1).and_then(|s| s.split('"').next()).expect("width"));
        let path = setup.qr_svg.split(" d=\"M").nth(1).and_then(|s| s.split('"').next()).expect("a path");
        let mut dark = vec![false; size * size];
        // Each rectangle is "X YhWvH…".
        for rect in path.split('M') {
            let numbers: Vec<usize> = rect.split([' ', 'h', 'v', 'H', 'V']).map(number).collect();
            for y in numbers[1]..numbers[1] + numbers[3] {
                for x in numbers[0]..numbers[0] + numbers[2] {
                    dark[y * size + x] = true;
                }
            }
        }
        assert_eq!(scan(size, size, |x, y| if dark[y * size + x] { 0 } else { 255 }), setup.uri);
        assert!(setup.qr_svg.contains("fill=\"#fff\"") && setup.qr_svg.contains("fill=\"#000\""));
    }

    #[test]
    fn a_label_beyond_any_qr_code_is_a_failure() {
        let account = "ä".repeat(1200);
        let failure = try_enroll(json!({}), Some(&account)).expect_err("7200 bytes");
        assert_eq!(failure.kind, FailureKind::Misconfigured);
        assert!(failure.operator.contains("too long for a QR code") && !failure.operator.contains('ä'), "{failure}");
    }

    #[test]
    fn nothing_printed_shows_the_seed() {
        let input = testing::enroll("totp").person(Person::default());
        let ran = bench(json!({})).host().enroll(input);
        assert!(ran.logs.is_empty() && ran.requests.is_empty() && ran.kept.is_empty());
        assert!(!format!("{:?}", ran.outcome).contains("AAAQ"), "{:?}", ran.outcome);
    }

    /// Reads an image as a phone's camera does.
    fn scan(width: usize, height: usize, grey: impl Fn(usize, usize) -> u8) -> String {
        const SCALE: usize = 4;
        let shade = |x: usize, y: usize| grey(x / SCALE, y / SCALE);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, shade);
        let codes = image.detect_grids();
        assert_eq!(codes.len(), 1, "one code to be seen");
        codes[0].decode().expect("it can be read").1
    }

    #[track_caller]
    fn enroll(settings: Value, account: Option<&str>) -> Enrolled {
        try_enroll(settings, account).expect("it enrolls")
    }

    fn try_enroll(settings: Value, account: Option<&str>) -> Result<Enrolled, Failure> {
        let person = Person::default().account(account.map(str::to_owned));
        bench(settings).host().enroll(testing::enroll("totp").person(person)).outcome
    }
}

mod confirming {
    use super::*;

    fn confirm(data: &Data, at: Timestamp, code: &str) -> Result<Confirmed, Failure> {
        let input = ConfirmEnrollment::new("totp", data.clone(), Code::new(code));
        bench(json!({})).host().at(at).confirm_enrollment(input).outcome
    }

    #[test]
    fn the_first_code_confirms_and_names_its_step() {
        let app = app("sha1", SEED_SHA1, 6, 30);
        let confirmed = Confirmed::right_code_of_step(1);
        assert_eq!(confirm(&app, Timestamp::from_secs(59), "287082"), Ok(confirmed.clone()));
        assert_eq!(confirm(&app, Timestamp::from_secs(60), "287082"), Ok(confirmed), "one step late, within the skew");
    }

    #[test]
    fn another_code_does_not() {
        let app = app("sha1", SEED_SHA1, 6, 30);
        for code in ["287083", "28708", "94287082", ""] {
            assert_eq!(confirm(&app, Timestamp::from_secs(59), code), Ok(Confirmed::WrongCode), "{code:?}");
        }
        assert_eq!(confirm(&app, Timestamp::from_secs(90), "287082"), Ok(Confirmed::WrongCode), "two steps late");
    }

    #[test]
    fn damaged_data_is_a_failure() {
        let failure = confirm(&app("sha1", "", 6, 30), Timestamp::from_secs(59), "287082").expect_err("no seed");
        assert_eq!(failure.kind, FailureKind::PluginFault);
    }
}

mod opening {
    use super::*;

    #[track_caller]
    fn refused(settings: Value, because: &str) {
        let Err(failure) = Bench::<Totp>::try_open(settings.clone()) else { panic!("{settings} was accepted") };
        assert_eq!(failure.kind, FailureKind::Misconfigured);
        assert!(failure.operator.contains(because), "{failure}");
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        refused(json!({}), "issuer");
        refused(json!({"issuer": ""}), "`issuer` must not be blank");
        refused(json!({"issuer": "  "}), "`issuer` must not be blank");
        refused(json!({"issuer": "a:b"}), "`issuer` contains a colon");
        refused(json!({"issuer": "a\nb"}), "`issuer` contains a control character");
        refused(json!({"issuer": "ä".repeat(65)}), "`issuer` is 65 characters");
        refused(json!({"issuer": "ACME", "digits": 5}), "`digits` is 5");
        refused(json!({"issuer": "ACME", "digits": 9}), "`digits` is 9");
        refused(json!({"issuer": "ACME", "period": 14}), "`period` is 14");
        refused(json!({"issuer": "ACME", "period": 121}), "`period` is 121");
        refused(json!({"issuer": "ACME", "skew": 3}), "`skew` is 3");
        refused(json!({"issuer": "ACME", "algorithm": "md5"}), "md5");
        refused(json!({"issuer": "ACME", "secret": "x"}), "unknown field `secret`");
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        for settings in [
            json!({"issuer": "ä".repeat(64), "digits": 6, "period": 15, "skew": 0, "algorithm": "sha256"}),
            json!({"issuer": "A", "digits": 8, "period": 120, "skew": 2, "algorithm": "sha512"}),
        ] {
            assert!(Bench::<Totp>::try_open(settings.clone()).is_ok(), "{settings}");
        }
    }
}

fn approved(step: u64) -> Result<Checked, Failure> {
    Ok(Checked::approved_by_step(step))
}

#[track_caller]
fn bench(mut settings: Value) -> Bench<Totp> {
    if settings.get("issuer").is_none() {
        settings["issuer"] = json!("ACME");
    }
    Bench::open(settings).manifest(include_bytes!("../manifest.json"))
}

fn app(algorithm: &str, secret: &str, digits: u8, period: u64) -> Data {
    let value = json!({"secret": secret, "algorithm": algorithm, "digits": digits, "period": period});
    Data::from_json(1, value)
}

fn check(bench: &Bench<Totp>, app: &Data, at: Timestamp, code: &str) -> Result<Checked, Failure> {
    let input = testing::check("totp", code).enrollment(app.clone()).recipient(None);
    bench.host().at(at).check(input).outcome
}
