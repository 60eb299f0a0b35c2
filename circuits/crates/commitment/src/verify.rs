//! The verifier of an opening. It depends on no module of the prover, and it never panics.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::labels::{BATCH, BLINDING, EVALUATIONS, FOLDS, POINT, QUOTIENT, TEST, WITNESS};
use crate::statement::{horner, Statement, MAX_LOG_ROWS};
use std::collections::BTreeSet;
use thiserror::Error;
use verifai_curve::{
    blinding_generator, msm, pairing_product_is_one, AffineRepr, CurveGroup, G1Affine, G2Affine, G1,
};
use verifai_field::{batch_inverse, powers, AdditiveGroup, Field, One, F};
use verifai_poly::eq_at;
use verifai_transcript::{ProofReader, ReadError};

/// What the verifier has to know of the SRS: `tau H2`, pinned by the SRS id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    /// `tau H2`.
    pub tau_g2: G2Affine,
    /// The most column variables that the key's rows may have.
    pub max_log_columns: usize,
}

/// Why an opening is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// A message is missing or not canonical.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A number of the statement is out of its bounds.
    #[error("{what} is {got}, not between {least} and {most}")]
    Shape {
        /// Which number.
        what: &'static str,
        /// Its value.
        got: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// A row index comes twice.
    #[error("row {0} comes twice")]
    RepeatedRow(usize),
    /// A challenge hit one of the few values that must not come: probability below 2^-240.
    #[error("a challenge is degenerate")]
    DegenerateChallenge,
    /// Check 1: the folds do not end in the value claimed.
    #[error("the folded row does not end in the claimed value")]
    Folding,
    /// Check 2: the evaluations are not those of the commitments.
    #[error("the pairing check fails")]
    Pairing,
}

/// Checks an opening against its statement. See the crate's front page for the steps and for what
/// the transcript must hold before.
pub fn verify(
    key: &VerifierKey,
    statement: &Statement<'_>,
    reader: &mut ProofReader<'_>,
) -> Result<(), OpeningError> {
    check_shape(key, statement)?;
    let n = statement.log_columns;
    let (row_point, column_point) = statement.point.split_at(statement.log_rows);

    let blinding: F = reader.receive_one(BLINDING)?;
    let folds: Vec<G1> = reader.receive(FOLDS, n.saturating_sub(1))?;
    let r = reader.transcript.challenge(POINT);
    let evaluations: Vec<F> = reader.receive(EVALUATIONS, n.saturating_add(1))?;
    let nu = reader.transcript.challenge(BATCH);
    let quotient: G1 = reader.receive_one(QUOTIENT)?;
    let z = reader.transcript.challenge(TEST);
    let witness: G1 = reader.receive_one(WITNESS)?;

    // check 1: walk the folds up to the constant
    let Some((first, negatives)) = evaluations.split_first() else {
        return Err(OpeningError::DegenerateChallenge);
    };
    let mut claims = Vec::with_capacity(n); // (r_k, A_k(r_k), A_k(-r_k))
    let (mut point, mut positive) = (r, *first);
    let mut half = half_inverse(r)?; // 1 / (2 r_k)
    for (negative, x) in negatives.iter().zip(column_point.iter().rev()) {
        claims.push((point, positive, *negative));
        let even = (positive + negative) * point * half; // (a + b) / 2, as r_k / (2 r_k) = 1 / 2
        let odd = (positive - negative) * half;
        positive = even + *x * (odd - even);
        point.square_in_place();
        half = half.square().double();
    }
    if positive != statement.value {
        return Err(OpeningError::Folding);
    }

    // check 2: one KZG opening for all claims
    let mut differences = Vec::new();
    for (at, _, _) in &claims {
        differences.extend([z - at, z + at]);
    }
    differences.extend(statement.public_rows.iter().map(|_| z - r));
    batch_inverse(&mut differences).map_err(|_| OpeningError::DegenerateChallenge)?;
    let mut weights = differences.iter().zip(powers(nu)).map(|(d, nu)| nu * d);
    let mut draw = || weights.next().unwrap_or_default();

    let mut constant = F::default(); // of G
    let mut blindings = F::default(); // of H
    let mut terms = vec![(quotient.0, F::one()), (witness.0, z)];
    for (k, (_, positive, negative)) in claims.iter().enumerate() {
        let (plus, minus) = (draw(), draw());
        let weight = plus + minus;
        constant += plus * positive + minus * negative;
        if k == 0 {
            blindings += weight * blinding;
            for (index, commitment) in statement.rows {
                terms.push((*commitment, -(weight * eq_at(row_point, *index))));
            }
        } else if let Some(fold) = folds.get(k.saturating_sub(1)) {
            terms.push((fold.0, -weight));
        }
    }
    for row in statement.public_rows {
        let weight = draw();
        constant += weight * horner(&row.coefficients, r);
        blindings += weight * row.blinding;
        terms.push((row.commitment, -weight));
    }
    terms.push((G1Affine::generator(), constant));
    terms.push((blinding_generator().0, blindings));
    let (points, scalars): (Vec<G1Affine>, Vec<F>) = terms.into_iter().unzip();
    let left = msm(&points, &scalars).map_err(|_| OpeningError::Pairing)?;
    let pairs = [
        (left.into_affine(), G2Affine::generator()),
        (-witness.0, key.tau_g2),
    ];
    if pairing_product_is_one(&pairs) {
        Ok(())
    } else {
        Err(OpeningError::Pairing)
    }
}

fn half_inverse(r: F) -> Result<F, OpeningError> {
    r.double()
        .inverse()
        .ok_or(OpeningError::DegenerateChallenge)
}

fn check_shape(key: &VerifierKey, statement: &Statement<'_>) -> Result<(), OpeningError> {
    let within = |what, got, least, most| {
        if (least..=most).contains(&got) {
            Ok(())
        } else {
            Err(OpeningError::Shape {
                what,
                got,
                least,
                most,
            })
        }
    };
    let most_columns = key.max_log_columns;
    within("log_rows", statement.log_rows, 0, MAX_LOG_ROWS)?;
    within("log_columns", statement.log_columns, 1, most_columns)?;
    let dimension = statement.log_rows.saturating_add(statement.log_columns);
    within("dimension", statement.point.len(), dimension, dimension)?;
    let columns = u32::try_from(statement.log_columns)
        .ok()
        .and_then(|bits| 1usize.checked_shl(bits))
        .unwrap_or(usize::MAX);
    for row in statement.public_rows {
        within("public row length", row.coefficients.len(), 0, columns)?;
    }
    let rows = 1u64.checked_shl(u32::try_from(statement.log_rows).unwrap_or(u32::MAX));
    let last = usize::try_from(rows.unwrap_or(0).saturating_sub(1)).unwrap_or(usize::MAX);
    let mut seen = BTreeSet::new();
    for (index, _) in statement.rows {
        within("row index", *index, 0, last)?;
        if !seen.insert(*index) {
            return Err(OpeningError::RepeatedRow(*index));
        }
    }
    Ok(())
}
