//! `serve --cassette`: recorded exchanges, and a receipt at the end.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use countersign_harness::cassette::{Freshness, WhenExpired, read};
use countersign_harness::serve::Cassettes;
use jiff::Timestamp;

use super::Place;
use crate::program::Exit;
use crate::program::files::cassettes;
use crate::program::replay::with_causes;

/// Serves, and tells at the end what was not asked for and what was not recorded.
pub(super) fn run(paths: &[PathBuf], place: &Place, out: &mut impl Write) -> io::Result<Exit> {
    let mut read_in = Vec::new();
    let mut bad = false;
    for path in paths {
        match cassettes(path) {
            Ok(files) => {
                for file in files {
                    match read(&file) {
                        Ok(cassette) => {
                            if let Freshness::Expired(expired) = cassette.freshness(Timestamp::now()) {
                                if expired.expiry.age.then == WhenExpired::Fail {
                                    bad = true;
                                    writeln!(out, "BAD   {}: {expired}", file.display())?;
                                } else {
                                    // The first line of the output is the address.
                                    writeln!(io::stderr(), "warn  {}: {expired}", file.display())?;
                                }
                            }
                            read_in.push(cassette);
                        }
                        Err(error) => {
                            bad = true;
                            writeln!(out, "BAD   {}", with_causes(&error))?;
                        }
                    }
                }
            }
            Err(error) => {
                bad = true;
                writeln!(out, "BAD   {error}")?;
            }
        }
    }
    if bad {
        return Ok(Exit::BadFile);
    }
    let entries: usize = read_in.iter().map(|cassette| cassette.entries().len()).sum();
    let responder = Arc::new(Cassettes::new(read_in));
    let served = place.serve(&responder, out, std::future::ready(()), |out, _| {
        writeln!(out, "serving {entries} recorded exchanges; interrupt (Ctrl-C) for the receipt")
    })?;
    if let Some(exit) = served {
        return Ok(exit);
    }
    receipt(&responder, out)
}

fn receipt(responder: &Cassettes, out: &mut impl Write) -> io::Result<Exit> {
    let (mismatches, forgotten) = responder.mismatches();
    if forgotten > 0 {
        writeln!(out, "MISS  {forgotten} older requests were not recorded, either")?;
    }
    for mismatch in &mismatches {
        for (at, line) in mismatch.to_string().lines().enumerate() {
            writeln!(out, "{}{line}", if at == 0 { "MISS  " } else { "      " })?;
        }
    }
    let ended = responder.finish();
    let receipt = match &ended {
        Ok(receipt) => receipt,
        Err(unused) => {
            unused.to_string().lines().try_for_each(|line| writeln!(out, "MISS  {line}"))?;
            &unused.receipt
        }
    };
    for entry in receipt.entries.iter().filter(|entry| entry.played > 0) {
        writeln!(out, "{entry}")?;
    }
    out.flush()?;
    Ok(if mismatches.is_empty() && ended.is_ok() { Exit::Passed } else { Exit::Failed })
}
