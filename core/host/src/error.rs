//! Why a command came to no answer.

use std::fmt;
use std::io;

use countersign::account::{AdminError, UserError};
use countersign::bootstrap::BootstrapError;
use countersign::challenge::{CheckError, StartError};
use countersign::engine::{AssessError, TestError};
use countersign::enrollment::EnrollError;
use countersign::registry::{LoadError, ServiceError};
use countersign::store::StoreError;
use countersign_plugin::Failure;

use crate::commands::demo::StageError;
use crate::commands::init::InitError;
use crate::left_out::OutOfOrder;
use crate::log::LogError;
use crate::prompt::PromptError;
use crate::words;

/// Why a command came to no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The bootstrap is wrong.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Plugin files are wrong, and perhaps services that go by others.
    #[error("{}", [lines(files), lines(services)].join("\n").trim_end())]
    Plugins {
        /// What is wrong with the files.
        files: Vec<LoadError>,
        /// What is wrong with the services, and which could not be checked.
        services: Vec<ServiceError>,
    },
    /// A plugin file was to be looked at, and is none.
    #[error(transparent)]
    PluginFile(#[from] LoadError),
    /// What the command asks for is out of order, though other services are not.
    #[error("{0}")]
    OutOfOrder(OutOfOrder),
    /// Services are wrong.
    #[error("{}", lines(.0))]
    Services(Vec<ServiceError>),
    /// Two things are wrong that have nothing to do with each other; the first says how the program ends.
    #[error("{}\n{}", .0[0], .0[1])]
    Both(Box<[Self; 2]>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was written.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The user or the kind of login is not known.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// No challenge was started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No code was judged.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// No factor was enrolled.
    #[error(transparent)]
    Enroll(#[from] EnrollError),
    /// The site leaves it to administrators.
    #[error("{0}; an administrator enrolls it by `--as-administrator`")]
    Closed(EnrollError),
    /// A factor was not enrolled, and there is a command that helps.
    #[error("{0}: {1}")]
    Hinted(Box<EnrollError>, UserCommandHint),
    /// An administrator began to enroll a factor, which waits for its proof.
    #[error(
        "an administrator is registering a {what} for {user}, and its first code is awaited for another {wait}; begin \
         it again by `countersign enroll {} --method {method} --as-administrator`, or take it back by \
         `countersign user remove-factor {} --method {method}`",
        words::argument(user),
        words::argument(user)
    )]
    BeingEnrolled {
        /// For whom.
        user: String,
        /// The factor, in words.
        what: String,
        /// A service that uses it.
        method: String,
        /// The time that is left.
        wait: String,
    },
    /// The user has no factor any more.
    #[error(
        "{user} had a second factor and has none now, so an administrator registers the next one: \
         `countersign enroll {} --method {method} --as-administrator`; or lets the user do so: \
         `countersign user remove-factor {} --method {method}`",
        words::argument(user),
        words::argument(user)
    )]
    HadFactor {
        /// The user.
        user: String,
        /// The service that was asked for.
        method: String,
    },
    /// An administrator's change was not made.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Credentials were not tested.
    #[error(transparent)]
    Test(#[from] TestError),
    /// A limit says: later. In words, with the time that is left.
    #[error("{0}")]
    Wait(String),
    /// The provider failed in a way that leaves open whether it sent a code, and nobody typed one.
    #[error("service `{service}` failed: {failure}")]
    Unconfirmed {
        /// Which.
        service: String,
        /// How.
        failure: Box<Failure>,
    },
    /// A factor can only be changed after a login, and there is no kind of login.
    #[error("the user has a second factor and must pass it first, but two_factor.login_types lists no kind of login")]
    NoLoginTypes,
    /// A number was given for a method that has no use for one.
    #[error(
        "method `{method}` takes no phone number; leave --phone out{}",
        if reaching.is_empty() {
            " (the bootstrap has no method that reaches phones)".to_owned()
        } else {
            format!(", or take a method that reaches phones: {}", words::list(reaching))
        }
    )]
    NoNumberWanted {
        /// The method.
        method: String,
        /// Those that reach phones.
        reaching: Vec<String>,
    },
    /// A number is to be changed, and no service could send a code to the new one.
    #[error("no service of the bootstrap reaches phones, so no number can be proven; add one to [services]")]
    NoPhoneService,
    /// The demo has no stage.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A question got no answer.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// There is no log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The system gives no means to wait for anything.
    #[error("the asynchronous runtime cannot be started: {0}")]
    Runtime(#[source] io::Error),
    /// An answer could not be written.
    #[error("the answer cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// A command about users, to be told.
#[derive(Clone, Debug)]
pub(crate) enum UserCommandHint {
    /// Replaces a number.
    ChangeNumber {
        /// Whose.
        user: String,
    },
    /// Takes a factor away.
    RemoveFactor {
        /// Whose.
        user: String,
        /// A service that uses it.
        method: String,
    },
}

impl fmt::Display for UserCommandHint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangeNumber { user } => {
                write!(out, "`countersign user change-number {} --phone NUMBER`", words::argument(user))
            }
            Self::RemoveFactor { user, method } => {
                write!(out, "`countersign user remove-factor {} --method {method}`", words::argument(user))
            }
        }
    }
}

impl CommandError {
    /// The kind of error, for scripts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Bootstrap(_) => "bootstrap",
            Self::Plugins { .. } | Self::PluginFile(_) => "plugin",
            Self::OutOfOrder(out) if out.is_about_files() => "plugin",
            Self::OutOfOrder(_) | Self::Services(_) => "service",
            Self::Both(both) => both[0].kind(),
            Self::Store(_) => "store",
            Self::Init(_) => "init",
            Self::Assess(AssessError::User(UserError::Unknown { .. }))
            | Self::Start(StartError::User(UserError::Unknown { .. }))
            | Self::Enroll(EnrollError::User(UserError::Unknown { .. }))
            | Self::Admin(AdminError::User(UserError::Unknown { .. })) => "unknown_user",
            Self::Assess(AssessError::Login(_)) | Self::Start(StartError::Login(_)) | Self::NoLoginTypes => {
                "login_type"
            }
            Self::Enroll(EnrollError::Phone(_)) => "phone",
            Self::Assess(_) | Self::Start(_) | Self::Check(_) | Self::Unconfirmed { .. } => "login",
            Self::Enroll(_)
            | Self::Closed(_)
            | Self::Hinted(..)
            | Self::BeingEnrolled { .. }
            | Self::HadFactor { .. }
            | Self::NoNumberWanted { .. } => "enroll",
            Self::Stage(_) => "demo",
            Self::NoPhoneService => "service",
            Self::Admin(_) => "user",
            Self::Test(_) => "test",
            Self::Wait(_) => "wait",
            Self::Runtime(_) => "runtime",
            Self::Prompt(_) => "input",
            Self::Log(_) => "log",
            Self::Output(_) => "output",
        }
    }
}

impl From<UserError> for CommandError {
    fn from(error: UserError) -> Self {
        AdminError::from(error).into()
    }
}

fn lines<E: ToString>(errors: &[E]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
