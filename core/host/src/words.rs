//! The words in which the program speaks of manifests, and texts as a terminal may have them.

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
    fn nothing_that_is_shown_controls_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\rc\u{9b}\nd\u{202e}"), "a\\u{1b}[2Jb\\rc\\u{9b}\nd\\u{202e}");
        assert_eq!(shown("•••• 06\n"), "•••• 06\n");
    }
}
