//! Exit codes: one match from everything that can happen to one of five.

use std::process::ExitCode;

use countersign::account::{AdminError, UserError};
use countersign::challenge::{CheckError, NotSent, StartError, Verdict};
use countersign::engine::{AssessError, TestError};
use countersign::enrollment::EnrollError;
use countersign::store::StoreError;
use countersign_plugin::FailureKind;

use crate::commands::demo::StageError;
use crate::commands::init::InitError;
use crate::error::CommandError;
use crate::log::LogError;
use crate::prompt::PromptError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Exit {
    /// Yes: done, approved, all good.
    Yes,
    /// Denied, or a case failed.
    No,
    /// Wrong usage, or a file that is wrong.
    Usage,
    /// A provider is not available.
    Unavailable,
    /// The program or its machine is at fault.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Unavailable => 3,
            Exit::Internal => 4,
        })
    }
}

impl CommandError {
    /// The exit code that says whose turn it is now.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Bootstrap(_)
            | Self::Plugins { .. }
            | Self::PluginFile(_)
            | Self::OutOfOrder(_)
            | Self::Services(_)
            | Self::NoLoginTypes
            | Self::NoNumberWanted { .. }
            | Self::NoPhoneService => Exit::Usage,
            Self::Both(both) => both[0].exit(),
            Self::Store(error) | Self::Init(InitError::Key(error)) => store(error),
            Self::Init(
                InitError::Exists { .. }
                | InitError::StoreExists { .. }
                | InitError::NotToml { .. }
                | InitError::NoFolder { .. }
                | InitError::Unwritable { .. },
            ) => Exit::Usage,
            Self::Assess(error) => match error {
                AssessError::User(error) => user(error),
                AssessError::Login(_) => Exit::Usage,
                AssessError::Store(error) => store(error),
            },
            Self::Start(error) => start(error),
            Self::Check(error) => match error {
                CheckError::Store(error) => store(error),
                CheckError::ServiceGone { .. } => Exit::Usage,
                CheckError::UnknownChallenge
                | CheckError::Empty
                | CheckError::HasNoCode { .. }
                | CheckError::HasCode { .. } => Exit::No,
            },
            Self::Enroll(error) | Self::Closed(error) => enroll(error),
            Self::Hinted(error, _) => enroll(error),
            Self::BeingEnrolled { .. } | Self::HadFactor { .. } => Exit::No,
            Self::Admin(error) => match error {
                AdminError::User(error) => user(error),
                AdminError::Exists { .. } | AdminError::Address | AdminError::Language => Exit::Usage,
                AdminError::Store(error) => store(error),
                AdminError::NoRandomness(_) => Exit::Internal,
            },
            Self::Test(error) => match error {
                TestError::UnknownService { .. } => Exit::Usage,
                TestError::Unsupported { .. } => Exit::No,
                TestError::Failed { failure, .. } => failed(failure.kind),
                TestError::Store(error) => store(error),
            },
            Self::Stage(StageError::Unwritable { .. } | StageError::Foreign { .. }) => Exit::Usage,
            Self::Stage(StageError::Cassette(_) | StageError::Unscanned(_)) => Exit::Internal,
            Self::Unconfirmed { failure, .. } => failed(failure.kind),
            Self::Wait(_) => Exit::No,
            Self::Prompt(PromptError::End { .. } | PromptError::TooLong { .. }) => Exit::Usage,
            Self::Log(LogError::Filter(_) | LogError::NotText) => Exit::Usage,
            Self::Prompt(PromptError::Broken { .. })
            | Self::Log(LogError::Start(_))
            | Self::Runtime(_)
            | Self::Output(_) => Exit::Internal,
        }
    }
}

/// How a verdict ends the program.
pub(crate) fn of_verdict(verdict: &Verdict) -> Exit {
    match verdict {
        Verdict::Approved(_) => Exit::Yes,
        Verdict::WrongCode { .. } | Verdict::Locked { .. } | Verdict::Expired | Verdict::Replayed | Verdict::Denied => {
            Exit::No
        }
        Verdict::Unavailable { failure, .. } => failed(failure.kind),
    }
}

/// How a provider's failure ends the program.
pub(crate) const fn failed(kind: FailureKind) -> Exit {
    match kind {
        FailureKind::UnreachableRecipient
        | FailureKind::Blocked
        | FailureKind::TooManyAttempts
        | FailureKind::Expired => Exit::No,
        FailureKind::InvalidRecipient
        | FailureKind::BadCredentials
        | FailureKind::Misconfigured
        | FailureKind::Unsupported => Exit::Usage,
        FailureKind::RateLimited | FailureKind::Unavailable | FailureKind::MalformedReply => Exit::Unavailable,
        FailureKind::PluginFault => Exit::Internal,
    }
}

fn user(error: &UserError) -> Exit {
    match error {
        UserError::Name(_) | UserError::Unknown { .. } => Exit::Usage,
        UserError::Gone => Exit::No,
        UserError::Store(error) => store(error),
        UserError::NoRandomness(_) => Exit::Internal,
    }
}

fn start(error: &StartError) -> Exit {
    match error {
        StartError::User(error) => user(error),
        StartError::Login(_) | StartError::UnknownMethod { .. } | StartError::ServiceGone { .. } => Exit::Usage,
        StartError::NothingRegistered
        | StartError::NoMethodWorks
        | StartError::Unusable { .. }
        | StartError::UnknownChallenge => Exit::No,
        StartError::NotSent(error) => not_sent(error),
        StartError::Store(error) => store(error),
        StartError::NoRandomness(_) => Exit::Internal,
    }
}

fn not_sent(error: &NotSent) -> Exit {
    match error {
        NotSent::CoolDown { .. }
        | NotSent::SendLocked { .. }
        | NotSent::GuessLocked { .. }
        | NotSent::NoSendsLeft
        | NotSent::TryAgainAt { .. }
        | NotSent::Over => Exit::No,
        NotSent::Failed { failure, .. } => failed(failure.kind),
    }
}

fn enroll(error: &EnrollError) -> Exit {
    match error {
        EnrollError::User(error) => user(error),
        EnrollError::Phone(_)
        | EnrollError::UnknownMethod { .. }
        | EnrollError::WrongMethod { .. }
        | EnrollError::ServiceGone { .. }
        | EnrollError::Empty => Exit::Usage,
        EnrollError::Unusable { .. }
        | EnrollError::RegistrationClosed { .. }
        | EnrollError::AlreadyEnrolled { .. }
        | EnrollError::NoSuchFactor { .. }
        | EnrollError::LastFactor
        | EnrollError::NeedsApproval
        | EnrollError::NeedsAdministrator
        | EnrollError::ApprovalRefused
        | EnrollError::UnknownEnrollment => Exit::No,
        EnrollError::NumberGone { cause } => enroll(cause),
        EnrollError::NotSent(error) => not_sent(error),
        EnrollError::Failed { failure, .. } => failed(failure.kind),
        EnrollError::Store(error) => store(error),
        EnrollError::NoRandomness(_) => Exit::Internal,
    }
}

/// A wrong file is the operator's to change; all else is the machine's.
fn store(error: &StoreError) -> Exit {
    match error {
        StoreError::KeyFile { .. }
        | StoreError::WrongKey { .. }
        | StoreError::TooNew { .. }
        | StoreError::NotAStore { .. } => Exit::Usage,
        _ => Exit::Internal,
    }
}
