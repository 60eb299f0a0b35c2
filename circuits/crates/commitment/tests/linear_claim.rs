//! The last sumcheck and the opening together: a linear claim on the committed vector is reduced by
//! a sumcheck to one value, and the value is opened. One stream of bytes, every one of which matters.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::convert::Infallible;
use verifai_commitment::{open, verify, CommitmentKey, Row, SecretRow, Statement, VerifierKey};
use verifai_curve::{G1Affine, G1};
use verifai_field::{from_i64, inner_product, random::random_vec, One, F};
use verifai_poly::{eq_table, next_claim};
use verifai_srs::development;
use verifai_sumcheck::{prove, Product, Products};
use verifai_transcript::{Kind, Label, ProofReader, ProofWriter, Transcript};

const LOG_ROWS: usize = 1;
const LOG_COLUMNS: usize = 3;
const ROWS: Label = Label::new("rows");
const SUM: Label = Label::new("sum");
const VALUE: Label = Label::new("y");
const LABELS: (Label, Label) = (Label::new("last"), Label::new("r"));

/// The claim: `sum over a of weights(a) w(a) = sum`, with public weights.
fn weights() -> Vec<F> {
    (0..1i64 << (LOG_ROWS + LOG_COLUMNS))
        .map(|a| from_i64(a * a - 7 * a + 3))
        .collect()
}

fn prover(key: &CommitmentKey, sum_off: F, recorded: Transcript) -> ProofWriter {
    let limbs = vec![1, 2, 3, 255, 0, 9, -4, 77];
    let mask = random_vec(1 << LOG_COLUMNS).unwrap();
    let mut w: Vec<F> = limbs.iter().map(|v| from_i64(i64::from(*v))).collect();
    w.extend(&mask);
    let rows = [Row::Small(limbs), Row::Field(mask)];
    let blindings = random_vec(2).unwrap();
    let mut writer = ProofWriter::new(recorded);
    let commitments: Vec<G1> = rows
        .iter()
        .zip(&blindings)
        .map(|(row, b)| G1(key.commit(row, *b).unwrap()))
        .collect();
    writer.send(ROWS, &commitments);
    writer.send(SUM, &[inner_product(&weights(), &w) + sum_off]);
    let product = Product { a: weights(), b: w };
    let mut last = Products::new(vec![(product, F::one())]);
    let (rounds, go_on) = (last.left(), || Ok::<_, Infallible>(()));
    let point = prove(&mut last, rounds, &[], LABELS, go_on, &mut writer).unwrap();
    writer.send(VALUE, &[last.evaluations()[1]]);
    let secret: Vec<SecretRow<'_>> = rows
        .iter()
        .zip(&blindings)
        .enumerate()
        .map(|(index, (row, blinding))| SecretRow {
            index,
            row,
            blinding: *blinding,
        })
        .collect();
    open(key, &secret, &point, &[], &mut writer).unwrap();
    writer
}

fn verifier(key: &VerifierKey, proof: &[u8]) -> Option<()> {
    let mut reader = ProofReader::new(Transcript::new("linear claim"), proof);
    let rows: Vec<G1> = reader.receive(ROWS, 1 << LOG_ROWS).ok()?;
    let mut claim: F = reader.receive_one(SUM).ok()?;
    let mut point = Vec::new();
    for _ in 0..LOG_ROWS + LOG_COLUMNS {
        let message: Vec<F> = reader.receive(LABELS.0, 2).ok()?;
        let challenge = reader.transcript.challenge(LABELS.1);
        claim = next_claim(claim, &message, challenge);
        point.push(challenge);
    }
    let value: F = reader.receive_one(VALUE).ok()?;
    let weight = inner_product(&weights(), &eq_table(&point));
    if claim != weight * value {
        return None;
    }
    let rows: Vec<(usize, G1Affine)> = rows.iter().map(|c| c.0).enumerate().collect();
    let statement = Statement {
        rows: &rows,
        log_rows: LOG_ROWS,
        log_columns: LOG_COLUMNS,
        point: &point,
        value,
        public_rows: &[],
    };
    verify(key, &statement, &mut reader).ok()?;
    reader.finish().ok()
}

fn key() -> CommitmentKey {
    CommitmentKey::new(&development(1 << LOG_COLUMNS).unwrap(), LOG_COLUMNS).unwrap()
}

#[test]
fn a_true_claim_is_accepted_and_every_byte_of_it_matters() {
    let key = key();
    let proof = prover(&key, F::default(), Transcript::new("linear claim")).finish();
    let vk = key.verifier_key();
    assert_eq!(verifier(&vk, &proof), Some(()));
    for i in 0..proof.len() {
        let mut bad = proof.clone();
        bad[i] ^= 4;
        assert_eq!(verifier(&vk, &bad), None, "byte {i}");
    }
}

#[test]
fn a_false_claim_is_refused() {
    let key = key();
    let proof = prover(&key, F::one(), Transcript::new("linear claim")).finish();
    assert_eq!(verifier(&key.verifier_key(), &proof), None);
}

/// The inventory of what is absorbed and drawn, in order: a message that is dropped, added or moved
/// fails here.
#[test]
fn the_inventory_of_the_transcript() {
    let writer = prover(&key(), F::default(), Transcript::recording("linear claim"));
    let steps: Vec<(String, Option<Kind>, usize)> = writer
        .transcript
        .steps()
        .iter()
        .map(|s| (s.label.as_str().to_owned(), s.absorbed, s.bytes))
        .collect();
    let mut expected = vec![
        ("rows", Some(Kind::G1), 128),
        ("sum", Some(Kind::Scalars), 32),
    ];
    for _ in 0..LOG_ROWS + LOG_COLUMNS {
        expected.extend([("last", Some(Kind::Scalars), 64), ("r", None, 0)]);
    }
    expected.extend([
        ("y", Some(Kind::Scalars), 32),
        ("opening blinding", Some(Kind::Scalars), 32),
        ("opening folds", Some(Kind::G1), 128),
        ("opening r", None, 0),
        ("opening evaluations", Some(Kind::Scalars), 128),
        ("opening nu", None, 0),
        ("opening W", Some(Kind::G1), 64),
        ("opening z", None, 0),
        ("opening W'", Some(Kind::G1), 64),
    ]);
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(l, k, n)| (l.to_owned(), k, n))
        .collect();
    assert_eq!(steps, expected);
    // what is absorbed is what is sent: the proof holds every message, and nothing else
    let bytes: usize = steps.iter().map(|s| s.2).sum();
    assert_eq!(writer.finish().len(), bytes);
}
