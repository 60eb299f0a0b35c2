//! Every multi-scalar multiplication against the definition.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use ark_ff::UniformRand;
use verifai_curve::{
    bucket::{double_all, Buckets},
    msm, msm_small, AffineRepr, CurveGroup, Digits, FixedBases, G1Affine, G1Projective, Repeated,
};
use verifai_field::{from_i64, One, Zero, F};

fn points(n: usize) -> Vec<G1Affine> {
    let mut rng = ark_std::test_rng();
    let p: Vec<G1Projective> = (0..n).map(|_| G1Projective::rand(&mut rng)).collect();
    G1Projective::normalize_batch(&p)
}

fn naive(points: &[G1Affine], scalars: &[F]) -> G1Projective {
    points.iter().zip(scalars).map(|(p, s)| *p * *s).sum()
}

fn scalars(n: usize) -> Vec<F> {
    verifai_field::random::random_vec(n).unwrap()
}

#[test]
fn full_width() {
    for n in [0, 1, 2, 3, 33, 200] {
        let (p, s) = (points(n), scalars(n));
        let expected = naive(&p, &s);
        assert_eq!(msm(&p, &s), Ok(expected));
        for window in [2, 3, 7, 8, 13, 16] {
            let tables = FixedBases::with_window(&p, window);
            assert_eq!(tables.msm(&s), Ok(expected), "n {n} window {window}");
        }
    }
}

#[test]
fn extreme_scalars() {
    let p = points(6);
    let s = [
        F::zero(),
        F::one(),
        -F::one(),
        -F::from(2u64),
        F::from(u64::MAX),
        F::from(1u128 << 127),
    ];
    let tables = FixedBases::new(&p);
    assert_eq!(tables.msm(&s), Ok(naive(&p, &s)));
    assert_eq!(tables.msm(&[-F::one(); 6]), Ok(naive(&p, &[-F::one(); 6])));
    assert_eq!(msm(&p, &s), Ok(naive(&p, &s)));
}

#[test]
fn small_integers() {
    let p = points(700);
    for bits in [1u32, 4, 8, 12, 15, 16, 31] {
        for n in [0, 1, 7, 700] {
            let s: Vec<i64> = (0..n as i64)
                .map(|i| {
                    let v = i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64);
                    let v = v.rem_euclid(1 << bits);
                    if i % 3 == 0 {
                        -v
                    } else {
                        v
                    }
                })
                .collect();
            let f: Vec<F> = s.iter().map(|v| from_i64(*v)).collect();
            assert_eq!(msm_small(&p, &s), Ok(naive(&p, &f)), "{bits} bits, {n}");
        }
    }
    for s in [i64::MIN, i64::MAX, -1, i64::from(i32::MIN)] {
        let expected = p[0] * from_i64(s);
        assert_eq!(msm_small(&p, &[s]), Ok(expected));
    }
}

#[test]
fn all_integer_types() {
    let p = points(300);
    let bytes: Vec<u8> = (0..300u32).map(|i| (i % 256) as u8).collect();
    let words: Vec<u16> = (0..300u32).map(|i| (65_535 - i * 7) as u16).collect();
    let shorts: Vec<i16> = (0..300i32).map(|i| (i * 100 - 30_000) as i16).collect();
    let field = |v: Vec<i64>| v.into_iter().map(from_i64).collect::<Vec<F>>();
    let f = field(bytes.iter().map(|v| i64::from(*v)).collect());
    assert_eq!(msm_small(&p, &bytes), Ok(naive(&p, &f)));
    let f = field(words.iter().map(|v| i64::from(*v)).collect());
    assert_eq!(msm_small(&p, &words), Ok(naive(&p, &f)));
    let f = field(shorts.iter().map(|v| i64::from(*v)).collect());
    assert_eq!(msm_small(&p, &shorts), Ok(naive(&p, &f)));
}

/// Equal, opposite and infinite points take the exceptional branches of the affine addition.
#[test]
fn exceptional_additions() {
    let g = points(2);
    let zero = G1Affine::zero();
    let p = vec![
        g[0], g[0], -g[0], g[0], zero, g[1], -g[1], g[0], g[0], zero, g[1],
    ];
    for mask in 0..(1u32 << p.len()) {
        let s: Vec<u8> = (0..p.len()).map(|i| (mask >> i & 1) as u8).collect();
        if mask % 7 != 0 {
            continue;
        }
        let f: Vec<F> = s.iter().map(|v| F::from(*v)).collect();
        assert_eq!(msm_small(&p, &s), Ok(naive(&p, &f)), "{s:?}");
    }
    let s = vec![F::from(77u64); p.len()];
    assert_eq!(FixedBases::new(&p).msm(&s), Ok(naive(&p, &s)));
    let mut doubled = p.clone();
    double_all(&mut doubled);
    for (a, b) in p.iter().zip(&doubled) {
        assert_eq!(*a + *a, b.into_group());
    }
}

#[test]
fn many_blocks_in_few_buckets() {
    let p = points(64);
    let mut buckets = Buckets::new(3);
    let mut expected = [G1Projective::zero(); 3];
    for i in 0..70_000usize {
        let digit = [1, -2, 3, 2, -3, 0][i % 6];
        let point = &p[(i * 31) % 64];
        buckets.put(digit, point);
        if digit > 0 {
            expected[digit as usize - 1] += point;
        } else if digit < 0 {
            expected[digit.unsigned_abs() as usize - 1] -= point;
        }
    }
    let sums = buckets.into_sums();
    assert_eq!(G1Projective::normalize_batch(&expected), sums);
    for n in [1, 31, 32, 33, 100, 256, 1000] {
        let mut buckets = Buckets::new(n);
        let mut expected = G1Projective::zero();
        for k in 1..=n {
            let point = &p[k % 64];
            buckets.put(k as i32, point);
            expected += *point * F::from(k as u64);
        }
        assert_eq!(buckets.weighted_sum(), expected, "{n} buckets");
    }
}

#[test]
fn too_few_points_is_an_error() {
    let p = points(2);
    assert!(msm(&p, &[F::one(); 3]).is_err());
    assert!(msm_small(&p, &[1u8; 3]).is_err());
    let tables = FixedBases::new(&p);
    assert!(tables.msm(&[F::one(); 3]).is_err());
}

/// Scalars of all sizes, each at many points, at none, at one point twice; and what is in no list.
#[test]
fn repeated_scalars() {
    let p = points(300);
    let mut values = scalars(7);
    values.extend([
        F::zero(),
        F::one(),
        -F::one(),
        F::from(128u64),
        -F::from(129u64),
    ]);
    let digits: Vec<Digits> = values.iter().map(Digits::from).collect();
    let terms: Vec<(u32, u32)> = (0..900u32).map(|i| (i % 300, i * i % 11)).collect();
    let expected: G1Projective = terms
        .iter()
        .map(|(i, s)| p[*i as usize] * values[*s as usize])
        .sum();
    assert_eq!(Repeated::new(&terms, &digits).sum(&p), expected);
    let beyond: Vec<(u32, u32)> = terms.iter().copied().chain([(300, 0), (0, 99)]).collect();
    assert_eq!(Repeated::new(&beyond, &digits).sum(&p), expected);
    assert_eq!(Repeated::new(&[], &digits).sum(&p), G1Projective::zero());
}
