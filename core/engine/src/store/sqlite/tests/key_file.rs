//! The key file.

use std::fs;

use super::*;
use crate::store::{add_seal_key, check_key_file, create_key_file};

/// What the store says of a key file with this content.
#[track_caller]
fn check(content: impl AsRef<[u8]>, expected: &str) {
    let files = Files::new();
    write_private(&files.key(), content.as_ref());
    assert!(check_key_file(&files.key()).is_err());
    let error = files.try_open().unwrap_err().to_string();
    let key = files.key().display().to_string();
    assert_eq!(error, format!("the key file {key} cannot be used: {expected}"));
    assert!(!files.store().exists(), "nothing was created");
}

fn write_private(path: &std::path::Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// The lines of a key file that are keys.
fn lines(files: &Files) -> Vec<String> {
    let text = fs::read_to_string(files.key()).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn key_and_store_are_made_together_for_their_owner_only() {
    let files = Files::new();
    let store = files.open();
    let ada = run(add_user(&store, "ada"));
    let lines = lines(&files);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("index ") && lines[1].starts_with("seal 1 "), "no key in another form");
    #[cfg(unix)]
    for entry in fs::read_dir(files.0.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    drop(store);
    let names = fs::read_dir(files.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 2, "nothing but the two files is left");
    assert_eq!(run(reread(&files.open(), "ada")).id, ada);
}

#[test]
fn a_key_may_be_made_before_its_store_and_never_twice() {
    let files = Files::new();
    assert!(check_key_file(&files.key()).is_ok(), "it will be made together with the store");
    create_key_file(&files.key()).unwrap();
    assert!(check_key_file(&files.key()).is_ok());
    let made = fs::read(files.key()).unwrap();

    let error = create_key_file(&files.key()).unwrap_err();
    let exists = |error: &std::io::Error| error.kind() == std::io::ErrorKind::AlreadyExists;
    assert!(
        matches!(&error, StoreError::KeyFile { reason: KeyFileProblem::Io(cause), .. } if exists(cause)),
        "{error:?}"
    );
    assert_eq!(fs::read(files.key()).unwrap(), made);
    let names = fs::read_dir(files.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 1, "nothing is left beside it");

    let ada = run(add_user(&files.open(), "ada"));
    assert_eq!(run(reread(&files.open(), "ada")).id, ada);
    assert_eq!(fs::read(files.key()).unwrap(), made);
}

#[test]
fn a_malformed_key_file_is_refused_with_its_line() {
    check("", "it holds no index key; put back the file that the store was made with");
    check(format!("seal 1 {KEY}\n"), "it holds no index key; put back the file that the store was made with");
    check(format!("index {KEY}\n"), "it holds no seal key; put back the file that the store was made with");
    check(format!("index {KEY}\nseal 1 {KEY}\nseal 1 {KEY}"), "line 3 repeats a key; remove one of the two lines");
    check(format!("index {KEY}\n\nindex {KEY}"), "line 3 repeats a key; remove one of the two lines");
    let shape = "each line is `index <base64>` or `seal <number> <base64>`";
    for (line, text) in [
        (1, "key".to_owned()),
        (1, "index".to_owned()),
        (1, format!("index {KEY} more")),
        (1, format!("index {}", &KEY[4..])),
        (1, format!("index {}", &KEY[..KEY.len() - 1])),
        (1, format!("index {KEY}{KEY}")),
        (1, format!("index \u{fc}{KEY}")),
        (2, format!("# comment\nseal 0 {KEY}")),
        (3, format!("\r\n\r\nseal -1 {KEY}")),
        (1, format!("seal 4294967296 {KEY}")),
        (1, format!("seal {KEY}")),
    ] {
        check(text, &format!("line {line} is not a key; {shape}"));
    }
    check([0xff, 0xfe], &format!("line 1 is not a key; {shape}"));
    check("#".repeat(65_537), "its 65537 bytes are too many for a key file; name another file");
}

#[test]
fn a_key_file_written_by_hand_is_taken() {
    let files = Files::new();
    write_private(&files.key(), format!("# ours\r\n\r\n  seal  7 {KEY} \nindex {KEY}").as_bytes());
    let store = files.open();
    assert_eq!(store.keys.newest_seal(), 7);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new();
    drop(files.open());
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(files.key(), fs::Permissions::from_mode(mode)).unwrap();
        let error = files.try_open().unwrap_err().to_string();
        assert!(error.ends_with("others may read it; run `chmod 600` on it"), "{error}");
    }
    fs::set_permissions(files.key(), fs::Permissions::from_mode(0o600)).unwrap();
    files.open();
}

#[test]
fn a_missing_key_is_not_made_anew_while_the_store_exists() {
    let files = Files::new();
    drop(files.open());
    let kept = fs::read(files.key()).unwrap();
    fs::remove_file(files.key()).unwrap();
    let error = files.try_open().unwrap_err();
    assert!(matches!(error, StoreError::KeyFile { reason: KeyFileProblem::Missing, .. }), "{error}");
    assert!(!files.key().exists());
    write_private(&files.key(), &kept);
    files.open();
}

#[test]
fn the_key_of_another_store_does_not_open_this_one() {
    let (files, other) = (Files::new(), Files::new());
    run(add_user(&files.open(), "ada"));
    drop(other.open());
    let own = lines(&files);
    let wrong = lines(&other);
    // All of it, its index key only, its seal key only.
    for mixed in [[&wrong[0], &wrong[1]], [&wrong[0], &own[1]], [&own[0], &wrong[1]]] {
        write_private(&files.key(), format!("{}\n{}\n", mixed[0], mixed[1]).as_bytes());
        let error = files.try_open().unwrap_err();
        assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
        assert!(error.to_string().contains(&files.key().display().to_string()), "{error}");
    }
    write_private(&files.key(), format!("{}\n{}\n", own[0], own[1]).as_bytes());
    run(reread(&files.open(), "ada"));
}

#[test]
fn a_key_file_that_cannot_be_made_or_read_is_an_error() {
    let files = Files::new();
    fs::create_dir(files.key()).unwrap();
    assert!(matches!(files.try_open(), Err(StoreError::KeyFile { .. })));
    let nowhere = files.0.path().join("missing").join("store.key");
    let error = SqliteStore::open(&files.store(), &nowhere).unwrap_err();
    assert!(matches!(error, StoreError::KeyFile { reason: KeyFileProblem::Io(_), .. }), "{error}");
    assert!(!files.store().exists());
}

#[test]
fn values_move_to_a_new_seal_key_and_the_old_one_can_go() {
    let files = Files::new();
    let old = files.open();
    let (ada, device) = run(async {
        let ada = add_user(&old, "ada").await;
        let email = UserChange { email: Some(Some(Email("ada@example.com".into()))), ..UserChange::default() };
        assert!(old.update_user(&ada, email, at(0)).await.unwrap());
        let device = device(&old, &ada).await;
        assert!(old.put_provider_data(&device, &local("authy"), &data("authy id")).await.unwrap());
        begin(&old, &new_phone(&ada, "+15005550006")).await;
        let (_, sent) = open(&old, &ada, &device).await;
        assert!(old.keep_delivery(&sent, &data("sid")).await.unwrap());
        (ada, device)
    });
    drop(old);

    assert_eq!(add_seal_key(&files.key()).unwrap(), 2);
    assert_eq!(fs::read_dir(files.0.path()).unwrap().count(), 2);
    let store = files.open();
    // Old and new values live side by side, until they are moved: e-mail, number, two of the
    // device, one of the delivery, the check.
    run(add_user(&store, "bob"));
    assert_eq!(run(store.reseal(at(1))).unwrap(), 6);
    assert_eq!(run(store.reseal(at(1))).unwrap(), 0);
    let event = run(last_event(&store));
    assert_eq!((event.kind, &event.facts["seal_key"]), (AuditKind::StoreResealed, &json!(2)));
    drop(store);

    let kept = lines(&files).into_iter().filter(|line| !line.starts_with("seal 1 ")).collect::<Vec<_>>();
    write_private(&files.key(), kept.join("\n").as_bytes());
    let store = files.open();
    run(async {
        assert_eq!(reread(&store, "ada").await.email, Some(Email("ada@example.com".into())));
        assert_eq!(store.provider_data(&device, &local("totp")).await.unwrap(), Some(data("seed")));
        assert_eq!(store.provider_data(&device, &local("authy")).await.unwrap(), Some(data("authy id")));
        let enrollments = store.enrollments(&ada, at(1)).await.unwrap();
        assert!(enrollments.iter().any(|e| e.phone == Some(phone("+15005550006"))));
        let open = store.open_challenges(&ada, at(1)).await.unwrap();
        let delivery = store.challenge(&open[0]).await.unwrap().unwrap().delivery;
        assert_eq!(delivery.data, Some(data("sid")));
    });
}

#[test]
fn many_values_are_resealed_in_batches() {
    let files = Files::new();
    let store = files.open();
    run(async {
        let ada = add_user(&store, "ada").await;
        let device = device(&store, &ada).await;
        for number in 0..450 {
            let provider = format!("provider {number}");
            assert!(store.put_provider_data(&device, &local(&provider), &data(&provider)).await.unwrap());
        }
    });
    drop(store);
    assert_eq!(add_seal_key(&files.key()).unwrap(), 2);
    let store = files.open();
    assert_eq!(run(store.reseal(at(1))).unwrap(), 450 + 2);
}

#[test]
fn without_its_old_seal_key_a_store_that_was_not_resealed_does_not_open() {
    let files = Files::new();
    drop(files.open());
    assert_eq!(add_seal_key(&files.key()).unwrap(), 2);
    let kept = lines(&files).into_iter().filter(|line| !line.starts_with("seal 1 ")).collect::<Vec<_>>();
    write_private(&files.key(), kept.join("\n").as_bytes());
    assert!(matches!(files.try_open(), Err(StoreError::WrongKey { .. })));
}

#[test]
fn a_seal_key_is_added_to_nothing_but_a_key_file() {
    let files = Files::new();
    assert!(matches!(add_seal_key(&files.key()), Err(StoreError::KeyFile { reason: KeyFileProblem::NoFile, .. })));
    write_private(&files.key(), b"index");
    assert!(add_seal_key(&files.key()).is_err());
    assert_eq!(fs::read(files.key()).unwrap(), b"index");
}

#[test]
fn a_folder_or_a_device_is_no_key_file() {
    let files = Files::new();
    fs::create_dir(files.key()).unwrap();
    let error = check_key_file(&files.key()).unwrap_err().to_string();
    assert!(error.contains("it is a folder, not a file"), "{error}");
    #[cfg(unix)]
    {
        let error = check_key_file(std::path::Path::new("/dev/null")).unwrap_err().to_string();
        assert!(error.contains("device, not a file"), "{error}");
    }
}
