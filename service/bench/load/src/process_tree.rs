//! CPU time and memory of a process and its descendants, from Linux's `/proc`.

use anyhow::Context;
use std::fs;

/// The unit of the times in `/proc/<pid>/stat`: `USER_HZ` is 100 on every architecture that Linux supports.
const MICROSECONDS_PER_TICK: u64 = 10_000;

/// The memory of a process and its descendants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident memory; shared pages count for each process (RSS).
    pub resident_bytes: u64,
    /// Resident memory; shared pages are divided among the processes (PSS).
    pub proportional_bytes: u64,
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// CPU time, user and system, in microseconds, of `root` and its descendants, including those that have exited. Fails
/// if `root` has exited.
pub fn cpu_us(root: u32) -> anyhow::Result<u64> {
    let ticks: u64 = members(root)?.iter().map(|(_, stat)| stat.ticks).sum();
    Ok(ticks * MICROSECONDS_PER_TICK)
}

/// The memory of `root` and its descendants. Linux walks all their pages and blocks them meanwhile, so do not call it
/// during a measurement. Fails if `root` has exited.
pub fn memory(root: u32) -> anyhow::Result<Memory> {
    let mut memory = Memory::default();
    for (pid, _) in members(root)? {
        memory.resident_bytes += kilobytes(&format!("/proc/{pid}/status"), "VmRSS:") * 1024;
        memory.proportional_bytes += kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:") * 1024;
    }
    Ok(memory)
}

/// `root` and its descendants.
fn members(root: u32) -> anyhow::Result<Vec<(u32, Stat)>> {
    let mut others: Vec<(u32, Stat)> = fs::read_dir("/proc")
        .context("/proc cannot be read; process accounting requires Linux")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        // A process that has exited since is in its parent's account.
        .filter_map(|pid| {
            Some((
                pid,
                stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?,
            ))
        })
        .collect();
    let mut members: Vec<(u32, Stat)> = others.extract_if(.., |(pid, _)| *pid == root).collect();
    anyhow::ensure!(!members.is_empty(), "the watched process {root} has exited");
    let mut next = 0;
    while let Some(&(parent, _)) = members.get(next) {
        members.extend(others.extract_if(.., |(_, stat)| stat.parent == parent));
        next += 1;
    }
    Ok(members)
}

fn stat(line: &str) -> Option<Stat> {
    // The name, in parentheses, may itself contain spaces and parentheses.
    let fields: Vec<&str> = line.get(line.rfind(')')? + 2..)?.split(' ').collect();
    let ticks = fields
        .get(11..15)?
        .iter()
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks,
    })
}

fn kilobytes(path: &str, label: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{cpu_us, memory, stat};

    #[test]
    fn times_are_read_past_a_name_with_spaces_and_parentheses() {
        let stat =
            stat("42 (post (gres) x) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1").unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 100));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(memory(std::process::id()).unwrap().resident_bytes > 0);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(cpu_us(u32::MAX).is_err());
        assert!(memory(u32::MAX).is_err());
    }
}
