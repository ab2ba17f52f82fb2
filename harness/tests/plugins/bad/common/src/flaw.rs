//! The flaws.

/// What is wrong with a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Flaw {
    /// Nothing.
    Nothing,
    /// A code of its own is always right.
    Approve,
    /// Says that nothing was delivered where no answer came.
    Delivered,
    /// Says of a request that acts that it only reads.
    Effect,
    /// Tells another host.
    Egress,
    /// Computes for ever over a reply that is a list.
    Endless,
    /// Writes a header that belongs to the host.
    Header,
    /// Never lets go of what it made.
    Leak,
    /// Remembers far too much.
    Limits,
    /// Keeps the number of one operation where the next finds it.
    Mixed,
    /// Takes for granted that a reply is text.
    Odd,
    /// Takes for granted that a setting is as the schema says.
    Open,
    /// Writes data of another version than the manifest says.
    Outcome,
    /// Puts what was typed into a path as it is.
    Path,
    /// Shows the person the provider's error.
    Person,
    /// Sends again where no answer came.
    Resend,
    /// Logs the code.
    Secret,
    /// Asks for something else in each process.
    Steps,
    /// Is never available.
    Unavailable,
    /// Offers what its manifest does not declare.
    Undeclared,
    /// Does not offer what its manifest declares.
    Unsupported,
}

impl Flaw {
    /// Whether this is the flaw of that number.
    pub(crate) const fn is(self, number: u8) -> bool {
        self as u8 == number
    }
}
