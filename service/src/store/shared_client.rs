//! A pooled connection that several statements use at a time: tokio-postgres sends them without waiting for answers.
//!
//! The first that asks takes it from the pool, the last that is done gives it back: a quiet service holds none.
//! Only for statements that are quick whatever their values: on one connection each waits for those before it.

use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// How many statements may be under way on one connection before another is taken.
const MAX_STATEMENTS: usize = 16;

/// Shares connections of a pool.
pub(super) struct SharedClients {
    pool: Pool,
    current: Mutex<Weak<Shared>>,
}

struct Shared {
    client: Option<Object>,
    is_bad: AtomicBool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && *self.is_bad.get_mut()
        {
            pool::discard(client);
        }
    }
}

/// The use of a shared connection by one statement; one that is given up half-way makes it unfit for others.
pub(super) struct Use {
    shared: Arc<Shared>,
    is_done: bool,
}

impl SharedClients {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            pool,
            current: Mutex::new(Weak::new()),
        }
    }

    /// Runs `work` on a shared connection; `work` hands it back beside its outcome. A connection that turns out to be dead or
    /// unfit is replaced once, and statements are prepared again once, so `work` has to be safe to repeat.
    pub(super) async fn run<T, W>(&self, mut work: impl FnMut(Use) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = (Use, Result<T, StoreError>)>,
    {
        let (mut is_second, mut is_prepared_again) = (false, false);
        let mut taken = self.take().await?;
        loop {
            let (mut used, outcome) = work(taken).await;
            match outcome {
                Err(error) if pool::is_of_session(&error) => {
                    drop(used);
                    if is_second {
                        return Err(error);
                    }
                    is_second = true;
                    pool::discard_idle(&self.pool);
                    taken = self.take().await?;
                }
                Err(error) if error.is_stale_statement() && !is_prepared_again => {
                    is_prepared_again = true;
                    used.client().statement_cache.clear();
                    taken = used;
                }
                outcome => {
                    used.is_done = true;
                    return outcome;
                }
            }
        }
    }

    async fn take(&self) -> Result<Use, StoreError> {
        let current = self.current().upgrade();
        let fit = |shared: &Arc<Shared>| {
            let is_closed = shared
                .client
                .as_ref()
                .is_none_or(|client| client.is_closed());
            !is_closed
                && !shared.is_bad.load(Ordering::Relaxed)
                && Arc::strong_count(shared) <= MAX_STATEMENTS
        };
        let shared = if let Some(shared) = current.filter(fit) {
            shared
        } else {
            let fresh = Arc::new(Shared {
                client: Some(pool::get(&self.pool).await?),
                is_bad: AtomicBool::new(false),
            });
            *self.current() = Arc::downgrade(&fresh);
            fresh
        };
        Ok(Use {
            shared,
            is_done: false,
        })
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Weak<Shared>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    pub(super) fn client(&self) -> &Object {
        match &self.shared.client {
            Some(client) => client,
            None => unreachable!("only the drop of the last use takes it"),
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if !self.is_done {
            self.shared.is_bad.store(true, Ordering::Relaxed);
        }
    }
}
