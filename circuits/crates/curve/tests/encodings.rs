//! Canonical points: one form each, and nothing else is read.

use ark_ff::UniformRand;
use verifai_curve::encoding::{decode_g1_finite, decode_g2_finite};
use verifai_curve::{
    blinding_generator, decode_g1, decode_g2, encode_g1, encode_g2, AffineRepr, CurveGroup,
    G1Affine, G1Projective, G2Affine, G2Projective, G1, G2,
};
use verifai_field::{encode, Fq};
use verifai_transcript::{Message, MessageError};

#[test]
fn round_trips() {
    let mut rng = ark_std::test_rng();
    for _ in 0..50 {
        let p = G1Projective::rand(&mut rng).into_affine();
        assert_eq!(decode_g1(&encode_g1(&p)), Ok(p));
        assert_eq!(decode_g1_finite(&encode_g1(&p)), Ok(p));
        let q = G2Projective::rand(&mut rng).into_affine();
        assert_eq!(decode_g2(&encode_g2(&q)), Ok(q));
        assert_eq!(decode_g2_finite(&encode_g2(&q)), Ok(q));
    }
}

#[test]
fn infinity_is_zero_bytes() {
    assert_eq!(encode_g1(&G1Affine::zero()), [0; 64]);
    assert_eq!(encode_g2(&G2Affine::zero()), [0; 128]);
    assert_eq!(decode_g1(&[0; 64]), Ok(G1Affine::zero()));
    assert_eq!(decode_g2(&[0; 128]), Ok(G2Affine::zero()));
    assert_eq!(decode_g1_finite(&[0; 64]), Err(MessageError::Infinity));
    assert_eq!(decode_g2_finite(&[0; 128]), Err(MessageError::Infinity));
    assert_eq!(G1::read(&[0; 64]), Ok(G1(G1Affine::zero())));
    assert_eq!(G2::read(&[0; 128]), Err(MessageError::Infinity));
}

#[test]
fn generators_are_those_of_the_evm() {
    let g = encode_g1(&G1Affine::generator());
    assert_eq!((g[31], g[63]), (1, 2));
    assert!(g.iter().filter(|b| **b != 0).count() == 2);
    let g2: String = encode_g2(&G2Affine::generator())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    // EIP-197
    assert!(g2.starts_with("198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"));
    assert!(g2.ends_with("12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"));
}

#[test]
fn every_flip_is_refused() {
    let p = encode_g1(&G1Affine::generator());
    for i in 0..64 {
        for bit in 0..8 {
            let mut bad = p;
            bad[i] ^= 1 << bit;
            if let Ok(point) = decode_g1(&bad) {
                assert_eq!(encode_g1(&point), bad, "a second form of a point");
                assert!(point.is_on_curve());
            }
        }
    }
    let q = encode_g2(&G2Affine::generator());
    for i in 0..128 {
        let mut bad = q;
        bad[i] ^= 1;
        assert!(decode_g2(&bad).is_err(), "byte {i}");
    }
}

#[test]
fn lengths_and_moduli() {
    let p = encode_g1(&G1Affine::generator());
    assert!(matches!(
        decode_g1(&p[..63]),
        Err(MessageError::Length {
            expected: 64,
            got: 63
        })
    ));
    assert!(decode_g2(&p).is_err());
    let mut big = p;
    big[..32].copy_from_slice(&[0xff; 32]);
    assert!(matches!(decode_g1(&big), Err(MessageError::Field(_))));
    let mut q_plus_one = encode(&-Fq::from(1u64));
    q_plus_one[31] += 2;
    big[..32].copy_from_slice(&q_plus_one);
    assert!(matches!(decode_g1(&big), Err(MessageError::Field(_))));
}

#[test]
fn blinding_generator_is_pinned() {
    let h = blinding_generator().0;
    assert!(h.is_on_curve() && !h.is_zero());
    assert_ne!(h, G1Affine::generator());
    let hex: String = encode_g1(&h).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        include_str!("../../../vectors/blinding_generator.txt").trim()
    );
}
