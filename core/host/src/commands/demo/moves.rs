//! The demo by itself: each move one line, from the engine's verdict.

use std::fmt;
use std::time::Duration;

use countersign::account::{AdminError, NewAccount};
use countersign::challenge::{NotSent, StartError, StartLogin, Started, Verdict};
use countersign::clock::Clock;
use countersign::enrollment::{Actor, BeginFactor, BeginPhone};
use countersign::store::ChallengeId;
use countersign_plugin::Timestamp;
use serde::Serialize;

use super::app::App;
use super::phone::Screen;
use super::stage::{Stage, StageError};
use super::{EMAIL, LOGIN_TYPE, NUMBER};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::telling::{Source, in_words};
use crate::wait;

/// More wrong codes than any limit of the bootstrap allows.
const GUESSES: u32 = 20;
/// More waits than one send can need: a cool-down, a lock, and an older code.
const WAITS: u32 = 8;

/// Makes all moves.
pub(super) async fn run(stage: &Stage, output: Output) -> Result<Exit, CommandError> {
    let user = newcomer(stage).await?;
    let mut person = Person { stage, user, waited: Duration::ZERO, approval: None, app: None };
    let mut failed = 0;
    for (number, (title, play)) in MOVES.iter().enumerate() {
        person.waited = Duration::ZERO;
        let scene = match play {
            Play::RegisterPhone => person.register_phone().await,
            Play::LogIn { method } => person.log_in(method).await,
            Play::RegisterApp => person.register_app().await,
            Play::WrongCode => person.wrong_code().await,
            Play::Replay => person.replay().await,
            Play::Lockout => person.lockout().await,
        };
        let told = Told::of(number + 1, title, scene, person.waited);
        failed += u32::from(!told.ok);
        output.answer(&told)?;
    }
    Ok(if failed == 0 { Exit::Yes } else { Exit::No })
}

#[derive(Clone, Copy)]
enum Play {
    RegisterPhone,
    LogIn { method: &'static str },
    RegisterApp,
    WrongCode,
    Replay,
    Lockout,
}

const MOVES: [(&str, Play); 8] = [
    ("register a phone, confirm by SMS", Play::RegisterPhone),
    ("log in by SMS", Play::LogIn { method: "sms" }),
    ("log in by an Authy-style call", Play::LogIn { method: "authy" }),
    ("log in by a spoken code", Play::LogIn { method: "voice" }),
    ("register an app, log in by TOTP", Play::RegisterApp),
    ("type a wrong code", Play::WrongCode),
    ("type a code a second time", Play::Replay),
    ("guess until locked out", Play::Lockout),
];

/// What a move came to.
struct Scene {
    /// Whether it ended as it should.
    ok: bool,
    verdict: Verdict,
    /// In words, for people.
    words: String,
    /// What phone or app showed, for people.
    shown: Option<String>,
}

/// Why a move came to no verdict.
#[derive(Debug, thiserror::Error)]
enum MoveError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("nothing reached the phone")]
    NothingShown,
    #[error("no app is registered, since that move failed")]
    NoApp,
    #[error("the engine sent nothing, however long one waited")]
    NeverSent,
    #[error("{GUESSES} wrong codes did not lock the user")]
    NeverLocked,
}

struct Person<'a> {
    stage: &'a Stage,
    user: String,
    /// By how much the clock was moved in this move.
    waited: Duration,
    /// The last login that was passed.
    approval: Option<ChallengeId>,
    app: Option<App>,
}

impl Person<'_> {
    async fn register_phone(&mut self) -> Result<Scene, MoveError> {
        let engine = &self.stage.site.engine;
        let actor = Actor::Person { approval: None };
        let begin = BeginPhone { user: &self.user, number: NUMBER, method: "sms", locale: None, actor };
        let started = engine.begin_phone(begin).await.map_err(CommandError::from)?;
        let screen = self.stage.screen(NUMBER).ok_or(MoveError::NothingShown)?;
        let verdict = engine.confirm_phone(&started.challenge, &screen.code()).await.map_err(CommandError::from)?;
        Ok(self.expect_approval("sms", verdict, on_phone(&screen)))
    }

    async fn log_in(&mut self, method: &str) -> Result<Scene, MoveError> {
        let started = self.start(method).await?;
        let screen = self.stage.screen(NUMBER).ok_or(MoveError::NothingShown)?;
        let verdict = self.check(&started, &screen.code()).await?;
        self.approval = Some(started.challenge);
        Ok(self.expect_approval(method, verdict, on_phone(&screen)))
    }

    async fn register_app(&mut self) -> Result<Scene, MoveError> {
        let engine = &self.stage.site.engine;
        // Who has a phone must have passed it a moment ago; the login before this one is that.
        let actor = Actor::Person { approval: self.approval.as_ref() };
        let begin = BeginFactor { user: &self.user, method: "totp", locale: None, actor };
        let enrolling = engine.begin_device(begin).await.map_err(CommandError::from)?;
        let app = App::scan(&enrolling.setup.uri).map_err(|error| CommandError::from(StageError::from(error)))?;
        let first = app.code(self.now());
        let confirmed = engine.confirm_device(&self.user, &enrolling.enrollment, &first).await;
        let confirmed = confirmed.map_err(CommandError::from)?;
        if !matches!(confirmed, Verdict::Approved(_)) {
            return Ok(self.expect_approval("totp", confirmed, on_app(&first)));
        }
        // The first code was used up by registering.
        self.wait_until(app.next(self.now()));
        let second = app.code(self.now());
        self.app = Some(app);
        let started = self.start("totp").await?;
        let verdict = self.check(&started, &second).await?;
        Ok(self.expect_approval("totp", verdict, on_app(&second)))
    }

    async fn wrong_code(&mut self) -> Result<Scene, MoveError> {
        let started = self.start("sms").await?;
        let screen = self.stage.screen(NUMBER).ok_or(MoveError::NothingShown)?;
        let wrong: String = screen.code().chars().map(|digit| if digit == '9' { '0' } else { '9' }).collect();
        let verdict = self.check(&started, &wrong).await?;
        let ok = matches!(verdict, Verdict::WrongCode { attempts_left: 1.. });
        let words = format!("{}, when {wrong} was typed", self.words(&verdict));
        // The person gives up.
        let _ = self.stage.site.engine.cancel(&started.challenge).await.map_err(CommandError::from)?;
        Ok(Scene { ok, verdict, words, shown: on_phone(&screen) })
    }

    async fn replay(&mut self) -> Result<Scene, MoveError> {
        let code = self.next_code()?;
        let started = self.start("totp").await?;
        let first = self.check(&started, &code).await?;
        if !matches!(first, Verdict::Approved(_)) {
            return Ok(self.expect_approval("totp", first, on_app(&code)));
        }
        let started = self.start("totp").await?;
        let verdict = self.check(&started, &code).await?;
        let words = format!("approved once; then {}", self.words(&verdict));
        Ok(Scene { ok: verdict == Verdict::Replayed, verdict, words, shown: on_app(&code) })
    }

    async fn lockout(&mut self) -> Result<Scene, MoveError> {
        let right = self.next_code()?;
        // Opened before, so that it has all its attempts when the user has none.
        let spare = self.start("totp").await?;
        let (guesses, until) = self.guess().await?;
        let refused = self.check(&spare, &right).await?;
        let locked = self.words(&refused);
        self.wait_until(until);
        let right = self.next_code()?;
        let started = self.start("totp").await?;
        let after = self.check(&started, &right).await?;
        let ok = matches!(refused, Verdict::Locked { .. }) && matches!(after, Verdict::Approved(_));
        let words =
            format!("{guesses} wrong codes; then even the right one: {locked}; after the lock: {}", after.name());
        Ok(Scene { ok, verdict: refused, words, shown: on_app(&right) })
    }

    /// Types wrong codes until there is a lock: how many, and until when it lasts.
    async fn guess(&mut self) -> Result<(u32, Timestamp), MoveError> {
        let wrong = self.app.as_ref().ok_or(MoveError::NoApp)?.wrong_code(self.now());
        let mut started = self.start("totp").await?;
        for guesses in 1..=GUESSES {
            match self.check(&started, &wrong).await? {
                Verdict::Locked { until } => return Ok((guesses, until)),
                Verdict::WrongCode { attempts_left: 0 } => started = self.start("totp").await?,
                _ => {}
            }
        }
        Err(MoveError::NeverLocked)
    }

    /// Starts a login, as soon as the limits allow it.
    async fn start(&mut self, method: &str) -> Result<Started, MoveError> {
        for _ in 0..WAITS {
            let login = StartLogin { user: &self.user, login_type: LOGIN_TYPE, method: Some(method), locale: None };
            match self.stage.site.engine.start(login).await {
                Err(StartError::NotSent(
                    NotSent::CoolDown { until } | NotSent::SendLocked { until } | NotSent::TryAgainAt { until },
                )) => self.wait_until(until),
                started => return Ok(started.map_err(CommandError::from)?),
            }
        }
        Err(MoveError::NeverSent)
    }

    async fn check(&self, started: &Started, code: &str) -> Result<Verdict, MoveError> {
        Ok(self.stage.site.engine.check(&started.challenge, code).await.map_err(CommandError::from)?)
    }

    /// A code that the app has not shown before, after as long a wait as that takes.
    fn next_code(&mut self) -> Result<String, MoveError> {
        let next = self.app.as_ref().ok_or(MoveError::NoApp)?.next(self.now());
        self.wait_until(next);
        Ok(self.app.as_ref().ok_or(MoveError::NoApp)?.code(self.now()))
    }

    fn wait_until(&mut self, moment: Timestamp) {
        self.waited += self.stage.clock.move_to(moment);
    }

    fn now(&self) -> Timestamp {
        self.stage.clock.now()
    }

    fn words(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Approved(passed) => format!("approved by {}", passed.service),
            other => {
                format!("{} ({})", other.name().replace('_', " "), in_words(&self.stage.site, other, Source::Sent))
            }
        }
    }

    /// Approved, and by this very service.
    fn expect_approval(&self, method: &str, verdict: Verdict, shown: Option<String>) -> Scene {
        let ok = matches!(&verdict, Verdict::Approved(passed) if passed.service == method);
        Scene { ok, words: self.words(&verdict), verdict, shown }
    }
}

/// Adds a user that the store does not have: it may be that of an earlier demo.
async fn newcomer(stage: &Stage) -> Result<String, CommandError> {
    let mut number = 1;
    loop {
        let name = if number == 1 { "ada".to_owned() } else { format!("ada-{number}") };
        let account = NewAccount { name: &name, email: Some(EMAIL), locale: None, required: true };
        match stage.site.engine.add_user(account).await {
            Err(AdminError::Exists { .. }) => number += 1,
            added => return Ok(added?.name),
        }
    }
}

fn on_phone(screen: &Screen) -> Option<String> {
    Some(format!("the phone {} {:?}", screen.verb(), screen.first_line()))
}

fn on_app(code: &str) -> Option<String> {
    Some(format!("the app shows {code}"))
}

/// One line. For scripts it leaves out what phone and app showed.
#[derive(Serialize)]
struct Told {
    number: usize,
    #[serde(rename = "move")]
    title: &'static str,
    ok: bool,
    /// The engine's, where it came to one.
    verdict: Option<&'static str>,
    /// By how much the demo's clock was moved.
    waited_seconds: u64,
    error: Option<String>,
    #[serde(skip)]
    words: String,
}

impl Told {
    fn of(number: usize, title: &'static str, scene: Result<Scene, MoveError>, waited: Duration) -> Self {
        let mut told = Self {
            number,
            title,
            ok: false,
            verdict: None,
            waited_seconds: waited.as_secs(),
            error: None,
            words: String::new(),
        };
        match scene {
            Ok(Scene { ok, verdict, words, shown }) => {
                told.ok = ok;
                told.verdict = Some(verdict.name());
                told.words = words;
                if let Some(shown) = shown {
                    told.words = format!("{}; {shown}", told.words);
                }
            }
            Err(error) => {
                told.words = error.to_string().replace('\n', "; ");
                told.error = Some(told.words.clone());
            }
        }
        if !waited.is_zero() {
            let from = Timestamp::from_secs(0);
            told.words = format!("{}; the demo's clock was moved by {}", told.words, wait::from(from, from + waited));
        }
        told
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, title, words, .. } = self;
        let state = if self.ok { "ok    " } else { "FAILED" };
        write!(out, "{state} {number}. {title}: {words}")
    }
}
