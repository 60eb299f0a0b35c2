//! Sumcheck rounds on a running claim.

use verifai_field::{inner_product, F};
use verifai_poly::message_weights;
use verifai_table::Claim;
use verifai_transcript::{Label, ProofReader};

use crate::error::VerifyError;

/// Receives all rounds of a sumcheck; the claim becomes that of the final value, but for the pads.
/// Returns the point.
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
        let t = reader.transcript.challenge(challenge);
        let weights = message_weights(degree, t);
        let mut next = std::mem::take(claim).scaled(weights.claim);
        next.constant += inner_product(&sent, &weights.message);
        *claim = next;
        point.push(t);
    }
    Ok(point)
}

/// The weight of each value's pad in the claim after the rounds. A value is sent with its pad added,
/// so that the pad has the opposite of the value's weight.
pub fn pad_weights(degree: usize, point: &[F]) -> Vec<F> {
    let mut pads: Vec<F> = Vec::with_capacity(point.len().saturating_mul(degree));
    for t in point {
        let weights = message_weights(degree, *t);
        pads.iter_mut().for_each(|p| *p *= weights.claim);
        pads.extend(weights.message.iter().map(|w| -*w));
    }
    pads
}
