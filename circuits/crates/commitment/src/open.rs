//! The prover of an opening.

use crate::labels::{BATCH, BLINDING, EVALUATIONS, FOLDS, POINT, QUOTIENT, TEST, WITNESS};
use crate::row::combine;
use crate::shplonk::{quotient, witness, Claim};
use crate::statement::{horner, PublicRow};
use crate::{gemini, CommitmentKey, KeyError, Row};
use rayon::prelude::*;
use thiserror::Error;
use verifai_curve::G1;
use verifai_field::{Field, ZeroHasNoInverse, F};
use verifai_poly::eq_at;
use verifai_transcript::ProofWriter;

/// A row with what only the prover knows.
#[derive(Clone, Copy, Debug)]
pub struct SecretRow<'a> {
    /// Its index in the address space.
    pub index: usize,
    /// Its entries.
    pub row: &'a Row,
    /// Its blinding.
    pub blinding: F,
}

/// Why there is no opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A row is too long.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A challenge hit one of the few values that must not come.
    #[error("a challenge is degenerate: {0}")]
    DegenerateChallenge(#[from] ZeroHasNoInverse),
    /// The point has fewer coordinates than a row has variables.
    #[error("a point of {0} coordinates is too short")]
    PointTooShort(usize),
}

/// Opens the vector at `point` (row coordinates, then column coordinates). The value is known to
/// both sides before; see the crate's front page for what the transcript must hold.
pub fn open(
    key: &CommitmentKey,
    rows: &[SecretRow<'_>],
    point: &[F],
    public_rows: &[PublicRow],
    writer: &mut ProofWriter,
) -> Result<(), OpenError> {
    let columns = 1usize << key.log_columns();
    let (row_point, column_point) = point
        .len()
        .checked_sub(key.log_columns())
        .and_then(|at| point.split_at_checked(at))
        .ok_or(OpenError::PointTooShort(point.len()))?;
    for row in rows {
        if row.row.len() > columns {
            return Err(OpenError::Key(KeyError::RowTooLong {
                length: row.row.len(),
                columns,
            }));
        }
    }
    let weighted: Vec<(&Row, F)> = rows
        .iter()
        .map(|r| (r.row, eq_at(row_point, r.index)))
        .collect();
    let blinding: F = rows
        .iter()
        .zip(&weighted)
        .map(|(row, (_, weight))| row.blinding * weight)
        .sum();
    writer.send(BLINDING, &[blinding]);
    let combined = combine(&weighted, columns);
    open_polynomial(key, combined, column_point, public_rows, writer)
}

/// Folds, evaluations and quotients of one polynomial.
pub(crate) fn open_polynomial(
    key: &CommitmentKey,
    polynomial: Vec<F>,
    point: &[F],
    public_rows: &[PublicRow],
    writer: &mut ProofWriter,
) -> Result<(), OpenError> {
    let mut folds = gemini::folds(polynomial, point);
    folds.pop(); // the value, which both sides know
                 // short sums have one thread each: together they have all
    let commitments: Result<Vec<G1>, KeyError> = folds
        .par_iter()
        .skip(1)
        .map(|fold| key.commit_plain(fold).map(G1))
        .collect();
    writer.send(FOLDS, &commitments?);
    let r = writer.transcript.challenge(POINT);

    let mut claims = Vec::with_capacity(2 * folds.len() + public_rows.len());
    let mut at = r;
    for polynomial in &folds {
        for point in [at, -at] {
            claims.push(Claim {
                polynomial,
                point,
                value: horner(polynomial, point),
            });
        }
        at.square_in_place();
    }
    // A_0(r), then every A_k(-r_k); the other positive ones are implied
    let sent: Vec<F> = claims
        .iter()
        .take(1)
        .chain(claims.iter().skip(1).step_by(2))
        .map(|c| c.value)
        .collect();
    writer.send(EVALUATIONS, &sent);
    for row in public_rows {
        claims.push(Claim {
            polynomial: &row.coefficients,
            point: r,
            value: horner(&row.coefficients, r),
        });
    }
    let nu = writer.transcript.challenge(BATCH);
    let f = quotient(&claims, nu);
    writer.send(QUOTIENT, &[G1(key.commit_plain(&f)?)]);
    let z = writer.transcript.challenge(TEST);
    let w = witness(&claims, nu, &f, z)?;
    writer.send(WITNESS, &[G1(key.commit_plain(&w)?)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{verify, OpeningError, Statement};
    use ark_ff::UniformRand;
    use verifai_transcript::{ProofReader, Transcript};

    /// A row of 2C entries under a longer SRS, folded as if it had C: the last fold is not constant,
    /// and whatever value is claimed, check 1 refuses (H13).
    #[test]
    fn a_row_longer_than_the_key_is_refused() {
        let mut rng = ark_std::test_rng();
        let mut random = |n: usize| (0..n).map(|_| F::rand(&mut rng)).collect::<Vec<F>>();
        let srs = verifai_srs::development(16).unwrap();
        let (long, short) = (
            CommitmentKey::new(&srs, 4).unwrap(),
            CommitmentKey::new(&srs, 3).unwrap(),
        );
        let (row, point) = (random(16), random(3));
        let blinding = random(1)[0];
        let commitment = long.commit(&Row::Field(row.clone()), blinding).unwrap();
        let ends = gemini::folds(row.clone(), &point);
        let candidates = [ends[3][0], ends[3][1], ends[3][0] + ends[3][1]];
        for value in candidates {
            let mut writer = ProofWriter::new(Transcript::new("long row"));
            writer.send(BLINDING, &[blinding]);
            open_polynomial(&long, row.clone(), &point, &[], &mut writer).unwrap();
            let proof = writer.finish();
            let statement = Statement {
                rows: &[(0, commitment)],
                log_rows: 0,
                log_columns: 3,
                point: &point,
                value,
                public_rows: &[],
            };
            let mut reader = ProofReader::new(Transcript::new("long row"), &proof);
            let result = verify(&short.verifier_key(), &statement, &mut reader);
            assert_eq!(result, Err(OpeningError::Folding));
        }
    }
}
