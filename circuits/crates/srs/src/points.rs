//! The plain form that keys carry: powers in the EVM's form, one after another, then `tau H2`.

use crate::source::{all_g1, Parts};
use crate::{limits::MAX_POWERS, SrsError};
use verifai_curve::encoding::{decode_g1_finite, decode_g2_finite, G1_BYTES, G2_BYTES};
use verifai_curve::{AffineRepr, G2Affine};

/// Reads the plain form; the structure is checked by the caller.
pub(crate) fn read(bytes: &[u8]) -> Result<Parts, SrsError> {
    let points = bytes.len().checked_sub(G2_BYTES);
    let points = points.filter(|n| n % G1_BYTES == 0 && n / G1_BYTES <= MAX_POWERS);
    let split = points.and_then(|at| bytes.split_at_checked(at));
    let wrong = || SrsError::header("the number of bytes", bytes.len() as u64);
    let (points, tau) = split.ok_or_else(wrong)?;
    Ok(Parts {
        powers: all_g1(points, 0, decode_g1_finite)?,
        g2: G2Affine::generator(),
        tau_g2: decode_g2_finite(tau).map_err(SrsError::point("G2", 1))?,
    })
}
