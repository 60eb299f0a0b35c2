//! Products of pairings.

use crate::{Bn254, G1Affine, G2Affine};
use ark_ec::{pairing::Pairing, AffineRepr};
use verifai_field::Zero;

/// Whether the product of `e(a_i, b_i)` is one. A pair with infinity contributes one.
pub fn pairing_product_is_one(pairs: &[(G1Affine, G2Affine)]) -> bool {
    let finite = pairs.iter().filter(|(a, b)| !a.is_zero() && !b.is_zero());
    let (a, b): (Vec<G1Affine>, Vec<G2Affine>) = finite.copied().unzip();
    Bn254::multi_pairing(a, b).is_zero()
}
