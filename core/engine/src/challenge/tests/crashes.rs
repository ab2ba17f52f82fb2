//! We die at every write and every exchange of a login, and another engine goes on.

use countersign_plugin::Status;

use super::*;
use crate::enrollment::Enrolling;
use crate::rig::Fault;

/// A login from its start to the right code; says what the person was told.
async fn login(rig: &Rig, method: &str, app: &Enrolling) -> Result<(ChallengeId, String, Verdict), String> {
    let started = rig.start("ada", method).await.map_err(|error| error.to_string())?;
    let code = match method {
        "totp" => rig.world.app_code(&app.setup),
        _ => rig.world.last_code(NUMBER),
    };
    match rig.engine.check(&started.challenge, &code).await {
        Ok(verdict) => Ok((started.challenge, code, verdict)),
        Err(error) => Err(error.to_string()),
    }
}

/// However it went: what was approved is not approved again, and the next login works.
async fn afterwards(
    mut rig: Rig,
    method: &str,
    app: &Enrolling,
    told: Option<(ChallengeId, String, Verdict)>,
    at: &str,
) {
    rig.store.calm();
    rig.world.clear();
    rig.reborn();
    if let Some((challenge, code, verdict)) = told {
        approved(&verdict);
        let again = rig.engine.check(&challenge, &code).await.unwrap();
        assert_eq!(again, Verdict::Expired, "{at}: approved twice");
    }
    // Whatever challenge is open approves its code at most once from here on.
    let user = rig.engine.show_user("ada").await.unwrap().id;
    let open = crate::store::Store::open_challenges(&*rig.store, &user, rig.now()).await.unwrap();
    for challenge in open {
        let code = if method == "totp" { rig.world.app_code(&app.setup) } else { rig.world.last_code(NUMBER) };
        let first = rig.check(&challenge, &code).await;
        let second = rig.check(&challenge, &code).await;
        assert!(!matches!(second, Verdict::Approved(_)), "{at}: {first:?}, then {second:?}");
    }
    rig.clock.advance(60);
    let (_, _, verdict) = login(&rig, method, app).await.unwrap_or_else(|error| panic!("{at}: {error}"));
    approved(&verdict);
    assert!(rig.world.live().is_empty(), "{at}: {:?}", rig.world.live());
}

async fn ready() -> (Rig, Enrolling) {
    let rig = Rig::new();
    rig.with_phone("ada", NUMBER).await;
    let app = rig.with_app_approved("ada").await;
    rig.clock.advance(60);
    (rig, app)
}

#[test]
fn we_may_die_or_fail_at_every_write_of_a_login() {
    run(async {
        for method in ["sms", "call", "totp"] {
            for fault in [Fault::DieBefore, Fault::DieAfter, Fault::Fails] {
                let mut died = 0;
                for writes in 0.. {
                    let (rig, app) = ready().await;
                    rig.store.after(writes, fault);
                    let told = rig.unless_we_die(login(&rig, method, &app)).await;
                    let reached = !rig.store.waits();
                    let at = format!("{method}, {fault:?} after {writes} writes");
                    let told =
                        told.and_then(Result::ok).filter(|(_, _, verdict)| matches!(verdict, Verdict::Approved(_)));
                    // A plugin that cannot keep a sid has not lost an engine's own code.
                    let harmless = (method, fault, writes) == ("call", Fault::Fails, 1);
                    assert_eq!(told.is_some(), !reached || harmless, "{at}");
                    let sid_lost =
                        matches!((writes, fault), (0, Fault::DieAfter) | (1, Fault::DieBefore | Fault::Fails));
                    if method == "sms" && sid_lost {
                        // The sid is lost; nobody can cancel the code, so its end is awaited.
                        rig.clock.advance(30);
                        assert!(matches!(not_sent(rig.start("ada", "sms").await), NotSent::TryAgainAt { .. }), "{at}");
                        rig.clock.advance(600);
                    }
                    afterwards(rig, method, &app, told, &at).await;
                    if !reached {
                        break;
                    }
                    died += 1;
                }
                // Open, keep (hosted ones), sent, count, approve.
                assert_eq!(died, if method == "totp" { 4 } else { 5 }, "{method} {fault:?}");
            }
        }
    });
}

#[test]
fn we_may_die_at_every_exchange_of_a_login() {
    run(async {
        for method in ["sms", "call"] {
            for weather in [Weather::DieBefore, Weather::DieAfter] {
                for fair in 0..if method == "sms" { 2 } else { 1 } {
                    let (rig, app) = ready().await;
                    for _ in 0..fair {
                        rig.world.next(Weather::Fair);
                    }
                    rig.world.next(weather.clone());
                    let at = format!("{method}, {weather:?} after {fair} exchanges");
                    assert!(rig.unless_we_die(login(&rig, method, &app)).await.is_none(), "{at}");
                    // The sid may be lost with us: then the code's end at the provider is awaited.
                    rig.clock.advance(600);
                    afterwards(rig, method, &app, None, &at).await;
                }
            }
        }
    });
}

#[test]
fn an_enrollment_may_die_at_every_write() {
    run(async {
        for fault in [Fault::DieBefore, Fault::DieAfter, Fault::Fails] {
            let mut met = 0;
            for writes in 0.. {
                let mut rig = Rig::new();
                rig.store.after(writes, fault);
                let enroll = async {
                    let started = rig.begin_phone("ada", NUMBER, "sms").await.ok()?;
                    rig.engine.confirm_phone(&started.challenge, &rig.world.last_code(NUMBER)).await.ok()
                };
                let told = rig.unless_we_die(enroll).await.flatten();
                let reached = !rig.store.waits();
                let told_yes = matches!(told, Some(Verdict::Approved(_)));
                assert!(reached || told_yes, "{fault:?} after {writes} writes");
                rig.store.calm();
                rig.reborn();
                // A sid may be lost: then the code's end is awaited.
                rig.clock.advance(600);
                let active = match rig.engine.show_user("ada").await {
                    Ok(account) => account.factors.iter().any(|factor| factor.pending_until.is_none()),
                    Err(_) => false,
                };
                if told.is_some_and(|verdict| matches!(verdict, Verdict::Approved(_))) {
                    assert!(active, "what was told is so");
                }
                if !active {
                    rig.with_phone("ada", NUMBER).await;
                }
                let started = rig.start("ada", "sms").await.unwrap();
                approved(&rig.check(&started.challenge, &rig.world.last_code(NUMBER)).await);
                if !reached {
                    break;
                }
                assert!(!told_yes, "{fault:?} after {writes} writes was met by something");
                met += 1;
            }
            // Add the user, begin, open, keep, sent, count, approve.
            assert_eq!(met, 7, "{fault:?}");
        }
    });
}

#[test]
fn an_approval_by_polling_may_die_at_every_write() {
    run(async {
        for fault in [Fault::DieBefore, Fault::DieAfter, Fault::Fails] {
            let mut rig = Rig::new();
            let begin = crate::enrollment::BeginFactor {
                user: "ada",
                method: "push",
                locale: None,
                actor: crate::enrollment::Actor::Administrator,
            };
            let started = rig.engine.begin_other(begin).await.unwrap();
            rig.world.decide(Status::Approved);
            rig.store.after(0, fault);
            let told = rig.unless_we_die(rig.engine.poll_enrollment(&started.challenge)).await;
            assert!(!rig.store.waits(), "{fault:?} was met");
            assert!(!matches!(told, Some(Ok(_))), "{told:?}");
            rig.reborn();
            let Progress::Over(after) = rig.engine.poll_enrollment(&started.challenge).await.unwrap() else {
                panic!("waiting")
            };
            assert_eq!(matches!(after, Verdict::Approved(_)), fault != Fault::DieAfter, "{fault:?} {after:?}");
        }
    });
}
