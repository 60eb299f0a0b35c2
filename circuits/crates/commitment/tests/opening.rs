//! Openings: honest ones are accepted, and every part of a statement or a proof matters.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use verifai_commitment::{
    open, verify, CommitmentKey, KeyError, OpenError, OpeningError, PublicRow, Row, SecretRow,
    Statement, VerifierKey,
};
use verifai_curve::{AffineRepr, CurveGroup, G1Affine, G2Affine, G1};
use verifai_field::{from_i64, inner_product, One, Zero, F};
use verifai_poly::{eq_at, eq_table};
use verifai_srs::development;
use verifai_transcript::{Label, ProofReader, ProofWriter, ReadError, Transcript};

const LOG_ROWS: usize = 2;
const LOG_COLUMNS: usize = 3;

fn random(n: usize) -> Vec<F> {
    verifai_field::random::random_vec(n).unwrap()
}

fn key(log_columns: usize) -> CommitmentKey {
    CommitmentKey::new(&development(1 << log_columns).unwrap(), log_columns).unwrap()
}

struct Case {
    key: VerifierKey,
    rows: Vec<(usize, G1Affine)>,
    log_rows: usize,
    log_columns: usize,
    point: Vec<F>,
    value: F,
    public_rows: Vec<PublicRow>,
    proof: Vec<u8>,
}

/// Everything that an opening presupposes, in the transcript.
fn transcript(rows: &[(usize, G1Affine)], point: &[F], value: F) -> Transcript {
    let mut t = Transcript::new("verifai opening test");
    let points: Vec<G1> = rows.iter().map(|(_, c)| G1(*c)).collect();
    t.absorb(Label::new("rows"), &points);
    t.absorb(Label::new("point"), point);
    t.absorb(Label::new("value"), &[value]);
    t
}

impl Case {
    fn new(log_rows: usize, log_columns: usize, rows: &[(usize, Row)], hiding: bool) -> Self {
        let key = key(log_columns);
        let blindings = if hiding {
            random(rows.len())
        } else {
            vec![F::zero(); rows.len()]
        };
        let commitments: Vec<(usize, G1Affine)> = rows
            .iter()
            .zip(&blindings)
            .map(|((i, row), b)| (*i, key.commit(row, *b).unwrap()))
            .collect();
        let point = random(log_rows + log_columns);
        let columns = eq_table(&point[log_rows..]);
        let value = rows
            .iter()
            .map(|(i, row)| {
                let entries = match row {
                    Row::Small(v) => v.iter().map(|k| from_i64(i64::from(*k))).collect(),
                    Row::Field(v) => v.clone(),
                };
                eq_at(&point[..log_rows], *i) * inner_product(&entries, &columns)
            })
            .sum();
        let public_rows: Vec<PublicRow> = (0..2)
            .map(|k| {
                let coefficients = random((1 << log_columns) - k);
                let blinding = random(1)[0];
                let row = Row::Field(coefficients.clone());
                PublicRow {
                    commitment: key.commit(&row, blinding).unwrap(),
                    blinding,
                    coefficients,
                }
            })
            .collect();
        let mut writer = ProofWriter::new(transcript(&commitments, &point, value));
        let secret: Vec<SecretRow<'_>> = rows
            .iter()
            .zip(&blindings)
            .map(|((index, row), blinding)| SecretRow {
                index: *index,
                row,
                blinding: *blinding,
            })
            .collect();
        open(&key, &secret, &point, &public_rows, &mut writer).unwrap();
        Self {
            key: key.verifier_key(),
            rows: commitments,
            log_rows,
            log_columns,
            point,
            value,
            public_rows,
            proof: writer.finish(),
        }
    }

    fn verify(&self) -> Result<(), OpeningError> {
        self.verify_under(transcript(&self.rows, &self.point, self.value))
    }

    fn verify_under(&self, transcript: Transcript) -> Result<(), OpeningError> {
        let statement = Statement {
            rows: &self.rows,
            log_rows: self.log_rows,
            log_columns: self.log_columns,
            point: &self.point,
            value: self.value,
            public_rows: &self.public_rows,
        };
        let mut reader = ProofReader::new(transcript, &self.proof);
        verify(&self.key, &statement, &mut reader)?;
        Ok(reader.finish()?)
    }
}

fn mixed_rows() -> Vec<(usize, Row)> {
    vec![
        (0, Row::Small(vec![5, -3, 255, 0, 7, 1, 2, 3])),
        (1, Row::Field(random(8))),
        (3, Row::Small(vec![1 << 20, -9])),
    ]
}

fn case() -> Case {
    Case::new(LOG_ROWS, LOG_COLUMNS, &mixed_rows(), true)
}

#[test]
fn honest_openings() {
    for log_rows in 0..3 {
        for log_columns in 1..6 {
            for hiding in [false, true] {
                let rows: Vec<(usize, Row)> = (0..1 << log_rows)
                    .filter(|i| i % 3 != 1)
                    .map(|i| {
                        let row = match i % 2 {
                            0 => Row::Field(random(1 << log_columns)),
                            _ => Row::Small((0..(1 << log_columns) - 1).collect()),
                        };
                        (i, row)
                    })
                    .collect();
                let c = Case::new(log_rows, log_columns, &rows, hiding);
                assert_eq!(c.verify(), Ok(()), "{log_rows} {log_columns} {hiding}");
                let size = 64 * (log_columns - 1 + 2) + 32 * (log_columns + 2);
                assert_eq!(c.proof.len(), size);
            }
        }
    }
}

#[test]
fn the_zero_vector_and_no_rows_at_all() {
    let zero = Case::new(1, 2, &[(0, Row::Small(vec![0; 4]))], false);
    assert!(zero.value.is_zero() && zero.rows[0].1.is_zero());
    assert_eq!(zero.verify(), Ok(()));
    assert_eq!(Case::new(1, 2, &[], false).verify(), Ok(()));
}

#[test]
fn every_flipped_bit_of_the_proof() {
    let mut c = case();
    for i in 0..c.proof.len() {
        for bit in [0, 7] {
            c.proof[i] ^= 1 << bit;
            assert!(c.verify().is_err(), "byte {i}");
            c.proof[i] ^= 1 << bit;
        }
    }
    assert_eq!(c.verify(), Ok(()));
}

#[test]
fn lengths_are_exact() {
    let mut c = case();
    let whole = c.proof.clone();
    for cut in [0, 1, 31, 32, 100, whole.len() - 1] {
        c.proof = whole[..cut].to_vec();
        assert!(matches!(
            c.verify(),
            Err(OpeningError::Read(ReadError::Truncated { .. }))
        ));
    }
    c.proof = [whole, vec![0]].concat();
    assert_eq!(
        c.verify(),
        Err(OpeningError::Read(ReadError::Trailing { bytes: 1 }))
    );
}

/// Every part of the statement is changed, once with the transcript of the changed statement and
/// once with that of the honest one: what the pairing alone refuses must not depend on the hash.
#[test]
fn every_part_of_the_statement() {
    let honest = case();
    let kept = transcript(&honest.rows, &honest.point, honest.value);
    let refuse = |name: &str, change: &dyn Fn(&mut Case)| {
        let mut c = case_like(&honest);
        change(&mut c);
        assert!(c.verify().is_err(), "{name}");
        assert!(
            c.verify_under(kept.clone()).is_err(),
            "{name}, old transcript"
        );
    };
    refuse("value", &|c| c.value += F::one());
    for i in 0..LOG_ROWS + LOG_COLUMNS {
        refuse("point", &|c| c.point[i] += F::one());
    }
    for i in 0..3 {
        refuse("commitment", &|c| {
            c.rows[i].1 = (c.rows[i].1 + G1Affine::generator()).into_affine();
        });
        refuse("negated", &|c| c.rows[i].1 = -c.rows[i].1);
        refuse("index", &|c| c.rows[i].0 = 2);
        refuse("missing row", &|c| {
            let _ = c.rows.remove(i);
        });
    }
    refuse("swapped rows", &|c| {
        let first = c.rows[0].1;
        c.rows[0].1 = c.rows[1].1;
        c.rows[1].1 = first;
    });
    refuse("extra row", &|c| c.rows.push((2, G1Affine::generator())));
    for k in 0..2 {
        refuse("public coefficient", &|c| {
            c.public_rows[k].coefficients[1] += F::one();
        });
        refuse("public blinding", &|c| {
            c.public_rows[k].blinding += F::one()
        });
        refuse("public commitment", &|c| {
            c.public_rows[k].commitment = G1Affine::generator();
        });
    }
    refuse("public rows swapped", &|c| c.public_rows.swap(0, 1));
    refuse("public row missing", &|c| {
        c.public_rows.pop();
    });
    refuse("forged tau", &|c| {
        c.key.tau_g2 = (G2Affine::generator() * F::from(5u64)).into_affine();
    });
    refuse("tau of zero", &|c| c.key.tau_g2 = G2Affine::zero());
    assert_eq!(honest.verify(), Ok(()));
}

fn case_like(c: &Case) -> Case {
    Case {
        key: c.key,
        rows: c.rows.clone(),
        log_rows: c.log_rows,
        log_columns: c.log_columns,
        point: c.point.clone(),
        value: c.value,
        public_rows: c.public_rows.clone(),
        proof: c.proof.clone(),
    }
}

#[test]
fn impossible_statements() {
    let shape = |change: &dyn Fn(&mut Case)| {
        let mut c = case();
        change(&mut c);
        assert!(matches!(c.verify(), Err(OpeningError::Shape { .. })));
    };
    shape(&|c| c.log_columns = 0);
    shape(&|c| c.log_columns = LOG_COLUMNS + 1);
    shape(&|c| c.log_rows = 33);
    shape(&|c| c.log_rows = usize::MAX);
    shape(&|c| c.point.push(F::one()));
    shape(&|c| c.rows[0].0 = 1 << LOG_ROWS);
    shape(&|c| c.rows[0].0 = usize::MAX);
    shape(&|c| c.public_rows[0].coefficients.push(F::one()));
    let mut c = case();
    c.rows[1].0 = 0;
    assert_eq!(c.verify(), Err(OpeningError::RepeatedRow(0)));
}

#[test]
fn impossible_keys_and_rows() {
    let srs = development(8).unwrap();
    for log_columns in [4, 64, usize::MAX] {
        assert!(matches!(
            CommitmentKey::new(&srs, log_columns),
            Err(KeyError::SrsTooShort { powers: 8, .. })
        ));
    }
    assert_eq!(CommitmentKey::new(&srs, 0).err(), Some(KeyError::OneColumn));
    let key = CommitmentKey::new(&srs, 2).unwrap();
    assert_eq!(key.log_columns(), 2);
    let long = KeyError::RowTooLong {
        length: 5,
        columns: 4,
    };
    for row in [Row::Small(vec![1; 5]), Row::Field(random(5))] {
        assert_eq!(key.commit(&row, F::one()), Err(long));
        let secret = SecretRow {
            index: 0,
            row: &row,
            blinding: F::one(),
        };
        let mut writer = ProofWriter::new(Transcript::new("x"));
        assert_eq!(
            open(&key, &[secret], &random(2), &[], &mut writer),
            Err(OpenError::Key(long))
        );
        assert_eq!(
            open(&key, &[], &random(1), &[], &mut writer),
            Err(OpenError::PointTooShort(1))
        );
    }
}

/// The commitment is the same whether a row is given as integers or as field elements.
#[test]
fn one_commitment_per_content() {
    let key = key(4);
    let small: Vec<i32> = (0..16).map(|i| i * 1000 - 8000).collect();
    let field = small.iter().map(|k| from_i64(i64::from(*k))).collect();
    let rho = random(1)[0];
    assert_eq!(
        key.commit(&Row::Small(small), rho),
        key.commit(&Row::Field(field), rho)
    );
}

/// Why the transcript must hold every commitment before the point is drawn (H1): a mask row that
/// is chosen afterwards opens any value. The opening by itself cannot see it.
#[test]
fn a_row_fixed_after_the_point_forges() {
    let key = key(LOG_COLUMNS);
    let row = Row::Field(random(8));
    let rho = random(1)[0];
    let committed = key.commit(&row, rho).unwrap();
    let point = random(1 + LOG_COLUMNS);
    let wanted = F::from(42u64);
    let entries = match &row {
        Row::Field(v) => v.clone(),
        Row::Small(_) => vec![],
    };
    let (w0, w1) = (eq_at(&point[..1], 0), eq_at(&point[..1], 1));
    let truth = w0 * inner_product(&entries, &eq_table(&point[1..]));
    let mask = Row::Field(vec![(wanted - truth) / w1; 8]);
    let late = key.commit(&mask, rho).unwrap();
    let rows = vec![(0, committed), (1, late)];
    // "transcript" stands for one in which the point does not depend on `late`
    let mut writer = ProofWriter::new(transcript(&rows, &point, wanted));
    let secret = [(0, &row), (1, &mask)].map(|(index, row)| SecretRow {
        index,
        row,
        blinding: rho,
    });
    open(&key, &secret, &point, &[], &mut writer).unwrap();
    let forged = Case {
        key: key.verifier_key(),
        rows,
        log_rows: 1,
        log_columns: LOG_COLUMNS,
        point,
        value: wanted,
        public_rows: vec![],
        proof: writer.finish(),
    };
    assert_eq!(forged.verify(), Ok(()));
}

#[test]
fn two_openings_of_one_secret_share_nothing() {
    let secret = Row::Small(vec![1, 2, 3, 4, 5, 6, 7, 8]);
    let proof = || {
        let mask = Row::Field(verifai_field::random::random_vec(8).unwrap());
        Case::new(1, LOG_COLUMNS, &[(0, secret.clone()), (1, mask)], true).proof
    };
    let (a, b) = (proof(), proof());
    for (x, y) in a.chunks(32).zip(b.chunks(32)) {
        assert_ne!(x, y);
    }
}

/// Whatever the bytes are, the verifier answers with an error.
#[test]
fn bytes_of_a_stranger() {
    let mut c = case();
    let honest = c.proof.clone();
    for round in 0..60 {
        let noise = random(honest.len() / 32);
        let mut bytes: Vec<u8> = noise.iter().flat_map(verifai_field::encode).collect();
        // a growing honest beginning, so that later messages are reached; points from the proof
        let keep = (round * 7 * 32 / 2) % honest.len() / 32 * 32;
        bytes[..keep].copy_from_slice(&honest[..keep]);
        if round % 2 == 0 {
            for (at, chunk) in bytes.chunks_mut(64).enumerate() {
                if at % 2 == 0 && chunk.len() == 64 {
                    chunk.copy_from_slice(&[0; 64]);
                }
            }
        }
        c.proof = bytes;
        assert!(c.verify().is_err(), "round {round}");
    }
    c.proof = vec![0; honest.len()];
    assert_eq!(c.verify(), Err(OpeningError::Folding));
    c.proof = vec![0xff; honest.len()];
    assert!(matches!(c.verify(), Err(OpeningError::Read(_))));
}
