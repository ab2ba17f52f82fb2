//! The emulator as a program, from outside: real plugins log people in through it, and bad requests change nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "all of this file is a test, helpers outside of test functions too")]

#[path = "emulate/callbacks.rs"]
mod callbacks;
#[path = "emulate/controls.rs"]
mod controls;
#[path = "emulate/login.rs"]
mod login;
#[path = "emulate/program.rs"]
mod program;
#[path = "emulate/proxy.rs"]
mod proxy;
#[path = "emulate/usage.rs"]
mod usage;
