//! The `countersign` program: second factors from a terminal.

mod cli;
mod commands;
mod conversation;
mod error;
mod exit;
mod help;
mod left_out;
mod log;
mod open;
mod output;
mod progress;
mod prompt;
mod report;
mod telling;
mod wait;
mod words;

fn main() -> std::process::ExitCode {
    // First of all: a child that tries a plugin file out must do nothing else.
    countersign::probe::run_if_asked();
    cli::run()
}
