//! Scalars, coordinates and points.

use verifai_curve::encoding::{decode_g1_finite, decode_g2_finite, G1_BYTES, G2_BYTES};
use verifai_curve::{
    decode_g1, decode_g2, encode_g1, encode_g2, AffineRepr, CurveGroup, G1Affine, G2Affine,
    G2Projective,
};
use verifai_field::encoding::{reduce, Field256};
use verifai_field::{decode, encode, AdditiveGroup, BigInteger, Fq, PrimeField, Zero, F};

type Fq2 = <G2Affine as AffineRepr>::BaseField;

/// Whatever decodes encodes to the same bytes; points are in their groups, and every point that is
/// made from the bytes comes back.
pub fn encodings(data: &[u8]) {
    element::<F>(data);
    element::<Fq>(data);
    g1(data);
    g2(data);
    let Some(word) = data.first_chunk::<32>() else {
        return;
    };
    let scalar: F = reduce(word);
    made(scalar);
    g1(data.get(..G1_BYTES).unwrap_or_default());
    g2(data.get(..G2_BYTES).unwrap_or_default());
    let (b, x) = (data.get(32).copied().unwrap_or(0), reduce::<Fq>(word));
    twist(x, b);
}

fn element<P: Field256>(bytes: &[u8]) {
    let parts = bytes.chunks(32).chain(std::iter::once(bytes));
    for part in parts {
        match decode::<P>(part) {
            Ok(x) => assert_eq!(encode(&x), part),
            Err(_) => assert!(part.len() != 32 || part >= modulus::<P>().as_slice()),
        }
    }
}

fn modulus<P: Field256>() -> Vec<u8> {
    P::MODULUS.to_bytes_be()
}

fn g1(bytes: &[u8]) {
    let finite = decode_g1_finite(bytes);
    match decode_g1(bytes) {
        Ok(point) => {
            assert_eq!(encode_g1(&point), bytes);
            assert_eq!(finite.is_ok(), bytes.iter().any(|b| *b != 0));
            if let Some((x, y)) = point.xy() {
                assert_eq!(y * y, x * x * x + Fq::from(3u64));
            }
        }
        Err(_) => assert!(finite.is_err()),
    }
}

fn g2(bytes: &[u8]) {
    let finite = decode_g2_finite(bytes);
    match decode_g2(bytes) {
        Ok(point) => {
            assert_eq!(encode_g2(&point), bytes);
            assert_eq!(finite.is_ok(), bytes.iter().any(|b| *b != 0));
            assert!(point.is_on_curve() && in_subgroup(&point));
        }
        Err(_) => assert!(finite.is_err()),
    }
}

/// Multiples of the generators, and changed ones: the other y is the other point, x alone is none.
fn made(scalar: F) {
    let p = (G1Affine::generator() * scalar).into_affine();
    assert_eq!(decode_g1(&encode_g1(&p)), Ok(p));
    assert_eq!(decode_g1(&encode_g1(&-p)), Ok(-p));
    let q = (G2Affine::generator() * scalar).into_affine();
    assert_eq!(decode_g2(&encode_g2(&q)), Ok(q));
    for index in [0, 31, 32, 63] {
        let mut bad = encode_g1(&p);
        if let Some(byte) = bad.get_mut(index) {
            *byte ^= 1;
        }
        assert_ne!(decode_g1(&bad), Ok(p));
    }
}

/// Points of the twist that mostly lie outside of the subgroup.
fn twist(x: Fq, other: u8) {
    let x = Fq2::new(x, Fq::from(other));
    let Some(found) = G2Affine::get_point_from_x_unchecked(x, false) else {
        return;
    };
    assert!(found.is_on_curve());
    assert_eq!(decode_g2(&encode_g2(&found)).is_ok(), in_subgroup(&found));
}

/// By the definition, bit by bit: `p` times the point is infinity.
fn in_subgroup(point: &G2Affine) -> bool {
    let mut sum = G2Projective::zero();
    for bit in F::MODULUS.to_bits_be() {
        sum.double_in_place();
        if bit {
            sum += point;
        }
    }
    sum.is_zero()
}
