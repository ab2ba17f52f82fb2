//! Instances and operations of one plugin file, behind never-reused numbers.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};

use abi_stable::std_types::{RResult, RVec};
use serde::de::DeserializeOwned;

use crate::abi::{Bytes, guard};
use crate::coroutine::Coroutine;
use crate::failure::{Fault, FaultKind};
use crate::limits;
use crate::line::one_line;
use crate::provider::Provider;
use crate::step::{Call, Opened, StepReply};

type Shared<T> = LazyLock<Mutex<HashMap<u64, T>>>;

/// All that a plugin file holds for its host. One static of it is made by `export_provider!`.
///
/// Numbers instead of pointers: a stale one is an error and not a crash, and the same bytes work
/// across a process boundary. Any function may be called from any thread; different operations
/// run side by side, one operation never does.
pub struct Instances<P: Provider> {
    manifest: &'static [u8],
    last: AtomicU64,
    instances: Shared<Arc<P>>,
    operations: Shared<Arc<Mutex<Coroutine>>>,
}

impl<P: Provider> Instances<P> {
    /// An empty table for the plugin that this manifest describes.
    pub const fn new(manifest: &'static [u8]) -> Self {
        Self {
            manifest,
            last: AtomicU64::new(0),
            instances: LazyLock::new(Mutex::default),
            operations: LazyLock::new(Mutex::default),
        }
    }

    /// The manifest's bytes.
    pub fn describe(&self) -> Bytes {
        entry(|| Ok(self.manifest.to_vec()))
    }

    /// Opens an instance.
    pub fn open(&self, settings: &[u8]) -> Bytes {
        entry(|| {
            let settings = read_settings(settings)?;
            let provider =
                P::open(settings).map_err(|failure| Fault::new(FaultKind::BadSettings, one_line(&failure.operator)))?;
            let instance = self.next();
            lock(&self.instances).insert(instance, Arc::new(provider));
            write(&Opened { instance })
        })
    }

    /// Begins an operation.
    pub fn begin(&self, instance: u64, call: &[u8]) -> Bytes {
        entry(|| {
            let provider = lock(&self.instances).get(&instance).cloned().ok_or_else(|| {
                Fault::new(FaultKind::StaleInstance, format!("instance {instance} is closed or was never opened"))
            })?;
            let call: Call = read(call, FaultKind::BadCall, "the operation")?;
            let mut coroutine = Coroutine::new(provider, call);
            let progress = coroutine.begin()?;
            let handle = self.next();
            let bytes = progress.encode(handle)?;
            lock(&self.operations).insert(handle, Arc::new(Mutex::new(coroutine)));
            Ok(bytes)
        })
    }

    /// Delivers a reply.
    pub fn resume(&self, handle: u64, reply: &[u8]) -> Bytes {
        entry(|| {
            let operation = lock(&self.operations).get(&handle).cloned().ok_or_else(|| stale(handle))?;
            let mut coroutine = match operation.try_lock() {
                Ok(coroutine) => coroutine,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    return Err(Fault::new(
                        FaultKind::BusyHandle,
                        format!("operation {handle} is being resumed by another thread"),
                    ));
                }
            };
            let reply: StepReply = read(reply, FaultKind::BadReply, "the reply")?;
            coroutine.resume(reply)?.encode(0)
        })
    }

    /// Ends an operation.
    pub fn end(&self, handle: u64) -> Bytes {
        entry(|| {
            let operation = lock(&self.operations).remove(&handle).ok_or_else(|| stale(handle))?;
            drop(operation);
            Ok(Vec::new())
        })
    }

    /// Closes an instance. Operations under way hold it until they end.
    pub fn close(&self, instance: u64) -> Bytes {
        entry(|| {
            let provider = lock(&self.instances).remove(&instance).ok_or_else(|| {
                Fault::new(FaultKind::StaleInstance, format!("instance {instance} is closed or was never opened"))
            })?;
            drop(provider);
            Ok(Vec::new())
        })
    }

    /// Answers a named extension.
    pub fn query(&self, name: &[u8], bytes: &[u8]) -> Bytes {
        entry(|| {
            let name = String::from_utf8_lossy(name);
            P::query(&name, bytes).ok_or_else(|| {
                Fault::new(FaultKind::Unknown, format!("this plugin does not know the extension `{name}`"))
            })
        })
    }

    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn entry(work: impl FnOnce() -> Result<Vec<u8>, Fault>) -> Bytes {
    match guard::catch(AssertUnwindSafe(work)).and_then(|result| result) {
        Ok(bytes) => RResult::ROk(RVec::from(bytes)),
        // A fault is two texts: writing it cannot fail.
        Err(fault) => RResult::RErr(RVec::from(serde_json::to_vec(&fault).unwrap_or_default())),
    }
}

/// Reads what `open` is given.
pub(crate) fn read_settings<T: DeserializeOwned>(settings: &[u8]) -> Result<T, Fault> {
    if settings.len() > limits::SETTINGS_BYTES {
        let (found, max) = (settings.len(), limits::SETTINGS_BYTES);
        return Err(Fault::new(FaultKind::TooLarge, format!("the settings are {found} bytes; {max} are allowed")));
    }
    read(settings, FaultKind::BadSettings, "the settings")
}

fn read<T: DeserializeOwned>(bytes: &[u8], kind: FaultKind, what: &str) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // Names are told, values are not: one of the wrong type may be a code or a credential.
        let names = ["missing field", "unknown field", "unknown variant"].iter().any(|told| text.starts_with(told));
        if names || !error.is_data() {
            return Fault::new(kind, format!("{what} cannot be read: {text}"));
        }
        let (line, column) = (error.line(), error.column());
        Fault::new(
            kind,
            format!("{what} cannot be read: a value is not of the expected type at line {line} column {column}"),
        )
    })
}

fn write(value: &impl serde::Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault::new(FaultKind::TooLarge, error.to_string()))
}

fn stale(handle: u64) -> Fault {
    Fault::new(FaultKind::StaleHandle, format!("operation {handle} has ended or was never begun"))
}

fn lock<T>(table: &Shared<T>) -> MutexGuard<'_, HashMap<u64, T>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
