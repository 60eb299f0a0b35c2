//! Proving and verifying, as Python calls them: a few calls per proof.

use crate::guard::{on_pool, released};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::fmt::Display;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use verifai_curve::{blinding_generator, encode_g1, encode_g2, msm_small, CurveGroup};
use verifai_field::{decode, encode, F};
use verifai_prover::{Job, ProvingKey};
#[cfg(feature = "testing")]
use verifai_prover::{Mask, Spoiled};
use verifai_srs::{development, Srs};
use verifai_table::{Layout, TableError};
use verifai_verifier::{key, proof_bytes, verify_encoded, VerifyingKey};

/// A structured reference string in memory.
#[pyclass(name = "Srs", module = "verifai._native", frozen)]
pub(crate) struct NativeSrs {
    inner: Arc<Srs>,
}

impl NativeSrs {
    fn made<E: Display + Send + 'static>(
        py: Python<'_>,
        make: impl FnOnce() -> Result<Srs, E> + Send + 'static,
    ) -> PyResult<Self> {
        let inner = Arc::new(on_pool(py, |_| make())?);
        Ok(Self { inner })
    }
}

#[pymethods]
impl NativeSrs {
    /// The development SRS with `powers` powers: its tau is public, so that its proofs convince nobody.
    #[staticmethod]
    fn development(py: Python<'_>, powers: usize) -> PyResult<Self> {
        Self::made(py, move || development(powers))
    }

    /// Reads and checks a file (.ptau or halo2 raw), of which `powers` powers are kept.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, powers: usize) -> PyResult<Self> {
        Self::made(py, move || Srs::load(&path, powers))
    }

    /// Reads and checks a file's content (.ptau or halo2 raw), of which `powers` powers are kept.
    #[staticmethod]
    fn read(py: Python<'_>, content: PyBackedBytes, powers: usize) -> PyResult<Self> {
        Self::made(py, move || Srs::read(&mut Cursor::new(content), powers))
    }

    /// Reads and checks what `to_points` wrote.
    #[staticmethod]
    fn from_points(py: Python<'_>, data: PyBackedBytes) -> PyResult<Self> {
        Self::made(py, move || Srs::from_points(&data))
    }

    /// The first powers in the EVM's form, then tau H2: what a proving key carries.
    fn to_points(&self, powers: usize) -> Vec<u8> {
        self.inner.to_points(powers)
    }

    /// The commitment of a row of integers (little-endian int64) under a blinding of 32 bytes.
    fn commit(&self, py: Python<'_>, row: &[u8], blinding: &[u8]) -> PyResult<[u8; 64]> {
        let row = integers(row, i64::from_le_bytes)?;
        let blinding: F = decode(blinding).map_err(|e| PyValueError::new_err(e.to_string()))?;
        let srs = Arc::clone(&self.inner);
        on_pool(py, move |_| {
            let powers = srs.powers().get(..row.len());
            let powers = powers.ok_or("the row is longer than the reference string")?;
            let sum = msm_small(powers, &row).map_err(|_| "the row is too long")?;
            let point = (sum + blinding_generator().0 * blinding).into_affine();
            Ok::<_, &'static str>(encode_g1(&point))
        })
    }

    /// How many powers of tau there are.
    #[getter]
    fn powers(&self) -> usize {
        self.inner.powers().len()
    }

    /// The name of the SRS: 32 bytes.
    #[getter]
    fn id(&self) -> [u8; 32] {
        self.inner.id()
    }

    /// tau H2 in the EVM's form: 128 bytes.
    #[getter]
    fn tau_g2(&self) -> [u8; 128] {
        encode_g2(&self.inner.tau_g2())
    }
}

/// The prover of one circuit: table, committed weights, window tables of the SRS.
#[pyclass(name = "Prover", module = "verifai._native", frozen)]
pub(crate) struct Prover {
    key: Arc<ProvingKey>,
}

/// Little-endian integers of `SIZE` bytes.
fn integers<const SIZE: usize, T>(bytes: &[u8], from: fn([u8; SIZE]) -> T) -> PyResult<Vec<T>> {
    let integer = |chunk: &[u8]| chunk.try_into().map(from);
    let all: Result<_, _> = bytes.chunks(SIZE).map(integer).collect();
    all.map_err(|_| {
        let bits = 8 * SIZE;
        PyValueError::new_err(format!("a tensor is a whole number of {bits}-bit integers"))
    })
}

fn scalars(bytes: &[u8]) -> PyResult<Vec<F>> {
    if bytes.len() % 32 != 0 {
        return Err(PyValueError::new_err("scalars have 32 bytes each"));
    }
    let all: Result<Vec<F>, _> = bytes.chunks_exact(32).map(decode).collect();
    all.map_err(|e| PyValueError::new_err(format!("not a scalar: {e}")))
}

#[cfg(feature = "testing")]
fn masks(names: &[String]) -> PyResult<Vec<Mask>> {
    let named = |name: &String| {
        Mask::named(name).ok_or_else(|| PyValueError::new_err(format!("no mask is called {name}")))
    };
    names.iter().map(named).collect()
}

fn digest(bytes: &[u8], what: &str) -> PyResult<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| PyValueError::new_err(format!("{what} has 32 bytes")))
}

/// What an honest prover proves: nothing is spoiled.
fn job(
    batch: usize,
    values: &[PyBackedBytes],
    context: &[u8],
    linked: &[PyBackedBytes],
) -> PyResult<Job> {
    let tensors = values.iter().map(|v| integers(v, i64::from_le_bytes));
    let linked = linked.iter().map(|l| scalars(l));
    Ok(Job {
        batch,
        values: tensors.collect::<PyResult<_>>()?,
        context: digest(context, "a context")?,
        linked: linked.collect::<PyResult<_>>()?,
        ..Job::default()
    })
}

impl Prover {
    fn proved(&self, py: Python<'_>, job: Job) -> PyResult<(Vec<u8>, Vec<u8>)> {
        let key = Arc::clone(&self.key);
        let proof = on_pool(py, move |interrupt| {
            let interrupt = interrupt.clone();
            verifai_prover::prove(&key, &Job { interrupt, ..job })
        })?;
        let words = proof.words.iter().flat_map(encode).collect();
        Ok((words, proof.bytes))
    }
}

#[pymethods]
impl Prover {
    /// Commits the weights (one tensor of little-endian int32 per weight node).
    ///
    /// `header`: the digest of what the verifying key says to people, 32 bytes.
    /// `blindings` (32 bytes per weight row) hide the weights of a hiding circuit; without them they are
    /// drawn. The same blindings give the same commitments: where these are given too, they are compared
    /// with the weights and not made again, which is much faster.
    #[new]
    #[pyo3(signature = (header, table, weights, srs, blindings=None, commitments=None))]
    fn new(
        py: Python<'_>,
        header: &[u8],
        table: PyBackedBytes,
        weights: Vec<PyBackedBytes>,
        srs: &NativeSrs,
        blindings: Option<&[u8]>,
        commitments: Option<PyBackedBytes>,
    ) -> PyResult<Self> {
        let header = digest(header, "the digest of a header")?;
        let weights = weights.iter().map(|w| integers(w, i32::from_le_bytes));
        let weights = weights.collect::<PyResult<Vec<_>>>()?;
        let blindings = blindings.map(scalars).transpose()?;
        let srs = Arc::clone(&srs.inner);
        let key = on_pool(py, move |interrupt| {
            let commitments = commitments.as_deref();
            ProvingKey::new(
                header,
                &table,
                weights,
                &srs,
                blindings,
                commitments,
                interrupt,
            )
        })?;
        Ok(Self { key: Arc::new(key) })
    }

    /// The blindings of the weight rows, 32 bytes each: a secret of the key's owner.
    #[getter]
    fn blindings(&self) -> Vec<u8> {
        self.key.blindings().iter().flat_map(encode).collect()
    }

    /// The weight commitments: 64 bytes for each row.
    #[getter]
    fn commitments(&self) -> Vec<u8> {
        self.key.commitments()
    }

    /// Proves one batch. `values`: one tensor of little-endian int64 per committed node, batch axis first.
    ///
    /// `linked`: 32 bytes for each row of each linked tensor, its blindings; without it they are drawn.
    /// Returns the public words (32 bytes each) and the proof.
    #[pyo3(signature = (batch, values, context, *, linked=Vec::new()))]
    fn prove(
        &self,
        py: Python<'_>,
        batch: usize,
        values: Vec<PyBackedBytes>,
        context: &[u8],
        linked: Vec<PyBackedBytes>,
    ) -> PyResult<(Vec<u8>, Vec<u8>)> {
        let job = job(batch, &values, context, &linked)?;
        self.proved(py, job)
    }

    #[cfg(feature = "testing")]
    /// **Only for tests of soundness and hiding.** Proves as `prove` does, and spoils the proof on purpose:
    /// what it returns convinces nobody, or hides nothing.
    ///
    /// `lies` (additions to entries of the committed vector, by address) and `stubborn` (go on with a
    /// witness that proves nothing): the proof then verifies only if the verifier is broken. `unmasked` and
    /// `repeated` name masks that are zero, or the same in every proof: such a proof *verifies*, and gives
    /// its witness away.
    #[pyo3(signature = (
        batch, values, context, *, linked=Vec::new(), lies=Vec::new(), stubborn=false,
        unmasked=Vec::new(), repeated=Vec::new(),
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "those of prove, and four spoilers"
    )]
    fn prove_spoiled(
        &self,
        py: Python<'_>,
        batch: usize,
        values: Vec<PyBackedBytes>,
        context: &[u8],
        linked: Vec<PyBackedBytes>,
        lies: Vec<(usize, i64)>,
        stubborn: bool,
        unmasked: Vec<String>,
        repeated: Vec<String>,
    ) -> PyResult<(Vec<u8>, Vec<u8>)> {
        let job = Job {
            lies,
            stubborn,
            spoiled: Spoiled {
                unmasked: masks(&unmasked)?,
                repeated: masks(&repeated)?,
            },
            ..job(batch, &values, context, &linked)?
        };
        self.proved(py, job)
    }

    /// Proves one batch as `prove` does, and returns the steps with the seconds that each took.
    fn profile(
        &self,
        py: Python<'_>,
        batch: usize,
        values: Vec<PyBackedBytes>,
        context: &[u8],
    ) -> PyResult<Vec<(&'static str, f64)>> {
        let job = job(batch, &values, context, &[])?;
        let key = Arc::clone(&self.key);
        let (_, stages) = on_pool(py, move |interrupt| {
            let interrupt = interrupt.clone();
            verifai_prover::profile(&key, &Job { interrupt, ..job })
        })?;
        Ok(stages.ended().to_vec())
    }
}

/// Verifies a proof; returns nothing, or raises ValueError with the reason.
///
/// `header`: the digest of what the key says to people. `words`: 32 bytes for each public word. The caller establishes that `tau_g2` is that of an SRS it trusts.
#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "one argument per thing that a verifier trusts or checks"
)]
pub(crate) fn native_verify(
    py: Python<'_>,
    header: &[u8],
    // borrowed, not copied: what is far too long is refused at once
    table: PyBackedBytes,
    commitments: PyBackedBytes,
    tau_g2: PyBackedBytes,
    batch: usize,
    context: &[u8],
    words: PyBackedBytes,
    proof: PyBackedBytes,
) -> PyResult<()> {
    let header = digest(header, "the digest of a header")?;
    let context = digest(context, "a context")?;
    if words.len() % 32 != 0 {
        return Err(PyValueError::new_err("public words have 32 bytes each"));
    }
    on_pool(py, move |_| {
        let key = VerifyingKey::read(header, &table, &commitments, &tau_g2)?;
        verify_encoded(&key, batch, context, &words, &proof)
    })
}

/// The digest of a key, which starts the transcript of all its proofs: 32 bytes.
#[pyfunction]
pub(crate) fn native_key_digest(
    header: &[u8],
    table: &[u8],
    commitments: &[u8],
    tau_g2: &[u8],
) -> PyResult<[u8; 32]> {
    let header = digest(header, "the digest of a header")?;
    Ok(key::digest(header, table, commitments, tau_g2))
}

/// The exact length of the proofs of a table for a batch.
#[pyfunction]
pub(crate) fn native_proof_bytes(py: Python<'_>, table: &[u8], batch: usize) -> PyResult<usize> {
    released(py, || {
        let circuit = verifai_table::read(table)?;
        let layout = Layout::new(&circuit, batch.max(1))?;
        Ok::<usize, TableError>(proof_bytes(&layout))
    })
}
