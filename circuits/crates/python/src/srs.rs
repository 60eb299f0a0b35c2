//! Structured reference strings.

use crate::guard::on_pool;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use verifai_curve::{encode_g1, encode_g2};
use verifai_srs::{Format, Provenance, Srs};

/// Reads an SRS file (.ptau or halo2 raw) and checks all of it, or its first `powers` powers.
///
/// Returns a dict: `format` ("ptau" or "halo2"), `powers` (how many were checked), `security`
/// ("development" when tau is public, else "unverified": where a file comes from cannot be seen in
/// it), `srs_id`, `tau_g1` and `tau_g2` (bytes, points in the EVM's form). Raises ValueError with
/// the reason when the file is refused.
#[pyfunction]
#[pyo3(signature = (path, /, powers=None))]
pub(crate) fn srs_check(
    py: Python<'_>,
    path: PathBuf,
    powers: Option<usize>,
) -> PyResult<Bound<'_, PyDict>> {
    let srs = on_pool(py, move |_| Srs::load(&path, powers.unwrap_or(usize::MAX)))?;
    let info = PyDict::new(py);
    let format = match srs.format() {
        Format::Ptau => "ptau",
        Format::Halo2 => "halo2",
        _ => "generated",
    };
    let security = match srs.provenance() {
        Provenance::InsecureDevelopment => "development",
        _ => "unverified",
    };
    info.set_item("format", format)?;
    info.set_item("powers", srs.powers().len())?;
    info.set_item("security", security)?;
    info.set_item("srs_id", PyBytes::new(py, &srs.id()))?;
    info.set_item("tau_g1", PyBytes::new(py, &encode_g1(&srs.tau_g1())))?;
    info.set_item("tau_g2", PyBytes::new(py, &encode_g2(&srs.tau_g2())))?;
    Ok(info)
}
