//! The polynomial of one sumcheck round.
//!
//! `docs/protocol.md`, "Transcript and order":
//! a round message is s(0), s(2), ..., s(d); s(1) = claim - s(0) is implied,
//! so that the check s(0) + s(1) = claim needs no equation. The next claim is then *linear* in the
//! claim and in the message, which is what lets padded messages become linear claims.

use thiserror::Error;
use verifai_field::{batch_inverse, from_i64, One, F};

/// The highest degree that a round may have: the zerocheck needs 6.
pub const MAX_DEGREE: usize = 16;

/// A message that is no round polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoundError {
    /// Degree 0 or above [`MAX_DEGREE`].
    #[error("a round polynomial of degree {0} is not between 1 and {MAX_DEGREE}")]
    Degree(usize),
}

/// Weights of the next claim: `s(t) = weights.claim * claim + sum_i weights.message[i] * message[i]`
/// for the message s(0), s(2), ..., s(d).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWeights {
    /// Weight of the running claim.
    pub claim: F,
    /// Weight of each sent value.
    pub message: Vec<F>,
}

/// The weights for degree `degree` at the challenge `t`.
pub fn message_weights(degree: usize, t: F) -> Result<MessageWeights, RoundError> {
    let basis = lagrange(degree, t)?;
    let mut values = basis.into_iter();
    let zero = values.next().unwrap_or_default();
    let one = values.next().unwrap_or_default();
    let message = std::iter::once(zero - one).chain(values).collect();
    Ok(MessageWeights {
        claim: one,
        message,
    })
}

/// s(t), from the claim s(0) + s(1) and the message s(0), s(2), ..., s(d).
pub fn next_claim(claim: F, message: &[F], t: F) -> Result<F, RoundError> {
    let weights = message_weights(message.len(), t)?;
    let sent: F = message
        .iter()
        .zip(weights.message)
        .map(|(s, w)| w * s)
        .sum();
    Ok(claim * weights.claim + sent)
}

/// The Lagrange basis on the nodes 0..=degree, at `t`.
fn lagrange(degree: usize, t: F) -> Result<Vec<F>, RoundError> {
    if degree == 0 || degree > MAX_DEGREE {
        return Err(RoundError::Degree(degree));
    }
    let nodes: Vec<i64> = (0..).take(degree + 1).collect();
    let mut denominators: Vec<F> = nodes
        .iter()
        .map(|i| {
            let others = nodes.iter().filter(|j| *j != i);
            others.fold(F::one(), |product, j| product * from_i64(i - j))
        })
        .collect();
    batch_inverse(&mut denominators).unwrap_or_default(); // differences of distinct small integers
    Ok(nodes
        .iter()
        .zip(denominators)
        .map(|(i, inverse)| {
            let others = nodes.iter().filter(|j| *j != i);
            others.fold(inverse, |product, j| product * (t - from_i64(*j)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;
    use verifai_field::powers;

    #[test]
    fn reconstructs_the_polynomial() {
        let mut rng = ark_std::test_rng();
        for degree in 1..=MAX_DEGREE {
            let coefficients: Vec<F> = (0..=degree).map(|_| F::rand(&mut rng)).collect();
            let s = |x: F| -> F {
                coefficients
                    .iter()
                    .zip(powers(x))
                    .map(|(c, p)| *c * p)
                    .sum()
            };
            let values: Vec<F> = (0..=degree as u64).map(|i| s(F::from(i))).collect();
            let message = [&values[..1], &values[2..]].concat();
            assert_eq!(message.len(), degree);
            let t = F::rand(&mut rng);
            let claim = values[0] + values[1];
            assert_eq!(next_claim(claim, &message, t), Ok(s(t)));
            for node in 0..=degree as u64 {
                let x = F::from(node);
                assert_eq!(next_claim(claim, &message, x), Ok(s(x)));
            }
            // a change of any sent value, or of the claim, changes the next claim
            assert_ne!(next_claim(claim + F::one(), &message, t), Ok(s(t)));
            for i in 0..degree {
                let mut bad = message.clone();
                bad[i] += F::one();
                assert_ne!(next_claim(claim, &bad, t), Ok(s(t)));
            }
        }
    }

    #[test]
    fn degrees_are_bounded() {
        let t = F::from(5u64);
        assert_eq!(next_claim(t, &[], t), Err(RoundError::Degree(0)));
        let long = vec![F::one(); MAX_DEGREE + 1];
        assert_eq!(
            next_claim(t, &long, t),
            Err(RoundError::Degree(MAX_DEGREE + 1))
        );
    }
}
