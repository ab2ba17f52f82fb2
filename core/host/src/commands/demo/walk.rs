//! The demo with a person: registers them and logs them in, and draws what their phone would show.

use std::cell::RefCell;

use countersign::account::{AdminError, NewAccount};
use countersign::challenge::{CheckError, NotSent, StartError, StartLogin, Started, Verdict};
use countersign::clock::Clock;
use countersign::enrollment::{Actor, BeginFactor, BeginPhone, EnrollError, Enrolling};
use countersign::phone;
use countersign::store::ChallengeId;
use countersign_plugin::Purpose;

use super::app::App;
use super::stage::{Stage, StageError};
use super::{EMAIL, LOGIN_TYPE, NUMBER};
use crate::error::CommandError;
use crate::exit::{Exit, of_verdict};
use crate::output::Output;
use crate::prompt;
use crate::telling::{Source, enroll_error, in_words, start_error, untried};
use crate::wait;
use crate::words;

/// Walks the person through it. Ends well if the engine approved of every step.
pub(super) async fn run(stage: &Stage, output: Output) -> Result<Exit, CommandError> {
    match (Walk { stage, output, shown: RefCell::default() }).all().await {
        Ok(()) => Ok(Exit::Yes),
        Err(End::Denied(verdict, source)) => {
            output.say(&format!("\nThe demo ends here. {}", in_words(&stage.site, &verdict, source)))?;
            Ok(of_verdict(&verdict))
        }
        Err(End::Broken(error)) => Err(error),
    }
}

/// Why the walk ended early.
enum End {
    /// The engine said no, and asking again would not help.
    Denied(Verdict, Source),
    /// Something went wrong.
    Broken(CommandError),
}

impl<E: Into<CommandError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// What a code is typed for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// A number to register, or a login.
    Challenge(&'a Started, Purpose),
    /// An app to register.
    Device(&'a str, &'a Enrolling),
}

impl Wanted<'_> {
    /// Why what was typed can be no code here, if it cannot.
    fn untried(self, typed: &str) -> Option<String> {
        let (possible, told) = match self {
            Self::Challenge(Started { code_digits, configured_digits, .. }, _) => {
                let possible = (*code_digits)?;
                (possible, configured_digits.map_or(possible, |digits| [digits; 2]))
            }
            Self::Device(_, enrolling) => (enrolling.code_digits, enrolling.code_digits),
        };
        untried(typed, possible, told)
    }
}

/// The services of the demo's bootstrap that reach phones.
const WAYS: [(&str, &str); 3] = [
    ("sms", "a text message; Twilio Verify makes and checks the code"),
    ("voice", "a call; Countersign makes the code, Programmable Voice speaks it"),
    ("authy", "a call; the Authy-style service makes, speaks and checks the code"),
];

struct Walk<'a> {
    stage: &'a Stage,
    output: Output,
    /// The code that the built-in app showed last.
    shown: RefCell<String>,
}

impl Walk<'_> {
    async fn all(&self) -> Result<(), End> {
        self.welcome()?;
        let user = self.ask_name().await?;

        self.output.say("\n── 1. Register your phone # for SMS/Calls\n")?;
        let number = self.register_phone(&user).await?;

        self.output.say(
            "\n── 2. Log in, by each service that reaches phones\n\nAll of them can use that number now. Press Enter for \
             each, or type `skip` to leave one out.",
        )?;
        let login = self.log_in_by_each(&user, &number).await?;

        self.output.say("\n── 3. Register to use mobile app codes\n")?;
        let app = self.register_app(&user, &login).await?;

        self.output.say("\n── 4. Log in with the app\n")?;
        self.log_in_with(&user, &app).await?;
        self.farewell(&user)
    }

    fn welcome(&self) -> Result<(), End> {
        let mut text = "Countersign: second factors whose channels are plugins.\n\nThe demo's bootstrap names these \
                        plugins. Their files were found, verified and loaded:\n"
            .to_owned();
        for file in &self.stage.plugins {
            text.push_str(&format!("  {} {}  {}\n", file.plugin, file.version, file.path.display()));
        }
        text.push_str("\nWhat their providers would answer is replayed: nothing leaves this computer.");
        let lead = self.stage.clock.lead();
        if !lead.is_zero() {
            let now = self.stage.clock.now();
            let lead = wait::from(now, now + lead);
            text.push_str(&format!(
                "\nThe demo's clock is {lead} ahead, after an earlier demo in this folder; a real app will not agree with it."
            ));
        }
        Ok(self.output.say(&text)?)
    }

    async fn ask_name(&self) -> Result<String, End> {
        loop {
            let name = or("ada", &prompt::ask("\nYour name [ada]:", "your name")?);
            let account = NewAccount { name: &name, email: Some(EMAIL), locale: None, required: true };
            match self.stage.site.engine.add_user(account).await {
                Err(error @ (AdminError::Exists { .. } | AdminError::User(_))) => prompt::tell(&error.to_string()),
                added => return Ok(added.map_err(CommandError::from)?.name),
            }
        }
    }

    /// The number that was registered, in its canonical form.
    async fn register_phone(&self, user: &str) -> Result<String, End> {
        loop {
            let question = format!("Your phone number, any valid one [{NUMBER}]:");
            let typed = or(NUMBER, &prompt::ask(&question, "your phone number")?);
            // What reaches the phone is addressed to the canonical form.
            let number = match phone::read(&typed, &self.stage.site.bootstrap.limits.allowed_countries) {
                Ok(phone) => phone.e164,
                Err(why) => {
                    prompt::tell(&why.to_string());
                    continue;
                }
            };
            let actor = Actor::Person { approval: None };
            let begin = BeginPhone { user, number: &number, method: "sms", locale: None, actor };
            let begun = self.stage.site.engine.begin_phone(begin).await;
            let started = match begun {
                Ok(started) => started,
                Err(error) => return Err(enroll_error(&self.stage.site, user, "sms", error).await.into()),
            };
            self.show_phone(&number)?;
            self.ask_code(Wanted::Challenge(&started, Purpose::Enroll), None).await?;
            return Ok(number);
        }
    }

    /// The login that was passed last: there must be one, as who has a factor passes it before another is registered.
    async fn log_in_by_each(&self, user: &str, number: &str) -> Result<ChallengeId, End> {
        let mut passed = None;
        for (method, description) in WAYS {
            let is_last_chance = passed.is_none() && WAYS.last().is_some_and(|(last, _)| *last == method);
            self.output.say(&format!("\n{method}: {description}"))?;
            if self.is_left_out(method)? {
                if !is_last_chance {
                    continue;
                }
                prompt::tell("Who has a factor passes it before another one is registered, so this one is taken.");
            }
            passed = Some(self.log_in(user, number, method).await?);
        }
        // The last one cannot be left out.
        passed.ok_or_else(|| End::Broken(StartError::NothingRegistered.into()))
    }

    fn is_left_out(&self, method: &str) -> Result<bool, End> {
        loop {
            let typed = prompt::ask(&format!("Log in by {method} [Enter, or skip]:"), "Enter or `skip`")?;
            match typed.trim().to_ascii_lowercase().as_str() {
                "" => return Ok(false),
                name if name == method => return Ok(false),
                "skip" => return Ok(true),
                _ => prompt::tell(&format!("Press Enter to log in by {method}, or type `skip` to leave it out.")),
            }
        }
    }

    async fn log_in(&self, user: &str, number: &str, method: &str) -> Result<ChallengeId, End> {
        let started = self.start(user, method).await.map_err(|error| start_error(&self.stage.site, user, error))?;
        self.show_phone(number)?;
        self.ask_code(Wanted::Challenge(&started, Purpose::Login), None).await?;
        Ok(started.challenge)
    }

    async fn register_app(&self, user: &str, login: &ChallengeId) -> Result<App, End> {
        let actor = Actor::Person { approval: Some(login) };
        let begin = BeginFactor { user, method: "totp", locale: None, actor };
        let enrolling = self.stage.site.engine.begin_device(begin).await.map_err(CommandError::from)?;
        let setup = &enrolling.setup;
        let app = App::scan(&setup.uri).map_err(StageError::from)?;
        self.output.say(&format!(
            "Scan this with an authenticator app, or type the key {} into it.\nWithout an app, type `show` instead of \
             a code: the demo has one built in.\n\n{}\n",
            setup.key, setup.qr_text
        ))?;
        self.ask_code(Wanted::Device(user, &enrolling), Some(&app)).await?;
        Ok(app)
    }

    async fn log_in_with(&self, user: &str, app: &App) -> Result<(), End> {
        let started = self.start(user, "totp").await.map_err(|error| start_error(&self.stage.site, user, error))?;
        self.output.say("Each code counts once, so wait for your app's next one, or type `show`.")?;
        self.ask_code(Wanted::Challenge(&started, Purpose::Login), Some(app)).await
    }

    /// Starts a login; where a person would have to wait, the clock is moved.
    async fn start(&self, user: &str, method: &str) -> Result<Started, StartError> {
        loop {
            let login = StartLogin { user, login_type: LOGIN_TYPE, method: Some(method), locale: None };
            match self.stage.site.engine.start(login).await {
                Err(StartError::NotSent(
                    NotSent::CoolDown { until } | NotSent::SendLocked { until } | NotSent::TryAgainAt { until },
                )) => {
                    let now = self.stage.clock.now();
                    prompt::tell(&format!(
                        "(A person would have to wait {} for the next code. The demo's clock is moved instead.)",
                        wait::from(now, until)
                    ));
                    self.stage.clock.move_to(until);
                }
                started => return started,
            }
        }
    }

    fn show_phone(&self, number: &str) -> Result<(), End> {
        match self.stage.screen(number) {
            Some(screen) => self.output.say(&format!("Your phone:\n{screen}\n"))?,
            None => self.output.say("Your phone shows nothing.")?,
        }
        Ok(())
    }

    /// Asks for the code until the engine approves of it, or will not any more.
    async fn ask_code(&self, wanted: Wanted<'_>, app: Option<&App>) -> Result<(), End> {
        let engine = &self.stage.site.engine;
        let source = if app.is_some() { Source::Device } else { Source::Sent };
        loop {
            let typed = prompt::ask("Type the code:", "the code")?;
            if let (Some(app), "show") = (app, typed.trim()) {
                self.show_app(app)?;
                continue;
            }
            if let Some(why) = wanted.untried(&typed) {
                prompt::tell(&why);
                continue;
            }
            let checked = match wanted {
                Wanted::Challenge(started, Purpose::Enroll) => engine.confirm_phone(&started.challenge, &typed).await,
                Wanted::Challenge(started, _) => engine.check(&started.challenge, &typed).await,
                Wanted::Device(user, enrolling) => {
                    match engine.confirm_device(user, &enrolling.enrollment, &typed).await {
                        Err(EnrollError::Empty) => Err(CheckError::Empty),
                        confirmed => Ok(confirmed.map_err(CommandError::from)?),
                    }
                }
            };
            match checked {
                Err(CheckError::Empty) => prompt::tell("No code was typed; type the digits that are shown."),
                Err(error) => return Err(CommandError::from(error).into()),
                Ok(Verdict::Approved(passed)) => {
                    let service = words::service(&passed.service, &passed.channel);
                    return Ok(self.output.say(&format!("✓ approved, by {service}"))?);
                }
                Ok(again @ (Verdict::WrongCode { attempts_left: 1.. } | Verdict::Replayed)) => {
                    self.output.say(&format!("✗ {}", in_words(&self.stage.site, &again, source)))?;
                }
                Ok(verdict) => return Err(End::Denied(verdict, source)),
            }
        }
    }

    /// The built-in app shows no code twice: the clock is moved to its next one.
    fn show_app(&self, app: &App) -> Result<(), End> {
        let clock = &self.stage.clock;
        if *self.shown.borrow() == app.code(clock.now()) {
            let next = app.next(clock.now());
            let wait = wait::from(clock.now(), next);
            self.output.say(&format!("(The next code comes in {wait}. The demo's clock is moved instead.)"))?;
            clock.move_to(next);
        }
        let code = app.code(clock.now());
        self.output.say(&format!("The app shows {code}"))?;
        self.shown.replace(code);
        Ok(())
    }

    fn farewell(&self, user: &str) -> Result<(), End> {
        let program = words::program();
        let mut text = format!(
            "\nThat was Countersign, from end to end. What else to try:\n  \
             {program} demo --headless    all of it at once, with wrong and used codes and a lockout\n  \
             {program} plugin inspect FILE    what a plugin says of itself\n  \
             {program} init    a bootstrap of your own"
        );
        match self.stage.kept() {
            Some(bootstrap) => text.push_str(&format!(
                "\n  {program} --bootstrap {} user show {user}    what was remembered of you",
                bootstrap.display()
            )),
            None => {
                text.push_str(&format!("\n  {program} demo --dir FOLDER    keeps bootstrap, key and store to look at"))
            }
        }
        Ok(self.output.say(&text)?)
    }
}

/// What was typed, or what stood in brackets.
fn or(otherwise: &str, typed: &str) -> String {
    let typed = typed.trim();
    if typed.is_empty() { otherwise.to_owned() } else { typed.to_owned() }
}
