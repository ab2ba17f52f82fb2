//! For QA: replays recorded provider exchanges through the real engine and the real plugin files.

pub mod cassette;
