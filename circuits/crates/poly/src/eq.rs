//! eq(x, y) = prod_k (x_k y_k + (1 - x_k)(1 - y_k)), the multilinear extension of equality
//! (Thaler, "Proofs, Arguments, and Zero-Knowledge", Lemma 3.6).

use crate::cube_size;
use verifai_field::{One, Zero, F};

/// eq(point, index), for one vertex. Zero if the index has more bits than the point.
pub fn eq_at(point: &[F], index: usize) -> F {
    let mut product = F::one();
    let mut rest = index;
    for r in point.iter().rev() {
        product *= if rest & 1 == 1 { *r } else { F::one() - r };
        rest >>= 1;
    }
    if rest == 0 {
        product
    } else {
        F::zero()
    }
}

/// eq(point, i) for all 2^n vertices: 2^n multiplications.
pub fn eq_table(point: &[F]) -> Vec<F> {
    eq_table_real(point, usize::MAX)
}

/// eq(point, i) for the vertices `i < real` only: an axis whose padding nothing reads. The work is
/// proportional to the vertices kept.
pub fn eq_table_real(point: &[F], real: usize) -> Vec<F> {
    let mut table = vec![F::one()];
    table.truncate(real);
    for (k, r) in point.iter().enumerate() {
        // prefixes of the indices below `real` after k + 1 of n variables
        let keep = real.div_ceil(cube_size(point.len() - k - 1));
        let mut next = Vec::with_capacity((table.len() * 2).min(keep));
        for e in &table {
            let one = *e * r;
            next.push(*e - one);
            next.push(one);
        }
        next.truncate(keep);
        table = next;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize) -> Vec<F> {
        verifai_field::random::random_vec(n).unwrap()
    }

    #[test]
    fn table_is_eq_at_every_vertex() {
        for n in 0..7 {
            let r = point(n);
            let table = eq_table(&r);
            assert_eq!(table.len(), 1 << n);
            for (i, e) in table.iter().enumerate() {
                assert_eq!(*e, eq_at(&r, i));
            }
            assert_eq!(table.iter().sum::<F>(), F::one());
            assert_eq!(eq_at(&r, 1 << n), F::zero());
        }
    }

    #[test]
    fn real_table_is_a_prefix() {
        let r = point(6);
        let whole = eq_table(&r);
        for real in 0..=64 {
            assert_eq!(eq_table_real(&r, real), whole[..real]);
        }
        assert_eq!(eq_table_real(&r, 65), whole);
        assert!(eq_table_real(&[], 0).is_empty());
    }
}
