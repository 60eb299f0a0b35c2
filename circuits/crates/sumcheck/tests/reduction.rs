//! Honest claims reduce to true ones, forged claims to false ones.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use verifai_field::{One, Zero, F};
use verifai_poly::evaluate;
use verifai_sumcheck::{
    prove, verify, Dense, Instance, Labels, ProveError, Shape, ShapeError, SumcheckError,
};
use verifai_transcript::{Label, ProofReader, ProofWriter, ReadError, Transcript};

const LABELS: Labels = Labels {
    batch: Label::new("eta"),
    message: Label::new("round"),
    challenge: Label::new("t"),
};

fn random(n: usize) -> Vec<F> {
    verifai_field::random::random_vec(n).unwrap()
}

fn product(v: &[F; 2]) -> F {
    v[0] * v[1]
}

/// Degree 4, with a constant and a lower term.
fn gate(v: &[F; 3]) -> F {
    v[0] * v[1] * (v[2] * v[0] - F::one()) + v[1] + F::from(9u64)
}

fn transcript() -> Transcript {
    Transcript::new("verifai sumcheck test")
}

type Polynomial = Box<dyn Fn(&[F]) -> F>;

struct Case {
    shapes: Vec<Shape>,
    sums: Vec<F>,
    proof: Vec<u8>,
    pads: Vec<F>,
    /// the value of each instance at a point
    at: Vec<Polynomial>,
}

/// One product on `m` variables and one gate on `n`, padded or not.
fn case(m: usize, n: usize, padded: bool) -> Case {
    let (a, b) = (random(1 << m), random(1 << m));
    let (c, d, e) = (random(1 << n), random(1 << n), random(1 << n));
    let mut first = Dense::new([a.clone(), b.clone()], 2, product).unwrap();
    let mut second = Dense::new([c.clone(), d.clone(), e.clone()], 4, gate).unwrap();
    let sums = vec![first.sum(), second.sum()];
    let direct: F = (0..1 << m).map(|i| a[i] * b[i]).sum();
    assert_eq!(sums[0], direct);
    let shapes = vec![first.shape(), second.shape()];
    let pads = if padded { random(4 * m.max(n)) } else { vec![] };
    let mut writer = ProofWriter::new(transcript());
    let point = prove(&mut [&mut first, &mut second], &pads, &LABELS, &mut writer).unwrap();
    assert_eq!(point.len(), m.max(n));
    let at: Vec<Polynomial> = vec![
        Box::new(move |x| evaluate(&a, x).unwrap() * evaluate(&b, x).unwrap()),
        Box::new(move |x| gate(&[&c, &d, &e].map(|t| evaluate(t, x).unwrap()))),
    ];
    assert_eq!(product(&first.values()), at[0](&point[point.len() - m..]));
    Case {
        shapes,
        sums,
        proof: writer.finish(),
        pads,
        at,
    }
}

impl Case {
    /// Whether the final claim is true.
    fn accepts(&self, sums: &[F], proof: &[u8]) -> Result<bool, SumcheckError> {
        let mut reader = ProofReader::new(transcript(), proof);
        let reduction = verify(&self.shapes, &LABELS, &mut reader)?;
        reader.finish()?;
        let mut claim = reduction.value(sums)?;
        if !self.pads.is_empty() {
            claim -= reduction.padding(&self.pads)?;
        }
        let values: F = self
            .at
            .iter()
            .enumerate()
            .map(|(j, g)| reduction.coefficients[j] * g(reduction.instance_point(j)))
            .sum();
        Ok(claim == values)
    }
}

#[test]
fn honest_claims() {
    for (m, n) in [(0, 0), (0, 3), (1, 1), (4, 2), (3, 7), (5, 5), (12, 10)] {
        for padded in [false, true] {
            let c = case(m, n, padded);
            assert_eq!(c.accepts(&c.sums, &c.proof), Ok(true), "{m} {n} {padded}");
        }
    }
}

#[test]
fn forged_sums() {
    for (m, n) in [(0, 0), (2, 5), (5, 2)] {
        let c = case(m, n, false);
        for j in 0..2 {
            let mut bad = c.sums.clone();
            bad[j] += F::one();
            assert_eq!(c.accepts(&bad, &c.proof), Ok(false));
        }
        // errors that cancel without the batching challenge
        let bad = [c.sums[0] + F::one(), c.sums[1] - F::one()];
        assert_eq!(c.accepts(&bad, &c.proof), Ok(false));
    }
}

#[test]
fn every_flipped_byte() {
    let c = case(2, 3, false);
    for i in 0..c.proof.len() {
        let mut bad = c.proof.clone();
        bad[i] ^= 1;
        assert_ne!(c.accepts(&c.sums, &bad), Ok(true), "byte {i}");
    }
    assert!(matches!(
        c.accepts(&c.sums, &c.proof[1..]),
        Err(SumcheckError::Read(_))
    ));
    let long = [c.proof.clone(), vec![0]].concat();
    assert_eq!(
        c.accepts(&c.sums, &long),
        Err(SumcheckError::Read(ReadError::Trailing { bytes: 1 }))
    );
}

#[test]
fn every_pad_matters() {
    let c = case(2, 3, true);
    assert_eq!(c.accepts(&c.sums, &c.proof), Ok(true));
    let mut reader = ProofReader::new(transcript(), &c.proof);
    let r = verify(&c.shapes, &LABELS, &mut reader).unwrap();
    let right = r.padding(&c.pads).unwrap();
    for i in 0..c.pads.len() {
        let mut other = c.pads.clone();
        other[i] += F::one();
        assert_ne!(r.padding(&other).unwrap(), right, "pad {i}");
    }
}

/// A shorter instance takes the last challenges; with the first ones the claim is false (H8).
#[test]
fn first_challenges_are_the_wrong_ones() {
    let c = case(2, 5, false);
    let mut reader = ProofReader::new(transcript(), &c.proof);
    let r = verify(&c.shapes, &LABELS, &mut reader).unwrap();
    let claim = r.value(&c.sums).unwrap();
    let right = r.coefficients[0] * c.at[0](&r.point[3..]);
    let wrong = r.coefficients[0] * c.at[0](&r.point[..2]);
    let other = r.coefficients[1] * c.at[1](&r.point);
    assert_eq!(claim, right + other);
    assert_ne!(claim, wrong + other);
    assert_eq!(r.sum_weight(0), r.claim_weight * F::from(8u64));
    assert!(r.instance_point(2).is_empty());
}

#[test]
fn one_instance_draws_no_batching_challenge() {
    let mut only = Dense::new([random(4), random(4)], 2, product).unwrap();
    let mut writer = ProofWriter::new(Transcript::recording("x"));
    prove(&mut [&mut only], &[], &LABELS, &mut writer).unwrap();
    let names: Vec<_> = writer
        .transcript()
        .steps()
        .iter()
        .map(|s| (s.label.as_str().to_owned(), s.bytes))
        .collect();
    let expected = [("round", 64), ("t", 0), ("round", 64), ("t", 0)];
    assert_eq!(names, expected.map(|(n, b)| (n.to_owned(), b)));
}

#[test]
fn impossible_shapes() {
    let shape = |variables, degree| Shape { variables, degree };
    for (shapes, error) in [
        (vec![], ShapeError::Empty),
        (vec![shape(41, 2)], ShapeError::Variables(41)),
        (vec![shape(3, 0)], ShapeError::Degree(0)),
        (vec![shape(3, 2), shape(3, 17)], ShapeError::Degree(17)),
    ] {
        let mut reader = ProofReader::new(transcript(), &[]);
        assert_eq!(
            verify(&shapes, &LABELS, &mut reader),
            Err(SumcheckError::Shape(error))
        );
    }
    assert!(Dense::new([random(4), random(3)], 2, product).is_err());
    assert!(Dense::new([random(3), random(3)], 2, product).is_err());
    let mut only = Dense::new([random(4), random(4)], 2, product).unwrap();
    let mut writer = ProofWriter::new(transcript());
    let pads = [F::zero(); 3];
    assert_eq!(
        prove(&mut [&mut only], &pads, &LABELS, &mut writer),
        Err(ProveError::Pads { pads: 3, values: 4 })
    );
    let c = case(1, 1, false);
    let mut reader = ProofReader::new(transcript(), &c.proof);
    let r = verify(&c.shapes, &LABELS, &mut reader).unwrap();
    assert!(r.value(&c.sums[..1]).is_err());
    assert!(r.padding(&[]).is_err());
}
