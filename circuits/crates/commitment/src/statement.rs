//! What is opened.

use verifai_curve::G1Affine;
use verifai_field::F;

/// The most row variables.
pub const MAX_LOG_ROWS: usize = 32;

/// "The committed vector has the value `value` at `point`."
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// Rows that exist, by index in the address space; all others are zero.
    pub rows: &'a [(usize, G1Affine)],
    /// Row variables of the address space: there are 2^log_rows rows.
    pub log_rows: usize,
    /// Column variables: a row has 2^log_columns entries.
    pub log_columns: usize,
    /// Row coordinates, then column coordinates, most significant first.
    pub point: &'a [F],
    /// The value there.
    pub value: F,
    /// Further commitments whose content is public.
    pub public_rows: &'a [PublicRow],
}

/// A commitment together with all that it holds.
#[derive(Clone, Debug)]
pub struct PublicRow {
    /// The commitment.
    pub commitment: G1Affine,
    /// Its blinding.
    pub blinding: F,
    /// Its coefficients.
    pub coefficients: Vec<F>,
}

/// A polynomial at a point, from its coefficients (Horner).
pub(crate) fn horner(coefficients: &[F], x: F) -> F {
    coefficients
        .iter()
        .rev()
        .fold(F::default(), |value, c| value * x + c)
}
