//! What can be typed on the command line.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

use crate::commands;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::log;
use crate::output::Output;

/// Second factors whose channels are plugins.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The bootstrap file (TOML or JSON)
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_BOOTSTRAP", hide_env_values = true)]
    #[arg(default_value = "countersign.toml")]
    pub(crate) bootstrap: PathBuf,
    /// Answer in JSON on standard output, errors too; one document a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 yes, 1 denied or a case failed, 2 usage or a bad file, \
                          3 provider unavailable, 4 internal.\nLogs go to standard error; \
                          COUNTERSIGN_LOG=debug shows more.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register and log in through all plugins, without account or network
    Demo(DemoArgs),
    /// Write a commented bootstrap and a key
    Init,
    /// Check the bootstrap, load its plugins and show its services
    Validate,
    /// Look at plugin files
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Ask the providers whether the credentials work; sends nothing to anyone
    TestCredentials {
        /// Only this service
        service: Option<String>,
    },
    /// Manage users
    #[command(subcommand)]
    User(UserCommand),
    /// Register a phone number or an app for a user
    Enroll(EnrollArgs),
    /// Log a user in with a second factor
    Login(LoginArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Do everything without asking, one line for each move
    #[arg(long)]
    pub(crate) headless: bool,
    /// Keep the demo's bootstrap, key and store in this folder
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Show the manifest of a plugin file without executing the file
    Inspect {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user
    Add {
        /// The user's name
        user: String,
        /// E-mail address; some providers want one
        #[arg(long)]
        email: Option<String>,
        /// Tick the box "Two Factor Auth. Required"
        #[arg(long)]
        required: bool,
        /// The user's language, such as `en` or `pt-BR`
        #[arg(long)]
        locale: Option<String>,
    },
    /// Show a user with factors and locks
    Show {
        /// The user's name
        user: String,
    },
    /// Tick the box "Two Factor Auth. Required", or clear it
    Require {
        /// The user's name
        user: String,
        /// Clear the box
        #[arg(long)]
        off: bool,
    },
    /// Replace a user's phone number; the new one must be proven by a code
    ChangeNumber {
        /// The user's name
        user: String,
        /// The new number, international: +15005550006
        #[arg(long, value_name = "NUMBER")]
        phone: String,
        /// The service that sends the code
        #[arg(long, value_name = "SERVICE")]
        method: Option<String>,
    },
    /// End a user's lock after too many wrong codes
    Unlock {
        /// The user's name
        user: String,
    },
    /// Delete a user with everything that belongs to them
    Forget {
        /// The user's name
        user: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EnrollArgs {
    /// The user's name
    pub(crate) user: String,
    /// The service: sms, voice, totp or what the bootstrap calls it
    #[arg(long, value_name = "SERVICE")]
    pub(crate) method: String,
    /// The phone number, international: +15005550006
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The user's name
    pub(crate) user: String,
    /// The kind of login, as listed in [two_factor.login_types]
    #[arg(long = "type", value_name = "LOGIN")]
    pub(crate) login_type: String,
    /// The service to use, instead of the first one offered
    #[arg(long, value_name = "SERVICE")]
    pub(crate) method: Option<String>,
}

/// Runs what the command line asks for.
pub(crate) fn run() -> ExitCode {
    // Usage errors end the program here, with code 2 as everywhere.
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    // The demo tells by itself what matters, and its provider settings are not the person's to mend.
    let level = if matches!(cli.command, Command::Demo(_)) { LevelFilter::ERROR } else { LevelFilter::WARN };
    let work = || log::start(level).map_err(CommandError::from).and_then(|()| commands::run(&cli, output));
    // A panic is this program's fault, and has told so by itself.
    let Ok(result) = panic::catch_unwind(AssertUnwindSafe(work)) else { return Exit::Internal.into() };
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            output.error(&error);
            error.exit()
        }
    };
    exit.into()
}
