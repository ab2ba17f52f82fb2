//! Tests of finding and verifying plugin files.

mod elf;
mod find;
mod manifest;
mod note;
mod order;
mod sample;
