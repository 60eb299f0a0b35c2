//! Points as both file formats have them: affine coordinates in Montgomery form (x 2^256 mod q),
//! four 64-bit words each, everything little-endian; G2 coordinates with c0 before c1.

use crate::SrsError;
use ark_bn254::Fq2;
use rayon::prelude::*;
use std::io::Read;
use verifai_curve::encoding::{finite, g1_from_coordinates, g2_from_coordinates};
use verifai_curve::{G1Affine, G2Affine};
use verifai_field::{EncodingError, Fq, PrimeField};
use verifai_transcript::MessageError;

/// Bytes of a G1 point in a file.
pub const G1_BYTES: u64 = 64;
/// Bytes of a G2 point in a file.
pub const G2_BYTES: u64 = 128;
/// Points that are read at a time: what a lying header can make us allocate stays small.
const CHUNK: usize = 1 << 14;

/// What is taken out of a file, before its structure is checked.
#[derive(Debug)]
pub struct Parts {
    /// `tau^i G`.
    pub powers: Vec<G1Affine>,
    /// Said to be the generator of G2.
    pub g2: G2Affine,
    /// `tau H2`.
    pub tau_g2: G2Affine,
}

/// Reads `n` points of G1, none of them infinity.
pub fn read_g1<R: Read>(input: &mut R, n: usize) -> Result<Vec<G1Affine>, SrsError> {
    let mut points = Vec::new();
    let mut buffer = vec![0u8; CHUNK.min(n).saturating_mul(64)];
    while points.len() < n {
        let start = points.len();
        let count = CHUNK.min(n - start);
        let bytes = buffer.get_mut(..count * 64).unwrap_or_default();
        input.read_exact(bytes)?;
        points.extend(all_g1(bytes, start, g1)?);
    }
    Ok(points)
}

/// Points of G1 in a row, of which the first one has number `first`.
pub(crate) fn all_g1(
    bytes: &[u8],
    first: usize,
    read: impl Fn(&[u8]) -> Result<G1Affine, MessageError> + Sync,
) -> Result<Vec<G1Affine>, SrsError> {
    let points = bytes.par_chunks_exact(64).enumerate();
    points
        .map(|(i, point)| read(point).map_err(SrsError::point("G1", first + i)))
        .collect()
}

/// Reads one point of G2, not infinity; `index` is for the error.
pub fn read_g2<R: Read>(input: &mut R, index: usize) -> Result<G2Affine, SrsError> {
    let mut bytes = [0u8; 128];
    input.read_exact(&mut bytes)?;
    g2(&bytes).map_err(SrsError::point("G2", index))
}

/// The next 32-bit integer.
pub(crate) fn read_u32<R: Read>(input: &mut R) -> Result<u32, SrsError> {
    let mut word = [0u8; 4];
    input.read_exact(&mut word)?;
    Ok(u32::from_le_bytes(word))
}

/// The size must be exactly this.
pub(crate) fn exact(what: &'static str, expected: u64, got: u64) -> Result<(), SrsError> {
    if expected == got {
        Ok(())
    } else {
        Err(SrsError::Size {
            what,
            expected,
            got,
        })
    }
}

fn g1(bytes: &[u8]) -> Result<G1Affine, MessageError> {
    let [x, y] = coordinates(bytes)?;
    finite(g1_from_coordinates(x, y)?)
}

fn g2(bytes: &[u8]) -> Result<G2Affine, MessageError> {
    let [x0, x1, y0, y1] = coordinates(bytes)?;
    finite(g2_from_coordinates(Fq2::new(x0, x1), Fq2::new(y0, y1))?)
}

fn coordinates<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], MessageError> {
    let mut out = [Fq::default(); N];
    for (c, word) in out.iter_mut().zip(bytes.chunks_exact(32)) {
        let mut limbs = [0u64; 4];
        for (limb, chunk) in limbs.iter_mut().zip(word.chunks_exact(8)) {
            *limb = chunk.iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b));
        }
        let montgomery = verifai_field::encoding::BigInt256::new(limbs);
        if montgomery >= Fq::MODULUS {
            return Err(EncodingError::NotBelowModulus.into());
        }
        *c = Fq::new_unchecked(montgomery);
    }
    Ok(out)
}
