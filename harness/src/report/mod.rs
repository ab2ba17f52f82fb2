//! Reports: what a run found, as one model, and the forms in which it is written.
//!
//! Everything is masked when the model is made, so that no form has to think of it. A report has no digests of single
//! bodies: who knows all of a body but a code of six digits could find the code by its digest.

mod body;
mod exchange;
mod faulted;
mod html;
mod json;
mod judged;
mod junit;
mod masked;
mod model;
mod replayed;
#[cfg(test)]
mod tests;
mod text;

pub use faulted::faulted;
pub use html::html;
pub use json::{JSON_SCHEMA, JSON_VERSION, json};
pub use judged::{judged, judged_plugin};
pub use junit::junit;
pub use masked::{Mask, Masked};
pub use model::{
    Report, ReportAnswer, ReportBody, ReportCase, ReportContent, ReportEntry, ReportExchange, ReportFact,
    ReportMessage, ReportMismatch, ReportNearest, ReportOperation, ReportPlugin, ReportProvenance, ReportRequest,
    ReportSuite, ReportValue, ReportVerdict,
};
pub use replayed::{bad_file, loaded, replayed};
