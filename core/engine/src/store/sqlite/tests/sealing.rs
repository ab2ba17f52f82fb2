//! Sealed values and keyed hashes.

use std::collections::BTreeSet;

use super::*;
use crate::store::keys::{KeyRing, Place};

const PLACE: Place<'static> = Place { table: "users", column: "email", row: &["a", "b"] };

#[test]
fn a_sealed_value_opens_in_its_place_only() {
    let keys = KeyRing::random().unwrap();
    let sealed = keys.seal(PLACE, b"secret").unwrap();
    assert_eq!(keys.open(PLACE, &sealed).unwrap().as_slice(), b"secret");
    let elsewhere: [Place<'_>; 6] = [
        Place { table: "enrollments", ..PLACE },
        Place { column: "name", ..PLACE },
        Place { row: &["a", "c"], ..PLACE },
        Place { row: &["ab"], ..PLACE },
        Place { row: &["ab", ""], ..PLACE },
        Place { row: &["b", "a"], ..PLACE },
    ];
    for place in elsewhere {
        assert!(keys.open(place, &sealed).is_err(), "{place:?}");
    }
    assert!(KeyRing::random().unwrap().open(PLACE, &sealed).is_err());
}

#[test]
fn a_sealed_value_with_any_changed_bit_or_length_does_not_open() {
    let keys = KeyRing::random().unwrap();
    let sealed = keys.seal(PLACE, b"secret").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(keys.open(PLACE, &changed).is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(keys.open(PLACE, &sealed[..length]).is_err(), "length {length}");
    }
    assert!(keys.open(PLACE, &[sealed.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn no_two_values_are_sealed_alike() {
    let keys = KeyRing::random().unwrap();
    let all = (0..1000).map(|_| keys.seal(PLACE, b"secret").unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(all.len(), 1000);
    assert!(keys.seal(PLACE, b"").unwrap().len() > b"".len());
}

#[test]
fn the_newest_key_seals_and_all_open() {
    let mut keys = KeyRing::random().unwrap();
    let first = keys.seal(PLACE, b"secret").unwrap();
    assert_eq!(keys.add_seal().unwrap(), Some(2));
    let second = keys.seal(PLACE, b"secret").unwrap();
    assert_eq!((KeyRing::seal_of(&first), KeyRing::seal_of(&second)), (Some(1), Some(2)));
    assert!(keys.open(PLACE, &first).is_ok() && keys.open(PLACE, &second).is_ok());
}

#[test]
fn no_two_inputs_have_one_hash() {
    let keys = KeyRing::random().unwrap();
    let inputs: [(&str, &[&[u8]]); 8] = [
        ("a", &[b"bc"]),
        ("a", &[b"b", b"c"]),
        ("a", &[b"", b"bc"]),
        ("a", &[b"bc", b""]),
        ("ab", &[b"c"]),
        ("abc", &[]),
        ("a", &[]),
        ("", &[b"abc"]),
    ];
    let hashes = inputs.map(|(domain, parts)| keys.hash(domain, parts).0);
    assert_eq!(BTreeSet::from(hashes).len(), inputs.len());
    assert_eq!(keys.hash("a", &[b"bc"]), keys.hash("a", &[b"bc"]));
    assert_ne!(keys.hash("a", &[b"bc"]), KeyRing::random().unwrap().hash("a", &[b"bc"]));
}

#[test]
fn hashes_stay_when_a_seal_key_is_added() {
    let mut keys = KeyRing::random().unwrap();
    let before = keys.hash("recipient", &[b"+15005550006"]);
    keys.add_seal().unwrap();
    assert_eq!(keys.hash("recipient", &[b"+15005550006"]), before);
}

#[test]
fn the_swapped_seeds_of_two_users_do_not_open() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        raw(
            &store,
            "CREATE TEMP TABLE seeds AS SELECT * FROM enrollment_data;
             UPDATE enrollment_data SET data = (SELECT s.data FROM seeds s WHERE s.enrollment <> enrollment_data.enrollment)",
        )
        .await
        .unwrap();
        for device in [&adas, &bobs] {
            let error = store.provider_data(device, &local("totp")).await.unwrap_err();
            assert!(matches!(error, StoreError::Sealed { table: "enrollment_data", column: "data" }), "{error}");
        }
    });
}

#[test]
fn what_was_changed_by_hand_approves_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, sent) = open(&store, &ada, &device).await;
        assert!(store.keep_delivery(&sent, &data("sid")).await.unwrap());
        raw(&store, "UPDATE deliveries SET data = zeroblob(100)").await.unwrap();
        let error = store.approve(&challenge, &sent, Proof::Nothing, None, at(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Sealed { table: "deliveries", column: "data" }), "{error}");
        raw(&store, "UPDATE deliveries SET data = NULL").await.unwrap();
        assert_eq!(state(&store, &challenge).await, ChallengeState::Pending);
    });
}
