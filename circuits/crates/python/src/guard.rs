//! The border: the interpreter's lock, threads, signals, errors and panics.

use crate::pool::pool;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::any::Any;
use std::fmt::Display;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError};
use std::time::Duration;
use verifai_prover::Interrupt;

/// How often a waiting thread looks for signals.
const POLL: Duration = Duration::from_millis(50);

/// What work came to, or the panic that ended it.
type Outcome<T, E> = Result<Result<T, E>, Box<dyn Any + Send>>;

/// Runs short work of one thread without the interpreter's lock. An error becomes `ValueError`, a
/// panic `RuntimeError`. Nothing that `work` borrows is used after a panic.
pub(crate) fn released<T, E>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T>
where
    T: Send,
    E: Display + Send,
{
    result(py.detach(|| catch_unwind(AssertUnwindSafe(work))))
}

/// Runs work on the threads of this process, without the interpreter's lock; errors as
/// [`released`].
///
/// On the main thread a signal handler that raises, as Ctrl-C's does, ends the call at once. The work
/// owns all that it uses: told by the flag that it is given, it ends on its own a little later,
/// and its result is dropped.
pub(crate) fn on_pool<T, E>(
    py: Python<'_>,
    work: impl FnOnce(&Interrupt) -> Result<T, E> + Send + 'static,
) -> PyResult<T>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let interrupt = Interrupt::default();
    let (sender, mut receiver) = sync_channel(1);
    let flag = interrupt.clone();
    pool(py)?.spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&flag)));
        // nobody may be waiting any more
        drop(sender.send(outcome));
    });
    let patience = handles_signals(py)?.then_some(POLL);
    loop {
        let found;
        (found, receiver) = py.detach(move || (wait(&receiver, patience), receiver));
        match found {
            Ok(outcome) => return result(outcome),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals().inspect_err(|_| interrupt.raise())?
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the native core lost its work"))
            }
        }
    }
}

fn wait<T>(receiver: &Receiver<T>, patience: Option<Duration>) -> Result<T, RecvTimeoutError> {
    match patience {
        Some(time) => receiver.recv_timeout(time),
        None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

/// Python runs signal handlers on its main thread only: other threads wait undisturbed.
fn handles_signals(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let current = threading.call_method0("current_thread")?;
    Ok(current.is(&threading.call_method0("main_thread")?))
}

fn result<T, E: Display>(outcome: Outcome<T, E>) -> PyResult<T> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(PyValueError::new_err(error.to_string())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            let message = format!("internal error in the native core: {text}");
            Err(PyRuntimeError::new_err(message))
        }
    }
}
