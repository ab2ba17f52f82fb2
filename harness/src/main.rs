//! The `countersign-harness` program.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::probe::run_if_asked();
    countersign_harness::conform::run_if_asked();
    program::run()
}
