//! Keeps panics inside the plugin and remembers what they said.
//!
//! Each plugin file has its own copy of the standard library, hence its own panic hook: the
//! host's hook sees nothing. Ours stays silent for panics that are caught here and leaves all
//! others (those of a test, say) to the hook that was there before.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::failure::{Fault, FaultKind};
use crate::line::one_line;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST_WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic becomes a [`Fault`] with its message and place.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
            } else {
                LAST_WORDS.set(Some(words(info)));
            }
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    // What the closure touches is either thrown away after a panic or guarded by a mutex whose
    // data stays whole.
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|payload| {
        // The payload may be of a type whose destructor panics again: leak it.
        std::mem::forget(payload);
        let words = LAST_WORDS.take().unwrap_or_else(|| "no message".to_owned());
        Fault::new(FaultKind::Panicked, format!("the plugin panicked: {words}"))
    })
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text");
    // It quotes what the plugin stumbled over, and that may be a whole reply.
    let message = one_line(message);
    match info.location() {
        Some(place) => format!("{message} (at {}:{})", place.file(), place.line()),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_fault_with_message_and_place() {
        let fault = catch(|| panic!("no {}", "luck")).expect_err("it panicked");
        assert_eq!(fault.kind, FaultKind::Panicked);
        assert!(fault.message.contains("no luck") && fault.message.contains("guard.rs:"), "{fault}");
    }

    #[test]
    fn what_a_panic_says_is_one_line_of_bounded_length() {
        let fault = catch(|| panic!("\u{1b}[31mno\nluck{}", "!".repeat(1 << 20))).expect_err("it panicked");
        assert!(fault.message.contains("\\u{1b}[31mno\\nluck!") && fault.message.contains("… (at "), "{fault}");
        assert!(fault.message.len() < 5000, "{} bytes", fault.message.len());
    }

    #[test]
    fn a_payload_whose_destructor_panics_does_no_harm() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let fault = catch(|| std::panic::panic_any(Bomb)).expect_err("it panicked");
        assert_eq!(fault.kind, FaultKind::Panicked);
        assert!(fault.message.contains("a value that is not text (at "), "{fault}");
    }
}
