//! The sizes and counts that a host refuses by name. They are part of the contract: a later
//! host may raise one, never lower it.

/// Largest encoded step, in bytes.
pub const STEP_BYTES: usize = 1 << 20;
/// Largest body of an HTTP reply that reaches a plugin, in bytes.
pub const REPLY_BODY_BYTES: usize = 1 << 20;
/// Largest opaque data on an enrollment or a delivery, as encoded JSON, in bytes.
pub const DATA_BYTES: usize = 16 << 10;
/// Largest settings object, as encoded JSON, in bytes.
pub const SETTINGS_BYTES: usize = 64 << 10;
/// Steps that one operation may ask for.
pub const STEPS_PER_OPERATION: usize = 32;
/// Wall time of one operation, in seconds.
pub const OPERATION_SECONDS: u64 = 30;
/// Random bytes that one step may ask for.
pub const RANDOM_BYTES: u32 = 1024;
/// Nesting of a JSON reply that [`Reply::json`](crate::Reply::json) accepts.
pub const JSON_DEPTH: usize = 64;
/// Log lines that one answer may carry; the rest is dropped and counted.
pub const LOG_LINES: usize = 64;
/// Largest log line, in bytes; what is longer is cut, with a mark.
pub const LOG_LINE_BYTES: usize = 4 << 10;
