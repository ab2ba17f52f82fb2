//! Where the process may be killed: each moment has a number and a name.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign::instance::Instance;
use countersign::store::Observer;
use countersign_plugin::{Fault, Manifest};

/// Counts the moments, and ends the process at one of them as `kill -9` does: nothing is unwound, closed or caught.
pub(crate) struct Moments {
    deadly: Option<usize>,
    seen: AtomicUsize,
    names: Mutex<Vec<String>>,
}

impl Moments {
    pub(crate) fn deadly(moment: usize) -> Self {
        Self { deadly: Some(moment), ..Self::harmless() }
    }

    pub(crate) fn harmless() -> Self {
        Self { deadly: None, seen: AtomicUsize::new(0), names: Mutex::default() }
    }

    pub(crate) fn pass(&self, name: impl Into<String>) {
        if Some(self.seen.fetch_add(1, Ordering::SeqCst)) == self.deadly {
            kill();
        }
        self.names.lock().unwrap().push(name.into());
    }

    /// The names of those that have passed.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }
}

/// The signal of `kill -9`, sent by this process to itself.
fn kill() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    // The signal is there before the call returns. No thread goes on, in any case.
    loop {
        std::thread::park();
    }
}

impl Observer for Moments {
    fn before_commit(&self, transition: &'static str) {
        self.pass(format!("before the commit of {transition}"));
    }

    fn after_commit(&self, transition: &'static str) {
        self.pass(format!("after the commit of {transition}"));
    }
}

/// A plugin with a moment before and after each of its steps.
pub(crate) struct Stepping {
    pub(crate) plugin: Arc<dyn Instance>,
    pub(crate) moments: Arc<Moments>,
}

impl Stepping {
    fn around<T>(&self, what: &str, step: impl FnOnce() -> T) -> T {
        let plugin = &self.plugin.manifest().id;
        self.moments.pass(format!("before {plugin} {what}"));
        let done = step();
        self.moments.pass(format!("after {plugin} {what}"));
        done
    }
}

impl Instance for Stepping {
    fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    fn begin(&self, call: &[u8]) -> Result<Vec<u8>, Fault> {
        self.around("begins", || self.plugin.begin(call))
    }

    fn resume(&self, handle: u64, reply: &[u8]) -> Result<Vec<u8>, Fault> {
        self.around("goes on", || self.plugin.resume(handle, reply))
    }

    fn end(&self, handle: u64) {
        self.around("is ended", || self.plugin.end(handle));
    }
}
