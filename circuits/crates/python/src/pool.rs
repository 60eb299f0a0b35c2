//! The threads of the core: one pool for each process.
//!
//! A fork copies the memory of a process and one of its threads. A pool of the parent's has no
//! threads in the child and would be waited for for ever, as rayon's global pool is; so nothing here
//! ever uses that one, and a child makes a pool of its own when it first needs one.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

/// The pool with the process that made it. The interpreter's lock is held whenever this one is
/// taken, and by whoever forks: no child finds it taken.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process.
pub(crate) fn pool(_locked: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, pool)) = slot.as_ref().filter(|(owner, _)| *owner == process::id()) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .thread_name(|index| format!("verifai-{index}"))
        .build()
        .map_err(|e| PyOSError::new_err(format!("the proving core has no threads: {e}")))?;
    let pool = Arc::new(pool);
    // a parent's pool is never dropped: that would wait for its threads
    std::mem::forget(slot.replace((process::id(), Arc::clone(&pool))));
    Ok(pool)
}
