//! The properties of the benchmark's machine that affect the numbers.

use std::fs;

use serde::{Deserialize, Serialize};

use xtask::run_tool::tool;

/// What the numbers depend on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_gib: u64,
    pub(super) kernel: String,
    pub(super) system: String,
    pub(super) postgres: String,
    pub(super) compiler: String,
    /// The load average just before the run, which shows other load on the machine.
    pub(super) load_before: f64,
}

impl Machine {
    /// Inspects this machine; `postgres` is the server's version string.
    pub(super) fn look(postgres: &str) -> Self {
        let processors = read("/proc/cpuinfo");
        let system = field(&read("/etc/os-release"), "PRETTY_NAME=").unwrap_or_default();
        Self {
            processor: field(&processors, "model name")
                .unwrap_or_default()
                .trim_start_matches([':', ' '])
                .to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            system: system.trim_matches('"').to_owned(),
            postgres: postgres.to_owned(),
            compiler: tool("rustc")
                .arg("--version")
                .quiet()
                .output()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            load_before: load(),
        }
    }

    /// Whether there was other load, so that absolute numbers are too high.
    #[expect(clippy::cast_precision_loss, reason = "a machine has few cores")]
    pub(super) fn was_busy(&self) -> bool {
        self.load_before > 0.25 * self.cores as f64
    }

    /// The end of a table's sentence about the machine if it was busy.
    pub(super) fn busy_note(&self) -> &'static str {
        if self.was_busy() {
            "; the machine was **not quiet**"
        } else {
            ""
        }
    }
}

/// The memory of this machine, in GiB.
pub(super) fn memory_gib() -> u64 {
    let kilobytes = field(&read("/proc/meminfo"), "MemTotal:")
        .and_then(|text| text.split(' ').next()?.parse().ok());
    kilobytes.unwrap_or(0_u64).div_ceil(1024 * 1024)
}

/// The load average of the last minute.
fn load() -> f64 {
    read("/proc/loadavg")
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field(text: &str, label: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(label))
        .map(|rest| rest.trim().to_owned())
}
