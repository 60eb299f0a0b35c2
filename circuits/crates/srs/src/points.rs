//! The plain form that keys carry: powers in the EVM's form, one after another, then `tau H2`.

use crate::source::Parts;
use crate::{limits::MAX_POWERS, SrsError};
use rayon::prelude::*;
use verifai_curve::encoding::{decode_g1_finite, decode_g2_finite, G1_BYTES, G2_BYTES};
use verifai_curve::{AffineRepr, G1Affine, G2Affine};

/// Reads the plain form; the structure is checked by the caller.
pub(crate) fn read(bytes: &[u8]) -> Result<Parts, SrsError> {
    let wrong = |got: usize| SrsError::Header {
        what: "the number of bytes",
        got: got as u64,
    };
    let split = bytes.len().checked_sub(G2_BYTES);
    let (points, tau) = split
        .and_then(|at| bytes.split_at_checked(at))
        .ok_or(wrong(bytes.len()))?;
    if points.len() % G1_BYTES != 0 || points.len() / G1_BYTES > MAX_POWERS {
        return Err(wrong(bytes.len()));
    }
    let powers: Result<Vec<G1Affine>, SrsError> = points
        .par_chunks_exact(G1_BYTES)
        .enumerate()
        .map(|(index, point)| {
            decode_g1_finite(point).map_err(|reason| SrsError::Point {
                what: "G1",
                index,
                reason,
            })
        })
        .collect();
    let tau_g2 = decode_g2_finite(tau).map_err(|reason| SrsError::Point {
        what: "G2",
        index: 1,
        reason,
    })?;
    Ok(Parts {
        powers: powers?,
        g2: G2Affine::generator(),
        tau_g2,
    })
}
