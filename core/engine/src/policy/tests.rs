//! The whole truth table, against an oracle that was written apart from the policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_plugin::manifest::{Checker, Maker};

use super::*;
use crate::bootstrap::{Registration, WhoMustPass};
use crate::clock::SystemRandom;
use crate::rig::{Kind, OwnClock, Rig, World, offer, run, service, two_factor};
use crate::store::{EnrollmentId, Factor, UserId};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn user(required: bool) -> User {
    User {
        id: UserId::new(&SystemRandom).unwrap(),
        name: "ada".to_owned(),
        email: None,
        locale: None,
        required,
        failures: 0,
        locked_until: None,
        had_factor: false,
    }
}

fn enrollment(user: &User, factor: Factor, active: bool) -> Enrollment {
    let phone = (factor == Factor::Phone).then(|| crate::phone::read("+15005550006", &BTreeSet::new()).unwrap());
    let provider = matches!(factor, Factor::Device(_)).then(|| "app".to_owned());
    let expires = (!active).then_some(NOW);
    let id = EnrollmentId::new(&SystemRandom).unwrap();
    Enrollment {
        id,
        user: user.id.clone(),
        factor,
        active,
        by_administrator: false,
        phone,
        provider,
        last_step: None,
        expires,
    }
}

fn services() -> Vec<Arc<Service>> {
    let world = Arc::new(World::new(Arc::new(OwnClock::at(NOW))));
    [
        service(&world, "sms", "verify", Kind::Verify, offer("sms", Maker::Provider, Checker::Provider)),
        service(&world, "voice", "caller", Kind::Caller, offer("voice", Maker::Engine, Checker::Engine)),
        service(&world, "totp", "app", Kind::App, offer("totp", Maker::Device, Checker::Plugin)),
    ]
    .map(Arc::new)
    .into()
}

/// What a person would say, reading the bootstrap aloud.
fn oracle(
    (enabled, who, boxed): (bool, WhoMustPass, bool),
    (sms, voice, totp): (bool, bool, bool),
    (phone, app): (bool, bool),
    (may_phone, may_app): (bool, bool),
) -> (&'static str, Vec<&'static str>, Vec<&'static str>) {
    let asked = if !enabled {
        false
    } else if who == WhoMustPass::Everyone {
        true
    } else {
        who == WhoMustPass::FlaggedUsers && boxed
    };
    if !asked {
        return ("not required", vec![], vec![]);
    }
    let mut have = vec![];
    let mut get = vec![];
    for (name, on, has, may) in
        [("sms", sms, phone, may_phone), ("voice", voice, phone, may_phone), ("totp", totp, app, may_app)]
    {
        if on && has {
            have.push(name);
        }
        if on && !has && may {
            get.push(name);
        }
    }
    if phone || app { ("verify", have, get) } else { ("register", vec![], get) }
}

fn told(assessment: &Assessment) -> (&'static str, Vec<&str>, Vec<&str>) {
    fn names(methods: &[Method]) -> Vec<&str> {
        methods.iter().map(|method| method.name.as_str()).collect()
    }
    match assessment {
        Assessment::NotRequired { .. } => ("not required", vec![], vec![]),
        Assessment::Verify { methods, may_register, .. } => ("verify", names(methods), names(may_register)),
        Assessment::Register { options, .. } => ("register", vec![], names(options)),
    }
}

#[test]
fn every_combination_of_options_is_decided_as_a_person_would() {
    let services = services();
    let bools = [false, true];
    let mut cases = 0;
    for bits in 0_u32..1 << 10 {
        let bit = |at: u32| bools[(bits >> at & 1) as usize];
        for who in [WhoMustPass::Nobody, WhoMustPass::FlaggedUsers, WhoMustPass::Everyone] {
            let user = user(bit(1));
            let mut enrollments = vec![];
            for (on, factor) in [(bit(5), Factor::Phone), (bit(6), Factor::Device("totp".to_owned()))] {
                // What is pending is no factor.
                enrollments.push(enrollment(&user, factor, on));
            }
            if bit(9) {
                enrollments.retain(|enrollment| enrollment.active);
            }
            let mut options = two_factor();
            options.enabled = bit(0);
            options.channels = [("sms", bit(2)), ("voice", bit(3)), ("totp", bit(4))]
                .map(|(channel, on)| (channel.to_owned(), on))
                .into();
            options.login_types = [("login".to_owned(), who)].into();
            options.registration = Registration { phone: bit(7), app: bit(8) };
            let situation = Situation {
                two_factor: &options,
                services: &services,
                login_type: "login",
                user: &user,
                enrollments: &enrollments,
                now: NOW,
            };
            let assessment = situation.assess().unwrap();
            let expected = oracle((bit(0), who, bit(1)), (bit(2), bit(3), bit(4)), (bit(5), bit(6)), (bit(7), bit(8)));
            assert_eq!(told(&assessment), expected, "{bits:#b} {who:?}\n{}", assessment.why());
            assert!(!assessment.why().reasons().is_empty());
            cases += 1;
        }
    }
    assert_eq!(cases, 3072);
}

#[track_caller]
fn why(change: impl FnOnce(&mut TwoFactor, &mut User, &mut Vec<Enrollment>), expected: &[&str]) {
    let (mut options, mut user, mut enrollments) = (two_factor(), user(false), vec![]);
    change(&mut options, &mut user, &mut enrollments);
    let services = services();
    let situation = Situation {
        two_factor: &options,
        services: &services,
        login_type: "flagged",
        user: &user,
        enrollments: &enrollments,
        now: NOW,
    };
    let told = situation.assess().unwrap().why().to_string();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{told}");
}

#[test]
fn the_policy_says_why() {
    let ticked =
        r#"two_factor.login_types.flagged is flagged-users, and the user's box "Two Factor Auth. Required" is ticked"#;
    why(
        |_, _, _| {},
        &[
            r#"two_factor.login_types.flagged is flagged-users, and the user's box "Two Factor Auth. Required" is not ticked"#,
        ],
    );
    why(
        |options, user, _| {
            options.enabled = false;
            user.required = true;
        },
        &["two_factor.enabled is false: second factors are not asked for"],
    );
    why(
        |options, user, _| {
            user.required = true;
            options.registration.phone = false;
            options.channels.insert("voice".to_owned(), false);
        },
        &[
            ticked,
            "the user has no second factor yet, and must register one",
            "sms cannot be registered by the user: two_factor.registration leaves it to an administrator",
            "voice is not offered: two_factor.voice is disabled",
        ],
    );
    why(
        |options, user, enrollments| {
            user.required = true;
            user.locked_until = Some(NOW + std::time::Duration::from_millis(1));
            enrollments.push(enrollment(user, Factor::Phone, true));
            options.channels.insert("sms".to_owned(), false);
        },
        &[
            ticked,
            "sms is not offered: two_factor.sms is disabled",
            "totp is not offered: the user has no device enrolled for totp",
            "the user has typed too many wrong codes, and is locked until Thu, 01 Jan 2026 00:00:00 GMT",
        ],
    );
    why(
        |_, user, enrollments| {
            user.required = true;
            user.locked_until = Some(crate::store::UNTIL_UNLOCKED);
            enrollments.push(enrollment(user, Factor::Phone, true));
        },
        &[
            ticked,
            "totp is not offered: the user has no device enrolled for totp",
            "the user has typed too many wrong codes, and is locked until an administrator's unlock",
        ],
    );
    // A lock that ends now has ended.
    why(
        |_, user, enrollments| {
            user.required = true;
            user.locked_until = Some(NOW);
            enrollments.push(enrollment(user, Factor::Phone, true));
        },
        &[ticked, "totp is not offered: the user has no device enrolled for totp"],
    );
}

#[test]
fn a_factor_whose_channels_are_gone_is_neither_not_required_nor_a_way_to_register_another_unproven() {
    why(
        |options, user, enrollments| {
            user.required = true;
            enrollments.push(enrollment(user, Factor::Device("totp".to_owned()), true));
            enrollments[0].provider = Some("old-app".to_owned());
            options.registration.phone = false;
        },
        &[
            r#"two_factor.login_types.flagged is flagged-users, and the user's box "Two Factor Auth. Required" is ticked"#,
            "sms is not offered: the user has no proven phone number",
            "voice is not offered: the user has no proven phone number",
            "totp is not offered: the user's device was enrolled with provider old-app, the service has app",
            "the user has a second factor, but no method that works: an administrator must help",
            "sms cannot be registered by the user: two_factor.registration leaves it to an administrator",
            "voice cannot be registered by the user: two_factor.registration leaves it to an administrator",
        ],
    );
}

#[test]
fn a_kind_of_login_that_is_not_listed_is_refused_whatever_else_is_set() {
    run(async {
        let mut rig = Rig::new();
        let mut options = two_factor();
        options.enabled = false;
        rig.reborn_as(options, rig.engine.limits.clone());
        let error = rig.engine.assess("ada", "vpn").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kind of login `vpn` is not listed; two_factor.login_types has flagged, open, web; name one of those, or list it there"
        );
        assert!(rig.engine.show_user("ada").await.is_err(), "a refused login makes no user");
    });
}

#[test]
fn a_person_is_told_whether_a_code_will_be_asked_for() {
    let world = Arc::new(World::new(Arc::new(OwnClock::at(NOW))));
    let ada = user(true);
    for (maker, expected) in
        [(Maker::Provider, true), (Maker::Engine, true), (Maker::Device, true), (Maker::Nobody, false)]
    {
        let service = service(&world, "any", "verify", Kind::Verify, offer("any", maker, Checker::Provider));
        assert_eq!(Method::of(&service, &ada, None).asks_for_code, expected, "{maker:?}");
    }
}

#[test]
fn a_phone_factor_without_a_number_suits_no_service_that_sends_to_one() {
    let ada = user(true);
    let sms = &services()[0];
    let mut phone = enrollment(&ada, Factor::Phone, true);
    assert_eq!(suits(sms, &ada, &phone), Ok(()));
    phone.phone = None;
    assert_eq!(suits(sms, &ada, &phone), Err(Unusable::NoPhone));
}

#[test]
fn a_mask_shows_no_more_than_it_must() {
    let address = |text: &str| masked(&countersign_plugin::Recipient::Email(text.to_owned()));
    assert_eq!(address("ada@example.com"), "a••••@example.com");
    assert_eq!(address("@"), "••••@");
    assert_eq!(address("ada"), "a••••@");
}
