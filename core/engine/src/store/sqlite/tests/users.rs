//! Users.

use super::*;

#[test]
fn a_name_is_taken_once() {
    on_both(|store| async move {
        let new = |name: &str| NewUser {
            id: user_id(),
            name: name.into(),
            email: Some(Email("ada@example.com".into())),
            locale: Some("de-CH".into()),
            required: true,
        };
        let ada = new("ada");
        let added = store.add_user(ada.clone(), at(0)).await.unwrap().unwrap();
        assert_eq!((added.id, added.name.as_str()), (ada.id.clone(), "ada"));
        assert!(store.add_user(new("ada"), at(0)).await.unwrap().is_none());

        let found = reread(&store, "ada").await;
        assert_eq!(found.id, ada.id);
        assert_eq!(found.email, ada.email);
        assert_eq!(found.locale.as_deref(), Some("de-CH"));
        assert!(found.required);
        assert_eq!((found.failures, found.locked_until), (0, None));
        assert!(store.user("bob").await.unwrap().is_none());
        assert_eq!(kinds(&store).await, [AuditKind::UserAdded]);
    });
}

#[test]
fn users_are_listed_by_name_a_page_at_a_time() {
    on_both(|store| async move {
        for name in ["carl", "ada", "émile", "bob"] {
            add_user(&store, name).await;
        }
        let names = |users: Vec<User>| users.into_iter().map(|user| user.name).collect::<Vec<_>>();
        assert_eq!(names(store.users(None, 2).await.unwrap()), ["ada", "bob"]);
        assert_eq!(names(store.users(Some("bob"), 2).await.unwrap()), ["carl", "émile"]);
        assert_eq!(names(store.users(Some("émile"), 2).await.unwrap()), [""; 0]);
        // Also from somebody who was forgotten meanwhile.
        assert_eq!(names(store.users(Some("bert"), 1).await.unwrap()), ["bob"]);
    });
}

#[test]
fn a_change_touches_only_what_it_gives() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let bob = add_user(&store, "bob").await;
        let email = Some(Email("ada@example.com".into()));
        let change =
            UserChange { email: Some(email.clone()), locale: Some(Some("fr".into())), ..UserChange::default() };
        assert!(store.update_user(&ada, change, at(1)).await.unwrap());
        let required = UserChange { required: Some(true), ..UserChange::default() };
        assert!(store.update_user(&ada, required, at(1)).await.unwrap());
        let found = reread(&store, "ada").await;
        assert_eq!((found.email, found.locale.as_deref(), found.required), (email, Some("fr"), true));

        let locale = UserChange { locale: Some(Some("it".into())), ..UserChange::default() };
        assert!(store.update_user(&ada, locale.clone(), at(1)).await.unwrap());
        assert!(reread(&store, "ada").await.required);
        assert!(store.update_user(&bob, locale, at(1)).await.unwrap());
        assert!(!reread(&store, "bob").await.required);

        let clear = UserChange { email: Some(None), locale: Some(None), required: Some(false), ends: Vec::new() };
        assert!(store.update_user(&ada, clear, at(1)).await.unwrap());
        let found = reread(&store, "ada").await;
        assert_eq!((found.email, found.locale, found.required), (None, None, false));

        let untouched = reread(&store, "bob").await;
        assert_eq!((untouched.id, untouched.email, untouched.required), (bob, None, false));
        assert!(!store.update_user(&user_id(), UserChange::default(), at(1)).await.unwrap());
    });
}

#[test]
fn forgetting_a_user_leaves_only_ids_in_the_audit() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let bob = add_user(&store, "bob").await;
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let (challenge, _) = open(&store, &ada, &adas).await;
        let (other, _) = open(&store, &bob, &bobs).await;

        assert!(store.forget_user(&ada, at(5)).await.unwrap());
        assert!(!store.forget_user(&ada, at(5)).await.unwrap());
        assert!(store.user("ada").await.unwrap().is_none());
        assert!(store.enrollments(&ada, at(5)).await.unwrap().is_empty());
        assert!(store.provider_data(&adas, &local("totp")).await.unwrap().is_none());
        assert!(store.challenge(&challenge).await.unwrap().is_none());
        assert!(store.challenge(&other).await.unwrap().is_some());
        assert!(store.provider_data(&bobs, &local("totp")).await.unwrap().is_some());
        let events = store.audit(0, 1000).await.unwrap();
        assert!(events.iter().any(|stored| stored.event.challenge.as_ref() == Some(&challenge)));
        assert!(events.iter().all(|stored| !format!("{stored:?}").contains("\"ada\"")));
        assert_eq!(last_event(&store).await.kind, AuditKind::UserForgotten);
    });
}

#[test]
fn a_code_stays_live_at_its_provider_when_its_user_is_forgotten() {
    on_both(|store| async move {
        let (ada, bob) = (add_user(&store, "ada").await, add_user(&store, "bob").await);
        let (adas, bobs) = (device(&store, &ada).await, device(&store, &bob).await);
        let sent = to(&store, "+15005550006");
        let go = store.open_challenge(login(&ada, &adas), sent.clone(), SEND, at(0)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
        assert!(store.forget_user(&ada, at(1)).await.unwrap());

        let again = to(&store, "+15005550006");
        let refused = store.open_challenge(login(&bob, &bobs), again.clone(), SEND, at(60)).await.unwrap();
        assert!(matches!(refused, SendAllowed::LiveElsewhere { delivery, .. } if delivery == sent.id));
        assert!(store.release_delivery(&sent.id, at(60)).await.unwrap());
        let go = store.open_challenge(login(&bob, &bobs), again, SEND, at(60)).await.unwrap();
        assert_eq!(go, SendAllowed::Go);
    });
}
