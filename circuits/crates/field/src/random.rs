//! Uniform elements from the operating system.
//!
//! `docs/protocol.md`, "Hiding tables":
//! pads, masks and blindings come from the operating system for every attempt,
//! never from a seed or from a job's digest, and they are uniform: its simulator has no term for a bias.

use crate::{decode, F};

/// Bytes of a candidate.
const SIZE: usize = 32;
/// What the first byte keeps: candidates have 254 bits, the fewest that reach every element.
const TOP: u8 = 0x3f;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// One uniform element.
pub fn random() -> Result<F, NoRandomness> {
    loop {
        let mut bytes = [0u8; SIZE];
        getrandom::fill(&mut bytes)?;
        if let Some(element) = element(&mut bytes) {
            return Ok(element);
        }
    }
}

/// `n` uniform elements.
pub fn random_vec(n: usize) -> Result<Vec<F>, NoRandomness> {
    sample(n, getrandom::fill).map_err(NoRandomness)
}

/// The element that a candidate is, or `None`.
///
/// *Exactly uniform:* candidates are uniform below 2^254, and those below the modulus stand for one element
/// each, so that all elements are equally likely. A reduction of any number of bits would prefer some. A
/// candidate is kept with probability p / 2^254 > 3/4.
fn element(candidate: &mut [u8]) -> Option<F> {
    if let Some(top) = candidate.first_mut() {
        *top &= TOP;
    }
    decode(candidate).ok()
}

/// Fills in bulk, and again for what was refused: a quarter of the rest each time.
fn sample<E>(n: usize, mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Vec<F>, E> {
    let mut out = Vec::with_capacity(n);
    let mut bytes = vec![0u8; n * SIZE];
    while out.len() < n {
        let fresh = &mut bytes[..(n - out.len()) * SIZE];
        fill(fresh)?;
        out.extend(fresh.chunks_exact_mut(SIZE).filter_map(element));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, One};
    use std::collections::HashSet;

    #[test]
    fn no_repeats() {
        let xs: HashSet<F> = random_vec(1000).unwrap().into_iter().collect();
        assert_eq!(xs.len(), 1000);
        assert_ne!(random().unwrap(), random().unwrap());
        assert_eq!(random_vec(0).unwrap(), []);
    }

    /// What is not below the modulus is drawn again, never reduced; the two top bits do not count.
    #[test]
    fn candidates_are_refused_and_not_reduced() {
        let last = encode(&-F::one());
        let (mut modulus, mut marked) = (last, last);
        modulus[31] += 1; // the modulus ends in a byte below 255
        marked[0] |= 0xc0;
        let two = encode(&F::from(2u64));
        let mut stream = [[0xff; 32], marked, modulus, two, modulus, last].into_iter();
        let mut drawn = Vec::new();
        let out = sample(3, |bytes| {
            drawn.push(bytes.len() / SIZE);
            for chunk in bytes.chunks_exact_mut(SIZE) {
                chunk.copy_from_slice(&stream.next().ok_or("no more")?);
            }
            Ok::<_, &str>(())
        });
        assert_eq!(out, Ok(vec![-F::one(), F::from(2u64), -F::one()]));
        assert_eq!(drawn, [3, 2, 1]);
        assert_eq!(sample(1, |_| Err("empty")), Err("empty"));
    }
}
