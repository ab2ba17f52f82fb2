//! The thread that owns the connection. Jobs run on it one after the other, so that the process
//! never waits for itself on SQLite's lock, and callers await the answer without blocking.

use std::io;
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Jobs that wait at most; whoever has one more waits with it. More would only make the answers of
/// a disk that cannot keep up come later still.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

pub(super) struct Writer {
    /// `None` only while dropping.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The thread is gone, which only a panic in a job can bring about.
pub(super) struct Gone;

impl Writer {
    pub(super) fn start(mut connection: Connection) -> io::Result<Self> {
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let thread = Builder::new().name("countersign-store".into()).spawn(move || {
            while let Some(job) = jobs.blocking_recv() {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs: Some(sender), thread: Some(thread) })
    }

    /// Runs a job. Once it is in the queue it runs to its end even if the caller stops waiting for
    /// it: an attempt is counted also for a person who hangs up.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(job(connection));
        });
        self.jobs.as_ref().ok_or(Gone)?.send(job).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

impl Drop for Writer {
    /// Waits for the jobs under way, so that the file is closed once the store is dropped.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its hook already.
            let _ = thread.join();
        }
    }
}
