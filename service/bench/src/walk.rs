//! Walks through all users by `next`, in every sort order concurrently, while another client inserts and deletes.
//!
//! Walkers and the other client wait for each other at every page, so that the changes are spread over the whole walk.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bench_load::seeded;

use super::lists::Client;
use super::questions::SORTS;
use super::table;
use xtask::interrupt;

const PAGE: u64 = 200;

/// The users during the walk.
pub(super) struct Walk {
    pub(super) users: u64,
    /// How many of them are deleted, and how many others inserted, during the walk.
    pub(super) changes: u64,
}

/// The progress of walkers and client.
#[derive(Default)]
struct Progress {
    changed: AtomicU64,
    pages: [AtomicU64; SORTS.len()],
    broken: AtomicBool,
}

/// What one walk saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    pages: u64,
    stayed: u64,
    missed: u64,
    twice: u64,
}

impl Walk {
    /// Walks; appends the observations to `text` and violations to `faults`.
    pub(super) fn run(
        &self,
        client: impl Fn() -> Result<Client> + Sync,
        text: &mut String,
        faults: &mut Vec<String>,
    ) -> Result<()> {
        let progress = Progress::default();
        let seen = std::thread::scope(|scope| -> Result<Vec<Seen>> {
            let walkers: Vec<_> = (0..SORTS.len())
                .map(|at| {
                    let (client, progress) = (&client, &progress);
                    scope.spawn(move || {
                        progress.unless_broken(|| self.walk(&client()?, at, progress))
                    })
                })
                .collect();
            let changing = progress.unless_broken(|| self.change(&client()?, &progress));
            let seen: Result<Vec<_>> = walkers
                .into_iter()
                .map(|walker| {
                    walker
                        .join()
                        .unwrap_or_else(|_| anyhow::bail!("a walker panicked"))
                })
                .collect();
            changing?;
            seen
        })?;
        let _ = write!(
            text,
            "\nA walk through {} users by `next`, {PAGE} a page, while another client inserted {} and deleted {}, spread over \
             the whole walk:\n\n| sort | pages | existed throughout | of them missed | seen twice |\n|---|---:|---:|---:|---:|\n",
            table::count(self.users),
            table::count(self.changes),
            table::count(self.changes)
        );
        for (sort, seen) in SORTS.iter().zip(seen) {
            let (stayed, missed, twice) = (table::count(seen.stayed), seen.missed, seen.twice);
            let _ = writeln!(
                text,
                "| `{sort}` | {} | {stayed} | {missed} | {twice} |",
                seen.pages
            );
            if missed + twice > 0 {
                faults.push(format!(
                    "sort={sort}: {missed} users were missed, {twice} seen twice"
                ));
            }
        }
        Ok(())
    }

    /// Deletes every n-th user and inserts another for it, whose name and address sort anywhere.
    fn change(&self, client: &Client, progress: &Progress) -> Result<()> {
        for change in 0..self.changes {
            progress.wait(|| progress.slowest() >= change * self.pages() / self.changes / 2)?;
            client.delete(&seeded::id(self.doomed(change)))?;
            let first = char::from(b'a' + u8::try_from(change % 26)?);
            client.create(
                &format!("{first}.walk{change}@example.com"),
                &format!("{first} Walker {change}"),
            )?;
            progress.changed.store(change + 1, Ordering::Release);
            if change % 1000 == 999 {
                printing::eprintln!("walking: {} of {} changes", change + 1, self.changes);
            }
        }
        Ok(())
    }

    fn walk(&self, client: &Client, at: usize, progress: &Progress) -> Result<Seen> {
        let first = format!("sort={}&limit={PAGE}", SORTS[at]);
        let mut query = first.clone();
        let mut times = HashMap::new();
        let mut pages = 0;
        loop {
            let wanted = (pages * self.changes / self.pages()).min(self.changes);
            progress.wait(|| progress.changed.load(Ordering::Acquire) >= wanted)?;
            let page = client.page(&query)?;
            for item in page.items {
                *times.entry(item.id).or_insert(0_u32) += 1;
            }
            pages += 1;
            progress.pages[at].store(pages, Ordering::Release);
            match page.next {
                Some(next) => query = format!("{first}&cursor={next}"),
                None => break,
            }
        }
        // A walker that is done holds up nobody.
        progress.pages[at].store(u64::MAX, Ordering::Release);
        Ok(self.judge(pages, &times))
    }

    fn judge(&self, pages: u64, times: &HashMap<String, u32>) -> Seen {
        let mut seen = Seen {
            pages,
            ..Seen::default()
        };
        for user in (0..self.users).filter(|user| !self.is_doomed(*user)) {
            seen.stayed += 1;
            seen.missed += u64::from(!times.contains_key(&seeded::id(user)));
        }
        for times in times.values() {
            seen.twice += u64::from(*times > 1);
        }
        seen
    }

    fn pages(&self) -> u64 {
        self.users.div_ceil(PAGE)
    }

    fn step(&self) -> u64 {
        self.users / self.changes
    }

    fn doomed(&self, change: u64) -> u64 {
        change * self.step() + self.step() / 2
    }

    fn is_doomed(&self, user: u64) -> bool {
        user % self.step() == self.step() / 2 && user / self.step() < self.changes
    }
}

impl Progress {
    fn slowest(&self) -> u64 {
        let pages = self.pages.iter().map(|pages| pages.load(Ordering::Acquire));
        pages.min().unwrap_or(0)
    }

    /// Waits for the others, except those that gave up.
    fn wait(&self, until: impl Fn() -> bool) -> Result<()> {
        while !until() {
            interrupt::check()?;
            anyhow::ensure!(
                !self.broken.load(Ordering::Acquire),
                "another client of the walk gave up"
            );
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    fn unless_broken<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let outcome = work();
        if outcome.is_err() {
            self.broken.store(true, Ordering::Release);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Walk};
    use bench_load::seeded;
    use std::collections::HashMap;

    #[test]
    fn who_is_missed_and_who_is_seen_twice_is_found() {
        let walk = Walk {
            users: 20,
            changes: 5,
        };
        let doomed: Vec<u64> = (0..5).map(|change| walk.doomed(change)).collect();
        assert_eq!(doomed, [2, 6, 10, 14, 18]);
        let mut times: HashMap<_, _> = (0..20)
            .filter(|user| !doomed.contains(user))
            .map(|user| (seeded::id(user), 1))
            .collect();
        let right = Seen {
            pages: 1,
            stayed: 15,
            missed: 0,
            twice: 0,
        };
        assert_eq!(walk.judge(1, &times), right);
        times.remove(&seeded::id(3));
        times.insert(seeded::id(4), 2);
        let wrong = Seen {
            missed: 1,
            twice: 1,
            ..right
        };
        assert_eq!(walk.judge(1, &times), wrong);
    }
}
