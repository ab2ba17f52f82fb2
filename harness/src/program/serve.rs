//! `serve`: cassettes behind an HTTP address, until the program is interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_harness::cassette::read;
use countersign_harness::serve::{Cassettes, Server};

use super::Exit;
use super::files::cassettes;
use super::replay::with_causes;

/// Serves, and tells at the end what was not asked for and what was not recorded.
pub(super) fn run(paths: &[PathBuf], listen: SocketAddr, out: &mut impl Write) -> io::Result<Exit> {
    let mut read_in = Vec::new();
    let mut bad = false;
    for path in paths {
        match cassettes(path) {
            Ok(files) => {
                for file in files {
                    match read(&file) {
                        Ok(cassette) => read_in.push(cassette),
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
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return Ok(Exit::Internal);
    };
    let served: io::Result<Option<Exit>> = runtime.block_on(async {
        let server = match Server::bind(listen).await {
            Ok(server) => server,
            Err(error) => {
                writeln!(out, "BAD   {listen}: cannot listen there ({error}); name another address by --listen")?;
                return Ok(Some(Exit::BadFile));
            }
        };
        writeln!(out, "listening on http://{}", server.address())?;
        writeln!(out, "serving {entries} recorded exchanges; interrupt (Ctrl-C) for the receipt")?;
        out.flush()?;
        server.run(Arc::clone(&responder) as _, interrupted()).await;
        Ok(None)
    });
    if let Some(exit) = served? {
        return Ok(exit);
    }
    receipt(&responder, out)
}

/// Ready when the person, or a supervisor, wants the program to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
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
