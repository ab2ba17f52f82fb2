//! Random histories of verifications against a small model of what is documented of them.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const PEOPLE: [&str; 2] = ["+15005550006", "+15005550007"];
/// Starts with the same key that the one rate limit of these histories allows within a minute.
const MAX: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Start { who: usize, channel: &'static str, key: Option<&'static str> },
    Check { which: Which, code: Typed },
    Update { which: Which, status: &'static str },
    Fetch { which: Which },
    Wait { seconds: u64 },
}

/// What a request names: a number, or the SID of one of the last verifications.
#[derive(Clone, Copy, Debug)]
enum Which {
    Number(usize),
    Sid(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    Right,
    Wrong,
    TooShort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Approved,
    Canceled,
    TooManyChecks,
}

struct Made {
    who: usize,
    at: u64,
    sid: String,
    code: String,
    sends: usize,
    wrong: u32,
    end: Option<End>,
}

/// The model: Twilio Verify's rules in the plainest form.
#[derive(Default)]
struct Model {
    now: u64,
    made: Vec<Made>,
    windows: HashMap<&'static str, (u64, u32)>,
}

/// What must come out.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Refused(u16, u32),
    Word(u16, &'static str),
}

impl Model {
    /// Neither approved nor canceled nor ten minutes old.
    fn alive(&self, index: usize) -> bool {
        let made = &self.made[index];
        matches!(made.end, None | Some(End::TooManyChecks)) && self.now < made.at + 600
    }

    fn current(&self, who: usize) -> Option<usize> {
        let last = self.made.iter().rposition(|made| made.who == who)?;
        self.alive(last).then_some(last)
    }

    fn resolve(&self, which: Which) -> Option<usize> {
        match which {
            Which::Number(who) => self.current(who),
            Which::Sid(back) => self.made.len().checked_sub(1 + back),
        }
    }

    /// Whether the one rate limit lets a start with this key pass; if so it is counted.
    fn passes(&mut self, key: Option<&'static str>) -> bool {
        let Some(key) = key else { return true };
        let window = self.windows.entry(key).or_insert((self.now, 0));
        if self.now >= window.0 + 60 {
            *window = (self.now, 0);
        }
        window.1 += 1;
        if window.1 > MAX {
            window.1 = MAX;
            return false;
        }
        true
    }

    fn check(&mut self, which: Which, code: Typed) -> Expected {
        if code == Typed::TooShort {
            return Expected::Refused(400, 60200);
        }
        let Some(index) = self.resolve(which).filter(|index| self.alive(*index)) else {
            return Expected::Refused(404, 20404);
        };
        let made = &mut self.made[index];
        if made.end == Some(End::TooManyChecks) {
            return Expected::Refused(429, 60202);
        }
        if code == Typed::Right {
            made.end = Some(End::Approved);
            return Expected::Word(200, "approved");
        }
        made.wrong += 1;
        if made.wrong == 5 {
            made.end = Some(End::TooManyChecks);
        }
        Expected::Word(200, "pending")
    }

    fn update(&mut self, which: Which, status: &'static str) -> Expected {
        let found = self.resolve(which).filter(|index| self.alive(*index));
        let Some(made) = found.map(|index| &mut self.made[index]) else {
            return Expected::Refused(404, 20404);
        };
        match (status, made.end) {
            ("canceled", _) => made.end = Some(End::Canceled),
            (_, None) => made.end = Some(End::Approved),
            _ => return Expected::Refused(404, 20404),
        }
        Expected::Word(200, status)
    }

    fn fetch(&self, which: Which) -> Expected {
        let Some(index) = self.resolve(which) else {
            return Expected::Refused(404, 20404);
        };
        match self.made[index].end {
            None if self.alive(index) => Expected::Word(200, "pending"),
            Some(End::Canceled) => Expected::Word(200, "canceled"),
            Some(End::TooManyChecks) => Expected::Word(200, "max_attempts_reached"),
            None | Some(End::Approved) => Expected::Refused(404, 20404),
        }
    }
}

/// Plays one history on both sides.
struct Play {
    rig: Rig,
    model: Model,
}

impl Play {
    fn new(seed: u64) -> Self {
        let rig = Rig::with_seed(seed);
        let limit = rig.service("RateLimits", &[("UniqueName", "ip")]).expect(201);
        let buckets = format!("RateLimits/{}/Buckets", limit["sid"].as_str().expect("a sid"));
        rig.service(&buckets, &[("Max", &MAX.to_string()), ("Interval", "60")]).expect(201);
        Self { rig, model: Model::default() }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start { who, channel, key } => self.start(who, channel, key),
            Step::Check { which, code } => {
                let typed = self.typed(which, code);
                let (field, value) = match which {
                    Which::Number(who) => ("To", PEOPLE[who].to_owned()),
                    Which::Sid(_) => ("VerificationSid", self.name(which)),
                };
                let got = self.rig.service("VerificationCheck", &[(field, &value), ("Code", &typed)]);
                let expected = self.model.check(which, code);
                let approved = expected == Expected::Word(200, "approved");
                assert_eq!(got.body.get("valid").is_some_and(|valid| valid == true), approved);
                compare(&got, &expected);
            }
            Step::Update { which, status } => {
                let got = self.rig.service(&format!("Verifications/{}", self.name(which)), &[("Status", status)]);
                compare(&got, &self.model.update(which, status));
            }
            Step::Fetch { which } => {
                let got = self.rig.get(&format!("/v2/Services/{SERVICE}/Verifications/{}", self.name(which)));
                compare(&got, &self.model.fetch(which));
            }
            Step::Wait { seconds } => {
                self.rig.advance(seconds);
                self.model.now += seconds;
            }
        }
    }

    fn start(&mut self, who: usize, channel: &'static str, key: Option<&'static str>) {
        let before = self.rig.emulator.inbox().len();
        let limits = key.map(|key| format!("{{\"ip\":\"{key}\"}}")).unwrap_or_default();
        let got =
            self.rig.service("Verifications", &[("To", PEOPLE[who]), ("Channel", channel), ("RateLimits", &limits)]);
        let arrived = self.rig.emulator.inbox().len() - before;
        if !self.model.passes(key) {
            assert!(got.header("Retry-After").is_some_and(|wait| (1..=60).contains(&wait.parse().unwrap_or(0))));
            assert_eq!((arrived, got.header("Twilio-Reached-Rate-Limit")), (0, Some("ip")));
            return compare(&got, &Expected::Refused(429, 20429));
        }
        let current = self.model.current(who);
        if let Some(made) = current.map(|index| &self.model.made[index])
            && (made.sends == 5 || made.end.is_some())
        {
            assert_eq!(arrived, 0);
            return compare(&got, &Expected::Refused(429, 60203));
        }
        compare(&got, &Expected::Word(201, "pending"));
        let (sid, code) = (got.body["sid"].as_str().expect("a sid").to_owned(), self.rig.code());
        assert_eq!((arrived, &got.body["channel"]), (1, &Value::from(channel)));
        let made = &mut self.model.made;
        match current {
            None => {
                assert!(made.iter().all(|known| known.sid != sid), "a SID that was there before");
                made.push(Made { who, at: self.model.now, sid, code, sends: 1, wrong: 0, end: None });
            }
            Some(index) => {
                made[index].sends += 1;
                assert_eq!((&made[index].sid, &made[index].code), (&sid, &code), "same verification, same code");
            }
        }
        let sends = current.map_or(1, |index| self.model.made[index].sends);
        assert_eq!(got.body["send_code_attempts"].as_array().map(Vec::len), Some(sends));
    }

    /// What somebody types who means that verification.
    fn typed(&self, which: Which, code: Typed) -> String {
        let known = self.model.resolve(which).map(|index| self.model.made[index].code.clone());
        let code_of = known.unwrap_or_else(|| "000000".to_owned());
        match code {
            Typed::Right => code_of,
            Typed::Wrong => code_of.chars().rev().map(|c| if c == '9' { '0' } else { '9' }).collect(),
            Typed::TooShort => code_of[..3].to_owned(),
        }
    }

    fn name(&self, which: Which) -> String {
        match which {
            Which::Number(who) => PEOPLE[who].replace('+', "%2B"),
            Which::Sid(_) => {
                let known = self.model.resolve(which).map(|index| self.model.made[index].sid.clone());
                known.unwrap_or_else(|| format!("VE{}", "0".repeat(32)))
            }
        }
    }
}

#[track_caller]
fn compare(got: &Got, expected: &Expected) {
    let found = match got.body["status"].as_str() {
        Some(word) => (got.status, word.to_owned()),
        None => (got.status, got.body["code"].to_string()),
    };
    let wanted = match expected {
        Expected::Word(status, word) => (*status, (*word).to_owned()),
        Expected::Refused(status, code) => (*status, code.to_string()),
    };
    assert_eq!(found, wanted, "{}", got.body);
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![(0..PEOPLE.len()).prop_map(Which::Number), (0..3_usize).prop_map(Which::Sid)]
}

fn step() -> impl Strategy<Value = Step> {
    let channel = select(vec!["sms", "sms", "call", "whatsapp"]);
    let key = prop_oneof![3 => Just(None), 2 => select(vec![Some("a"), Some("b")])];
    let code = prop_oneof![2 => Just(Typed::Right), 6 => Just(Typed::Wrong), 1 => Just(Typed::TooShort)];
    prop_oneof![
        6 => (0..PEOPLE.len(), channel, key).prop_map(|(who, channel, key)| Step::Start { who, channel, key }),
        7 => (which(), code).prop_map(|(which, code)| Step::Check { which, code }),
        1 => (which(), select(vec!["approved", "canceled"])).prop_map(|(which, status)| Step::Update { which, status }),
        2 => which().prop_map(|which| Step::Fetch { which }),
        2 => select(vec![1, 30, 59, 60, 300, 599, 600, 601]).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_history_goes_as_documented(seed: u64, steps in prop::collection::vec(step(), 1..60)) {
        let mut play = Play::new(seed);
        for step in steps {
            play.step(step);
        }
    }
}
