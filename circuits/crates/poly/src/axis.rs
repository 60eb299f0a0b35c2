//! Sums over the real indices of one axis.
//!
//! `docs/protocol.md`, "Claims": every claim weight is supported on real indices only and
//! is evaluated axis by axis. For weights that are products of eq, the sum over `i < n` splits into
//! one block per set bit of `n` (the carry walk): O(log n) steps for any number of points.

use verifai_field::{One, Zero, F};

/// Variables of an axis of `n` real entries: `ceil(log2 n)`, zero for one entry or none.
pub fn variables(n: usize) -> usize {
    let bits = usize::BITS - n.saturating_sub(1).leading_zeros();
    bits as usize
}

/// `sum over i < real of prod_k eq(points[k], i)`. All points have the dimension of the axis; `None`
/// if their dimensions differ. `real` at or above the size of the cube sums over the whole cube.
pub fn real_sum(points: &[&[F]], real: usize) -> Option<F> {
    let n = points.first().map_or(0, |p| p.len());
    if points.iter().any(|p| p.len() != n) {
        return None;
    }
    // factors[k] = product over points of eq(point_k, bit), for bit 0 and 1
    let factors: Vec<(F, F)> = (0..n)
        .map(|k| {
            points
                .iter()
                .filter_map(|p| p.get(k))
                .fold((F::one(), F::one()), |(zero, one), r| {
                    (zero * (F::one() - r), one * r)
                })
        })
        .collect();
    let whole: F = factors
        .iter()
        .fold(F::one(), |product, (zero, one)| product * (*zero + one));
    let whole_cube = u32::try_from(n)
        .ok()
        .and_then(|shift| 1usize.checked_shl(shift))
        .is_some_and(|size| real >= size);
    if whole_cube {
        return Some(whole);
    }
    // suffix: product of (zero + one) over the bits below the current one, from low to high
    let mut suffix = F::one();
    let mut below = Vec::with_capacity(n);
    for (zero, one) in factors.iter().rev() {
        below.push(suffix);
        suffix *= *zero + one;
    }
    let mut prefix = F::one();
    let mut sum = F::zero();
    for (k, ((zero, one), low)) in factors.iter().zip(below.iter().rev()).enumerate() {
        let shift = u32::try_from(n - 1 - k).unwrap_or(u32::MAX);
        if real.checked_shr(shift).unwrap_or(0) & 1 == 1 {
            sum += prefix * zero * low;
            prefix *= one;
        } else {
            prefix *= zero;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eq_at;
    use ark_ff::UniformRand;

    #[test]
    fn variables_of_an_axis() {
        let expected = [0, 0, 1, 2, 2, 3, 3, 3, 3, 4];
        for (n, v) in expected.iter().enumerate() {
            assert_eq!(variables(n), *v, "n = {n}");
        }
        assert_eq!(variables(usize::MAX), usize::BITS as usize);
    }

    #[test]
    fn agrees_with_entry_by_entry() {
        let mut rng = ark_std::test_rng();
        for n in 0..6 {
            for count in 1..4 {
                let points: Vec<Vec<F>> = (0..count)
                    .map(|_| (0..n).map(|_| F::rand(&mut rng)).collect())
                    .collect();
                let refs: Vec<&[F]> = points.iter().map(Vec::as_slice).collect();
                let mut sum = F::zero();
                for real in 0..=(1 << n) {
                    assert_eq!(real_sum(&refs, real), Some(sum), "n {n} real {real}");
                    sum += points.iter().map(|p| eq_at(p, real)).product::<F>();
                }
                assert_eq!(real_sum(&refs, usize::MAX), real_sum(&refs, 1 << n));
            }
        }
    }

    #[test]
    fn dimensions_must_agree() {
        assert_eq!(real_sum(&[&[F::one()], &[]], 1), None);
        assert_eq!(real_sum(&[], 1), Some(F::one()));
        assert_eq!(real_sum(&[], 0), Some(F::zero()));
    }
}
