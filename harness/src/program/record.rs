//! `record`: a recording reverse proxy, until the program is interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, value_parser};
use countersign_harness::cassette::{DraftAbout, ProvenanceKind, WriteProblem, Written};
use countersign_harness::record::{FinishError, Mode, Recorder, RecordingProxy, Settings, Summary, Upstream};
use countersign_harness::serve::Server;

use super::Exit;
use super::cassette::Redacting;
use super::replay::with_causes;
use super::serve::interrupted;

/// What `record` is given.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The server that is recorded, as https://api.example.com; a path stands before the path of every request. Plain
    /// http is for this machine only.
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// The cassette. It is readable by its owner alone, and large bodies stand in files beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to listen. Port 0 is any free one. Whoever names an address other than loopback lets others in.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// none: replays only. once: records if there is no FILE, else replays. new: replays what is there, records the
    /// rest. all: records everything, and replaces FILE at the end.
    ///
    /// Default: once, and none where the environment variable CI is set (and is neither `false` nor 0).
    #[arg(long, value_name = "MODE", value_parser = PossibleValuesParser::new(Mode::NAMED.map(|(_, name)| name)).map(mode))]
    mode: Option<Mode>,
    /// Allows requests to go to the server. Without it, whatever would record is refused before anything is sent.
    #[arg(long)]
    live: bool,
    /// Seconds that the server may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// The provider whose exchanges these are, as the cassette says it. Default: the server's host.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// What the cassette calls itself. Default: the name of FILE.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// What is recorded, for people: what account, for what.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    #[command(flatten)]
    redaction: Redacting,
}

fn mode(name: String) -> Mode {
    Mode::NAMED.iter().find(|(_, known)| *known == name).map_or(Mode::None, |(mode, _)| *mode)
}

/// Records, and tells at the end what.
pub(super) fn run(arguments: Arguments, out: &mut impl Write) -> io::Result<Exit> {
    let Arguments { upstream, out: path, listen, mode, live, timeout, provider, title, source, redaction } = arguments;
    let bad = |out: &mut dyn Write, text: &dyn std::fmt::Display| {
        writeln!(out, "BAD   {text}")?;
        Ok(Exit::BadFile)
    };
    let upstream = match Upstream::new(&upstream, Duration::from_secs(timeout)) {
        Ok(upstream) => upstream,
        Err(error) => return bad(out, &format_args!("--upstream: {error}")),
    };
    let redaction = match redaction.redaction() {
        Ok(redaction) => redaction,
        Err(told) => return bad(out, &told),
    };
    let server = upstream.origin().as_str().trim_end_matches('/').to_owned();
    let recorded = format!("HTTP exchanges with {server}, by countersign-harness record");
    let source = source.map_or_else(|| recorded.clone(), |source| format!("{source} ({recorded})"));
    let host = upstream.origin().host_str().unwrap_or_default().to_owned();
    let stem = path.file_stem().map_or_else(|| host.clone(), |stem| stem.to_string_lossy().into_owned());
    let about = DraftAbout::new(ProvenanceKind::Recorded, source, provider.unwrap_or(host), title.unwrap_or(stem));
    let mode = mode.unwrap_or_else(|| Mode::by_default(std::env::var("CI").ok().as_deref()));
    let recorder = match Recorder::start(Settings { path, mode, live, about, redaction }) {
        Ok(recorder) => Arc::new(recorder),
        Err(error) => return bad(out, &with_causes(&error)),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return Ok(Exit::Internal);
    };
    let listening = runtime.block_on(Server::bind(listen));
    let listener = match listening {
        Ok(listener) => listener,
        Err(error) => {
            let text = format!("{listen}: cannot listen there ({error}); name another address by --listen");
            return bad(out, &text);
        }
    };
    writeln!(out, "listening on http://{}", listener.address())?;
    let file = recorder.path().display();
    match recorder.records() {
        true => writeln!(out, "mode {mode}: {server} is recorded into {file}; interrupt (Ctrl-C) to write it")?,
        false => writeln!(out, "mode {mode}: {file} is replayed, and nothing goes to {server}")?,
    }
    out.flush()?;
    let proxy = Arc::new(RecordingProxy::new(upstream, Arc::clone(&recorder)));
    runtime.block_on(async {
        listener.run_async(Arc::clone(&proxy) as _, interrupted()).await;
        proxy.settled().await;
    });
    ended(recorder.finish(), out)
}

fn ended(finished: Result<Summary, FinishError>, out: &mut impl Write) -> io::Result<Exit> {
    let summary = match finished {
        Ok(summary) => summary,
        Err(error) => {
            writeln!(out, "BAD   {}", with_causes(&error))?;
            out.flush()?;
            let secret = matches!(&error, FinishError::Unwritten { problem, .. }
                if matches!(*problem.problem, WriteProblem::Secret(_)));
            return Ok(if secret { Exit::Failed } else { Exit::BadFile });
        }
    };
    for mismatch in &summary.refused {
        for (at, line) in mismatch.to_string().lines().enumerate() {
            writeln!(out, "{}{line}", if at == 0 { "MISS  " } else { "      " })?;
        }
    }
    summary.unanswered.iter().try_for_each(|unanswered| writeln!(out, "MISS  {unanswered}"))?;
    summary.left_out.iter().try_for_each(|left_out| writeln!(out, "LOST  {left_out}"))?;
    match &summary.written {
        Some(written) => wrote(written, summary.recorded, out)?,
        None => writeln!(out, "{}: nothing was recorded; it is as it was", summary.path.display())?,
    }
    if summary.replayed > 0 {
        writeln!(out, "{} requests were answered by what had been recorded before", summary.replayed)?;
    }
    out.flush()?;
    Ok(if summary.is_complete() { Exit::Passed } else { Exit::Failed })
}

/// Tells what was written.
pub(super) fn wrote(written: &Written, exchanges: usize, out: &mut impl Write) -> io::Result<()> {
    let replaced: Vec<String> = written.replaced.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    let replaced = if replaced.is_empty() { "nothing".to_owned() } else { replaced.join(", ") };
    writeln!(out, "good  {}: {exchanges} exchanges written, replaced {replaced}", written.path.display())?;
    written.sides.iter().try_for_each(|side| writeln!(out, "      with {}", side.display()))
}
