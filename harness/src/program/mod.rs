//! Commands and exit codes.

mod cassette;
mod conform;
mod faults;
mod files;
mod import;
mod progress;
mod record;
mod replay;
mod report;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::report::ReportTarget;

/// Replays recorded provider exchanges through the real engine and the real plugin files.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Exit codes: 0 all passed · 1 a case failed · 2 usage or a bad file · 4 internal"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the case of each cassette, and names the nearest recorded exchange on a mismatch.
    Replay {
        /// Cassettes (.har), or folders, which are searched for them.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// A folder with plugin files; the first that holds the file wins. Default: `deps` beside this program, then
        /// beside it.
        #[arg(long, value_name = "DIR")]
        plugins: Vec<PathBuf>,
        /// Writes on the line of each case the SHA-256 of its steps.
        ///
        /// That is of all that the plugin answered, byte for byte and in order: steps and log lines, not the handles of
        /// operations. The same case gives the same digest in every process; where it does not, the plugin looks at
        /// something that the host did not give it. Cases that ask for the same have the same digest, whatever comes
        /// back.
        #[arg(long)]
        steps: bool,
        /// Breaks every exchange of every case by each of these faults, one at a time; `all` means every fault there is.
        ///
        /// A fault that is declared harmless must leave every outcome as it is. After a harmful one nothing is approved,
        /// and nothing counts as done. In all of them: nothing that acts is sent twice, no secret, code or number stands
        /// in a text, each operation ends in its time, and the plugin neither panics nor breaks the contract. One line
        /// for each pair in which that is not so.
        #[arg(long, value_name = "ID", value_delimiter = ',', num_args = 1, conflicts_with = "steps")]
        faults: Vec<String>,
        /// Decides where in an answer a fault falls: the same seed gives the same run. Default: another one each time.
        #[arg(long, value_name = "N", requires = "faults")]
        seed: Option<u64>,
        /// Writes a report into a file: junit, html or json, as `--report html=report.html`; may be given several times.
        ///
        /// It has every case with its verdict, its provenance and what went over the wire, masked. It is written also
        /// when cases fail, whole or not at all. With --faults each exchange under each fault is a case. `junit` is for
        /// systems that run tests, `html` is one page for people, `json` has a published schema.
        #[arg(long, value_name = "KIND=FILE")]
        report: Vec<ReportTarget>,
    },
    /// Judges a plugin file by the conformance kit: no account, no money, no network.
    ///
    /// Each check runs in a process of its own with a deadline. Where the plugin's declared hosts are the emulator's,
    /// the emulator answers; otherwise the kit grows replies until the plugin says that all went well; with --cassettes
    /// recorded exchanges answer. Each line says which. A check of the level `must` that fails ends the program with 1;
    /// one of the level `should` is a warning.
    Conform(conform::Told),
    /// Lists the faults: what each does, what it is declared to do to an operation, and its parameters.
    ///
    /// `replay --faults` commits them around the engine's transport. `POST /_countersign/faults` of the emulator puts
    /// them before its next answers; those of a connection come by `serve --tls-fault`.
    Faults {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Answers HTTP requests from cassettes, or as an emulated provider, so that any client can be tried without one.
    ///
    /// The first line on standard output is `listening on http://ADDRESS`. Point the client's base address there: the
    /// path tells whose service is meant. Interrupt (Ctrl-C) to end.
    ///
    /// With --cassette, what is not recorded is answered by 501 and the nearest recorded exchanges. Interrupted, it
    /// tells what was served, what was not asked for and what was not recorded, and ends with 1 where there was any
    /// such thing.
    ///
    /// With --emulate, the lines below the first are for the shell and the bootstrap. What is "sent" is at
    /// /_countersign/phones as a page and at /_countersign/inbox as JSON; status callbacks of calls are sent to this machine only,
    /// and are at /_countersign/callbacks. Other controls, by POST of a JSON object:
    /// clock {"advance_seconds": N}, phones {"to": NUMBER, "kind": KIND}, channels {"channel": C, "enabled": BOOL},
    /// account {"type": "trial", "status": "suspended"}, approvals {"uuid": ID, "status": "approved"},
    /// faults {"fault": ID, "times": N, "path": PREFIX, "params": {NAME: N}, "seed": N}, all but the first optional, for
    /// the next answers (see `countersign-harness faults`; GET shows those that are still to come), reset {}.
    Serve(Box<serve::Arguments>),
    /// Looks at cassettes, compares them, and writes them anew.
    #[command(subcommand)]
    Cassette(cassette::Command),
    /// Records what a client and a real server say to each other, as a reverse proxy in front of that server.
    ///
    /// The first line on standard output is `listening on http://ADDRESS`. Point the client's base address there. What
    /// is written is redacted, on by default and without a way off: credentials, codes, numbers, resource ids, names and
    /// addresses become pseudonyms, and the file is searched once more for all of them. A server that is recorded sees
    /// gzip, deflate or nothing as the accepted encoding, for what is inside of others could not be searched.
    ///
    /// After each exchange, what was recorded so far is in NAME.unfinished.har beside FILE, redacted. Interrupt (Ctrl-C)
    /// to write FILE. It ends with 1 where an exchange could not be recorded or a request had no answer.
    ///
    /// Nothing goes live without --live. A mode says what is done with FILE, and --live that the network may be used.
    Record(Box<record::Arguments>),
}

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All passed.
    Passed,
    /// A case failed.
    Failed,
    /// A file, a plugin or a case cannot be used.
    BadFile,
    /// The report could not be written, or this machine gives no runtime.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::BadFile => 2,
            Exit::Internal => 4,
        })
    }
}

/// Runs the program with its arguments. Wrong usage ends it with 2.
pub(crate) fn run() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let mut out = std::io::stdout().lock();
    let exit = match command {
        Command::Conform(told) => conform::run(told, &mut out),
        Command::Serve(arguments) => serve::run(*arguments, &mut out),
        Command::Record(arguments) => record::run(*arguments, &mut out),
        Command::Replay { paths, plugins, steps, faults, report, .. } if faults.is_empty() => {
            replay::run(&paths, plugins, steps, &report, &mut out)
        }
        Command::Replay { paths, plugins, faults, seed, report, .. } => {
            faults::run(&paths, plugins, &faults, seed, &report, &mut out)
        }
        Command::Cassette(command) => cassette::run(command, &mut out),
        Command::Faults { json } => faults::list(json, &mut out),
    };
    // A report that was not read to its end is no report.
    exit.unwrap_or(Exit::Internal).into()
}
