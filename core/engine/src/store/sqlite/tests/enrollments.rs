//! Enrollments, and by whose leave they change.

use super::*;

async fn begun(store: &SqliteStore, new: &NewEnrollment, now: Timestamp) -> EnrollmentBegun {
    store.begin_enrollment(new.clone(), now).await.unwrap()
}

async fn confirm(store: &SqliteStore, id: &EnrollmentId, now: Timestamp) -> EnrollmentConfirmed {
    store.confirm_enrollment(id, Proof::Step(7), None, now).await.unwrap()
}

#[test]
fn a_device_counts_only_once_it_is_confirmed() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let new = new_device(&ada, "seed");
        assert_eq!(begun(&store, &new, at(0)).await, EnrollmentBegun::Begun);
        let pending = &store.enrollments(&ada, at(1)).await.unwrap()[0];
        assert!(!pending.active);
        assert_eq!((pending.expires, pending.provider.as_deref()), (Some(at(600)), Some("totp")));
        assert_eq!(store.provider_data(&new.id, &local("totp")).await.unwrap(), Some(data("seed")));

        let grown = Some((local("totp"), data("seed, confirmed")));
        let answer = store.confirm_enrollment(&new.id, Proof::Step(7), grown, just_before(at(600))).await.unwrap();
        assert_eq!(answer, EnrollmentConfirmed::Confirmed);
        let active = &store.enrollments(&ada, at(1_000_000)).await.unwrap()[0];
        assert!(active.active);
        assert_eq!((active.expires, active.last_step), (None, Some(7)));
        assert_eq!(store.provider_data(&new.id, &local("totp")).await.unwrap(), Some(data("seed, confirmed")));
        assert_eq!(confirm(&store, &new.id, at(2)).await, EnrollmentConfirmed::Gone);
        let again = new_device(&ada, "seed");
        assert_eq!(begun(&store, &again, at(3)).await, EnrollmentBegun::AlreadyEnrolled);
        assert_eq!(store.enrollments(&ada, at(3)).await.unwrap().len(), 1);
    });
}

#[test]
fn an_enrollment_that_timed_out_is_gone_and_its_seed_with_it() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let new = new_device(&ada, "seed");
        assert_eq!(begun(&store, &new, at(0)).await, EnrollmentBegun::Begun);
        assert_eq!(confirm(&store, &new.id, at(600)).await, EnrollmentConfirmed::Gone);
        assert!(store.enrollments(&ada, at(600)).await.unwrap().is_empty());
        assert_eq!(store.expire(just_before(at(600))).await.unwrap(), 0);
        assert!(store.provider_data(&new.id, &local("totp")).await.unwrap().is_some());
        assert_eq!(store.expire(at(600)).await.unwrap(), 1);
        assert!(store.provider_data(&new.id, &local("totp")).await.unwrap().is_none());
        assert_eq!(last_event(&store).await.kind, AuditKind::EnrollmentExpired);
    });
}

#[test]
fn of_two_enrollments_under_way_only_the_newest_works() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let first = begin(&store, &new_phone(&ada, "+15005550006")).await;
        let enroll = NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &first) };
        let (challenge, sent) = (enroll.id.clone(), delivery());
        let go = store.open_challenge(enroll, sent.clone(), SEND, at(0)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);

        let second = begin(&store, &new_phone(&ada, "+15005550007")).await;
        assert_eq!(state(&store, &challenge).await, ChallengeState::Canceled);
        let approval = store.approve(&challenge, &sent.id, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::NotPending);
        let left = store.enrollments(&ada, at(1)).await.unwrap();
        assert_eq!(left.iter().map(|e| e.id.clone()).collect::<Vec<_>>(), [second]);
        assert_eq!(left[0].phone, Some(phone("+15005550007")));
        // A device beside it is another factor.
        begin(&store, &new_device(&ada, "seed")).await;
        assert_eq!(store.enrollments(&ada, at(1)).await.unwrap().len(), 2);
    });
}

#[test]
fn a_phone_becomes_active_by_approval_alone() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_phone(&ada, "+15005550006")).await;
        assert_eq!(confirm(&store, &id, at(1)).await, EnrollmentConfirmed::Gone);
        let counted = store.count_enrollment_attempt(&id, ATTEMPTS, at(1)).await.unwrap();
        assert_eq!(counted, Attempt::Over);
        // Not for a login, as it counts for nothing yet.
        let refused = store.open_challenge(login(&ada, &id), delivery(), SEND, at(1)).await.unwrap();
        assert_eq!(refused, SendAllowed::Over);

        let enroll = || NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &id) };
        let (challenge, sent) = (enroll(), delivery());
        let ids = (challenge.id.clone(), sent.id.clone());
        assert_eq!(store.open_challenge(challenge, sent, SEND, at(1)).await.unwrap(), SendAllowed::Go);
        let late = store.approve(&ids.0, &ids.1, Proof::Nothing, None, at(600)).await.unwrap();
        assert_eq!(late, Approval::NotPending);
        let in_time = store.approve(&ids.0, &ids.1, Proof::Nothing, None, just_before(at(600))).await.unwrap();
        assert_eq!(in_time, Approval::Approved);
        assert!(store.enrollments(&ada, at(700)).await.unwrap()[0].active);
        // Once it is active there is nothing left to enroll.
        let refused = store.open_challenge(enroll(), delivery(), SEND, at(2)).await.unwrap();
        assert_eq!(refused, SendAllowed::Over);
    });
}

#[test]
fn nobodys_leave_is_enough_for_the_first_factor_only() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let mut device = new_device(&ada, "seed");
        device.authority = Authority::Nobody;
        let mut phone = new_phone(&ada, "+15005550006");
        phone.authority = Authority::Nobody;
        assert_eq!(begun(&store, &device, at(0)).await, EnrollmentBegun::Begun);
        assert_eq!(begun(&store, &phone, at(0)).await, EnrollmentBegun::Begun);
        let enroll = NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &phone.id) };
        let ids = (enroll.id.clone(), delivery());
        assert_eq!(store.open_challenge(enroll, ids.1.clone(), SEND, at(0)).await.unwrap(), SendAllowed::Go);

        // Both began as the first; only one of them can become it.
        assert_eq!(confirm(&store, &device.id, at(1)).await, EnrollmentConfirmed::Confirmed);
        let approval = store.approve(&ids.0, &ids.1.id, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::NotPending);
        assert_eq!(store.enrollments(&ada, at(1)).await.unwrap().iter().filter(|e| e.active).count(), 1);

        let mut third = new_phone(&ada, "+15005550007");
        third.authority = Authority::Nobody;
        assert_eq!(begun(&store, &third, at(2)).await, EnrollmentBegun::NeedsApproval);
        // The pending one was not replaced by what was refused.
        assert!(store.enrollments(&ada, at(2)).await.unwrap().iter().any(|e| e.id == phone.id));
        let removed =
            store.remove_enrollment(&device.id, &Authority::Nobody, MustRemain::Nothing, at(2)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::NeedsApproval);
        let removed =
            store.remove_enrollment(&device.id, &Authority::Administrator, MustRemain::Nothing, at(2)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::Removed);
        let removed =
            store.remove_enrollment(&device.id, &Authority::Administrator, MustRemain::Nothing, at(2)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::Gone);
        assert!(store.provider_data(&device.id, &local("totp")).await.unwrap().is_none());
    });
}

/// Begins an enrollment of each factor without leave.
async fn by_nobody(store: &SqliteStore, user: &UserId, now: Timestamp) -> [EnrollmentBegun; 2] {
    let begin = |new: NewEnrollment| begun_by(store, new, Authority::Nobody, now);
    [begin(new_device(user, "seed")).await, begin(new_phone(user, "+15005550009")).await]
}

async fn begun_by(store: &SqliteStore, new: NewEnrollment, authority: Authority, now: Timestamp) -> EnrollmentBegun {
    begun(store, &NewEnrollment { authority, expires: at(now.since(at(0)).as_secs() + 600), ..new }, now).await
}

#[test]
fn who_had_a_factor_registers_none_without_an_administrator() {
    use EnrollmentBegun::{Begun, NeedsAdministrator};
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let only = device(&store, &ada).await;
        assert!(reread(&store, "ada").await.had_factor);
        assert!(!store.release_user(&ada, at(1)).await.unwrap(), "there is a factor");
        let removed = store.remove_enrollment(&only, &Authority::Administrator, MustRemain::Nothing, at(1)).await;
        assert_eq!(removed.unwrap(), EnrollmentRemoved::Removed);
        assert_eq!(by_nobody(&store, &ada, at(1)).await, [NeedsAdministrator; 2]);
        // Not by waiting either.
        assert_eq!(by_nobody(&store, &ada, at(1_000_000)).await, [NeedsAdministrator; 2]);
        assert!(store.release_user(&ada, at(2)).await.unwrap());
        assert_eq!(last_event(&store).await.kind, AuditKind::UserReleased);
        assert!(!store.release_user(&ada, at(2)).await.unwrap());
        assert_eq!(by_nobody(&store, &ada, at(2)).await, [Begun; 2]);
    });
}

#[test]
fn nobody_gets_in_before_the_factor_that_an_administrator_is_enrolling() {
    use EnrollmentBegun::{Begun, NeedsAdministrator};
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let early = NewEnrollment { authority: Authority::Nobody, expires: at(2000), ..new_device(&ada, "seed") };
        assert_eq!(begun(&store, &early, at(0)).await, Begun);
        let number = begin(&store, &new_phone(&ada, "+15005550006")).await;
        assert_eq!(by_nobody(&store, &ada, just_before(at(600))).await, [NeedsAdministrator; 2]);
        let pending = store.enrollments(&ada, at(1)).await.unwrap();
        assert_eq!(
            pending.iter().filter(|found| found.by_administrator).map(|found| &found.id).collect::<Vec<_>>(),
            [&number]
        );
        assert_eq!(confirm(&store, &early.id, just_before(at(600))).await, EnrollmentConfirmed::Gone);
        assert_eq!(confirm(&store, &early.id, at(600)).await, EnrollmentConfirmed::Confirmed, "the other has ended");
    });
}

#[test]
fn what_was_begun_as_the_first_factor_is_not_confirmed_after_another_came_and_went() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let early = NewEnrollment { authority: Authority::Nobody, ..new_device(&ada, "seed") };
        assert_eq!(begun(&store, &early, at(0)).await, EnrollmentBegun::Begun);
        let other = NewEnrollment { factor: Factor::Device("other".into()), ..new_device(&ada, "seed") };
        let other = activate(&store, &other).await;
        let removed = store.remove_enrollment(&other, &Authority::Administrator, MustRemain::Nothing, at(1)).await;
        assert_eq!(removed.unwrap(), EnrollmentRemoved::Removed);
        assert_eq!(confirm(&store, &early.id, at(2)).await, EnrollmentConfirmed::Gone);
    });
}

#[test]
fn an_approval_must_be_the_users_own_fresh_login() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let own = approved(&store, &ada, &adas, at(100)).await;
        let bobs_own = approved(&store, &bob, &bobs, at(100)).await;
        let (pending, _) = open_at(&store, &ada, &adas, at(100)).await;
        let refused = [
            by(&bobs_own, at(0)),
            by(&pending, at(0)),
            by(&own, Timestamp::from_millis(at(100).as_millis() + 1)),
            by(&ChallengeId::new(&SystemRandom).unwrap(), at(0)),
        ];
        for authority in refused {
            let new = NewEnrollment { authority: authority.clone(), ..new_phone(&ada, "+15005550006") };
            assert_eq!(begun(&store, &new, at(101)).await, EnrollmentBegun::ApprovalRefused, "{authority:?}");
            let removed = store.remove_enrollment(&adas, &authority, MustRemain::Nothing, at(101)).await.unwrap();
            assert_eq!(removed, EnrollmentRemoved::ApprovalRefused, "{authority:?}");
        }
        let new = NewEnrollment { authority: by(&own, at(100)), ..new_phone(&ada, "+15005550006") };
        assert_eq!(begun(&store, &new, at(101)).await, EnrollmentBegun::Begun);
    });
}

#[test]
fn an_approval_of_an_enrollment_is_no_leave_for_another() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let id = begin(&store, &new_phone(&ada, "+15005550006")).await;
        let enroll = NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &id) };
        let (challenge, sent) = (enroll.id.clone(), delivery());
        assert_eq!(store.open_challenge(enroll, sent.clone(), SEND, at(0)).await.unwrap(), SendAllowed::Go);
        let approval = store.approve(&challenge, &sent.id, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
        let new = NewEnrollment { authority: by(&challenge, at(0)), ..new_device(&ada, "seed") };
        assert_eq!(begun(&store, &new, at(2)).await, EnrollmentBegun::ApprovalRefused);
        let removed = store.remove_enrollment(&id, &by(&challenge, at(0)), MustRemain::Nothing, at(2)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::ApprovalRefused);
    });
}

#[test]
fn an_approval_serves_one_change() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let first = device(&store, &ada).await;
        let own = approved(&store, &ada, &first, at(1)).await;
        let leave = by(&own, at(0));
        // Beginning does not use it up, becoming active does.
        let other = |channel: &str| NewEnrollment {
            factor: Factor::Device(channel.into()),
            authority: leave.clone(),
            ..new_device(&ada, "seed")
        };
        let (second, third) = (other("second"), other("third"));
        assert_eq!(begun(&store, &second, at(2)).await, EnrollmentBegun::Begun);
        assert_eq!(begun(&store, &third, at(2)).await, EnrollmentBegun::Begun);
        assert_eq!(confirm(&store, &second.id, at(3)).await, EnrollmentConfirmed::Confirmed);
        assert_eq!(confirm(&store, &third.id, at(3)).await, EnrollmentConfirmed::Gone);
        assert_eq!(begun(&store, &other("fourth"), at(3)).await, EnrollmentBegun::ApprovalRefused);
        let removed = store.remove_enrollment(&first, &leave, MustRemain::Nothing, at(3)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::ApprovalRefused);

        let own = approved(&store, &ada, &first, at(4)).await;
        let leave = by(&own, at(0));
        let removed = store.remove_enrollment(&second.id, &leave, MustRemain::Nothing, at(5)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::Removed);
        let removed = store.remove_enrollment(&first, &leave, MustRemain::Nothing, at(5)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::ApprovalRefused);
    });
}

#[test]
fn an_approval_goes_with_the_factor_that_it_was_passed_by() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let lost = device(&store, &ada).await;
        let other = |channel: &str, authority| NewEnrollment {
            factor: Factor::Device(channel.into()),
            authority,
            ..new_device(&ada, "seed")
        };
        let kept = activate(&store, &other("kept", Authority::Administrator)).await;
        let found = by(&approved(&store, &ada, &lost, at(1)).await, at(0));
        let device = other("begun", found.clone());
        assert_eq!(begun(&store, &device, at(2)).await, EnrollmentBegun::Begun);
        let number = NewEnrollment { authority: found.clone(), ..new_phone(&ada, "+15005550006") };
        assert_eq!(begun(&store, &number, at(2)).await, EnrollmentBegun::Begun);
        let enroll = NewChallenge { purpose: Purpose::Enroll, login_type: None, ..login(&ada, &number.id) };
        let (challenge, sent) = (enroll.id.clone(), delivery());
        assert_eq!(store.open_challenge(enroll, sent.clone(), SEND, at(2)).await.unwrap(), SendAllowed::Go);
        let removed =
            store.remove_enrollment(&lost, &Authority::Administrator, MustRemain::Nothing, at(3)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::Removed);
        // What was begun by it is not confirmed, nothing else begins, and nothing is removed.
        assert_eq!(confirm(&store, &device.id, at(4)).await, EnrollmentConfirmed::Gone);
        let approval = store.approve(&challenge, &sent.id, Proof::Nothing, None, at(4)).await.unwrap();
        assert_eq!(approval, Approval::NotPending);
        assert_eq!(begun(&store, &other("more", found.clone()), at(4)).await, EnrollmentBegun::ApprovalRefused);
        let removed = store.remove_enrollment(&kept, &found, MustRemain::Nothing, at(4)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::ApprovalRefused);
        let active = store.enrollments(&ada, at(4)).await.unwrap().into_iter().filter(|found| found.active);
        assert_eq!(active.map(|found| found.id).collect::<Vec<_>>(), [kept]);
    });
}

#[test]
fn removing_an_enrollment_cancels_what_is_open_on_it() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, sent) = open(&store, &ada, &device).await;
        let removed =
            store.remove_enrollment(&device, &Authority::Administrator, MustRemain::Nothing, at(1)).await.unwrap();
        assert_eq!(removed, EnrollmentRemoved::Removed);
        let left = store.challenge(&challenge).await.unwrap().unwrap();
        assert_eq!(left.state, ChallengeState::Canceled);
        assert!(left.enrollment.is_none());
        let approval = store.approve(&challenge, &sent, Proof::Nothing, None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::NotPending);
        assert_eq!(store.count_attempt(&challenge, ATTEMPTS, at(1)).await.unwrap(), Attempt::Over);
    });
}

#[test]
fn the_schema_itself_knows_one_active_and_one_pending_per_factor() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        device(&store, &ada).await;
        let copy = "INSERT INTO enrollments (id, user, kind, channel, state, authority, expires, created)
                    SELECT 'copy', user, kind, channel, state, 'administrator', expires, created FROM enrollments";
        assert!(raw(&store, copy).await.unwrap_err().to_string().contains("UNIQUE"));
        raw(&store, "UPDATE enrollments SET state = 'pending', expires = 1").await.unwrap();
        assert!(raw(&store, copy).await.unwrap_err().to_string().contains("UNIQUE"));
        raw(&store, "UPDATE enrollments SET channel = 'other'").await.unwrap();
        let another = new_device(&ada, "seed");
        assert_eq!(begun(&store, &another, at(1)).await, EnrollmentBegun::Begun);
    });
}

#[test]
fn the_data_of_each_provider_stands_for_itself() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        assert!(store.put_provider_data(&device, &local("authy"), &data("authy id")).await.unwrap());
        assert!(store.put_provider_data(&device, &local("authy"), &data("other id")).await.unwrap());
        assert_eq!(store.provider_data(&device, &local("authy")).await.unwrap(), Some(data("other id")));
        assert_eq!(store.provider_data(&device, &local("totp")).await.unwrap(), Some(data("seed")));
        assert_eq!(store.provider_data(&device, &local("none")).await.unwrap(), None);
        // And so does that of each account.
        let one = Holder { account: Some(store.hash("account", &[b"one"])), ..local("authy") };
        let other = Holder { account: Some(store.hash("account", &[b"other"])), ..local("authy") };
        assert!(store.put_provider_data(&device, &one, &data("in one")).await.unwrap());
        assert_eq!(store.provider_data(&device, &one).await.unwrap(), Some(data("in one")));
        assert_eq!(store.provider_data(&device, &other).await.unwrap(), None);
        assert_eq!(store.provider_data(&device, &local("authy")).await.unwrap(), Some(data("other id")));
        assert!(!store.put_provider_data(&enrollment_id(), &local("authy"), &data("x")).await.unwrap());
        let unknown = begun(&store, &new_device(&user_id(), "seed"), at(0)).await;
        assert_eq!(unknown, EnrollmentBegun::NoUser);
    });
}
