//! The rooms of the workspace and who may import whom. Fails on any edge that is not in the
//! table of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const PLUGINS: [&str; 3] = ["countersign-totp", "countersign-twilio-verify", "countersign-twilio-voice"];
const TEST_PLUGINS: [&str; 3] =
    ["countersign-test-misbehave", "countersign-test-twofold", "countersign-test-without-code"];

/// What the deliberately bad plugins have in common; one of them is its `bad-` and the name of a flaw.
const FLAWED: &str = "countersign-test-flawed";

/// Whether it is one of the plugins that each fail one check of the conformance kit.
fn is_bad(name: &str) -> bool {
    name.starts_with("countersign-test-bad-")
}

/// Crates that one room alone may depend on, and the files of it that alone may name them.
const CONFINED: [(&str, &str, &[&str]); 6] = [
    ("reqwest", "countersign", &["transport/live.rs"]),
    ("rustls", "countersign", &["transport/live.rs"]),
    ("rusqlite", "countersign", &["store/sqlite"]),
    ("figment", "countersign", &["bootstrap"]),
    ("object", "countersign", &["registry"]),
    ("jsonschema", "countersign", &["bootstrap"]),
];

/// Lines that a source file may have, tests included.
const MAX_LINES: usize = 600;

/// What a room may import, and what its tests may import besides.
fn allowed(room: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let rooms = |names: &[&'static str], groups: &[&[&'static str]]| {
        names.iter().chain(groups.iter().copied().flatten()).copied().collect::<Vec<_>>()
    };
    Some(match room {
        "countersign-plugin" | "countersign-fixtures" => (vec![], vec![]),
        "countersign" => (vec!["countersign-plugin"], vec![]),
        // The plugins of the two programs are build-only: cargo leaves their files beside the program, and the test
        // below makes sure that no source names them.
        "countersign-harness" => (
            rooms(&["countersign-plugin", "countersign"], &[&PLUGINS]),
            rooms(&["countersign-fixtures"], &[&TEST_PLUGINS]),
        ),
        "countersign-host" => (
            rooms(&["countersign-plugin", "countersign", "countersign-harness", "countersign-fixtures"], &[&PLUGINS]),
            rooms(&[], &[&TEST_PLUGINS]),
        ),
        "countersign-benches" => (
            rooms(&["countersign-plugin", "countersign", "countersign-harness"], &[]),
            rooms(&["countersign-fixtures"], &[&PLUGINS, &TEST_PLUGINS]),
        ),
        plugin if PLUGINS.contains(&plugin) => (vec!["countersign-plugin"], vec!["countersign-harness"]),
        plugin if TEST_PLUGINS.contains(&plugin) || plugin == FLAWED => (vec!["countersign-plugin"], vec![]),
        plugin if is_bad(plugin) => (vec![FLAWED], vec![]),
        _ => return None,
    })
}

fn metadata() -> Metadata {
    MetadataCommand::new().exec().expect("cargo metadata")
}

fn members(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (package.name.as_str(), package)).collect()
}

fn folder(package: &Package) -> PathBuf {
    package.manifest_path.parent().expect("a manifest lies in a folder").as_std_path().to_owned()
}

/// The Rust files below a folder, each with its path relative to it.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(folder).expect("below").display().to_string();
                found.push((relative, fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    found.sort();
    found
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_imports_what_the_design_forbids() {
    let metadata = metadata();
    let members = members(&metadata);
    let mut wrong = Vec::new();
    for (name, package) in &members {
        let Some((normal, dev)) = allowed(name) else {
            wrong.push(format!("{name} has no row in the table"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| members.contains_key(d.name.as_str())) {
            let other = dependency.name.as_str();
            let judged = *name == "countersign-harness" && is_bad(other);
            let in_tests = dependency.kind == DependencyKind::Development && (dev.contains(&other) || judged);
            if !normal.contains(&other) && !in_tests {
                wrong.push(format!("{name} must not import {other} ({:?})", dependency.kind));
            }
        }
    }
    none(&wrong);
}

#[test]
fn no_plugin_carries_a_runtime_or_an_http_client() {
    let metadata = metadata();
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let graph = metadata.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<_, _> = graph.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut wrong = Vec::new();
    for (name, package) in members(&metadata) {
        let plugin = PLUGINS.contains(&name) || name.starts_with("countersign-test-") || name == "countersign-plugin";
        let mut reached = BTreeSet::new();
        let mut waiting = if plugin { vec![&package.id] } else { vec![] };
        while let Some(id) = waiting.pop() {
            for dependency in &nodes[id].deps {
                let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                if normal && reached.insert(packages[&dependency.pkg].name.as_str()) {
                    waiting.push(&dependency.pkg);
                }
            }
        }
        for forbidden in ["countersign", "tokio", "reqwest", "hyper", "async-std", "smol", "ureq", "curl"] {
            if reached.contains(forbidden) {
                wrong.push(format!("{name} must not carry {forbidden}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn confined_crates_are_named_where_they_belong() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (name, package) in members(&metadata) {
        let files = sources(&folder(package).join("src"));
        for (confined, room, places) in CONFINED {
            let direct = package.dependencies.iter().any(|d| d.name == confined && d.kind == DependencyKind::Normal);
            if direct && name != room {
                wrong.push(format!("{name} depends on {confined}, which belongs to {room}"));
            }
            for (path, text) in files.iter().filter(|_| name == room) {
                let named = code(text).any(|(_, line)| line.contains(&format!("{confined}::")));
                if named && !places.iter().any(|place| path.starts_with(place)) {
                    wrong.push(format!("{name}: {path} names {confined}"));
                }
            }
        }
    }
    none(&wrong);
}

/// Lines of a file that are neither comments nor within a test module, numbered from 1. `mod tests;` hides nothing: it
/// may stand above all the code.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<_> = text.lines().collect();
    let mut code = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        match end_of_test_module(&lines[at..]) {
            Some(end) => at += end,
            None if !line.trim_start().starts_with("//") => code.push((at + 1, *line)),
            None => {}
        }
        at += 1;
    }
    code.into_iter()
}

/// Where the test module ends that begins with the first of these lines, if one does. The code is formatted: its brace
/// closes below its attribute.
fn end_of_test_module(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    let attribute = first.trim_start();
    if !attribute.starts_with("#[cfg(test)]") && !attribute.starts_with("#[cfg(all(test,") {
        return None;
    }
    let item = lines.iter().find(|line| !line.trim_start().starts_with("#["))?.trim();
    let indent = &first[..first.len() - attribute.len()];
    let is_module = item.starts_with("mod ") && item.ends_with('{');
    is_module.then(|| lines.iter().position(|line| *line == format!("{indent}}}")))?
}

#[test]
fn test_modules_are_passed_over_and_nothing_else() {
    let text = "//! a\n#[cfg(test)]\nmod tests;\nb\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    c\n}\nd\n#[cfg(test)]\nfn e() {}\n";
    let lines: Vec<_> = code(text).collect();
    let told = [(2, "#[cfg(test)]"), (3, "mod tests;"), (4, "b"), (10, "d"), (11, "#[cfg(test)]"), (12, "fn e() {}")];
    assert_eq!(lines, told);
}

/// The names by which sources could reach the plugins' code.
fn plugin_libraries(members: &BTreeMap<&str, &Package>) -> Vec<String> {
    let bad = members.iter().filter(|(name, _)| is_bad(name)).map(|(_, package)| *package);
    let plugins = PLUGINS.iter().chain(&TEST_PLUGINS).map(|name| members[name]).chain(bad);
    let libraries = plugins.flat_map(|package| package.targets.iter().filter(|target| target.is_cdylib()));
    libraries.map(|target| target.name.replace('-', "_")).collect()
}

/// Whether a line names this library: `use name`, `extern crate name` or `name::`.
fn names_library(line: &str, library: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(library).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + library.len()..]);
        let whole = !before.ends_with(part_of_name) && !after.starts_with(part_of_name);
        let imported = before.trim_end().ends_with("use") || before.trim_end().ends_with("extern crate");
        whole && (imported || after.starts_with("::"))
    })
}

#[test]
fn neither_engine_nor_host_nor_harness_code_names_a_provider() {
    let metadata = metadata();
    let members = members(&metadata);
    let libraries = plugin_libraries(&members);
    let bad = members.keys().filter(|name| is_bad(name)).count();
    assert!(bad > 0);
    assert_eq!(libraries.len(), PLUGINS.len() + TEST_PLUGINS.len() + bad);
    let mut wrong = Vec::new();
    for room in ["countersign", "countersign-host", "countersign-harness"] {
        for (path, text) in sources(&folder(members[room]).join("src")) {
            if path.contains("tests") {
                continue;
            }
            for (number, line) in code(&text) {
                let lower = line.to_lowercase();
                let named = room == "countersign" && (lower.contains("twilio") || lower.contains("authy"));
                if named || libraries.iter().any(|library| names_library(line, library)) {
                    wrong.push(format!("{room}: {path}:{number}: {}", line.trim()));
                }
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_source_file_says_what_it_is_and_stays_readable() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (name, package) in members(&metadata) {
        for part in ["src", "tests", "benches"] {
            for (path, text) in sources(&folder(package).join(part)) {
                if !text.starts_with("//!") {
                    wrong.push(format!("{name}: {part}/{path} does not begin with a `//!` line"));
                }
                if text.lines().count() > MAX_LINES {
                    wrong.push(format!("{name}: {part}/{path} has more than {MAX_LINES} lines"));
                }
            }
        }
    }
    none(&wrong);
}
