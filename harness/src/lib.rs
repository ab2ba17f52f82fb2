//! For QA: replays recorded provider exchanges through the real engine and the real plugin files.

pub mod case;
pub mod cassette;
pub mod conform;
pub mod emulate;
pub mod fault;
pub mod import;
pub mod journal;
pub mod record;
pub mod redact;
pub mod replay;
pub mod report;
pub mod serve;
pub mod steps;
pub mod suite;
pub mod wire;
