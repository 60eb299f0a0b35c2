//! The verifier's side: a reduction from sums to one value at one point.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::shape::{batch, coefficients, two_to, Labels, Shape, ShapeError};
use thiserror::Error;
use verifai_field::{One, Zero, F};
use verifai_poly::{message_weights, RoundError};
use verifai_transcript::{ProofReader, ReadError};

/// Why a sumcheck is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SumcheckError {
    /// The key asks for an impossible sumcheck.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A message is missing or not canonical.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A message is no round polynomial.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The number of claims is not the number of instances.
    #[error("{claims} claims for {instances} instances")]
    Claims {
        /// Claims given.
        claims: usize,
        /// Instances of the sumcheck.
        instances: usize,
    },
    /// The number of pads is not the number of values sent.
    #[error("{pads} pads for {values} values")]
    Pads {
        /// Pads given.
        pads: usize,
        /// Values sent.
        values: usize,
    },
}

/// What is left after the rounds. The caller **must** check
/// `value = sum_j coefficients[j] * g_j(instance_point(j))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// The challenges of all rounds, first variable first.
    pub point: Vec<F>,
    /// `eta^j` of each instance.
    pub coefficients: Vec<F>,
    /// All values sent, round after round.
    pub messages: Vec<F>,
    /// The weight of each of them in the final claim.
    pub message_weights: Vec<F>,
    /// The weight of the batched initial claim in the final claim.
    pub claim_weight: F,
    variables: Vec<usize>,
}

impl Reduction {
    /// The point of instance `j`: the last challenges. Empty if there is no such instance.
    pub fn instance_point(&self, j: usize) -> &[F] {
        let variables = self.variables.get(j).copied().unwrap_or(0);
        let start = self.point.len().saturating_sub(variables);
        self.point.get(start..).unwrap_or_default()
    }

    /// The weight of the sum `c_j` in the final claim.
    pub fn sum_weight(&self, j: usize) -> F {
        let coefficient = self.coefficients.get(j).copied().unwrap_or_default();
        let variables = self.variables.get(j).copied().unwrap_or(0);
        let waiting = self.point.len().saturating_sub(variables);
        coefficient * two_to(waiting) * self.claim_weight
    }

    /// The final claim, from the sums in clear.
    pub fn value(&self, sums: &[F]) -> Result<F, SumcheckError> {
        if sums.len() != self.coefficients.len() {
            return Err(SumcheckError::Claims {
                claims: sums.len(),
                instances: self.coefficients.len(),
            });
        }
        let initial: F = sums
            .iter()
            .enumerate()
            .map(|(j, c)| self.sum_weight(j) * c)
            .sum();
        Ok(initial + self.sent())
    }

    /// The part of the final claim that comes from the messages as sent.
    pub fn sent(&self) -> F {
        verifai_field::inner_product(&self.messages, &self.message_weights)
    }

    /// What pads on the messages add to it: to be subtracted from [`Self::value`].
    pub fn padding(&self, pads: &[F]) -> Result<F, SumcheckError> {
        if pads.len() != self.messages.len() {
            return Err(SumcheckError::Pads {
                pads: pads.len(),
                values: self.messages.len(),
            });
        }
        Ok(verifai_field::inner_product(pads, &self.message_weights))
    }
}

/// Runs the rounds of a batched sumcheck.
///
/// # Soundness
/// Nothing is checked here but canonical encodings: see [`Reduction`]. If a sum is false, the final
/// claim is false but with probability `n d / p`, where instances are fixed before `eta` is drawn.
pub fn verify(
    shapes: &[Shape],
    labels: &Labels,
    reader: &mut ProofReader<'_>,
) -> Result<Reduction, SumcheckError> {
    let all = batch(shapes)?;
    let coefficients = coefficients(shapes.len(), || reader.challenge(labels.batch));
    let mut point = Vec::with_capacity(all.variables);
    let mut messages = Vec::new();
    let mut rounds = Vec::with_capacity(all.variables);
    for _ in 0..all.variables {
        let message: Vec<F> = reader.receive(labels.message, all.degree)?;
        let challenge = reader.challenge(labels.challenge);
        rounds.push(message_weights(all.degree, challenge)?);
        point.push(challenge);
        messages.extend(message);
    }
    // a message's weight is its own, times what the later rounds make of a claim
    let mut later = F::one();
    let mut weights = vec![F::zero(); messages.len()];
    for (round, out) in rounds
        .iter()
        .rev()
        .zip(weights.rchunks_exact_mut(all.degree))
    {
        for (o, w) in out.iter_mut().zip(&round.message) {
            *o = later * w;
        }
        later *= round.claim;
    }
    Ok(Reduction {
        point,
        coefficients,
        messages,
        message_weights: weights,
        claim_weight: later,
        variables: shapes.iter().map(|s| s.variables).collect(),
    })
}
