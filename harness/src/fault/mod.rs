//! Breaks exchanges on purpose: a catalogue of faults, layers that commit them over any transport or carrier, and a
//! matrix that runs every exchange of a case with every fault.

mod apply;
mod body;
mod catalog;
mod certificate;
mod chosen;
mod deliver;
mod heard;
mod kind;
mod layer;
mod lot;
pub mod matrix;
#[cfg(test)]
mod tests;

pub use catalog::{CATALOG, Fault, Harm, Parameter, Place, UnknownFault, fault};
pub use certificate::{CertificateError, FaultyCertificate};
pub use chosen::{BadParameter, Chosen};
pub use deliver::Pace;
pub(crate) use layer::struck;
pub use layer::{FaultyResponder, FaultyTransport, When};
