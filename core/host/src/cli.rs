//! What can be typed on the command line.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, value_parser};
use tracing_subscriber::filter::LevelFilter;

use crate::commands;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::help;
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

/// The name by which clap knows `--bootstrap`.
const BOOTSTRAP: &str = "bootstrap";

const EXIT_CODES: &str = "Exit codes: 0 yes, 1 denied or a case failed, 2 usage or a bad file, \
                          3 provider unavailable, 4 internal.\nLogs go to standard error; \
                          COUNTERSIGN_LOG=debug shows more.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register and log in through all plugins, without account or network
    ///
    /// Loads the real plugin files and replays the exchanges of cassettes to them. Walks a person through
    /// registering and logging in, prints what their phone would show, and shows the QR code of an app; with
    /// --headless it does all that by itself. Without --dir nothing is left behind.
    #[command(after_long_help = help::DEMO)]
    Demo(DemoArgs),
    /// Write a commented bootstrap and a key
    ///
    /// Writes the file that --bootstrap names, with every key, its default and a comment, and beside it
    /// countersign.key, which encrypts the store. What is written is valid as it stands: codes from an authenticator
    /// app, checked here. Never overwrites anything.
    #[command(after_long_help = help::INIT)]
    Init,
    /// Check the bootstrap, load its plugins and show its services
    ///
    /// Reads the bootstrap, finds, verifies and loads the plugin files that it names, checks the settings of all
    /// services, and looks at the store and its key. Prints one table of the services: delivery type, provider,
    /// version, file, who makes and who checks the code, and where requests may go. Sends nothing, and makes neither
    /// store nor key. Where something is wrong, all of it is told, one line each; but while the bootstrap or a file is
    /// wrong, no plugin is run to say what only it can. What works and should be mended is a warning.
    #[command(after_long_help = help::VALIDATE)]
    Validate,
    /// Look at plugin files
    ///
    /// What can be learned of a plugin file before it is trusted with anything.
    #[command(subcommand, after_long_help = help::PLUGIN)]
    Plugin(PluginCommand),
    /// Ask the providers whether the credentials work; sends nothing to anyone
    ///
    /// Asks each provider about the account, token and service of the bootstrap by requests that only read, and says
    /// which of them is wrong and how to mend it. Services that work locally have no credentials and are told so.
    #[command(after_long_help = help::TEST_CREDENTIALS)]
    TestCredentials {
        /// Only this service
        service: Option<String>,
    },
    /// Manage users
    ///
    /// What an administrator does with the users of the bootstrap's store. Phone numbers are shown masked, secrets
    /// never.
    #[command(subcommand, after_long_help = help::USER)]
    User(UserCommand),
    /// Register a phone number or an app for a user
    ///
    /// A number gets a code, which is asked for; an app is shown a QR code and a key, and gives its first code.
    /// Nothing counts before that code was right. Whoever has a second factor already passes it first. Codes are read
    /// from standard input, prompts go to standard error.
    #[command(after_long_help = help::ENROLL)]
    Enroll(EnrollArgs),
    /// Log a user in with a second factor
    ///
    /// Decides by the bootstrap, the kind of login and the user whether a second factor is asked for, sends or awaits
    /// a code, and asks for it until there is a verdict. `resend` and `other METHOD` may be typed instead of a code.
    /// Codes are read from standard input, prompts go to standard error, the verdict to standard output.
    #[command(after_long_help = help::LOGIN)]
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
    ///
    /// Prints what the file says of itself: id, version and vendor, its SHA-256 (for `sha256` in [plugins.ID] of the
    /// bootstrap), who makes and who checks the codes of each channel, where its requests may go, and its settings,
    /// with those that are required or secret marked. The file is read as bytes and nothing of it is executed, so a
    /// file that nobody trusts yet can be looked at. With --json the manifest comes as its vendor wrote it.
    #[command(after_long_help = help::INSPECT)]
    Inspect {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user
    ///
    /// Names that differ only in case, width or surrounding white space are one user. Makes the store, and its key
    /// file if there is none, where this is the first user.
    #[command(after_long_help = help::ADD)]
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
    /// List the users
    ///
    /// Prints every user, in the order of the names: the box "Two Factor Auth. Required", the kinds of factors, and a
    /// lock with the time that is left of it. With --json, one document for each user.
    #[command(after_long_help = help::LIST)]
    List,
    /// Show a user with factors and locks
    ///
    /// Prints the user's id (under which the audit knows them), the box "Two Factor Auth. Required", every factor with
    /// its state, wrong codes since the last success, and a lock with the time that is left of it.
    #[command(after_long_help = help::SHOW)]
    Show {
        /// The user's name
        user: String,
    },
    /// Tick the box "Two Factor Auth. Required", or clear it
    ///
    /// The box counts for kinds of login that [two_factor.login_types] sets to "flagged-users".
    #[command(after_long_help = help::REQUIRE)]
    Require {
        /// The user's name
        user: String,
        /// Clear the box
        #[arg(long)]
        off: bool,
    },
    /// Replace a user's phone number; the new one must be proven by a code
    ///
    /// The old number ceases to be a factor at once, and codes sent to it are worth nothing any more. The new one
    /// counts when the code that is sent to it was typed. Where that fails, change the number once more.
    #[command(after_long_help = help::CHANGE_NUMBER)]
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
    ///
    /// Also sets the count of wrong codes back. Locks end by themselves, too; see `countersign user show`.
    #[command(after_long_help = help::UNLOCK)]
    Unlock {
        /// The user's name
        user: String,
    },
    /// Take a factor away from a user, also the last one
    ///
    /// Its open codes are worth nothing any more, and providers that keep something of it are asked to delete it. The
    /// user may then register anew as [two_factor] allows; that is what it is for where an app was lost. For a lost
    /// phone, `change-number` is safer: there nobody can register before the new number is proven.
    #[command(after_long_help = help::REMOVE_FACTOR)]
    RemoveFactor {
        /// The user's name
        user: String,
        /// A service that uses the factor: sms, voice, totp or what the bootstrap calls it
        #[arg(long, value_name = "SERVICE")]
        method: String,
    },
    /// Delete a user with everything that belongs to them
    ///
    /// Factors, numbers and open challenges go, and providers that keep something of the user are asked to delete it;
    /// those that could not be made to are named. The audit keeps its events, which name the user by id only. Nothing
    /// is asked back, and it cannot be undone.
    #[command(after_long_help = help::FORGET)]
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
    /// Enroll as an administrator: also what two_factor.registration leaves to them, and without asking the user to
    /// approve by a factor that they have
    #[arg(long)]
    pub(crate) as_administrator: bool,
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
    let cli = match read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let output = Output::new(cli.json);
    // The demo tells by itself what matters, and its provider settings are not the person's to mend. What is to be
    // mended is the answer of `validate`.
    let tells_by_itself = matches!(cli.command, Command::Demo(_) | Command::Validate);
    let level = if tells_by_itself { LevelFilter::ERROR } else { LevelFilter::WARN };
    let work = || log::start(level).map_err(CommandError::from).and_then(|()| commands::run(&cli, output));
    // A panic is this program's fault, and has told people so by itself.
    let Ok(result) = panic::catch_unwind(AssertUnwindSafe(work)) else {
        output.failure("internal", "the program is at fault; standard error says more");
        return Exit::Internal.into();
    };
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            output.error(&error);
            error.exit()
        }
    };
    exit.into()
}

/// Reads a command line.
fn read(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    // What is global is not handed to commands that have an option of that name themselves.
    let hidden = || Arg::new(BOOTSTRAP).long(BOOTSTRAP).value_parser(value_parser!(PathBuf)).hide(true);
    let without = |command: clap::Command| command.arg(hidden());
    let mut command = Cli::command()
        .mut_subcommand("demo", without)
        .mut_subcommand("plugin", |plugin| without(plugin).mut_subcommand("inspect", without));
    let matches = command.try_get_matches_from_mut(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let instead = match cli.command {
        Command::Demo(_) => "`demo` has a bootstrap of its own, which --dir FOLDER keeps",
        Command::Plugin(_) => "`plugin` reads no bootstrap",
        _ => return Ok(cli),
    };
    match matches.value_source(BOOTSTRAP) {
        Some(ValueSource::CommandLine) => {
            Err(command.error(ErrorKind::ArgumentConflict, format!("{instead}; leave --bootstrap out")))
        }
        _ => Ok(cli),
    }
}

/// Wrong usage ends the program with 2, help and version with 0.
fn misused(error: &clap::Error) -> ExitCode {
    // What was typed could not be read as a whole, but whoever reads JSON has said so somewhere in it.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let wrong = error.use_stderr();
    if wrong {
        let rendered = error.render().to_string();
        let (message, usage) = apart(&rendered);
        Output::new(json).misuse(message, usage);
    }
    // Standard output or error is gone: nobody is left to be told.
    let _ = error.print();
    if wrong { Exit::Usage.into() } else { Exit::Yes.into() }
}

/// What is wrong, and how it is used, out of what people are told in one.
fn apart(rendered: &str) -> (&str, Option<&str>) {
    let (before, usage) = match rendered.split_once("Usage: ") {
        Some((before, rest)) => (before, rest.split("\n\n").next().map(str::trim)),
        None => (rendered, None),
    };
    // Where nothing was typed, people are given the whole help.
    let message = before.strip_prefix("error: ").map_or("no command was given; --help lists them", str::trim);
    (message, usage)
}
