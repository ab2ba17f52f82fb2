//! (room being built)

pub mod registry;
