//! Uniform elements from the operating system.
//!
//! `protocol.md`, "Zero knowledge": pads, masks and blindings come from the operating system for
//! every attempt, never from a seed or from a job's digest.

use crate::{PrimeField, F};

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// One uniform element: 384 random bits reduced, so that the bias is below 2^-128.
pub fn random() -> Result<F, NoRandomness> {
    let mut bytes = [0u8; 48];
    getrandom::fill(&mut bytes)?;
    Ok(F::from_be_bytes_mod_order(&bytes))
}

/// `n` uniform elements.
pub fn random_vec(n: usize) -> Result<Vec<F>, NoRandomness> {
    let mut bytes = vec![0u8; n * 48];
    getrandom::fill(&mut bytes)?;
    let chunks = bytes.chunks_exact(48);
    Ok(chunks.map(F::from_be_bytes_mod_order).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_repeats() {
        let xs: HashSet<F> = random_vec(1000).unwrap().into_iter().collect();
        assert_eq!(xs.len(), 1000);
    }
}
