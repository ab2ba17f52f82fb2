//! The bootstrap that `countersign init` writes.

/// A commented bootstrap with every key and its default. It is valid as it stands, with local TOTP as its only
/// service; what a hosted service needs is there to be filled in.
pub const TEMPLATE: &str = include_str!("template.toml");
