//! `countersign demo`: people register and log in through the three plugin files, which are found,
//! verified and loaded as everywhere; what their providers would answer is replayed.

mod app;
mod clock;
mod moves;
mod phone;
mod stage;
mod walk;

use crate::cli::DemoArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::open::block_on;
use crate::output::Output;

use stage::Stage;
pub(crate) use stage::StageError;

/// The kind of login that the demo's bootstrap lists for everyone.
const LOGIN_TYPE: &str = "web-portal";
/// Some providers want an address; nothing is sent to it.
const EMAIL: &str = "demo@example.com";
/// A number of a range that is nobody's.
const NUMBER: &str = "+15005550006";

/// Runs the demo.
pub(crate) fn run(args: &DemoArgs, output: Output) -> Result<Exit, CommandError> {
    let stage = Stage::set(args.dir.as_deref())?;
    block_on(async {
        stage.wind_clock().await?;
        // A script reads no guided tour.
        if args.headless || output.is_json() {
            moves::run(&stage, output).await
        } else {
            walk::run(&stage, output).await
        }
    })
}
