//! The polynomial of one sumcheck round.
//!
//! `docs/protocol.md`, "Transcript and order":
//! a round message is s(0), s(2), ..., s(d); s(1) = claim - s(0) is implied,
//! so that the check s(0) + s(1) = claim needs no equation. The next claim is then *linear* in the
//! claim and in the message, which is what lets padded messages become linear claims.

use verifai_field::{batch_inverse, from_i64, inner_product, F};

/// Weights of the next claim: `s(t) = weights.claim * claim + sum_i weights.message[i] * message[i]`
/// for the message s(0), s(2), ..., s(d).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWeights {
    /// Weight of the running claim.
    pub claim: F,
    /// Weight of each sent value.
    pub message: Vec<F>,
}

/// The weights for degree `degree`, a constant of the protocol, at the challenge `t`.
pub fn message_weights(degree: usize, t: F) -> MessageWeights {
    let mut values = lagrange(degree, t).into_iter();
    let zero = values.next().unwrap_or_default();
    let claim = values.next().unwrap_or_default();
    let message = std::iter::once(zero - claim).chain(values).collect();
    MessageWeights { claim, message }
}

/// s(t), from the claim s(0) + s(1) and the message s(0), s(2), ..., s(d).
pub fn next_claim(claim: F, message: &[F], t: F) -> F {
    let weights = message_weights(message.len(), t);
    claim * weights.claim + inner_product(message, &weights.message)
}

/// The Lagrange basis on the nodes 0..=degree, at `t`.
fn lagrange(degree: usize, t: F) -> Vec<F> {
    let nodes: Vec<i64> = (0..).take(degree + 1).collect();
    // the product over all other nodes
    let others = |i: &i64, factor: &dyn Fn(i64) -> F| -> F {
        let others = nodes.iter().filter(|j| *j != i);
        others.map(|j| factor(*j)).product()
    };
    let denominator = |i| others(i, &|j| from_i64(i - j));
    let mut inverses: Vec<F> = nodes.iter().map(denominator).collect();
    batch_inverse(&mut inverses).unwrap_or_default(); // differences of distinct small integers
    let all = nodes.iter().zip(inverses);
    all.map(|(i, inverse)| inverse * others(i, &|j| t - from_i64(j)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;
    use verifai_field::{powers, One};

    #[test]
    fn reconstructs_the_polynomial() {
        let mut rng = ark_std::test_rng();
        for degree in 1..=16 {
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
            assert_eq!(next_claim(claim, &message, t), s(t));
            for node in 0..=degree as u64 {
                let x = F::from(node);
                assert_eq!(next_claim(claim, &message, x), s(x));
            }
            // a change of any sent value, or of the claim, changes the next claim
            assert_ne!(next_claim(claim + F::one(), &message, t), s(t));
            for i in 0..degree {
                let mut bad = message.clone();
                bad[i] += F::one();
                assert_ne!(next_claim(claim, &bad, t), s(t));
            }
        }
    }
}
