//! The words in which the program speaks of manifests, and texts as a terminal may have them.

use std::env;
use std::path::{Path, PathBuf};

use countersign::bootstrap::WhoMustPass;
use countersign_plugin::line::escaped;
use countersign_plugin::manifest::{Checker, Destination, Egress, Maker};

/// A list, or `none` where there is nothing.
pub(crate) fn list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    list_or("none", words)
}

/// A list for a cell of a table, or `-` where there is nothing.
pub(crate) fn cell(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    list_or("-", words)
}

fn list_or(nothing: &str, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    if words.is_empty() { nothing.to_owned() } else { words.join(", ") }
}

/// A user's name as an argument of a command that is told, or a word for it where a shell would take it for something
/// else.
pub(crate) fn argument(name: &str) -> &str {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('-') { name } else { "NAME" }
}

/// A service, with its channel where that is called otherwise: `totp`, or `authy (voice)`.
pub(crate) fn service(name: &str, channel: &str) -> String {
    if name == channel { name.to_owned() } else { format!("{name} ({channel})") }
}

/// This program as it was called, for commands that are told: what was not called by its bare name is mostly not found
/// by it.
pub(crate) fn program() -> String {
    called(env::args_os().next().map(PathBuf::from).as_deref())
}

fn called(path: Option<&Path>) -> String {
    let path = path.filter(|path| path.components().count() > 1 && path.is_file());
    let Some(path) = path else { return "countersign".to_owned() };
    let shown = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    if shown.chars().all(is_plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}

/// Who makes the code.
pub(crate) const fn maker(maker: Maker) -> &'static str {
    match maker {
        Maker::Provider => "provider",
        Maker::Engine => "engine",
        Maker::Device => "device",
        Maker::Nobody => "nobody",
    }
}

/// Who checks it.
pub(crate) const fn checker(checker: Checker) -> &'static str {
    match checker {
        Checker::Provider => "provider",
        Checker::Engine => "engine",
        Checker::Plugin => "plugin",
    }
}

/// Where it goes.
pub(crate) const fn destination(destination: Destination) -> &'static str {
    match destination {
        Destination::Phone => "phone",
        Destination::Email => "email",
        Destination::Device => "device",
        Destination::None => "-",
    }
}

/// Where requests may go: base and paths.
pub(crate) fn egress(egress: &Egress) -> String {
    let at = |path: &String| format!("{}{path}", egress.base);
    let places = list(egress.paths.iter().map(at));
    match &egress.mode {
        Some(mode) => format!("{places} (mode {mode})"),
        None => places,
    }
}

/// Who must pass a second factor, as the bootstrap says it.
pub(crate) const fn who(who: WhoMustPass) -> &'static str {
    match who {
        WhoMustPass::Nobody => "nobody",
        WhoMustPass::FlaggedUsers => "flagged-users",
        WhoMustPass::Everyone => "everyone",
    }
}

/// A text as a terminal may have it, line by line: whoever wrote part of it (a provider, a plugin file) must neither
/// move the cursor nor turn the direction of writing.
pub(crate) fn shown(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_as_it_was_called_from_the_folder_one_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("countersign");
        let spaced = folder.path().join("my files").join("it's");
        for path in [&plain, &spaced] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(called(Some(&plain)), plain.display().to_string());
        assert!(called(Some(&spaced)).ends_with(r"/my files/it'\''s'"), "{}", called(Some(&spaced)));
        for path in [None, Some(Path::new("countersign")), Some(Path::new("elsewhere/countersign"))] {
            assert_eq!(called(path), "countersign");
        }
    }

    #[test]
    fn nothing_that_is_shown_controls_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\rc\u{9b}\nd\u{202e}"), "a\\u{1b}[2Jb\\rc\\u{9b}\nd\\u{202e}");
        assert_eq!(shown("•••• 06\n"), "•••• 06\n");
    }
}
