//! Rows of the committed vector.

use rayon::prelude::*;
use verifai_field::{OffsetInner, F};

/// One row. Entries beyond its length are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Small integers: limbs, multiplicities, weights.
    Small(Vec<i32>),
    /// Field elements: helpers, pads, masks.
    Field(Vec<F>),
}

impl Row {
    /// Entries given.
    pub fn len(&self) -> usize {
        match self {
            Self::Small(entries) => entries.len(),
            Self::Field(entries) => entries.len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Columns that are summed at a time: their sums stay in the cache.
const TILE: usize = 1 << 8;

/// `sum_i weights_i rows_i`, with `columns` entries: small integers under delayed reduction.
pub fn combine(rows: &[(&Row, F)], columns: usize) -> Vec<F> {
    let small = rows.iter().filter(|(row, _)| matches!(row, Row::Small(_)));
    let total: F = small.map(|(_, weight)| weight).sum();
    let mut out = vec![F::default(); columns];
    out.par_chunks_mut(TILE)
        .enumerate()
        .for_each(|(tile, out)| {
            let mut sums = vec![OffsetInner::default(); out.len()];
            for (row, weight) in rows {
                let start = row.len().min(tile * TILE);
                match row {
                    Row::Small(entries) => {
                        let entries = entries[start..].iter().chain(std::iter::repeat(&0));
                        for (sum, k) in sums.iter_mut().zip(entries) {
                            sum.add(i64::from(*k), weight);
                        }
                    }
                    Row::Field(entries) => {
                        for (out, x) in out.iter_mut().zip(&entries[start..]) {
                            *out += *x * weight;
                        }
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += sum.finish(total);
            }
        });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifai_field::from_i64;

    #[test]
    fn combination_of_mixed_rows() {
        let small = Row::Small(vec![3, -2, 7]);
        let field = Row::Field(vec![from_i64(10), from_i64(-1)]);
        let weights = [from_i64(5), from_i64(-4)];
        let sum = combine(&[(&small, weights[0]), (&field, weights[1])], 4);
        assert_eq!(sum, [15 - 40, -10 + 4, 35, 0].map(from_i64));
        assert!(combine(&[], 2) == [F::default(); 2]);
        assert!(!small.is_empty() && Row::Small(vec![]).is_empty());
    }
}
