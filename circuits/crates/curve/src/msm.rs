//! Full-width multi-scalar multiplication without tables.

use crate::{G1Affine, G1Projective};
use ark_ec::VariableBaseMSM;
use thiserror::Error;
use verifai_field::F;

/// More scalars than points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{scalars} scalars for {points} points")]
pub struct TooFewPoints {
    /// Scalars given.
    pub scalars: usize,
    /// Points given.
    pub points: usize,
}

/// `sum scalars_i points_i` by Pippenger's method, as arkworks implements it. There may be more
/// points than scalars, never fewer.
pub fn msm(points: &[G1Affine], scalars: &[F]) -> Result<G1Projective, TooFewPoints> {
    let used = points.get(..scalars.len()).ok_or(TooFewPoints {
        scalars: scalars.len(),
        points: points.len(),
    })?;
    Ok(G1Projective::msm_unchecked(used, scalars))
}
