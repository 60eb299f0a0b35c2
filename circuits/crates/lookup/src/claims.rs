//! The table side as linear claims on the committed blocks of hT and m.
//!
//! ```text
//! side    sum over entries a of eq(x, a) [ hT(a) (alpha - T(a)) - m(a) ] = 0    at a random x
//! total   sum over lookups h - sum over entries hT(a) = 0
//! ```
//!
//! The prover needs the weights entry by entry, the verifier their multilinear extension at the
//! point r of the last sumcheck: there each table is a subcube (its address starts with a one), so
//! its share is a product over bits.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::table::{entry, Challenges, BLOCK, MAX_BITS};
use verifai_field::{powers, One, Zero, F};
use verifai_poly::{eq, eq_at, eq_table};

/// Variables of the block: 9.
pub const ENTRY_VARIABLES: usize = MAX_BITS as usize + 1;

/// The side claim at a random entry point.
#[derive(Clone, Copy, Debug)]
pub struct TableClaim<'a> {
    /// alpha and beta.
    pub challenges: &'a Challenges,
    /// Which tables are used: bit b is set for the table of b bits.
    pub tables: u32,
    /// The random entry point.
    pub point: &'a [F; ENTRY_VARIABLES],
}

/// Weights, or values of their extension, on the blocks of hT and of m.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableWeights<T> {
    /// On hT.
    pub helper: T,
    /// On the multiplicities.
    pub count: T,
}

impl TableClaim<'_> {
    fn uses(&self, bits: u32) -> bool {
        self.tables.checked_shr(bits).unwrap_or(0) & 1 == 1
    }

    /// The weights of all 512 entries.
    pub fn weights(&self) -> TableWeights<Vec<F>> {
        let mut out = TableWeights {
            helper: vec![F::zero(); BLOCK],
            count: vec![F::zero(); BLOCK],
        };
        let table = eq_table(self.point);
        let places = out.helper.iter_mut().zip(&mut out.count).zip(&table);
        for (address, ((helper, count), e)) in places.enumerate() {
            if let Some((bits, t)) = entry(address).filter(|(bits, _)| self.uses(*bits)) {
                *helper = *e * self.challenges.denominator(F::from(t as u64), bits);
                *count = -*e;
            }
        }
        out
    }

    /// The multilinear extensions of the weights at `r`.
    pub fn weights_at(&self, r: &[F; ENTRY_VARIABLES]) -> TableWeights<F> {
        let mut out = TableWeights {
            helper: F::zero(),
            count: F::zero(),
        };
        for bits in (1..=MAX_BITS).filter(|bits| self.uses(*bits)) {
            let top = ENTRY_VARIABLES.saturating_sub(bits as usize);
            let ((p_top, p), (r_top, r)) = (self.point.split_at(top), r.split_at(top));
            let prefix = eq_at(p_top, 1) * eq_at(r_top, 1);
            let share = prefix * eq(p, r);
            let constant = self.challenges.denominator(F::zero(), bits);
            out.helper += share * constant - prefix * weighted_eq(p, r);
            out.count -= share;
        }
        out
    }

    /// The extension at `r` of the total's weights on hT, which are -1 on every entry of a table.
    pub fn total_at(&self, r: &[F; ENTRY_VARIABLES]) -> F {
        (1..=MAX_BITS)
            .filter(|bits| self.uses(*bits))
            .map(|bits| {
                let top = ENTRY_VARIABLES.saturating_sub(bits as usize);
                -eq_at(r.split_at(top).0, 1)
            })
            .sum()
    }
}

/// `sum_t t eq(p, t) eq(r, t)`: for each bit, its weight where it is one, and eq of all other bits.
fn weighted_eq(p: &[F], r: &[F]) -> F {
    let factors: Vec<(F, F)> = p
        .iter()
        .zip(r)
        .rev() // least significant bit first, weight 1, 2, 4, ...
        .map(|(a, b)| {
            let one = *a * b;
            (one, one + one - a - b + F::one())
        })
        .collect();
    let mut above = vec![F::one()];
    for (_, both) in factors.iter().rev() {
        above.push(above.last().copied().unwrap_or_default() * both);
    }
    let mut below = F::one();
    let mut sum = F::zero();
    let others = above.iter().rev().skip(1);
    for (((one, both), above), weight) in factors.iter().zip(others).zip(powers(F::from(2u64))) {
        sum += weight * below * one * above;
        below *= both;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifai_field::{inner_product, random::random_vec};

    fn point() -> [F; ENTRY_VARIABLES] {
        random_vec(ENTRY_VARIABLES).unwrap().try_into().unwrap()
    }

    #[test]
    fn closed_form_is_the_extension() {
        let v = random_vec(2).unwrap();
        let challenges = Challenges {
            alpha: v[0],
            beta: v[1],
        };
        for tables in [0, 0b10, 0b1_0000_0000, 0b1_1111_1110, 0b1010_0100] {
            let (x, r) = (point(), point());
            let claim = TableClaim {
                challenges: &challenges,
                tables,
                point: &x,
            };
            let dense = claim.weights();
            let e = eq_table(&r);
            let at = claim.weights_at(&r);
            assert_eq!(at.helper, inner_product(&dense.helper, &e));
            assert_eq!(at.count, inner_product(&dense.count, &e));
            let total: F = (0..BLOCK)
                .filter(|a| entry(*a).is_some_and(|(b, _)| tables >> b & 1 == 1))
                .map(|a| -e[a])
                .sum();
            assert_eq!(claim.total_at(&r), total);
        }
    }
}
