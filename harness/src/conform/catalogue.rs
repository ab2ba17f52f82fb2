//! The checks there are.

use serde::Serialize;

use super::checks::{
    concurrent, cost, effects, egress, file, handles, limits, odd, operations, outcomes, paths, person, resend,
    secrets, settings, steps, verdicts,
};
use super::judging::{Run, Run::Asks, Run::Loads, Run::Reads};
use super::report::Level::{self, Must, Should};

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckInfo {
    /// Its name, for `--only`.
    pub id: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// What it is about, in one line.
    pub reason: &'static str,
}

/// The checks, in the order in which they are made: a plugin that cannot be read is not loaded, and one that cannot be
/// opened is not asked anything.
pub fn catalogue() -> impl ExactSizeIterator<Item = CheckInfo> {
    CHECKS.iter().map(|check| check.info)
}

/// A check.
pub(super) struct Check {
    pub(super) info: CheckInfo,
    pub(super) run: Run,
}

impl Check {
    pub(super) fn named(id: &str) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.info.id == id)
    }
}

const fn check(id: &'static str, level: Level, reason: &'static str, run: Run) -> Check {
    Check { info: CheckInfo { id, level, reason }, run }
}

/// Without it no other check of a loaded plugin is made.
pub(super) const LOADS: &str = "loads";
/// Without it no check that asks the plugin something is made.
pub(super) const OPENS: &str = "settings-examples";

pub(super) static CHECKS: [Check; 26] = [
    check("file-whole", Must, "a host reads file and manifest without running any of it", Reads(file::whole)),
    check("manifest-sound", Must, "the manifest says what a host can show and keep", Reads(file::manifest)),
    check(LOADS, Must, "the file loads into a host of this release", Reads(file::loads)),
    check("describes-itself", Must, "the code gives the very manifest that stands in the file", Reads(file::described)),
    check(
        OPENS,
        Must,
        "the schema accepts its own examples, and the plugin opens with them",
        Loads(settings::examples),
    ),
    check(
        "settings-refused",
        Must,
        "settings of another shape are refused, by setting and reason",
        Loads(settings::refused),
    ),
    check(
        "open-clean",
        Must,
        "opening with wrong settings is an error in one line, and never a panic",
        Loads(settings::open_cleanly),
    ),
    check(
        "declared-answered",
        Must,
        "no declared operation calls itself unsupported or breaks down",
        Asks(operations::answered),
    ),
    check(
        "declared-succeed",
        Must,
        "every declared operation succeeds where the provider says yes",
        Asks(operations::succeed),
    ),
    check(
        "undeclared-unsupported",
        Must,
        "what the manifest does not declare is answered by `unsupported`",
        Asks(operations::undeclared),
    ),
    check("outcomes-sound", Must, "outcomes are of their type, and as the manifest says", Asks(outcomes::sound)),
    check("same-steps", Must, "eight fresh processes ask for the same, byte for byte", Asks(steps::same)),
    check("egress", Must, "requests go to declared hosts and paths only", Asks(egress::declared)),
    check("paths-escaped", Must, "no input or reply changes the shape of an address", Asks(paths::escaped)),
    check(
        "effects-true",
        Must,
        "what acts is not declared as reading, and testing credentials only reads",
        Asks(effects::truthful),
    ),
    check(
        "requests-sound",
        Must,
        "headers, bodies and references to secrets are such as a host can send",
        Asks(effects::sound),
    ),
    check(
        "secrets-kept",
        Must,
        "no secret, code, number or seed in an address, a log line or a failure's text",
        Asks(secrets::kept),
    ),
    check(
        "wrong-code",
        Must,
        "a wrong code is never approved, and no code without asking who checks it",
        Asks(verdicts::wrong_code),
    ),
    check("odd-replies", Must, "odd replies never break the plugin, and never approve", Asks(odd::withstood)),
    check("no-resend", Must, "what acts is not sent again after no answer came", Asks(resend::none)),
    check(
        "delivery-open",
        Must,
        "after a send without an answer nobody says that nothing was delivered",
        Asks(resend::delivery),
    ),
    check(
        "handles-clean",
        Must,
        "stale and foreign handles are errors, and an operation can end at any moment",
        Asks(handles::clean),
    ),
    check("concurrent", Must, "operations side by side do not mix", Asks(concurrent::apart)),
    check("limits", Must, "steps, data and random bytes stay within the contract", Asks(limits::kept)),
    check(
        "person-text",
        Should,
        "what a person reads is free of codes, settings and provider's words",
        Asks(person::plain),
    ),
    check("cost", Must, "steps are cheap, and memory does not grow with their number", Asks(cost::measured)),
];
