//! An SRS whose tau everybody knows.
//!
//! tau is derived from a public string, so that everyone can recognise this SRS by its id. Under
//! it any statement can be proven: it is for tests and local chains, and every key, statement and
//! contract that uses it says so (`docs/protocol.md`, "What is not proven, and not hidden").

use crate::{limits::MAX_POWERS, Srs, SrsError};
use ark_ec::scalar_mul::ScalarMul;
use verifai_curve::{AffineRepr, CurveGroup, G1Projective, G2Affine, PrimeGroup};
use verifai_field::{encoding::reduce, powers, F};
use verifai_transcript::keccak256;

/// The string that tau is the hash of.
pub const SEED: &[u8] = b"verifai INSECURE development SRS v1";

/// The development SRS with `n` powers.
pub fn development(n: usize) -> Result<Srs, SrsError> {
    if !(2..=MAX_POWERS).contains(&n) {
        return Err(SrsError::header("the number of powers", n as u64));
    }
    let exponents: Vec<F> = powers(tau()).take(n).collect();
    Ok(Srs {
        powers: G1Projective::generator().batch_mul(&exponents),
        tau_g2: (G2Affine::generator() * tau()).into_affine(),
    })
}

/// The public secret.
pub fn tau() -> F {
    reduce(&keccak256(&[SEED]))
}
