//! Which fault, and when.

use countersign_plugin::SecretRef;
use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of the test plugin.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it does wrong.
    #[serde(default)]
    pub(crate) fault: Fault,
    /// In which operation alone; if absent, in all.
    #[serde(default)]
    pub(crate) when: Option<When>,
    /// Bearer token of the service.
    pub(crate) token: SecretRef,
    /// Another address of the service.
    #[serde(default)]
    pub(crate) base_url: Option<String>,
}

/// What the plugin does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Panics in the operation.
    Panic,
    /// Ends the process in the operation, which no contract can catch.
    Abort,
    /// Panics while the instance is opened.
    PanicInOpen,
    /// Awaits something that is not a step of the host.
    ForeignAwait,
    /// Asks for one step after another, for ever.
    EndlessSteps,
    /// Asks for a step of more than 1 MiB.
    HugeStep,
    /// Hands over opaque data of more than 16 KiB.
    HugeData,
    /// Answers what its manifest rules out: data of another version, a time step that no code has.
    WrongOutcome,
    /// Sends its request, with the token, to a host outside its egress.
    OtherHost,
    /// Leaves its egress by an encoded slash and encoded dots.
    EncodedSlash,
    /// Says of a request that acts that it only reads.
    ActAsRead,
    /// Says of the request that sends a message that it may be repeated.
    SendAsIdempotent,
    /// Sends a message in `test_credentials`, and says so.
    ActInTest,
    /// Writes credentials into the address: as userinfo and as query.
    SecretInUrl,
    /// Logs the code that was typed, and the number.
    LogCode,
    /// Takes any successful status for a yes, whatever the reply says.
    ApproveAnySuccess,
    /// Sends once more what may have arrived.
    Resend,
    /// Quotes a reply that it cannot use to the operator.
    QuoteReply,
    /// Panics where a reply is not what it should be.
    PanicOnBadReply,
    /// Says that nothing was delivered, whatever happened.
    CallUndelivered,
    /// Reads no reply that is not said to be JSON.
    HeedContentType,
    /// Takes a message for sent that was never answered.
    IgnoreFailures,
    /// Takes every answer but a good one for the service's word that the code is wrong.
    CallWrongCode,
    /// Takes one thing for good in `test_credentials`, whatever the service answered.
    CallGood,
    /// Remembers messages that were sent, and sends none twice to one number as long as it lives.
    RememberSent,
}

/// In which operation the fault shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum When {
    /// In `start`.
    Start,
    /// In `check`.
    Check,
    /// In `test_credentials`.
    TestCredentials,
}
