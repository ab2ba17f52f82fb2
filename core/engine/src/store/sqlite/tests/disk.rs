//! What is on the disk, and what happens when it fails.

use std::fs;

use super::*;

/// Everything in the folder but the key.
fn bytes(files: &Files) -> Vec<u8> {
    let entries = fs::read_dir(files.0.path()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| *path != files.key()).flat_map(|path| fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn opening_a_store_writes_nothing() {
    let files = Files::new();
    run(add_user(&files.open(), "ada"));
    let before = bytes(&files);
    run(reread(&files.open(), "ada"));
    assert!(bytes(&files) == before);
}

#[test]
fn no_secret_is_on_the_disk_in_clear() {
    let files = Files::new();
    let store = files.open();
    let canaries =
        ["CANARYSEED", "+15005559876", "15005559876", "5005559876", "canary@example.com", "canary-sid", "739146"];
    run(async {
        let new = NewUser {
            id: user_id(),
            name: "canary-name".into(),
            email: Some(Email("canary@example.com".into())),
            locale: None,
            required: true,
        };
        let user = new.id.clone();
        store.add_user(new, at(0)).await.unwrap().unwrap();
        let device = begin(&store, &new_device(&user, "CANARYSEED")).await;
        let confirmed = store.confirm_enrollment(&device, Proof::Step(1), None, at(0)).await.unwrap();
        assert_eq!(confirmed, EnrollmentConfirmed::Confirmed);
        begin(&store, &new_phone(&user, "+15005559876")).await;
        let mut sent = to(&store, "+15005559876");
        sent.code = Some(store.hash("code", &[sent.id.as_str().as_bytes(), b"739146"]));
        let (challenge, ids) = (login(&user, &device), sent.id.clone());
        let id = challenge.id.clone();
        assert_eq!(store.open_challenge(challenge, sent, SEND, at(0)).await.unwrap(), SendAllowed::Go);
        assert!(store.keep_delivery(&ids, &data("canary-sid")).await.unwrap());
        assert!(store.delivery_sent(&ids, Some(&data("canary-sid")), None, at(1)).await.unwrap());
        let proof = Proof::Code { hash: store.hash("used", &[b"739146"]), until: at(600) };
        assert_eq!(store.approve(&id, &ids, proof, None, at(2)).await.unwrap(), Approval::Approved);
    });
    // While open, with the log beside it, and closed.
    let open = bytes(&files);
    assert!(files.store().with_extension("db-wal").exists() && files.store().with_extension("db-shm").exists());
    drop(store);
    for bytes in [open, bytes(&files)] {
        assert!(holds(&bytes, "canary-name"), "this would find a secret");
        for canary in canaries {
            assert!(!holds(&bytes, canary), "{canary}");
        }
    }
}

#[test]
fn a_forgotten_name_is_nowhere_on_the_disk() {
    let files = Files::new();
    let store = files.open();
    let user = run(add_user(&store, "canary-name"));
    run(add_user(&store, "other-name"));
    assert!(holds(&bytes(&files), "canary-name"));
    assert!(run(store.forget_user(&user, at(1))).unwrap());
    assert!(!holds(&bytes(&files), "canary-name"));
    assert!(holds(&bytes(&files), "other-name"));
}

#[test]
fn a_name_that_somebody_read_while_it_was_forgotten_goes_the_next_time() {
    let files = Files::new();
    let store = files.open();
    let user = run(add_user(&store, "canary-name"));
    // A reader must not make the test wait.
    run(raw(&store, "PRAGMA busy_timeout = 1")).unwrap();
    let reader = rusqlite::Connection::open(files.store()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
    reader.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, u32>(0)).unwrap();
    assert!(run(store.forget_user(&user, at(1))).unwrap());
    assert!(holds(&bytes(&files), "canary-name"), "somebody reads");
    drop(reader);
    run(store.expire(at(2))).unwrap();
    assert!(!holds(&bytes(&files), "canary-name"));
}

#[test]
fn a_full_disk_approves_nothing_and_loses_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, sent) = open(&store, &ada, &device).await;
        let events = kinds(&store).await;
        // Not a page more than there are, and those filled up.
        raw(&store, "CREATE TABLE ballast (x BLOB); PRAGMA max_page_count = 1").await.unwrap();
        while raw(&store, "INSERT INTO ballast VALUES (zeroblob(100))").await.is_ok() {}
        // And the page to which the audit grows, by events that are smaller than an approval's.
        while store.append(AuditEvent::new(AuditKind::CredentialsTested), at(1)).await.is_ok() {}
        let full = kinds(&store).await;
        let failure = store.approve(&challenge, &sent, Proof::Step(1), None, at(1)).await.unwrap_err();
        assert!(matches!(failure, StoreError::Database { .. }), "{failure}");
        assert!(failure.to_string().contains("check that the disk has room"), "{failure}");
        // Nothing of it happened, the use of the step neither.
        assert_eq!(state(&store, &challenge).await, ChallengeState::Pending);
        assert_eq!(store.enrollments(&ada, at(1)).await.unwrap()[0].last_step, None);
        assert_eq!(kinds(&store).await, full);
        let error = store.add_user(
            NewUser { id: user_id(), name: "n".repeat(100_000), email: None, locale: None, required: false },
            at(2),
        );
        assert!(error.await.is_err());
        raw(&store, "DROP TABLE ballast; PRAGMA max_page_count = 1000000").await.unwrap();
        assert_eq!(kinds(&store).await[..events.len()], events);
        assert!(store.user(&"n".repeat(100_000)).await.unwrap().is_none());
        let approval = store.approve(&challenge, &sent, Proof::Step(1), None, at(2)).await.unwrap();
        assert_eq!(approval, Approval::Approved, "there is room again");
    });
}

#[test]
fn a_store_that_cannot_be_written_approves_nothing() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        let (challenge, sent) = open(&store, &ada, &device).await;
        raw(&store, "PRAGMA query_only = 1").await.unwrap();
        let error = store.approve(&challenge, &sent, Proof::Step(1), None, at(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Database { .. }), "{error}");
        assert!(store.count_attempt(&challenge, ATTEMPTS, at(1)).await.is_err());
        let refused = store.open_challenge(login(&ada, &device), delivery(), SEND, at(1)).await;
        assert!(refused.is_err());
        assert_eq!(state(&store, &challenge).await, ChallengeState::Pending);
        raw(&store, "PRAGMA query_only = 0").await.unwrap();
        let approval = store.approve(&challenge, &sent, Proof::Step(1), None, at(1)).await.unwrap();
        assert_eq!(approval, Approval::Approved);
    });
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let files = Files::new();
    let store = files.open();
    run(raw(&store, "PRAGMA user_version = 7")).unwrap();
    drop(store);
    let before = bytes(&files);
    let error = files.try_open().unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 7, known: 2, .. }), "{error}");
    assert_eq!(bytes(&files), before);
}

#[test]
fn a_store_of_the_first_version_is_brought_up_to_date() {
    let files = Files::new();
    drop(files.open());
    let key = fs::read(files.key()).unwrap();
    let old = rusqlite::Connection::open(files.store()).unwrap();
    let meta = old.query_row("SELECT index_check, seal_check FROM meta", [], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let (index, seal) = meta.unwrap();
    drop(old);
    fs::remove_file(files.store()).unwrap();
    let old = rusqlite::Connection::open(files.store()).unwrap();
    old.execute_batch(include_str!("../migrations/0001.sql")).unwrap();
    old.execute("INSERT INTO meta VALUES (1, ?1, ?2)", [index, seal]).unwrap();
    old.pragma_update(None, "application_id", super::super::schema::APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    // One never had a factor, one has, one had.
    for (number, name) in ["never", "has", "had"].iter().enumerate() {
        let id = format!("{number:032x}");
        old.execute("INSERT INTO users (id, name, required, created) VALUES (?1, ?2, 0, 0)", [&id, *name]).unwrap();
    }
    old.execute_batch(
        "INSERT INTO enrollments (id, user, kind, channel, state, provider, authority, created)
             SELECT id, id, 'device', 'totp', 'active', 'totp', 'nobody', 0 FROM users WHERE name = 'has';
         INSERT INTO audit SELECT 1, 0, 'enrollment_confirmed', id, NULL, NULL, '{}' FROM users WHERE name = 'had'",
    )
    .unwrap();
    drop(old);
    let store = files.open();
    assert_eq!(fs::read(files.key()).unwrap(), key);
    for (name, had) in [("never", false), ("has", true), ("had", true)] {
        assert_eq!(run(reread(&store, name)).had_factor, had, "{name}");
    }
    assert_eq!(run(store.enrollments(&run(reread(&store, "has")).id, at(0))).unwrap().len(), 1);
}

#[test]
fn the_file_of_another_program_is_refused_and_left_alone() {
    let files = Files::new();
    drop(files.open());
    fs::remove_file(files.store()).unwrap();
    let other = rusqlite::Connection::open(files.store()).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE users (id)").unwrap();
    drop(other);
    let before = bytes(&files);
    assert!(matches!(files.try_open(), Err(StoreError::NotAStore { .. })));
    assert_eq!(bytes(&files), before);

    for text in ["this is no database, however long it may be; ".repeat(100), "short".to_owned()] {
        fs::write(files.store(), &text).unwrap();
        let error = files.try_open().unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
        assert_eq!(fs::read(files.store()).unwrap(), text.as_bytes());
    }
}

#[test]
fn an_empty_file_with_its_key_becomes_a_store() {
    // So far a first start may come before it is stopped.
    let files = Files::new();
    drop(files.open());
    fs::write(files.store(), "").unwrap();
    run(add_user(&files.open(), "ada"));
}

#[test]
fn the_connection_is_set_up_for_safety() {
    let files = Files::new();
    let store = files.open();
    let pragma = |name: &'static str| {
        let value = store
            .writer
            .run(move |c| c.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap());
        format!("{:?}", run(value).ok().unwrap())
    };
    let expected = [
        ("journal_mode", "Text(\"wal\")"),
        ("synchronous", "Integer(2)"),
        ("foreign_keys", "Integer(1)"),
        ("secure_delete", "Integer(1)"),
        ("trusted_schema", "Integer(0)"),
        ("recursive_triggers", "Integer(1)"),
        ("busy_timeout", "Integer(10000)"),
        ("user_version", "Integer(2)"),
    ];
    for (name, value) in expected {
        assert_eq!(pragma(name), value, "{name}");
    }
    let strict = run(store.writer.run(|c| {
        let sql = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
                   AND name NOT LIKE 'sqlite_%'";
        c.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap()
    }));
    assert_eq!(strict.ok(), Some(0));
}

#[test]
fn a_name_that_looks_like_a_uri_is_a_file() {
    let files = Files::new();
    let path = files.0.path().join("file:store.db?mode=memory");
    let store = SqliteStore::open(&path, &files.key()).unwrap();
    run(add_user(&store, "ada"));
    assert!(path.exists());
}
