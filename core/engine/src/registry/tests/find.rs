//! Which file is taken for a provider.

use std::{
    env::{self, consts},
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use crate::registry::{EntryKind, FindError, Found, ProviderId, Search};

fn id() -> ProviderId {
    ProviderId::parse("acme-sms").unwrap()
}

/// Two folders below one; nothing in them yet.
fn folders() -> (TempDir, PathBuf, PathBuf) {
    let top = tempdir().unwrap();
    let canonical = fs::canonicalize(top.path()).unwrap();
    let (first, second) = (canonical.join("first"), canonical.join("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    (top, first, second)
}

fn put(folder: &Path) -> PathBuf {
    let path = folder.join(id().file_name());
    fs::write(&path, "bytes").unwrap();
    path
}

fn find(folders: &[&Path]) -> Result<PathBuf, FindError> {
    Search::in_folders(folders.iter().map(|it| it.to_path_buf()).collect()).find(&id()).map(|found| found.path)
}

#[track_caller]
fn refuses(result: Result<PathBuf, FindError>, facts: &[&str]) {
    let text = result.unwrap_err().to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    for fact in facts {
        assert!(text.contains(fact), "{text}\nlacks: {fact}");
    }
}

#[test]
fn a_providers_file_carries_its_id_with_underscores() {
    let name = id().file_name();
    assert_eq!(name, format!("{}acme_sms{}", consts::DLL_PREFIX, consts::DLL_SUFFIX));
}

#[test]
fn an_id_that_could_leave_the_folder_never_becomes_a_file_name() {
    let long = "a".repeat(41);
    for wrong in ["", "A1", "1a", "-a", "a_b", "a.b", "a/b", "../a", "a\0b", "ä1", "a b", &long] {
        let error = ProviderId::parse(wrong).unwrap_err();
        assert!(error.to_string().starts_with(&format!("provider {wrong:?}")), "{error}");
    }
    for right in ["a", "a1", "twilio-verify", "a-", &long[1..]] {
        assert_eq!(ProviderId::parse(right).unwrap().as_str(), right);
    }
}

#[test]
fn the_first_folder_that_has_the_file_wins() {
    let (_top, first, second) = folders();
    let later = put(&second);
    assert_eq!(find(&[&first, &second]).unwrap(), later);
    let earlier = put(&first);
    assert_eq!(find(&[&first, &second]).unwrap(), earlier);
    assert_eq!(find(&[&second, &first]).unwrap(), later);
}

#[test]
fn a_missing_file_names_every_path_looked_at_and_the_remedy() {
    let (_top, first, second) = folders();
    let absent = second.join("absent");
    let no_folder = put(&second);
    refuses(
        find(&[&first, &absent, &no_folder]),
        &[
            first.join(id().file_name()).to_str().unwrap(),
            absent.join(id().file_name()).to_str().unwrap(),
            no_folder.join(id().file_name()).to_str().unwrap(),
            "`acme-sms`",
            "`file` in [plugins.acme-sms]",
        ],
    );
    refuses(find(&[]), &["`acme-sms`", "`search` in [plugins] is empty"]);
}

#[test]
fn a_folder_in_the_files_place_is_refused_and_not_passed_over() {
    let (_top, first, second) = folders();
    put(&second);
    fs::create_dir(first.join(id().file_name())).unwrap();
    refuses(find(&[&first, &second]), &[first.to_str().unwrap(), "is a folder, not a file"]);
}

#[test]
fn a_file_named_by_the_bootstrap_is_taken_or_missed_by_its_own_name() {
    let (_top, first, _) = folders();
    let other = first.join("any-name");
    refuses(
        Found::named(&id(), &other).map(|it| it.path),
        &[other.to_str().unwrap(), "[plugins.acme-sms]", "`file`", &id().file_name()],
    );
    fs::write(&other, "bytes").unwrap();
    assert_eq!(Found::named(&id(), &other).unwrap().path, other);
}

#[test]
fn the_default_is_deps_beside_the_program_then_its_own_folder() {
    let program = fs::canonicalize(env::current_exe().unwrap()).unwrap();
    let folder = program.parent().unwrap();
    let search = Search::beside_program().unwrap();
    assert_eq!(search.folders(), [folder.join("deps"), folder.to_path_buf()]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };

    use super::*;

    #[test]
    fn a_link_leads_to_its_file_and_a_broken_one_is_refused() {
        let (_top, first, second) = folders();
        let link = first.join(id().file_name());
        symlink(second.join("target"), &link).unwrap();
        refuses(find(&[&first, &second]), &[link.to_str().unwrap(), "a link that leads to no file"]);

        fs::write(second.join("target"), "bytes").unwrap();
        assert_eq!(find(&[&first]).unwrap(), second.join("target"));
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let (_top, first, second) = folders();
        let (here, there) = (first.join(id().file_name()), second.join("back"));
        symlink(&there, &here).unwrap();
        symlink(&here, &there).unwrap();
        refuses(find(&[&first]), &[here.to_str().unwrap(), "a link that leads to no file"]);
    }

    #[test]
    fn what_is_neither_file_nor_folder_is_refused() {
        let (_top, first, _) = folders();
        let path = first.join(id().file_name());
        let _socket = UnixListener::bind(&path).unwrap();
        let error = find(&[&first]).unwrap_err();
        assert!(matches!(error, FindError::NotAFile { found: EntryKind::Special, .. }), "{error}");
    }

    #[test]
    fn places_that_others_may_write_to_are_reported() {
        let (top, first, second) = folders();
        let top = top.path().canonicalize().unwrap();
        let target = put(&second);
        symlink(&target, first.join(id().file_name())).unwrap();
        let reported = |file: u32, holder: u32, linking: u32| {
            for (path, mode) in [(&target, file), (&second, holder), (&first, linking)] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
            let found = Search::in_folders(vec![first.clone()]).find(&id()).unwrap();
            // What is above belongs to the machine that runs this.
            let places = found.writable_by_others.into_iter();
            places.filter(|place| place.starts_with(&top)).collect::<Vec<_>>()
        };
        assert!(reported(0o755, 0o755, 0o755).is_empty());
        assert_eq!(reported(0o664, 0o755, 0o755), [target.as_path()]);
        assert_eq!(reported(0o644, 0o757, 0o700), [second.as_path()]);
        assert_eq!(reported(0o644, 0o700, 0o770), [first.as_path()]);
        assert!(reported(0o644, 0o1777, 0o1777).is_empty(), "nobody replaces another's file there");
        let mode = |mode| fs::set_permissions(&top, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        assert_eq!(reported(0o644, 0o755, 0o755), [top.as_path()], "whoever may rename a folder on the way");
        mode(0o700);
    }

    #[test]
    fn a_folder_that_holds_a_link_to_the_plugins_folder_is_reported() {
        let (top, first, second) = folders();
        let top = top.path().canonicalize().unwrap();
        put(&second);
        let link = first.join("plugins");
        symlink(&second, &link).unwrap();
        fs::set_permissions(&first, fs::Permissions::from_mode(0o777)).unwrap();
        let found = Search::in_folders(vec![link]).find(&id()).unwrap();
        let below: Vec<_> = found.writable_by_others.into_iter().filter(|place| place.starts_with(&top)).collect();
        assert_eq!(below, [first]);
    }
}

proptest! {
    #[test]
    fn two_ids_never_share_a_file(a in "[a-z][a-z0-9-]{0,39}", b in "[a-z][a-z0-9-]{0,39}") {
        let names = [&a, &b].map(|id| ProviderId::parse(id).unwrap().file_name());
        prop_assert_eq!(a == b, names[0] == names[1]);
    }

    #[test]
    fn only_ids_of_the_stated_form_pass(text in "\\PC{0,44}") {
        let sound = (1..=40).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        prop_assert_eq!(ProviderId::parse(&text).is_ok(), sound);
    }
}
