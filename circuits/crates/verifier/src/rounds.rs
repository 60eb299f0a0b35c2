//! Sumcheck rounds on a running claim.

use verifai_field::F;
use verifai_poly::{message_weights, RoundError};
use verifai_table::Claim;
use verifai_transcript::{Label, ProofReader, ReadError};

use crate::VerifyError;

/// Receives all rounds of a sumcheck; the claim becomes that of the final value. Returns the point.
pub(crate) fn receive(
    reader: &mut ProofReader<'_>,
    claim: &mut Claim,
    variables: usize,
    degree: usize,
    (message, challenge): (Label, Label),
) -> Result<Vec<F>, VerifyError> {
    let mut point = Vec::with_capacity(variables);
    for _ in 0..variables {
        let sent: Vec<F> = reader.receive(message, degree)?;
        let t = reader.challenge(challenge);
        let weights = message_weights(degree, t)?;
        let mut next = std::mem::take(claim).scaled(weights.claim);
        next.constant += sent
            .iter()
            .zip(&weights.message)
            .map(|(s, w)| *s * w)
            .sum::<F>();
        *claim = next;
        point.push(t);
    }
    Ok(point)
}

impl From<ReadError> for VerifyError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<RoundError> for VerifyError {
    fn from(error: RoundError) -> Self {
        Self::Round(error)
    }
}
