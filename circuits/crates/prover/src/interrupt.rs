//! Stopping work that nobody waits for any more.
//!
//! Work asks between its rows and rounds, some milliseconds apart, whether it is to go on; whoever
//! started it says when it is not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use thiserror::Error;

/// A flag that is raised once; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// The flag was raised: there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Interrupt {
    /// All work that holds the flag ends soon.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An error once the flag was raised.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.0.load(Ordering::Relaxed) {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }
}
