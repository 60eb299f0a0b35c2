//! Whether points are the powers of one tau.
//!
//! With rho uniform and secret until the file is fixed, `A = sum rho^i P_i` and
//! `B = sum rho^i P_(i+1)` satisfy `e(B, H2) = e(A, tau H2)` for all powers at once; one point that
//! is wrong passes with probability at most n / p (Schwartz-Zippel).

use crate::source::Parts;
use crate::SrsError;
use verifai_curve::{msm, pairing_product_is_one, AffineRepr, CurveGroup, G1Affine, G2Affine};
use verifai_field::{powers, random, F};

/// All checks on points that are in their groups already.
pub fn check(parts: &Parts) -> Result<(), SrsError> {
    if parts.powers.first() != Some(&G1Affine::generator()) {
        return Err(SrsError::NotGenerator("G1"));
    }
    if parts.g2 != G2Affine::generator() {
        return Err(SrsError::NotGenerator("G2"));
    }
    check_powers(&parts.powers, &parts.tau_g2)
}

/// Whether `points[i + 1] = tau points[i]` for all i, with the tau of `tau_g2`.
pub fn check_powers(points: &[G1Affine], tau_g2: &G2Affine) -> Result<(), SrsError> {
    let (Some((_, tail)), Some((_, head))) = (points.split_first(), points.split_last()) else {
        return Err(SrsError::TooFew(points.len()));
    };
    if tail.is_empty() {
        return Err(SrsError::TooFew(points.len()));
    }
    let rho: Vec<F> = powers(random()?).take(tail.len()).collect();
    let combine = |points: &[G1Affine]| {
        msm(points, &rho)
            .map(|sum| sum.into_affine())
            .map_err(|_| SrsError::TooFew(points.len()))
    };
    let (a, b) = (combine(head)?, combine(tail)?);
    if pairing_product_is_one(&[(b, G2Affine::generator()), (-a, *tau_g2)]) {
        Ok(())
    } else {
        Err(SrsError::NotPowers)
    }
}
