//! The bootstrap as a whole: layers, faults and what never shows.

mod properties;
mod reading;
mod refusals;
mod template;
mod variables;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A bootstrap file in a folder of its own.
struct Folder(TempDir);

impl Folder {
    fn with(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        Self(folder)
    }

    fn read(&self, name: &str, variables: &[(&str, &str)]) -> Result<Bootstrap, BootstrapError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Bootstrap::read_with(&self.0.path().join(name), variables)
    }
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Bootstrap, BootstrapError> {
    Folder::with("countersign.toml", text).read("countersign.toml", variables)
}

/// The file is refused in one line (or a few) that holds all these facts.
#[track_caller]
fn refused(text: &str, variables: &[(&str, &str)], facts: &[&str]) {
    let said = read(text, variables).unwrap_err().to_string();
    for fact in facts {
        assert!(said.contains(fact), "{fact:?} is not in: {said}");
    }
}

/// As [`refused`], for one line after `version = 1`, which then is line 2.
#[track_caller]
fn refused_line(line: &str, facts: &[&str]) {
    refused(&format!("version = 1\n{line}"), &[], facts);
}

const TOTP: &str = "version = 1\n[services.totp]\ndelivery_type = \"local\"\nprovider = \"totp\"\n";
