//! Keccak-256 and the BN254 precompiles of the EVM, byte for byte.

use crate::guard::{on_pool, released};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::convert::Infallible;
use verifai_curve::precompile;

/// The sum of two G1 points, as the EVM's ecAdd (EIP-196).
///
/// Missing bytes count as zeros, further ones are ignored. Raises ValueError where the
/// precompile fails.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn bn254_add(py: Python<'_>, data: &[u8]) -> PyResult<[u8; 64]> {
    released(py, || precompile::add(data))
}

/// A multiple of a G1 point, as the EVM's ecMul (EIP-196).
///
/// Missing bytes count as zeros, further ones are ignored. Raises ValueError where the
/// precompile fails.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn bn254_mul(py: Python<'_>, data: &[u8]) -> PyResult<[u8; 64]> {
    released(py, || precompile::mul(data))
}

/// The pairing check, as the EVM's precompile 0x08 (EIP-197): 32 bytes holding 1 or 0.
///
/// Raises ValueError where the precompile fails.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn bn254_pairing(py: Python<'_>, data: PyBackedBytes) -> PyResult<[u8; 32]> {
    let one = on_pool(py, move |_| precompile::pairing(&data))?;
    let mut word = [0u8; 32];
    if let Some(last) = word.last_mut() {
        *last = u8::from(one);
    }
    Ok(word)
}

/// Keccak-256, as the EVM has it.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn keccak256(py: Python<'_>, data: &[u8]) -> PyResult<[u8; 32]> {
    released(py, || {
        Ok::<_, Infallible>(verifai_transcript::keccak256(&[data]))
    })
}
