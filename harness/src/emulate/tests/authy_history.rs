//! Random histories of the Authy-style service against a small model of what is documented of it.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const CELLPHONES: [&str; 3] = ["5005550006", "5005550007", "500-555-0008"];
/// The one with the app, to whom nothing is sent without force.
const APP: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    Register { who: usize },
    Send { who: usize, way: &'static str, force: bool, action: Option<&'static str> },
    Verify { who: usize, typed: Typed, force: bool, action: Option<&'static str> },
    Remove { who: usize, way: &'static str },
    Wait { seconds: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    Last,
    Other,
    /// What once led to another resource.
    Path,
}

#[derive(Clone)]
struct Token {
    code: String,
    at: u64,
    used: bool,
    action: Option<&'static str>,
}

#[derive(Clone)]
struct User {
    id: u64,
    confirmed: bool,
    token: Option<Token>,
    removed: Option<u64>,
}

#[derive(Default)]
struct Model {
    now: u64,
    users: [Option<User>; 3],
    /// The ids of users who are gone for good.
    gone: Vec<u64>,
}

impl Model {
    fn user(&mut self, who: usize) -> Option<&mut User> {
        let now = self.now;
        let user = self.users[who].take().filter(|user| {
            let here = user.removed.is_none_or(|removed| now < removed + 86_400);
            if !here {
                self.gone.push(user.id);
            }
            here
        });
        self.users[who] = user;
        self.users[who].as_mut()
    }
}

struct Play {
    rig: Rig,
    model: Model,
}

impl Play {
    fn new(seed: u64) -> Self {
        let rig = Rig::with_seed(seed);
        rig.mark("+15005550008", PhoneKind::Smartphone);
        Self { rig, model: Model::default() }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Register { who } => self.register(who),
            Step::Send { who, way, force, action } => self.send(who, way, force, action),
            Step::Verify { who, typed, force, action } => self.verify(who, typed, force, action),
            Step::Remove { who, way } => {
                let now = self.model.now;
                let path = way.replace("{}", &self.id(who).to_string());
                let got = self.rig.post(&format!("/protected/json/users/{path}"), &[]);
                match self.model.user(who) {
                    None => unknown(&got),
                    Some(user) => {
                        user.removed.get_or_insert(now);
                        assert_eq!((got.status, &got.body["success"]), (200, &Value::from(true)));
                    }
                }
            }
            Step::Wait { seconds } => {
                self.rig.advance(seconds);
                self.model.now += seconds;
            }
        }
    }

    fn register(&mut self, who: usize) {
        let user = [("user[email]", "user@example.com"), ("user[cellphone]", CELLPHONES[who])];
        let body = self.rig.post("/protected/json/users/new", &user).expect(200);
        let id = body["user"]["id"].as_u64().expect("an id");
        match self.model.user(who) {
            Some(known) => {
                assert_eq!(known.id, id, "the same number is the same user");
                known.removed = None;
            }
            None => {
                let others = self.model.users.iter().flatten().any(|user| user.id == id);
                assert!(!others && !self.model.gone.contains(&id), "a new id");
                self.model.users[who] = Some(User { id, confirmed: false, token: None, removed: None });
            }
        }
    }

    fn send(&mut self, who: usize, way: &str, force: bool, action: Option<&'static str>) {
        let before = self.rig.emulator.inbox().len();
        let path =
            format!("/protected/json/{way}/{}?force={force}&action={}", self.id(who), action.unwrap_or_default());
        let got = self.rig.get(&path);
        let arrived = self.rig.emulator.inbox().len() - before;
        let now = self.model.now;
        let Some(user) = self.model.user(who) else {
            assert_eq!(arrived, 0);
            return unknown(&got);
        };
        assert_eq!((got.status, &got.body["success"]), (200, &Value::from(true)));
        let ignored = who == APP && !force;
        assert_eq!((arrived, got.body.get("ignored").is_some()), (usize::from(!ignored), ignored));
        if ignored {
            return;
        }
        let code = self.rig.code();
        match user.token.as_ref().filter(|known| !known.used && now < known.at + 600 && known.action == action) {
            Some(known) => assert_eq!(known.code, code, "the same token again"),
            None => user.token = Some(Token { code, at: now, used: false, action }),
        }
    }

    fn verify(&mut self, who: usize, typed: Typed, force: bool, action: Option<&'static str>) {
        let id = self.id(who);
        let now = self.model.now;
        let user = self.model.user(who);
        let token = user.as_ref().and_then(|user| user.token.clone());
        let code = match (typed, &token) {
            (Typed::Path, _) => "..%2fsms".to_owned(),
            (Typed::Last, Some(token)) => token.code.clone(),
            (Typed::Last, None) => "1234567".to_owned(),
            (Typed::Other, Some(token)) => token.code.chars().map(|c| if c == '9' { '0' } else { '9' }).collect(),
            (Typed::Other, None) => "7654321".to_owned(),
        };
        let path = format!("/protected/json/verify/{code}/{id}?force={force}&action={}", action.unwrap_or_default());
        let before = self.rig.emulator.inbox().len();
        let got = self.rig.get(&path);
        assert_eq!(self.rig.emulator.inbox().len(), before, "a check sends nothing");
        let Some(user) = user else {
            return unknown(&got);
        };
        let good = token.filter(|token| typed == Typed::Last && now < token.at + 600 && token.action == action);
        let lenient = typed != Typed::Path && !force && !user.confirmed;
        match good {
            Some(token) if token.used => wrong(&got, "60019"),
            Some(_) => {
                user.confirmed = true;
                user.token.as_mut().expect("it is there").used = true;
                right(&got);
            }
            None if lenient => right(&got),
            None => wrong(&got, "60020"),
        }
    }

    fn id(&mut self, who: usize) -> u64 {
        self.model.users[who].as_ref().map_or(99, |user| user.id)
    }
}

#[track_caller]
fn right(got: &Got) {
    let told = (got.status, &got.body["token"], &got.body["success"]);
    assert_eq!(told, (200, &Value::from("is valid"), &Value::from("true")), "{}", got.body);
}

#[track_caller]
fn wrong(got: &Got, code: &str) {
    let told = (got.status, &got.body["token"], &got.body["success"], &got.body["error_code"]);
    assert_eq!(told, (401, &Value::from("is invalid"), &Value::from(false), &Value::from(code)), "{}", got.body);
}

#[track_caller]
fn unknown(got: &Got) {
    assert_eq!((got.status, &got.body["error_code"]), (404, &Value::from("60026")), "{}", got.body);
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..CELLPHONES.len();
    let action = || prop_oneof![4 => Just(None), 1 => Just(Some("pay"))];
    let typed = prop_oneof![3 => Just(Typed::Last), 2 => Just(Typed::Other), 1 => Just(Typed::Path)];
    let ways = select(vec!["{}/remove", "{}/delete", "delete/{}"]);
    prop_oneof![
        3 => who.clone().prop_map(|who| Step::Register { who }),
        4 => (who.clone(), select(vec!["sms", "call"]), any::<bool>(), action())
            .prop_map(|(who, way, force, action)| Step::Send { who, way, force, action }),
        5 => (who.clone(), typed, any::<bool>(), action())
            .prop_map(|(who, typed, force, action)| Step::Verify { who, typed, force, action }),
        1 => (who, ways).prop_map(|(who, way)| Step::Remove { who, way }),
        2 => select(vec![1, 300, 599, 600, 86_399, 86_400]).prop_map(|seconds| Step::Wait { seconds }),
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
