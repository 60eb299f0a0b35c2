//! The EVM's BN254 precompiles 0x06, 0x07 and 0x08 with the exact semantics of EIP-196 and EIP-197.
//!
//! Input that is too short is read as if followed by zeros, input that is too long is cut (ecAdd,
//! ecMul); the pairing's input must be a multiple of 192 bytes. A failure of the precompile, which
//! burns all gas on a chain, is an error here.

use crate::{decode_g1, decode_g2, encode_g1, pairing_product_is_one};
use ark_bn254::G1Affine;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use thiserror::Error;
use verifai_field::{encoding::reduce, PrimeField, F};
use verifai_transcript::MessageError;

/// The most pairs that one call accepts here: a block's gas ends far below.
pub const MAX_PAIRS: usize = 1 << 12;

/// Why a precompile fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrecompileError {
    /// An operand is no point of its group.
    #[error("operand {index}: {reason}")]
    Point {
        /// Which operand, in the order of the input.
        index: usize,
        /// What is wrong.
        reason: MessageError,
    },
    /// The pairing's input is not a multiple of 192 bytes.
    #[error("the pairing's input has {0} bytes, no multiple of 192")]
    PairingLength(usize),
    /// More pairs than [`MAX_PAIRS`].
    #[error("{0} pairs are more than {MAX_PAIRS}")]
    TooManyPairs(usize),
}

/// ecAdd (0x06): the sum of two points.
pub fn add(input: &[u8]) -> Result<[u8; 64], PrecompileError> {
    let input: [u8; 128] = padded(input);
    let (a, b) = input.split_at(64);
    let sum = point(0, a)? + point(1, b)?;
    Ok(encode_g1(&sum.into_affine()))
}

/// ecMul (0x07): a multiple of a point; the scalar is any 256-bit integer.
pub fn mul(input: &[u8]) -> Result<[u8; 64], PrecompileError> {
    let input: [u8; 96] = padded(input);
    let (a, rest) = input.split_at(64);
    let point = point(0, a)?;
    let mut word = [0u8; 32];
    word.copy_from_slice(rest);
    // the group has order p, so the scalar may be reduced
    let scalar: F = reduce(&word);
    let product = point.into_group().mul_bigint(scalar.into_bigint());
    Ok(encode_g1(&product.into_affine()))
}

/// The pairing check (0x08): whether the product of all pairings is one.
pub fn pairing(input: &[u8]) -> Result<bool, PrecompileError> {
    let pairs = input.chunks_exact(192);
    if !pairs.remainder().is_empty() {
        return Err(PrecompileError::PairingLength(input.len()));
    }
    if pairs.len() > MAX_PAIRS {
        return Err(PrecompileError::TooManyPairs(pairs.len()));
    }
    let mut product = Vec::with_capacity(pairs.len());
    for (i, pair) in pairs.enumerate() {
        let (a, b) = pair.split_at(64);
        let g1 = point(i.saturating_mul(2), a)?;
        let g2 = decode_g2(b).map_err(|reason| PrecompileError::Point {
            index: i.saturating_mul(2).saturating_add(1),
            reason,
        })?;
        product.push((g1, g2));
    }
    Ok(pairing_product_is_one(&product))
}

fn point(index: usize, bytes: &[u8]) -> Result<G1Affine, PrecompileError> {
    decode_g1(bytes).map_err(|reason| PrecompileError::Point { index, reason })
}

fn padded<const N: usize>(input: &[u8]) -> [u8; N] {
    let mut out = [0u8; N];
    for (o, b) in out.iter_mut().zip(input) {
        *o = *b;
    }
    out
}
