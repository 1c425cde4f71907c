//! A page that several ask for at the same time is read once.
//!
//! The first request is sent at once; while its statement is under way, requests for the same page gather for the next
//! one. As with point reads, no request joins a statement that was sent before it came: every page shows what was answered
//! before.

use super::deadline::within_deadline;
use super::limits::Limits;
use super::lists;
use super::pool::Pool;
use super::shared_client::SharedClients;
use super::sql_error::StoreError;
use crate::domain::{Page, PageRequest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// `None` for a cursor of another history.
type PageResult = Result<Option<Arc<Page>>, StoreError>;

struct Waiting {
    since: Instant,
    answer: oneshot::Sender<PageResult>,
}

/// Reads pages, each on a task of its own while anyone waits for it.
#[derive(Clone)]
pub(super) struct PageReads(Arc<Pages>);

struct Pages {
    pool: Pool,
    clients: SharedClients,
    limits: Limits,
    /// The pages that are being read, and the requests that wait for each to be read again.
    under_way: Mutex<HashMap<PageRequest, Vec<Waiting>>>,
}

impl PageReads {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        Self(Arc::new(Pages {
            clients: SharedClients::new(pool.clone()),
            pool,
            limits,
            under_way: Mutex::default(),
        }))
    }

    /// One page. Answered within the time that a request may wait for the store.
    pub(super) async fn read(&self, request: &PageRequest) -> PageResult {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            since: Instant::now(),
            answer,
        };
        if let Some(first) = self.0.join(request, waiting) {
            let reader = Reader {
                pages: self.0.clone(),
                request: request.clone(),
                is_listed: true,
            };
            tokio::spawn(reader.run(first));
        }
        answered.await.map_err(|_| StoreError::ConnectionLost)?
    }
}

impl Pages {
    fn under_way(&self) -> MutexGuard<'_, HashMap<PageRequest, Vec<Waiting>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Gathers with others for the next reading; hands `waiting` back when this page is not being read yet.
    fn join(&self, request: &PageRequest, waiting: Waiting) -> Option<Waiting> {
        let mut under_way = self.under_way();
        if let Some(gathering) = under_way.get_mut(request) {
            gathering.push(waiting);
            return None;
        }
        under_way.insert(request.clone(), Vec::new());
        Some(waiting)
    }
}

/// Reads one page again and again, as long as requests wait for it.
struct Reader {
    pages: Arc<Pages>,
    request: PageRequest,
    is_listed: bool,
}

impl Reader {
    async fn run(mut self, first: Waiting) {
        let mut batch = vec![first];
        while !batch.is_empty() {
            // Skips disconnected clients.
            batch.retain(|waiting| !waiting.answer.is_closed());
            if let Some(oldest) = batch.first() {
                let outcome = self.read(oldest.since).await;
                if outcome.is_err() {
                    // Requests that gathered meanwhile have waited for the same database: they fail now, not in turn.
                    batch.append(&mut self.gathered());
                }
                for waiting in batch.drain(..) {
                    // A failed send means that the client went away meanwhile.
                    let _ = waiting.answer.send(outcome.clone());
                }
            }
            batch = self.gathered();
        }
    }

    async fn read(&self, since: Instant) -> PageResult {
        let pages = &*self.pages;
        let reading = lists::list(&pages.pool, &pages.clients, &self.request);
        let deadline = since + pages.limits.store_timeout;
        let page = within_deadline(&pages.pool, deadline, reading).await;
        Ok(page?.map(Arc::new))
    }

    /// The requests that gathered meanwhile; if there are none, the page is no longer being read.
    fn gathered(&mut self) -> Vec<Waiting> {
        if !self.is_listed {
            return Vec::new();
        }
        let pages = self.pages.clone();
        let mut under_way = pages.under_way();
        let gathered = under_way
            .get_mut(&self.request)
            .map(std::mem::take)
            .unwrap_or_default();
        if gathered.is_empty() {
            self.unlist(&mut under_way);
        }
        gathered
    }

    fn unlist(&mut self, under_way: &mut HashMap<PageRequest, Vec<Waiting>>) {
        if std::mem::take(&mut self.is_listed) {
            under_way.remove(&self.request);
        }
    }
}

/// However the task ends, no request is left waiting for it.
impl Drop for Reader {
    fn drop(&mut self) {
        let pages = self.pages.clone();
        let mut under_way = pages.under_way();
        self.unlist(&mut under_way);
    }
}
