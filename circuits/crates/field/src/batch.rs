//! Montgomery's trick: n inversions for one inversion and 3n multiplications.

use crate::Field;
use thiserror::Error;

/// One of the elements to invert is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("element {index} is zero and has no inverse")]
pub struct ZeroHasNoInverse {
    /// Position of the first zero.
    pub index: usize,
}

/// Replaces every element by its inverse. If one is zero, nothing is changed.
pub fn batch_inverse<K: Field>(elements: &mut [K]) -> Result<(), ZeroHasNoInverse> {
    if let Some(index) = elements.iter().position(K::is_zero) {
        return Err(ZeroHasNoInverse { index });
    }
    let mut before = Vec::with_capacity(elements.len());
    let mut product = K::one();
    for x in elements.iter() {
        before.push(product);
        product *= x;
    }
    let mut suffix = product.inverse().unwrap_or_default(); // a product of units is a unit
    for (x, b) in elements.iter_mut().zip(before).rev() {
        let inverse = suffix * b;
        suffix *= *x;
        *x = inverse;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Zero, F};
    use ark_ff::UniformRand;

    #[test]
    fn agrees_with_single_inversions() {
        let mut rng = ark_std::test_rng();
        for n in [0, 1, 2, 37] {
            let xs: Vec<F> = (0..n).map(|_| F::rand(&mut rng)).collect();
            let mut ys = xs.clone();
            batch_inverse(&mut ys).unwrap();
            for (x, y) in xs.iter().zip(&ys) {
                assert_eq!(x.inverse(), Some(*y));
            }
        }
    }

    #[test]
    fn zero_is_an_error_and_changes_nothing() {
        let mut xs = [F::from(3u64), F::zero(), F::zero()];
        assert_eq!(batch_inverse(&mut xs), Err(ZeroHasNoInverse { index: 1 }));
        assert_eq!(xs, [F::from(3u64), F::zero(), F::zero()]);
    }
}
