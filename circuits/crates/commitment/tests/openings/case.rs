//! A statement with its proof, for the tests of openings.

use verifai_commitment::{
    open, verify, CommitmentKey, OpeningError, PublicRow, Row, SecretRow, Statement, VerifierKey,
};
use verifai_curve::{G1Affine, G1};
use verifai_field::{from_i64, inner_product, Zero, F};
use verifai_poly::{eq_at, eq_table};
use verifai_srs::development;
use verifai_transcript::{Label, ProofReader, ProofWriter, Transcript};

pub(crate) const LOG_ROWS: usize = 2;
pub(crate) const LOG_COLUMNS: usize = 3;

pub(crate) fn random(n: usize) -> Vec<F> {
    verifai_field::random::random_vec(n).unwrap()
}

pub(crate) fn key(log_columns: usize) -> CommitmentKey {
    CommitmentKey::new(&development(1 << log_columns).unwrap(), log_columns).unwrap()
}

/// A statement with its proof.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) key: VerifierKey,
    pub(crate) rows: Vec<(usize, G1Affine)>,
    pub(crate) log_rows: usize,
    pub(crate) log_columns: usize,
    pub(crate) point: Vec<F>,
    pub(crate) value: F,
    pub(crate) public_rows: Vec<PublicRow>,
    pub(crate) proof: Vec<u8>,
}

/// Everything that an opening presupposes, in the transcript.
pub(crate) fn transcript(rows: &[(usize, G1Affine)], point: &[F], value: F) -> Transcript {
    let mut t = Transcript::new("verifai opening test");
    let points: Vec<G1> = rows.iter().map(|(_, c)| G1(*c)).collect();
    t.absorb(Label::new("rows"), &points);
    t.absorb(Label::new("point"), point);
    t.absorb(Label::new("value"), &[value]);
    t
}

impl Case {
    pub(crate) fn new(
        log_rows: usize,
        log_columns: usize,
        rows: &[(usize, Row)],
        hiding: bool,
    ) -> Self {
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

    pub(crate) fn verify(&self) -> Result<(), OpeningError> {
        self.verify_under(transcript(&self.rows, &self.point, self.value))
    }

    pub(crate) fn verify_under(&self, transcript: Transcript) -> Result<(), OpeningError> {
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

pub(crate) fn mixed_rows() -> Vec<(usize, Row)> {
    vec![
        (0, Row::Small(vec![5, -3, 255, 0, 7, 1, 2, 3])),
        (1, Row::Field(random(8))),
        (3, Row::Small(vec![1 << 20, -9])),
    ]
}

pub(crate) fn case() -> Case {
    Case::new(LOG_ROWS, LOG_COLUMNS, &mixed_rows(), true)
}
