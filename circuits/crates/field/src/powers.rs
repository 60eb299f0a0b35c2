//! Powers of one challenge, with which many claims become one.

use crate::{One, F};

/// `1, x, x^2, ...` without end.
pub fn powers(x: F) -> impl Iterator<Item = F> + Clone {
    std::iter::successors(Some(F::one()), move |last| Some(*last * x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    #[test]
    fn powers_are_powers() {
        let x = F::from(7u64);
        for (i, y) in powers(x).take(20).enumerate() {
            assert_eq!(y, x.pow([i as u64]));
        }
        assert_eq!(powers(F::from(0u64)).next(), Some(F::one()));
    }
}
