//! The module `verifai._native`: a thin shell, no mathematics of its own.
//!
//! Every call that may take longer than a millisecond lets go of the interpreter's lock, and long
//! ones end with Ctrl-C; failures of the input are `ValueError`, and a panic of the core, which would
//! be a bug, arrives as `RuntimeError` instead of ending the process. All of it works in any thread,
//! and in a forked child of a process that has used it.

mod guard;
mod info;
mod native;
mod pool;
mod precompiles;

use pyo3::prelude::*;

/// The native proving core of verifai.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // made once, before a fork could find another thread making it
    verifai_curve::blinding_generator();
    module.add_function(wrap_pyfunction!(precompiles::bn254_add, module)?)?;
    module.add_function(wrap_pyfunction!(precompiles::bn254_mul, module)?)?;
    module.add_function(wrap_pyfunction!(precompiles::bn254_pairing, module)?)?;
    module.add_function(wrap_pyfunction!(precompiles::keccak256, module)?)?;
    module.add_function(wrap_pyfunction!(info::build_info, module)?)?;
    module.add_class::<native::NativeSrs>()?;
    module.add_class::<native::Prover>()?;
    module.add_function(wrap_pyfunction!(native::native_verify, module)?)?;
    module.add_function(wrap_pyfunction!(native::native_key_digest, module)?)?;
    module.add_function(wrap_pyfunction!(native::native_proof_bytes, module)?)?;
    Ok(())
}
