//! The threads that serve connections, each with a runtime of its own.
//!
//! All that belongs to one connection stays on one thread, so that no request wakes another thread (docs/adr/0050).

use futures_util::FutureExt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tokio::runtime;
use tokio::sync::mpsc;

/// Puts a connection on the runtime of the thread that runs this.
type Job = Box<dyn FnOnce() + Send>;

/// Threads that serve connections until this is dropped; what they still serve then is cut off.
pub struct Workers(Vec<Worker>);

struct Worker {
    jobs: mpsc::UnboundedSender<Job>,
    serving: Arc<AtomicUsize>,
}

/// Counts a connection of a worker until it is dropped.
struct Serving(Arc<AtomicUsize>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system gives no thread, or no descriptors for its events.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        (0..count.get())
            .map(Worker::start)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Serves a connection on the thread that has the fewest. Nothing of it is run on another, so it may register its socket.
    /// The first of several equals takes it: so does it take what is to be done before the first connection.
    pub fn serve(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let least = |worker: &&Worker| worker.serving.load(Ordering::Relaxed);
        if let Some(worker) = self.0.iter().min_by_key(least) {
            worker.serving.fetch_add(1, Ordering::Relaxed);
            let serving = Serving(worker.serving.clone());
            let job = Box::new(move || {
                // Not an async block: it would have room for the connection twice.
                tokio::spawn(connection.map(move |()| drop(serving)));
            });
            // It fails only when the thread has ended, and then with the connection.
            let _ = worker.jobs.send(job);
        }
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let (jobs, mut accepted) = mpsc::unbounded_channel::<Job>();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || {
                runtime.block_on(async {
                    while let Some(job) = accepted.recv().await {
                        job();
                    }
                });
            })?;
        Ok(Self {
            jobs,
            serving: Arc::default(),
        })
    }
}
