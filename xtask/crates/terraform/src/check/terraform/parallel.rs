//! Runs independent parts of a stage in parallel: Terraform uses one core and mostly loads schemas.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work` for every item, on as many threads as there are cores; the results are in the items' order.
///
/// `work` gets the number of its thread, for resources that two threads must not share.
pub(super) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for thread in 0..threads().min(items.len()) {
            let (next, done, work) = (&next, &done, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(items, next) {
                    let result = work(thread, item);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many threads there are at most.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4))
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

#[cfg(test)]
mod tests {
    use super::in_parallel;

    #[test]
    fn every_item_is_done_once_and_keeps_its_place() {
        let items: Vec<u32> = (0..50).collect();
        let doubled = in_parallel(&items, |_, item| item * 2);
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }
}
