//! What a removal must leave to the user.

use proptest::prelude::*;

use super::*;

async fn remove(
    store: &SqliteStore,
    enrollment: &EnrollmentId,
    authority: &Authority,
    must_remain: MustRemain,
) -> EnrollmentRemoved {
    store.remove_enrollment(enrollment, authority, must_remain, at(200)).await.unwrap()
}

fn device_for(user: &UserId, channel: usize) -> NewEnrollment {
    NewEnrollment { factor: Factor::Device(format!("device {channel}")), ..new_device(user, "seed") }
}

#[test]
fn the_last_factor_stays_where_another_must_remain() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let last = device(&store, &ada).await;
        // Neither somebody else's factor counts, nor one that is not proven.
        device(&store, &bob).await;
        let pending = begin(&store, &new_phone(&ada, "+15005550006")).await;
        let leave = by(&approved(&store, &ada, &last, at(100)).await, at(100));
        let (open, _) = open_at(&store, &ada, &last, at(100)).await;
        let before = kinds(&store).await;
        for authority in [&leave, &Authority::Administrator] {
            let refused = remove(&store, &last, authority, MustRemain::AnotherFactor).await;
            assert_eq!(refused, EnrollmentRemoved::LastFactor, "{authority:?}");
        }
        assert_eq!(kinds(&store).await, before, "a refusal changes nothing");
        assert_eq!(state(&store, &open).await, ChallengeState::Pending);
        assert_eq!(store.provider_data(&last, &local("totp")).await.unwrap(), Some(data("seed")));
        assert!(store.enrollments(&ada, at(200)).await.unwrap().iter().any(|found| found.id == last && found.active));

        // What is not active is no factor, and the approval is still good.
        let answer = remove(&store, &pending, &Authority::Administrator, MustRemain::AnotherFactor).await;
        assert_eq!(answer, EnrollmentRemoved::Removed);
        let other = activate(&store, &NewEnrollment { authority: leave, ..device_for(&ada, 1) }).await;
        let leave = by(&approved(&store, &ada, &other, at(100)).await, at(100));
        assert_eq!(remove(&store, &last, &leave, MustRemain::AnotherFactor).await, EnrollmentRemoved::Removed);
        assert_eq!(state(&store, &open).await, ChallengeState::Canceled);
        let leave = by(&approved(&store, &ada, &other, at(101)).await, at(100));
        assert_eq!(remove(&store, &other, &leave, MustRemain::Nothing).await, EnrollmentRemoved::Removed);
        assert!(store.enrollments(&ada, at(200)).await.unwrap().is_empty());
    });
}

#[test]
fn whoever_comes_without_leave_does_not_learn_that_it_is_the_last() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let last = device(&store, &ada).await;
        let fresh = approved(&store, &ada, &last, at(100)).await;
        let (unproven, _) = open_at(&store, &ada, &last, at(100)).await;
        for (authority, expected) in [
            (Authority::Nobody, EnrollmentRemoved::NeedsApproval),
            (by(&fresh, at(101)), EnrollmentRemoved::ApprovalRefused),
            (by(&unproven, at(0)), EnrollmentRemoved::ApprovalRefused),
            (by(&fresh, at(100)), EnrollmentRemoved::LastFactor),
        ] {
            let answer = remove(&store, &last, &authority, MustRemain::AnotherFactor).await;
            assert_eq!(answer, expected, "{authority:?}");
            let answer = remove(&store, &enrollment_id(), &authority, MustRemain::AnotherFactor).await;
            assert_eq!(answer, EnrollmentRemoved::Gone, "{authority:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Factors come and go; whoever has one keeps one, until somebody may take the last.
    #[test]
    fn factors_go_as_the_model_says(moves in prop::collection::vec((0..3_usize, 0..4_u8), 1..40)) {
        run(async {
            let store = SqliteStore::in_memory().unwrap();
            let ada = add_user(&store, "ada").await;
            let mut model: [Option<EnrollmentId>; 3] = Default::default();
            for (channel, what) in moves {
                let active = model.iter().flatten().count();
                match (&model[channel], what) {
                    (None, 0) => {
                        begin(&store, &device_for(&ada, channel)).await;
                    }
                    (None, _) => model[channel] = Some(activate(&store, &device_for(&ada, channel)).await),
                    (Some(id), what) => {
                        let must_remain = if what == 0 { MustRemain::Nothing } else { MustRemain::AnotherFactor };
                        let answer = remove(&store, id, &Authority::Administrator, must_remain).await;
                        if must_remain == MustRemain::AnotherFactor && active == 1 {
                            assert_eq!(answer, EnrollmentRemoved::LastFactor);
                        } else {
                            assert_eq!(answer, EnrollmentRemoved::Removed);
                            model[channel] = None;
                        }
                    }
                }
                let left = store.enrollments(&ada, at(200)).await.unwrap();
                let left = left.into_iter().filter(|found| found.active).map(|found| found.id);
                let mut left = left.collect::<Vec<_>>();
                let mut expected = model.iter().flatten().cloned().collect::<Vec<_>>();
                left.sort();
                expected.sort();
                assert_eq!(left, expected);
            }
        });
    }
}
