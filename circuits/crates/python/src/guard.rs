//! The border: the interpreter's lock, errors and panics.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::fmt::Display;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs `work` without the interpreter's lock. An error becomes `ValueError`, a panic
/// `RuntimeError`. Nothing that `work` borrows is used after a panic.
pub(crate) fn released<T, E>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T>
where
    T: Send,
    E: Display + Send,
{
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
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
