//! The generator H of blindings: `C = sum w_i G_i + rho H` (`docs/protocol.md`, "The opening").
//!
//! H must be a point whose discrete logarithm to the base G nobody knows, or blindings would not
//! bind. It comes from nothing but a public string, by try and increment:
//!
//! ```text
//! for counter = 0, 1, 2, ...:
//!     x = keccak256("verifai/bn254/blinding-generator/v1" || counter as 4 bytes big-endian)
//!     skip it if x >= q, or if x^3 + 3 is no square
//!     y = the even one of the two square roots
//!     H = (x, y)
//! ```
//!
//! G1 has prime order, so H generates it. The time taken depends on public data alone. The result
//! is pinned by a test and shared with the other verifiers as a constant.

use crate::{G1Affine, G1};
use ark_ec::AffineRepr;
use std::sync::OnceLock;
use verifai_field::{decode, BigInteger, Field, Fq, PrimeField};
use verifai_transcript::keccak256;

/// The string that H is derived from.
pub const BLINDING_SEED: &[u8] = b"verifai/bn254/blinding-generator/v1";

/// The generator H.
pub fn blinding_generator() -> G1 {
    static H: OnceLock<G1> = OnceLock::new();
    *H.get_or_init(|| hash_to_g1(BLINDING_SEED))
}

/// The point that a public string stands for. About 23 % of the counters succeed, so that 2^32 of
/// them do not run out; if they did, infinity would be returned, which no string is known to do.
pub fn hash_to_g1(seed: &[u8]) -> G1 {
    let found = (0u32..).find_map(|counter| {
        let x: Fq = decode(&keccak256(&[seed, &counter.to_be_bytes()])).ok()?;
        let y = (x * x * x + Fq::from(3u64)).sqrt()?;
        let y = if y.into_bigint().is_odd() { -y } else { y };
        Some(G1Affine::new_unchecked(x, y))
    });
    G1(found.unwrap_or_else(G1Affine::zero))
}
