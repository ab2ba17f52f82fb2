//! How factors come and go, on a whole engine.

mod administration;

use countersign_plugin::manifest::{Checker, Maker};
use countersign_plugin::{FailureKind, OperationName};

use super::*;
use crate::account::{AdminError, NewAccount};
use crate::bootstrap::{Limits, Registration, UnknownUsers};
use crate::challenge::{CheckError, NotSent, Started, Verdict};
use crate::phone::PhoneError;
use crate::policy::Assessment;
use crate::rig::{NUMBER, OTHER_NUMBER, Rig, WRONG, Weather, run, two_factor};
use crate::store::Store as _;

const BY_ADMINISTRATOR: Actor<'_> = Actor::Administrator;
const BY_NOBODY: Actor<'_> = Actor::Person { approval: None };

const fn by(approval: &ChallengeId) -> Actor<'_> {
    Actor::Person { approval: Some(approval) }
}

fn totp() -> Factor {
    Factor::Device("totp".to_owned())
}

#[track_caller]
fn approved(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, EnrollError>, expected: &str) {
    match result {
        Err(error) => assert!(error.to_string().contains(expected), "{error}"),
        Ok(done) => panic!("{done:?}"),
    }
}

impl Rig {
    async fn factors(&self, user: &str) -> Vec<Factor> {
        let account = self.engine.show_user(user).await.unwrap();
        account.factors.into_iter().filter(|found| found.pending_until.is_none()).map(|found| found.factor).collect()
    }

    async fn confirm(&self, user: &str, enrolling: &Enrolling) -> Verdict {
        self.confirm_with(user, enrolling, &self.world.app_code(&enrolling.setup)).await
    }

    async fn confirm_with(&self, user: &str, enrolling: &Enrolling, typed: &str) -> Verdict {
        self.engine.confirm_device(user, &enrolling.enrollment, typed).await.unwrap()
    }

    async fn prove(&self, number: &str, started: &Started) -> Verdict {
        self.engine.confirm_phone(&started.challenge, &self.world.last_code(number)).await.unwrap()
    }
}

#[test]
fn a_number_is_a_factor_once_it_is_proven_for_every_method_that_reaches_it() {
    run(async {
        let rig = Rig::new();
        let started = rig.begin_phone("ada", "+1 (500) 555-0006", "call").await.unwrap();
        assert_eq!(started.recipient.as_deref(), Some("•••• 06"));
        assert_eq!(rig.factors("ada").await, []);
        assert!(matches!(rig.engine.assess("ada", "web").await.unwrap(), Assessment::Register { .. }));
        approved(&rig.prove(NUMBER, &started).await);
        assert_eq!(rig.factors("ada").await, [Factor::Phone]);
        let Assessment::Verify { methods, may_register, .. } = rig.engine.assess("ada", "web").await.unwrap() else {
            panic!("registered in vain")
        };
        let names =
            |methods: &[crate::policy::Method]| methods.iter().map(|found| found.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&methods), ["sms", "call", "hotline"]);
        assert_eq!(methods[0].recipient.as_deref(), Some("•••• 06"));
        assert_eq!(names(&may_register), ["totp"]);
    });
}

#[test]
fn a_number_that_cannot_be_used_changes_nothing() {
    run(async {
        let limits = Limits { allowed_countries: ["US".to_owned()].into(), ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        for number in ["5005550006", "+33631966543", "+19002345678", ""] {
            let error = rig.begin_phone("ada", number, "sms").await.unwrap_err();
            assert!(matches!(error, EnrollError::Phone(_)), "{error}");
        }
        assert!(rig.store.writes().is_empty());
        rig.with_phone("ada", NUMBER).await;
        let error = rig.engine.change_number("ada", "+33631966543", "sms").await.unwrap_err();
        assert!(matches!(error, EnrollError::Phone(PhoneError::Country { .. })));
        refused(rig.engine.change_number("ada", OTHER_NUMBER, "totp").await, "cannot enroll a phone number");
        assert_eq!(rig.factors("ada").await, [Factor::Phone]);
    });
}

#[test]
fn a_proof_may_be_sent_again_by_another_method() {
    run(async {
        let rig = Rig::new();
        let started = rig.begin_phone("ada", NUMBER, "sms").await.unwrap();
        rig.clock.advance(30);
        let again = rig.resend(&started.challenge, Some("call")).await.unwrap();
        assert_eq!(again.channel, "voice");
        let by_app = rig.resend(&started.challenge, Some("totp")).await;
        assert!(by_app.is_err(), "an app reaches no number");
        approved(&rig.prove(NUMBER, &again).await);
    });
}

#[test]
fn a_wrong_proof_counts_on_the_user() {
    run(async {
        let rig = Rig::new();
        let started = rig.begin_phone("ada", NUMBER, "sms").await.unwrap();
        for left in (0..5).rev() {
            let verdict = rig.engine.confirm_phone(&started.challenge, WRONG).await.unwrap();
            assert_eq!(verdict, Verdict::WrongCode { attempts_left: left });
        }
        assert_eq!(rig.prove(NUMBER, &started).await, Verdict::Expired);
        assert_eq!(rig.engine.show_user("ada").await.unwrap().failures, 5);
        assert_eq!(rig.factors("ada").await, []);
    });
}

#[test]
fn a_proof_comes_too_late_after_the_enrollments_time() {
    run(async {
        let limits = Limits { enrollment_timeout_seconds: 60, ..Limits::default() };
        for (wait, good) in [(59_999, true), (60_000, false)] {
            let rig = Rig::with(two_factor(), limits.clone());
            let started = rig.begin_phone("ada", NUMBER, "sms").await.unwrap();
            assert_eq!(started.expires, rig.after(60));
            rig.clock.advance_millis(wait);
            let verdict = rig.prove(NUMBER, &started).await;
            assert_eq!(matches!(verdict, Verdict::Approved(_)), good, "{verdict:?}");
        }
    });
}

#[test]
fn an_app_is_a_factor_after_its_first_code_and_that_code_is_used_up() {
    run(async {
        let rig = Rig::new();
        let enrolling = rig.begin_app("Ada", BY_NOBODY).await.unwrap();
        assert_eq!((enrolling.code_digits, enrolling.expires), ([6, 6], rig.after(600)));
        assert_eq!(rig.factors("ada").await, []);
        let code = rig.world.app_code(&enrolling.setup);
        assert_eq!(rig.confirm_with("ada", &enrolling, WRONG).await, Verdict::WrongCode { attempts_left: 4 });
        let Verdict::Approved(passed) = rig.confirm_with("ADA", &enrolling, &format!("{code} ")).await else {
            panic!("denied")
        };
        assert_eq!((passed.user.as_str(), passed.login_type), ("ada", None));
        assert_eq!((passed.service.as_str(), passed.channel.as_str()), ("totp", "totp"));
        assert_eq!(rig.factors("ada").await, [totp()]);
        assert_eq!(rig.engine.show_user("ada").await.unwrap().failures, 0);
        let login = rig.start("ada", "totp").await.unwrap();
        assert_eq!(rig.engine.check(&login.challenge, &code).await.unwrap(), Verdict::Replayed);
        refused(rig.engine.confirm_device("ada", &enrolling.enrollment, &code).await, "waits for its first code");
    });
}

#[test]
fn an_app_is_confirmed_until_the_last_millisecond() {
    run(async {
        for (wait, good) in [(599_999, true), (600_000, false)] {
            let rig = Rig::new();
            let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
            rig.clock.advance_millis(wait);
            let code = rig.world.app_code(&enrolling.setup);
            let confirmed = rig.engine.confirm_device("ada", &enrolling.enrollment, &code).await;
            assert_eq!(matches!(confirmed, Ok(Verdict::Approved(_))), good, "{confirmed:?}");
            assert_eq!(matches!(confirmed, Err(EnrollError::UnknownEnrollment)), !good);
        }
    });
}

#[test]
fn only_the_newest_of_two_codes_to_scan_works() {
    run(async {
        let rig = Rig::new();
        let first = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let second = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let code = rig.world.app_code(&first.setup);
        refused(rig.engine.confirm_device("ada", &first.enrollment, &code).await, "waits for its first code");
        approved(&rig.confirm("ada", &second).await);
    });
}

#[test]
fn an_enrollment_belongs_to_its_user() {
    run(async {
        let rig = Rig::new();
        let hers = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let code = rig.world.app_code(&hers.setup);
        rig.engine.add_user(NewAccount { name: "bob", ..NewAccount::default() }).await.unwrap();
        for other in ["bob", "nobody"] {
            refused(rig.engine.confirm_device(other, &hers.enrollment, &code).await, "waits for its first code");
        }
        approved(&rig.confirm("ada", &hers).await);
    });
}

#[test]
fn guesses_at_a_first_code_are_counted_and_lock() {
    run(async {
        let limits = Limits { attempts_per_user: 6, ..Limits::default() };
        let rig = Rig::with(two_factor(), limits);
        let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        assert!(matches!(rig.engine.confirm_device("ada", &enrolling.enrollment, " ").await, Err(EnrollError::Empty)));
        for left in (0..5).rev() {
            // What cannot be a code counts, and is not shown to the plugin.
            let typed = if left == 4 { "12345" } else { WRONG };
            assert_eq!(rig.confirm_with("ada", &enrolling, typed).await, Verdict::WrongCode { attempts_left: left });
        }
        assert_eq!(rig.world.times("app", OperationName::ConfirmEnrollment), 4);
        assert_eq!(rig.confirm("ada", &enrolling).await, Verdict::Expired, "no attempts are left");
        let again = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let until = rig.after(900);
        assert_eq!(rig.confirm_with("ada", &again, WRONG).await, Verdict::Locked { until });
        assert_eq!(rig.confirm("ada", &again).await, Verdict::Locked { until });
    });
}

#[test]
fn a_plugin_that_fails_confirms_nothing() {
    run(async {
        let rig = Rig::new();
        let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        rig.world.panic_next();
        let verdict = rig.confirm("ada", &enrolling).await;
        let Verdict::Unavailable { service, failure, attempts_left: 4 } = verdict else { panic!("{verdict:?}") };
        assert_eq!((service.as_str(), failure.kind), ("totp", FailureKind::PluginFault));
        assert_eq!(rig.factors("ada").await, []);
        rig.world.panic_next();
        refused(rig.begin_app("bob", BY_NOBODY).await, "the provider panicked");
        rig.store.fail("confirm_enrollment");
        assert!(
            rig.engine
                .confirm_device("ada", &enrolling.enrollment, &rig.world.app_code(&enrolling.setup))
                .await
                .is_err()
        );
        assert_eq!(rig.factors("ada").await, []);
        rig.store.calm();
        approved(&rig.confirm("ada", &enrolling).await);
    });
}

#[test]
fn who_has_a_factor_needs_a_fresh_approval_for_another() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        refused(rig.begin_app("ada", BY_NOBODY).await, "needs an approval");
        // Not passed yet; passed, but to prove a number; somebody else's.
        let open = rig.start("ada", "sms").await.unwrap();
        refused(rig.begin_app("ada", by(&open.challenge)).await, "the approval does not count");
        approved(&rig.engine.check(&open.challenge, &rig.world.last_code(NUMBER)).await.unwrap());
        let proof = rig.begin_phone("bob", OTHER_NUMBER, "sms").await.unwrap();
        approved(&rig.prove(OTHER_NUMBER, &proof).await);
        refused(rig.begin_app("bob", by(&proof.challenge)).await, "the approval does not count");
        refused(rig.begin_app("bob", by(&open.challenge)).await, "the approval does not count");
        // An approval serves one change.
        let app = rig.begin_app("ada", by(&open.challenge)).await.unwrap();
        approved(&rig.confirm("ada", &app).await);
        refused(
            rig.engine.remove_factor("ada", &Factor::Phone, by(&open.challenge)).await,
            "the approval does not count",
        );
    });
}

#[test]
fn an_approval_is_fresh_for_five_minutes() {
    run(async {
        for (wait, good) in [(300_000, true), (300_001, false)] {
            let rig = Rig::new();
            let app = rig.with_app("ada").await;
            let approval = rig.approval("ada", &app).await;
            rig.clock.advance_millis(wait);
            let begun = rig.begin_phone_as("ada", NUMBER, "sms", by(&approval)).await;
            assert_eq!(begun.is_ok(), good, "{begun:?}");
            let rig = Rig::new();
            rig.with_phone("ada", NUMBER).await;
            let app = rig.with_app_approved("ada").await;
            let approval = rig.approval("ada", &app).await;
            rig.clock.advance_millis(wait);
            assert_eq!(rig.engine.remove_factor("ada", &Factor::Phone, by(&approval)).await.is_ok(), good);
        }
    });
}

#[test]
fn a_send_that_fails_does_not_waste_an_approval() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let approval = rig.approval("ada", &app).await;
        rig.world.weather(Weather::NotSent);
        let failed = rig.begin_phone_as("ada", NUMBER, "call", by(&approval)).await;
        assert!(matches!(failed, Err(EnrollError::NotSent(NotSent::Failed { .. }))), "{failed:?}");
        rig.world.weather(Weather::Fair);
        rig.clock.advance(30);
        let started = rig.begin_phone_as("ada", NUMBER, "call", by(&approval)).await.unwrap();
        approved(&rig.prove(NUMBER, &started).await);
        assert_eq!(rig.factors("ada").await.len(), 2);
    });
}

#[test]
fn of_two_first_factors_that_nobody_approved_one_becomes_active() {
    run(async {
        let rig = Rig::new();
        let app = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let phone = rig.begin_phone("ada", NUMBER, "sms").await.unwrap();
        approved(&rig.confirm("ada", &app).await);
        assert_eq!(rig.prove(NUMBER, &phone).await, Verdict::Expired);
        assert_eq!(rig.factors("ada").await, [totp()]);
    });
}

#[test]
fn a_device_whose_provider_is_gone_from_the_bootstrap_is_told_so() {
    run(async {
        let mut rig = Rig::new();
        let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        rig.without("totp");
        let error = rig.engine.confirm_device("ada", &enrolling.enrollment, "123456").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "provider `app`, by which this totp device is being enrolled, is no longer in the bootstrap; begin another enrollment"
        );
        assert_eq!(error.person(), "That request is over. Please start again.");
    });
}

#[test]
fn an_attempt_at_a_device_is_given_back_where_provably_nothing_reached_its_provider() {
    run(async {
        for (weather, left, failures) in [(Weather::NotSent, 5, 0), (Weather::LostRequest, 4, 1)] {
            let mut rig = Rig::new();
            let offer = crate::rig::offer("remote", Maker::Device, Checker::Provider);
            rig.plus(crate::rig::service(&rig.world, "remote", "remote", crate::rig::Kind::RemoteApp, offer));
            let begin = BeginFactor { user: "ada", method: "remote", locale: None, actor: BY_NOBODY };
            let enrolling = rig.engine.begin_device(begin).await.unwrap();
            rig.world.weather(weather);
            let code = rig.world.app_code(&enrolling.setup);
            let verdict = rig.confirm_with("ada", &enrolling, &code).await;
            assert!(
                matches!(verdict, Verdict::Unavailable { attempts_left, .. } if attempts_left == left),
                "{verdict:?}"
            );
            assert_eq!(rig.engine.show_user("ada").await.unwrap().failures, failures);
            rig.world.clear();
            approved(&rig.confirm_with("ada", &enrolling, &code).await);
        }
    });
}

#[test]
fn a_device_is_prepared_for_nobody_without_leave() {
    run(async {
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        let open = rig.start("ada", "sms").await.unwrap();
        refused(rig.begin_app("ada", BY_NOBODY).await, "needs an approval");
        refused(rig.begin_app("ada", by(&open.challenge)).await, "the approval does not count");
        assert!(rig.engine.remove_factor("ada", &Factor::Phone, BY_ADMINISTRATOR).await.is_ok());
        let _pending = rig.begin_phone_as("ada", OTHER_NUMBER, "sms", BY_ADMINISTRATOR).await.unwrap();
        refused(rig.begin_app("ada", BY_NOBODY).await, "let an administrator enroll it");
        assert_eq!(rig.world.times("app", OperationName::Enroll), 0);
    });
}

#[test]
fn a_second_factor_of_one_kind_must_wait_for_the_first_to_go() {
    run(async {
        let rig = Rig::new();
        let app = rig.with_app("ada").await;
        let approval = rig.approval("ada", &app).await;
        refused(rig.begin_app("ada", by(&approval)).await, "has a totp device already");
        assert_eq!(rig.world.times("app", OperationName::Enroll), 1, "nothing was prepared in vain");
        let rig = Rig::new();
        rig.with_phone("ada", NUMBER).await;
        refused(rig.begin_phone("ada", OTHER_NUMBER, "sms").await, "has a phone number already");
    });
}

#[test]
fn the_site_may_leave_registration_to_administrators() {
    run(async {
        let mut options = two_factor();
        options.registration = Registration { phone: false, app: false };
        let rig = Rig::with(options, Limits::default());
        refused(rig.begin_phone("ada", NUMBER, "sms").await, "left to administrators");
        refused(rig.begin_app("ada", BY_NOBODY).await, "left to administrators");
        let Assessment::Register { options, .. } = rig.engine.assess("ada", "web").await.unwrap() else {
            panic!("not asked")
        };
        assert_eq!(options, []);
        let started = rig.begin_phone_as("ada", NUMBER, "sms", BY_ADMINISTRATOR).await.unwrap();
        approved(&rig.prove(NUMBER, &started).await);
        let app = rig.begin_app("ada", BY_ADMINISTRATOR).await.unwrap();
        approved(&rig.confirm("ada", &app).await);
    });
}

#[test]
fn a_method_enrolls_only_what_it_reaches() {
    run(async {
        let mut rig = Rig::new();
        refused(rig.begin_phone("ada", NUMBER, "totp").await, "cannot enroll a phone number");
        refused(rig.begin_phone("ada", NUMBER, "fax").await, "there is no method `fax`");
        // It says that it reaches phones, and cannot send anything.
        let mute = crate::rig::offer("sms", Maker::Provider, Checker::Provider);
        rig.plus(crate::rig::service(&rig.world, "mute", "mute", crate::rig::Kind::App, mute));
        refused(rig.begin_phone("ada", NUMBER, "mute").await, "cannot enroll a phone number");
        let begin = |method| BeginFactor { user: "ada", method, locale: None, actor: BY_ADMINISTRATOR };
        refused(rig.engine.begin_device(begin("sms")).await, "cannot enroll a device");
        refused(rig.engine.begin_other(begin("sms")).await, "cannot enroll a person");
        let by_person = BeginFactor { actor: BY_NOBODY, ..begin("push") };
        refused(rig.engine.begin_other(by_person).await, "left to administrators");
        let mut options = two_factor();
        options.channels.insert("totp".to_owned(), false);
        rig.reborn_as(options, Limits::default());
        refused(rig.begin_app("ada", BY_NOBODY).await, "two_factor.totp is disabled");
    });
}

#[test]
fn no_error_and_no_event_shows_a_number_a_code_or_an_address() {
    run(async {
        let rig = Rig::new();
        rig.engine
            .add_user(NewAccount { name: "ada", email: Some("canary@example.com"), ..NewAccount::default() })
            .await
            .unwrap();
        rig.with_phone("ada", NUMBER).await;
        let app = rig.with_app_approved("ada").await;
        let started = rig.start("ada", "call").await.unwrap();
        let code = rig.world.last_code(NUMBER);
        let verdict = rig.engine.check(&started.challenge, WRONG).await.unwrap();
        let again = rig.start("ada", "sms").await.unwrap_err();
        let events = rig.store.audit(0, 1000).await.unwrap();
        let account = rig.engine.show_user("ada").await.unwrap();
        let told = format!("{started:?} {verdict:?} {again} {again:?} {events:?} {account:?} {app:?}");
        for canary in ["5005550006", &code, WRONG, "canary", &format!("\"{}\"", app.setup.key)] {
            assert!(!told.contains(canary), "{canary} in {told}");
        }
    });
}

#[test]
fn the_first_code_of_a_device_without_steps_is_used_up_too() {
    run(async {
        let rig = Rig::new();
        let enrolling = rig.begin_app("ada", BY_NOBODY).await.unwrap();
        let totp = rig.engine.service("totp").unwrap();
        let code = countersign_plugin::Code::new("123456");
        // Its provider tells no step: the code itself is remembered, from the first one on.
        let proof = || crate::challenge::proof(&rig.engine, &totp, &enrolling.enrollment, &code, None);
        let confirmed = rig.store.confirm_enrollment(&enrolling.enrollment, proof(), None, rig.now()).await.unwrap();
        assert_eq!(confirmed, crate::store::EnrollmentConfirmed::Confirmed);
        let login = rig.start("ada", "totp").await.unwrap();
        let open = rig.store.challenge(&login.challenge).await.unwrap().unwrap();
        let again = rig.store.approve(&open.id, &open.delivery.id, proof(), None, rig.now()).await.unwrap();
        assert_eq!(again, crate::store::Approval::Replayed);
    });
}

#[test]
fn a_device_is_confirmed_by_the_provider_that_enrolled_it() {
    run(async {
        let mut rig = Rig::new();
        // One provider may serve several channels, and one channel may have several providers.
        for (name, provider, channel) in [("token", "app", "token"), ("totp of others", "others", "totp")] {
            let offer = crate::rig::offer(channel, Maker::Device, Checker::Plugin);
            rig.plus(crate::rig::service(&rig.world, name, provider, crate::rig::Kind::App, offer));
        }
        let begin = BeginFactor { user: "ada", method: "totp of others", locale: None, actor: BY_NOBODY };
        let enrolling = rig.engine.begin_device(begin).await.unwrap();
        let code = rig.world.app_code(&enrolling.setup);
        let verdict = rig.engine.confirm_device("ada", &enrolling.enrollment, &code).await.unwrap();
        let Verdict::Approved(passed) = verdict else { panic!("{verdict:?}") };
        assert_eq!((passed.service.as_str(), passed.channel.as_str()), ("totp of others", "totp"));
        assert_eq!(rig.world.times("others", OperationName::ConfirmEnrollment), 1);
        assert_eq!(rig.world.times("app", OperationName::ConfirmEnrollment), 0);
    });
}

#[test]
fn whom_an_administrator_is_enrolling_is_offered_no_registration_beside_it() {
    run(async {
        let rig = Rig::new();
        rig.engine.add_user(NewAccount { name: "ada", ..NewAccount::default() }).await.unwrap();
        let offered = || async {
            let Assessment::Register { options, .. } = rig.engine.assess("ada", "web").await.unwrap() else {
                panic!("there is no factor")
            };
            options.len()
        };
        assert_ne!(offered().await, 0);
        let _started = rig.begin_phone_as("ada", NUMBER, "sms", BY_ADMINISTRATOR).await.unwrap();
        assert_eq!(offered().await, 0);
    });
}

#[test]
fn every_refusal_has_a_word_for_the_person() {
    let failure = Box::new(countersign_plugin::Failure::new(FailureKind::Unavailable, "operator's"));
    for (error, expected) in [
        (EnrollError::NeedsApproval, "Please confirm with your second factor first."),
        (EnrollError::ApprovalRefused, "Please confirm with your second factor first."),
        (EnrollError::LastFactor, "This is your last method. Please register another one first."),
        (EnrollError::NeedsAdministrator, "Please ask your administrator to register you."),
        (EnrollError::Empty, "Please type the code."),
        (EnrollError::UnknownEnrollment, "That took too long. Please start again."),
        (EnrollError::Phone(PhoneError::NoPlus), PhoneError::NoPlus.person()),
        (EnrollError::NotSent(NotSent::Over), NotSent::Over.person()),
        (
            EnrollError::Failed { service: "totp".to_owned(), failure: failure.clone() },
            FailureKind::Unavailable.person_text(),
        ),
        (
            EnrollError::AlreadyEnrolled { factor: totp() },
            "This is registered already. Please ask your administrator to change it.",
        ),
        (EnrollError::NoSuchFactor { factor: totp() }, "That method cannot be used. Please try another one."),
    ] {
        assert_eq!(error.person(), expected, "{error}");
    }
    assert_eq!(
        EnrollError::NoSuchFactor { factor: Factor::Other("push".to_owned()) }.to_string(),
        "the user has no push enrollment that could be removed"
    );
}
