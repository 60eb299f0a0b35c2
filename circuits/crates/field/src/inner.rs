//! Inner products; with small integers, reduction is delayed to the very end.
//!
//! Weights and activations of a model are small integers. `k * x` with `|k| < 2^64` needs only four
//! word multiplications when the sum is kept unreduced in six words, against a full Montgomery
//! product ("delayed reduction", ePrint 2025/1117).

use crate::F;
use ark_ff::{BigInt, BigInteger, PrimeField};

/// `sum a_i b_i`; the shorter side decides how far.
pub fn inner_product(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).map(|(x, y)| *x * y).sum()
}

/// What [`OffsetInner`] adds to an integer: no integer is negative then, and there is no branch on a sign.
const OFFSET: u64 = 1 << 63;

/// A running sum of `k_i x_i` with 64-bit integers `k_i`, whose `sum x_i` is known at its end: exact for up
/// to 2^60 terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct OffsetInner(Wide);

impl OffsetInner {
    /// Adds `k * x`.
    #[inline]
    pub fn add(&mut self, k: i64, x: &F) {
        self.0.multiply_add((k as u64).wrapping_add(OFFSET), x);
    }

    /// The sum as a field element; `total` is the sum of all `x`.
    pub fn finish(&self, total: F) -> F {
        self.0.reduce() - F::from(OFFSET) * total
    }
}

/// An unreduced 384-bit sum of Montgomery representatives.
#[derive(Clone, Copy, Debug, Default)]
struct Wide([u64; 6]);

impl Wide {
    #[inline]
    fn multiply_add(&mut self, k: u64, x: &F) {
        let [a0, a1, a2, a3, a4, a5] = &mut self.0;
        let [x0, x1, x2, x3] = x.0 .0;
        let mut carry = step(a0, k, x0, 0);
        carry = step(a1, k, x1, carry);
        carry = step(a2, k, x2, carry);
        carry = step(a3, k, x3, carry);
        let (sum, over) = a4.overflowing_add(carry);
        *a4 = sum;
        *a5 = a5.wrapping_add(u64::from(over));
    }

    /// The sum modulo p. A representative of y is y 2^256 mod p, so the two high words `h` stand
    /// for `h 2^256`, which is the representative of the integer `h`.
    fn reduce(&self) -> F {
        let [a0, a1, a2, a3, a4, a5] = self.0;
        let mut low = BigInt([a0, a1, a2, a3]);
        while low >= F::MODULUS {
            low.sub_with_borrow(&F::MODULUS); // at most five times: 2^256 < 6 p
        }
        let high = u128::from(a4) | (u128::from(a5) << 64);
        let low = F::new_unchecked(low);
        if high == 0 {
            low
        } else {
            low + F::from(high)
        }
    }
}

/// `a + k x + carry`: the low word into `a`, the high word returned; it cannot overflow 128 bits.
#[inline(always)]
fn step(a: &mut u64, k: u64, x: u64, carry: u64) -> u64 {
    let t = u128::from(*a) + u128::from(k) * u128::from(x) + u128::from(carry);
    *a = t as u64;
    (t >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{from_i64, One};
    use ark_ff::UniformRand;

    #[test]
    fn agrees_with_field_arithmetic() {
        let mut rng = ark_std::test_rng();
        let xs: Vec<F> = (0..500).map(|_| F::rand(&mut rng)).collect();
        let ks: Vec<i64> = (0..500)
            .map(|i: i64| (i - 250).wrapping_mul(0x1234_5678_9abc))
            .collect();
        let expected: F = ks.iter().zip(&xs).map(|(k, x)| from_i64(*k) * x).sum();
        let fs: Vec<F> = ks.iter().map(|k| from_i64(*k)).collect();
        assert_eq!(inner_product(&fs, &xs), expected);
        let mut offset = OffsetInner::default();
        ks.iter().zip(&xs).for_each(|(k, x)| offset.add(*k, x));
        assert_eq!(offset.finish(xs.iter().sum()), expected);
    }

    #[test]
    fn largest_terms_do_not_lose_a_carry() {
        let x = -F::one();
        let big = F::new_unchecked(BigInt([u64::MAX; 4].map(|v| v >> 3)));
        for y in [x, big] {
            let (mut low, mut high) = (OffsetInner::default(), OffsetInner::default());
            let many = F::from(1000u64);
            for _ in 0..1000 {
                low.add(i64::MIN, &y);
                high.add(i64::MAX, &y);
            }
            assert_eq!(low.finish(many * y), from_i64(i64::MIN) * many * y);
            assert_eq!(high.finish(many * y), from_i64(i64::MAX) * many * y);
        }
    }

    #[test]
    fn wide_carries_propagate() {
        let mut w = Wide([u64::MAX; 6]);
        w.0[5] = 0;
        w.multiply_add(1, &F::new_unchecked(BigInt([1, 0, 0, 0])));
        assert_eq!(w.0, [0, 0, 0, 0, 0, 1]);
        // 2^320 as a representative is the element 2^64
        assert_eq!(w.reduce(), F::from(1u128 << 64));
    }
}
