//! `countersign-harness cassette import`, from outside. All samples are synthetic.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_harness::cassette::{ProvenanceKind, read};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

const VCRPY: &str = r#"interactions:
- request:
    body: To=%2B14155552671&Channel=sms
    headers:
      Authorization: [Basic QUMwMDphLXNlY3JldC1jYW5hcnktMTIzNDU2]
    method: POST
    uri: https://api.example/v2/Verifications
  response:
    body: {string: '{"status": "pending", "to": "+14155552671", "flavour": "vanilla"}'}
    headers: {content-type: [application/json]}
    status: {code: 201, message: Created}
- request:
    body: !!python/object:acme.Stream {name: x}
    headers: {}
    method: PUT
    uri: https://api.example/stream
  response:
    body: {string: ''}
    headers: {}
    status: {code: 200, message: OK}
"#;

fn place(text: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (folder.path().join("sample.yaml"), folder.path().join("imported.har"));
    std::fs::write(&input, text).expect("a file");
    (folder, input, out)
}

fn import(input: &Path, out: &Path, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(PROGRAM);
    command.args(["cassette", "import"]).arg(input).arg("--out").arg(out).args(more);
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().expect("by itself"), text)
}

#[test]
fn a_recording_of_another_tool_becomes_a_redacted_cassette_and_a_list_of_what_it_could_not() {
    let (_folder, input, out) = place(VCRPY);
    let more = ["--provenance", "synthetic", "--source", "made up", "--redact", "flavour"];
    let (exit, text) = import(&input, &out, &more);
    assert_eq!(exit, 1, "an exchange was left out: {text}");
    assert!(text.contains("LOST  line 12: interactions[1]: the request body is not given by its bytes"), "{text}");
    assert!(text.contains("note  line 2: interactions[0]: the file does not say when"), "{text}");
    assert!(text.contains("imported.har: 1 exchanges written, replaced "), "{text}");
    let file = std::fs::read_to_string(&out).expect("a file");
    for secret in ["canary", "4155552671", "vanilla"] {
        assert!(!file.contains(secret), "{secret} in {file}");
    }
    let cassette = read(&out).expect("a cassette");
    let provenance = cassette.provenance().expect("says so");
    assert_eq!(provenance.kind, ProvenanceKind::Synthetic);
    assert_eq!(provenance.source, "made up (imported from the vcrpy file sample.yaml, written by vcrpy)");
    assert_eq!((cassette.provider(), cassette.recorded_at()), (Some("api.example"), None));

    let (exit, text) = import(&input, &out, &more);
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("imported.har: is there already"), "{text}");
}

#[test]
fn nobody_claims_a_recording_without_saying_what_and_when() {
    let (_folder, input, out) = place(VCRPY);
    #[track_caller]
    fn check(found: (i32, String), expected: &str) {
        assert_eq!(found.0, 2, "{}", found.1);
        assert!(found.1.contains(expected), "{}", found.1);
    }
    check(import(&input, &out, &[]), "add --provenance recorded --source");
    check(import(&input, &out, &["--provenance", "recorded"]), "add --source TEXT");
    let recorded = ["--provenance", "recorded", "--source", "synthetic"];
    check(import(&input, &out, &recorded), "add --recorded-at TIME");
    check(import(&input, &out, &["--provenance", "synthetic", "--from", "har"]), "sample.yaml: is not JSON");
    assert!(!out.exists());
    let (exit, text) = import(&input, &out, &[&recorded[..], &["--recorded-at", "2026-01-31T12:00:00Z"]].concat());
    assert_eq!(exit, 1, "{text}");
    let recorded_at = read(&out).expect("a cassette").recorded_at().expect("says when");
    assert_eq!(recorded_at.to_string(), "2026-01-31T12:00:00Z");
}

#[test]
fn programs_are_told_in_json() {
    let (_folder, input, out) = place(VCRPY);
    let (exit, text) = import(&input, &out, &["--provenance", "synthetic", "--json"]);
    assert_eq!(exit, 1, "{text}");
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&told["format"], &told["exchanges"]), (&"vcrpy".into(), &1.into()));
    assert_eq!(told["lost"][1]["kind"], "body_in_parts");
    assert_eq!(told["lost"][1]["left_out"], true);
    assert_eq!(told["lost"][0]["left_out"], false);
}

#[test]
fn a_file_of_which_nothing_can_be_taken_over_makes_no_cassette() {
    let (_folder, input, out) = place("http_interactions: []\n");
    let (exit, text) = import(&input, &out, &["--provenance", "synthetic"]);
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("holds no exchange that can be taken over") && !out.exists(), "{text}");
}
