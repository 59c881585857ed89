//! Ctrl-C asks for an orderly end: the training writes a checkpoint and stops.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Starts listening. A second Ctrl-C ends the process at once.
pub(crate) fn listen() {
    // Where no handler can be set the default, ending at once, still loses at most the steps since a checkpoint.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// Whether an end has been asked for.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
