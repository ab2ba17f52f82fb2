//! The commands, one file each.

pub(crate) mod demo;
mod enroll;
pub(crate) mod init;
mod login;
mod plugin;
mod test_credentials;
mod user;
mod validate;

use crate::cli::{Cli, Command, PluginCommand};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;

/// Runs the command that was typed.
pub(crate) fn run(cli: &Cli, output: Output) -> Result<Exit, CommandError> {
    let bootstrap = &cli.bootstrap;
    match &cli.command {
        Command::Init => init::run(bootstrap, output),
        Command::Validate => validate::run(bootstrap, output),
        Command::Plugin(PluginCommand::Inspect { file }) => plugin::inspect(file, output),
        Command::TestCredentials { service } => test_credentials::run(bootstrap, service.as_deref(), output),
        Command::User(command) => user::run(bootstrap, command, output),
        Command::Enroll(args) => enroll::run(bootstrap, args, output),
        Command::Login(args) => login::run(bootstrap, args, output),
        Command::Demo(args) => demo::run(args, output),
    }
}
