//! `countersign plugin inspect`: what a file says of itself. Nothing of it is executed.

use std::fmt;
use std::io;
use std::path::Path;

use comfy_table::{ContentArrangement, Table};
use countersign::registry::{Inspection, inspect as examine};
use countersign_plugin::Manifest;
use countersign_plugin::manifest::Channel;
use serde::Serialize;
use serde_json::Value;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, table, width};
use crate::words;

/// Columns of text that are read well where nobody knows how many there are.
const UNKNOWN_WIDTH: u16 = 100;

/// Shows the manifest of a plugin file.
pub(crate) fn inspect(file: &Path, output: Output) -> Result<Exit, CommandError> {
    let Inspection { path, manifest, manifest_bytes, sha256, size, .. } = examine(file)?;
    // The bytes were read as a manifest, so they are JSON.
    let document = serde_json::from_slice(&manifest_bytes).map_err(io::Error::from)?;
    let answer = Inspected { file: path.display().to_string(), sha256: sha256.to_string(), size, document, manifest };
    output.answer(&answer)?;
    Ok(Exit::Yes)
}

#[derive(Serialize)]
struct Inspected {
    file: String,
    sha256: String,
    /// Bytes of the file.
    size: u64,
    /// As the vendor wrote it, with whatever this program does not know.
    #[serde(rename = "manifest")]
    document: Value,
    #[serde(skip)]
    manifest: Manifest,
}

impl fmt::Display for Inspected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, sha256, size, manifest, .. } = self;
        let vendor = match &manifest.vendor.url {
            Some(url) => format!("{} <{url}>", manifest.vendor.name),
            None => manifest.vendor.name.clone(),
        };
        writeln!(out, "{} {}, by {vendor}", manifest.id, manifest.version)?;
        if let Some(description) = manifest.labels.get("en").and_then(|label| label.description.as_deref()) {
            writeln!(out, "{}", paragraphs(description))?;
        }
        writeln!(out, "\nfile           {file}")?;
        writeln!(out, "size           {size} bytes")?;
        writeln!(out, "sha256         {sha256}")?;
        writeln!(out, "delivery type  {}", manifest.delivery_type.as_str())?;
        writeln!(out, "requires       {}", words::list(&manifest.requires))?;
        writeln!(out, "operations     {}", words::list(manifest.operations.iter().map(|it| it.as_str())))?;
        let egress = manifest.egress.iter().map(words::egress);
        writeln!(out, "egress         {}", words::list(egress))?;
        writeln!(out, "\n{}", channels(&manifest.channels))?;
        write!(out, "\n{}", settings(&manifest.settings))
    }
}

fn channels(channels: &[Channel]) -> String {
    let mut table = table(&["channel", "mode", "made by", "checked by", "digits", "goes to", "operations"]);
    for channel in channels {
        let [fewest, most] = channel.code_digits;
        table.add_row([
            channel.channel.clone(),
            channel.mode.clone().unwrap_or_else(|| "-".to_owned()),
            words::maker(channel.code_made_by).to_owned(),
            words::checker(channel.code_checked_by).to_owned(),
            if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") },
            words::destination(channel.destination).to_owned(),
            words::cell(channel.operations.iter().map(|it| it.as_str())),
        ]);
    }
    fit(&mut table);
    table.trim_fmt()
}

/// Breaks lines where the terminal ends.
fn fit(table: &mut Table) {
    if let Some(width) = width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
}

/// A description as its vendor's paragraphs: single line breaks are but where the source was wrapped.
fn paragraphs(text: &str) -> String {
    let paragraph = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n")
}

fn settings(schema: &Value) -> String {
    let mut table = table(&["setting", "", "what it is"]);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width().unwrap_or(UNKNOWN_WIDTH));
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let marks = [(required.contains(&name.as_str()), "required"), (is_secret(schema, property), "secret")];
        let marks: Vec<_> = marks.into_iter().filter_map(|(it, word)| it.then_some(word)).collect();
        let description = property["description"].as_str().unwrap_or_default();
        table.add_row([name.clone(), marks.join(", "), paragraphs(description)]);
    }
    table.trim_fmt()
}

/// Whether a property is marked as a secret: itself, in a branch, or where it refers to.
fn is_secret(schema: &Value, property: &Value) -> bool {
    let marked = |it: &Value| it["x-secret"] == true;
    let referred = |it: &Value| {
        let to = it["$ref"].as_str().and_then(|to| schema.pointer(to.strip_prefix('#')?));
        to.is_some_and(marked)
    };
    let branches = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| property[*key].as_array()).flatten();
    std::iter::once(property).chain(branches).any(|it| marked(it) || referred(it))
}
