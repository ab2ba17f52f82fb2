//! What a fault does, as code tells faults apart.

/// Which fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole, but late.
    Delay,
    /// Whole, but in pieces.
    Dribble,
    /// Never.
    TimeOut,
    ResetBeforeHead,
    ResetInHead,
    ResetInBody,
    Truncated,
    MalformedJson,
    DeepJson,
    HugeBody,
    WrongContentType,
    HtmlPage,
    Empty,
    DuplicateKeys,
    ApprovedNotValid,
    OtherNumber,
    OtherSid,
    /// Answered by this status in the provider's place.
    Status(u16),
    /// HTTP 429 in the provider's place.
    RateLimited(Wait),
    Redirect,
    /// The connection never comes about.
    Certificate(Certificate),
}

/// How a `Retry-After` field tells the time (RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Seconds,
    Date,
    Missing,
    Absurd,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certificate {
    Expired,
    WrongName,
    SelfSigned,
}
