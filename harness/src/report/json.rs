//! A report as JSON, for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::model::Report;

/// The version of the form. A new minor version only adds members; a new major version changes or removes some.
pub const JSON_VERSION: &str = "1.0";

/// The JSON Schema of the form.
pub const JSON_SCHEMA: &str = include_str!("../../report.schema.json");

#[derive(Serialize)]
struct Versioned<'a> {
    format: &'static str,
    version: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes a report as JSON that [`JSON_SCHEMA`] describes.
///
/// # Errors
/// When it cannot be written.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let versioned = Versioned { format: "countersign-report", version: JSON_VERSION, report };
    serde_json::to_writer_pretty(&mut *out, &versioned)?;
    writeln!(out)
}
