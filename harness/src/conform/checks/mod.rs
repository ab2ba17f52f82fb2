//! The checks, a file for each subject.

mod adverse;
pub(super) mod concurrent;
pub(super) mod cost;
pub(super) mod effects;
pub(super) mod egress;
pub(super) mod file;
pub(super) mod handles;
pub(super) mod limits;
pub(super) mod odd;
mod odd_reply;
pub(super) mod operations;
pub(super) mod outcomes;
pub(super) mod paths;
pub(super) mod person;
mod problems;
pub(super) mod resend;
pub(super) mod secrets;
pub(super) mod settings;
pub(super) mod steps;
pub(super) mod verdicts;
