//! A stateful model of Twilio Verify v2, Programmable Voice and the Authy-style service, on a clock that can be moved.
//!
//! An [`Emulator`] is a [`Responder`](crate::wire::Responder): it never waits and opens no socket. It goes by Twilio's published documents and
//! by what users of the API report; where these leave something open, the place that decides says so. What it "sends"
//! lands in an inbox, and `/_countersign/` lets a person or a test look and intervene (see [`Emulator`]).

mod access;
mod accounts;
mod authy;
mod callbacks;
mod clock;
mod control;
mod dice;
mod emulator;
mod inbox;
mod lookup;
mod number;
mod page;
mod phones;
mod reply;
mod request;
mod shelf;
mod signature;
mod verify;
mod voice;

#[cfg(test)]
mod tests;

pub use access::{KeyPower, Status as AccountStatus};
pub use accounts::{EmulatorOptions, OptionsError};
pub use callbacks::{Callback, Sent, Unanswered};
pub use clock::{AdvanceError, VirtualClock};
pub use control::Intervened;
pub use emulator::Emulator;
pub use inbox::Arrival;
pub use phones::{PhoneError, PhoneKind};
