//! Logs: to standard error, as much as `COUNTERSIGN_LOG` asks for.

use std::io;

use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// What fails at a provider is the verdict or the error of a command here, and not worth a second line. What plugins
/// write into the log themselves is told nowhere else.
const TOLD_ANYWAY: &str = "warn,countersign::operation=error,countersign::operation::perform=warn";

const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The variable holds no filter.
    #[error("{VARIABLE} holds no filter: {0}; write a level such as debug, or countersign::registry=trace")]
    Filter(#[from] ParseError),
    /// The variable is not text.
    #[error("{VARIABLE} is set to something that is not UTF-8 text; write a level such as debug")]
    NotText,
    /// Logging was set up before.
    #[error("the log cannot be started: {0}")]
    Start(#[from] TryInitError),
}

/// Starts logging, at this level unless `COUNTERSIGN_LOG` says otherwise.
pub(crate) fn start(level: LevelFilter) -> Result<(), LogError> {
    let asked = match std::env::var(VARIABLE) {
        Ok(asked) => asked,
        Err(std::env::VarError::NotPresent) => String::new(),
        Err(std::env::VarError::NotUnicode(_)) => return Err(LogError::NotText),
    };
    let unasked = if level == LevelFilter::WARN { TOLD_ANYWAY } else { "" };
    let asked = if asked.trim().is_empty() { unasked } else { &asked };
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse(asked)?;
    // Libraries below know nothing of masking: at `trace` an HTTP client may print what it sends.
    let ours = filter_fn(|event| event.target().starts_with("countersign"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        // Colours are a feature that is off; asked for on a terminal, it would panic.
        .with_ansi(false)
        .with_filter(ours);
    Ok(tracing_subscriber::registry().with(filter).with(lines).try_init()?)
}
