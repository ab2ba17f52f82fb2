//! The life of a challenge.

use super::*;

#[test]
fn a_challenge_goes_from_sending_over_pending_to_approved_once() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, delivery) = (login(&ada, &device), delivery());
        let (id, delivery_id) = (challenge.id.clone(), delivery.id.clone());

        assert_eq!(store.open_challenge(challenge, delivery, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert_eq!(state(&store, &id).await, ChallengeState::Sending);
        assert!(store.delivery_sent(&delivery_id, Some(&data("sid")), None, at(1)).await.unwrap());
        let opened = store.challenge(&id).await.unwrap().unwrap();
        assert_eq!(opened.state, ChallengeState::Pending);
        assert_eq!(opened.delivery.data, Some(data("sid")));
        assert_eq!(opened.delivery.state, DeliveryState::Sent);

        let approve = || store.approve(&id, &delivery_id, Proof::Nothing, at(2));
        assert_eq!(approve().await.unwrap(), Approval::Approved);
        assert_eq!(approve().await.unwrap(), Approval::NotPending);
        assert_eq!(state(&store, &id).await, ChallengeState::Approved);
    });
}
