//! Sums of products reduce to values at one point.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::convert::Infallible;
use verifai_field::{inner_product, random::random_vec, One, F};
use verifai_poly::{eq_table, next_claim};
use verifai_sumcheck::{prove, Product, Products};
use verifai_transcript::{Label, ProofReader, ProofWriter, Transcript};

const LABELS: (Label, Label) = (Label::new("round"), Label::new("t"));

struct Case {
    /// Two tables and a coefficient each.
    products: Vec<(Vec<F>, Vec<F>, F)>,
    rounds: usize,
    pads: Vec<F>,
    proof: Vec<u8>,
    evaluations: Vec<F>,
}

fn transcript() -> Transcript {
    Transcript::new("verifai sumcheck test")
}

fn case(variables: &[usize], padded: bool) -> Case {
    let random = |n: usize| random_vec(n).unwrap();
    let product = |m: &usize| (random(1 << m), random(1 << m), random(1)[0]);
    let products: Vec<_> = variables.iter().map(product).collect();
    let mut instance = Products::new(
        products
            .iter()
            .map(|(a, b, c)| {
                (
                    Product {
                        a: a.clone(),
                        b: b.clone(),
                    },
                    *c,
                )
            })
            .collect(),
    );
    let rounds = instance.left();
    let pads = random(if padded { 2 * rounds } else { 0 });
    let mut writer = ProofWriter::new(transcript());
    let go_on = || Ok::<_, Infallible>(());
    prove(&mut instance, rounds, &pads, LABELS, go_on, &mut writer).unwrap();
    Case {
        products,
        rounds,
        pads,
        proof: writer.finish(),
        evaluations: instance.evaluations(),
    }
}

impl Case {
    /// The batched claim: a product that is constant in some variables is summed over them too.
    fn claim(&self) -> F {
        let sums = self.products.iter().map(|(a, b, c)| {
            let waiting = self.rounds - a.len().ilog2() as usize;
            inner_product(a, b) * c * F::from(1u64 << waiting)
        });
        sums.sum()
    }

    /// The point, and what is left of a claim after all rounds.
    fn reduce(&self, mut claim: F) -> (Vec<F>, F) {
        let mut reader = ProofReader::new(transcript(), &self.proof);
        let mut pads = self.pads.chunks_exact(2);
        let mut point = Vec::new();
        for _ in 0..self.rounds {
            let mut sent: Vec<F> = reader.receive(LABELS.0, 2).unwrap();
            if let Some(pads) = pads.next() {
                sent.iter_mut().zip(pads).for_each(|(s, p)| *s -= p);
            }
            point.push(reader.transcript.challenge(LABELS.1));
            claim = next_claim(claim, &sent, *point.last().unwrap());
        }
        reader.finish().unwrap();
        (point, claim)
    }

    /// The products at the point, where each takes the challenges that `own` gives it.
    fn at(&self, point: &[F], own: impl Fn(&[F], usize) -> Vec<F>) -> F {
        let values = self.products.iter().map(|(a, b, c)| {
            let own = own(point, a.len().ilog2() as usize);
            let eq = eq_table(&own);
            inner_product(a, &eq) * inner_product(b, &eq) * c
        });
        values.sum()
    }
}

fn last(point: &[F], n: usize) -> Vec<F> {
    point[point.len() - n..].to_vec()
}

#[test]
fn true_claims_and_false_ones() {
    for variables in [&[0][..], &[0, 3], &[1, 1], &[4, 2, 7], &[12]] {
        for padded in [false, true] {
            let case = case(variables, padded);
            let (point, claim) = case.reduce(case.claim());
            assert_eq!(claim, case.at(&point, last), "{variables:?}");
            let sent = case.evaluations.chunks_exact(2).zip(&case.products);
            assert_eq!(claim, sent.map(|(e, p)| e[0] * e[1] * p.2).sum::<F>());
            assert_ne!(case.reduce(case.claim() + F::one()).1, claim);
        }
    }
}

/// A shorter instance takes the last challenges; with the first ones the claim is false.
#[test]
fn first_challenges_are_the_wrong_ones() {
    let case = case(&[2, 5], false);
    let (point, claim) = case.reduce(case.claim());
    let first = |point: &[F], n: usize| point[..n].to_vec();
    assert_ne!(claim, case.at(&point, first));
}

#[test]
fn every_pad_counts() {
    let mut case = case(&[2, 3], true);
    let (_, right) = case.reduce(case.claim());
    for i in 0..case.pads.len() {
        case.pads[i] += F::one();
        assert_ne!(case.reduce(case.claim()).1, right, "pad {i}");
        case.pads[i] -= F::one();
    }
}

#[test]
fn nobody_waits() {
    let (a, b) = (vec![F::one(); 2], vec![F::one(); 2]);
    let mut instance = Products::new(vec![(Product { a, b }, F::one())]);
    let mut writer = ProofWriter::new(transcript());
    let stop = || Err("stopped");
    let ended = prove(&mut instance, 1, &[], LABELS, stop, &mut writer);
    assert_eq!(ended, Err("stopped"));
}
