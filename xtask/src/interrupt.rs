//! Ctrl-C, for commands that must tidy up: they ask whether it was pressed, and end by themselves.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use crate::failure::{Failure, Kind};

static PRESSED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on Ctrl-C and SIGTERM are noted instead of ending the process at once.
pub fn watch() -> Result<()> {
    let pressed = PRESSED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(pressed))?;
    }
    Ok(())
}

/// Whether one of them came.
pub fn requested() -> bool {
    PRESSED
        .get()
        .is_some_and(|pressed| pressed.load(Ordering::Relaxed))
}

/// Fails once one of them came, so that a loop can be left by `?`.
pub fn check() -> Result<()> {
    if requested() {
        return Err(failure());
    }
    Ok(())
}

/// What everyone says who was ended by one of them and has nothing to add.
pub fn failure() -> anyhow::Error {
    Failure::new(
        Kind::Interrupted,
        "interrupted",
        "Ctrl-C or SIGTERM",
        "run it again",
    )
    .into()
}
