//! Ctrl-C for commands that must clean up: they check whether it was pressed, and stop themselves.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use crate::failure::{Failure, Kind};

static PRESSED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on, Ctrl-C and SIGTERM are recorded instead of ending the process.
pub fn watch() -> Result<()> {
    let pressed = PRESSED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(pressed))?;
    }
    Ok(())
}

/// Whether one of them was received.
pub fn requested() -> bool {
    PRESSED
        .get()
        .is_some_and(|pressed| pressed.load(Ordering::Relaxed))
}

/// Fails once one of them was received, so that a loop can exit with `?`.
pub fn check() -> Result<()> {
    if requested() {
        return Err(failure());
    }
    Ok(())
}

/// The standard failure for an interrupted command.
pub fn failure() -> anyhow::Error {
    Failure::new(
        Kind::Interrupted,
        "interrupted",
        "Ctrl-C or SIGTERM",
        "run it again",
    )
    .into()
}
