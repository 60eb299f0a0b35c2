//! The zerocheck's term: one formula for prover and verifier.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use verifai_field::F;

/// Lookups that share one helper: four keep the zerocheck at degree 6.
pub const GROUP: usize = 4;

/// Degree of [`relation`] in values, helper and selectors together.
pub const RELATION_DEGREE: usize = 6;

/// Values of the selectors at one place, eq included: each is the multilinear extension of
/// eq(tau, .) times a public indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selectors {
    /// Rows in which a group is enabled.
    pub enabled: F,
    /// Rows in which the i-th lookup of a group exists.
    pub numerators: [F; GROUP],
}

/// `en h prod_i d_i - sum_i num_i prod_(j != i) d_j` with `d_i = alpha - f_i`: zero on every row of
/// an honest prover. Where a lookup does not exist its column may hold anything.
///
/// For a group of k < 4 lookups the products still run over all four columns, and h is the sum of
/// the k reciprocals that exist.
pub fn relation(selectors: &Selectors, denominators: &[F; GROUP], helper: F) -> F {
    let [a, b, c, d] = denominators;
    let [na, nb, nc, nd] = &selectors.numerators;
    let (ab, cd) = (*a * b, *c * d);
    let numerators = (*na * b + *nb * a) * cd + (*nc * d + *nd * c) * ab;
    selectors.enabled * helper * ab * cd - numerators
}

/// [`relation`] over its selector, where that is one and the same for the first `count` lookups of a
/// group and the others do not exist.
pub fn cleared(count: usize, denominators: &[F; GROUP], helper: F) -> F {
    let [a, b, c, d] = denominators;
    let (ab, cd) = (*a * b, *c * d);
    let first = helper * ab - if count > 1 { *a + b } else { *b };
    match count {
        0..=2 => first * cd,
        3 => first * cd - *d * ab,
        _ => first * cd - (*c + d) * ab,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifai_field::{batch_inverse, random::random_vec, One, Zero};

    #[test]
    fn zero_exactly_for_the_right_helper() {
        for count in 1..=GROUP {
            let v = random_vec(GROUP).unwrap();
            let d = [v[0], v[1], v[2], v[3]];
            let mut inverses = v[..count].to_vec();
            batch_inverse(&mut inverses).unwrap();
            let h: F = inverses.iter().sum();
            let mut numerators = [F::zero(); GROUP];
            numerators[..count].fill(F::from(9u64));
            let selectors = Selectors {
                enabled: F::from(9u64),
                numerators,
            };
            assert_eq!(relation(&selectors, &d, h), F::zero());
            assert_ne!(relation(&selectors, &d, h + F::one()), F::zero());
        }
    }

    #[test]
    fn one_selector_can_be_cleared() {
        for count in 1..=GROUP {
            let v = random_vec(GROUP + 2).unwrap();
            let (d, h, enabled) = ([v[0], v[1], v[2], v[3]], v[4], v[5]);
            let mut numerators = [F::zero(); GROUP];
            numerators[..count].fill(enabled);
            let selectors = Selectors {
                enabled,
                numerators,
            };
            let expected = relation(&selectors, &d, h);
            assert_eq!(enabled * cleared(count, &d, h), expected);
        }
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_selected() {
        let v = random_vec(GROUP + 1).unwrap();
        let none = Selectors {
            enabled: F::zero(),
            numerators: [F::zero(); GROUP],
        };
        assert_eq!(relation(&none, &[v[0], v[1], v[2], v[3]], v[4]), F::zero());
    }
}
