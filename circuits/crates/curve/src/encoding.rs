//! Canonical bytes of points: uncompressed, big-endian, in the order of the EVM precompiles.
//!
//! G1 is `x || y` (64 bytes), G2 is `x.c1 || x.c0 || y.c1 || y.c0` (128 bytes); infinity is all
//! zeros, which is on neither curve. Coordinates must be below q (EIP-196, EIP-197). G1 has prime
//! order; a point of the twist must also lie in the subgroup of order p.

use ark_bn254::{Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use verifai_field::{decode, encode, Fq, Zero};
use verifai_transcript::{Kind, Message, MessageError};

/// Bytes of a G1 point.
pub const G1_BYTES: usize = 64;
/// Bytes of a G2 point.
pub const G2_BYTES: usize = 128;

/// The canonical bytes of a G1 point.
pub fn encode_g1(point: &G1Affine) -> [u8; G1_BYTES] {
    let mut out = [0u8; G1_BYTES];
    if let Some((x, y)) = point.xy() {
        put(&mut out, &[x, y]);
    }
    out
}

/// The canonical bytes of a G2 point.
pub fn encode_g2(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut out = [0u8; G2_BYTES];
    if let Some((x, y)) = point.xy() {
        put(&mut out, &[x.c1, x.c0, y.c1, y.c0]);
    }
    out
}

/// Reads a G1 point; infinity is allowed, see [`decode_g1_finite`].
pub fn decode_g1(bytes: &[u8]) -> Result<G1Affine, MessageError> {
    let [x, y] = coordinates(bytes)?;
    g1_from_coordinates(x, y)
}

/// Reads a G2 point; infinity is allowed, see [`decode_g2_finite`].
pub fn decode_g2(bytes: &[u8]) -> Result<G2Affine, MessageError> {
    let [x1, x0, y1, y0] = coordinates(bytes)?;
    g2_from_coordinates(Fq2::new(x0, x1), Fq2::new(y0, y1))
}

/// Reads a G1 point where infinity has no meaning.
pub fn decode_g1_finite(bytes: &[u8]) -> Result<G1Affine, MessageError> {
    finite(decode_g1(bytes)?)
}

/// Reads a G2 point where infinity has no meaning.
pub fn decode_g2_finite(bytes: &[u8]) -> Result<G2Affine, MessageError> {
    finite(decode_g2(bytes)?)
}

/// A checked G1 point; (0, 0) is infinity.
pub fn g1_from_coordinates(x: Fq, y: Fq) -> Result<G1Affine, MessageError> {
    if x.is_zero() && y.is_zero() {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(MessageError::NotOnCurve)
    }
}

/// A checked G2 point; (0, 0) is infinity.
pub fn g2_from_coordinates(x: Fq2, y: Fq2) -> Result<G2Affine, MessageError> {
    if x.is_zero() && y.is_zero() {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(MessageError::NotOnCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(MessageError::NotInSubgroup);
    }
    Ok(point)
}

/// A G1 point as a message of a proof. Infinity is a legal message: it commits to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct G1(pub G1Affine);

/// A G2 point as a message; infinity is refused, since every G2 point of the protocol is a
/// generator or its multiple by tau.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct G2(pub G2Affine);

impl Message for G1 {
    const KIND: Kind = Kind::G1;
    const SIZE: usize = G1_BYTES;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&encode_g1(&self.0));
    }

    fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_g1(bytes).map(Self)
    }
}

impl Message for G2 {
    const KIND: Kind = Kind::G2;
    const SIZE: usize = G2_BYTES;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&encode_g2(&self.0));
    }

    fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_g2_finite(bytes).map(Self)
    }
}

/// The point, where infinity has no meaning.
pub fn finite<P: AffineRepr>(point: P) -> Result<P, MessageError> {
    if point.is_zero() {
        Err(MessageError::Infinity)
    } else {
        Ok(point)
    }
}

fn put(out: &mut [u8], coordinates: &[Fq]) {
    for (chunk, c) in out.chunks_exact_mut(32).zip(coordinates) {
        chunk.copy_from_slice(&encode(c));
    }
}

fn coordinates<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], MessageError> {
    let expected = N.saturating_mul(32);
    if bytes.len() != expected {
        return Err(MessageError::Length {
            expected,
            got: bytes.len(),
        });
    }
    let mut out = [Fq::zero(); N];
    for (c, chunk) in out.iter_mut().zip(bytes.chunks_exact(32)) {
        *c = decode(chunk)?;
    }
    Ok(out)
}
