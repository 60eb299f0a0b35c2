//! Integers in the field: a negative integer `-n` is `p - n`.
//!
//! The circuit proves an integer function; the embedding is a ring
//! homomorphism, and injective on every range shorter than `p`.

use crate::F;

/// The image of a 64-bit integer.
pub fn from_i64(n: i64) -> F {
    let magnitude = F::from(n.unsigned_abs());
    if n < 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{One, Zero};

    #[test]
    fn extremes() {
        assert!((from_i64(i64::MIN) + F::from(1u64 << 63)).is_zero());
        assert_eq!(from_i64(i64::MAX) + F::one(), F::from(1u64 << 63));
        assert_eq!(from_i64(-1), -F::one());
    }

    #[test]
    fn homomorphism() {
        for a in [-70_000i64, -3, 0, 1, 65_535] {
            for b in [-255i64, -1, 0, 9, 1 << 31] {
                assert_eq!(from_i64(a) * from_i64(b), from_i64(a * b));
                assert_eq!(from_i64(a) + from_i64(b), from_i64(a + b));
            }
        }
    }
}
