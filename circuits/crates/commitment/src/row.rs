//! Rows of the committed vector.

use rayon::prelude::*;
use verifai_field::{SmallInner, F};

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

/// `sum_i weights_i rows_i`, with `columns` entries: small integers under delayed reduction.
pub fn combine(rows: &[(&Row, F)], columns: usize) -> Vec<F> {
    (0..columns)
        .into_par_iter()
        .with_min_len(256)
        .map(|j| {
            let mut small = SmallInner::default();
            let mut sum = F::default();
            for (row, weight) in rows {
                match row {
                    Row::Small(entries) => {
                        if let Some(k) = entries.get(j) {
                            small.add(i64::from(*k), weight);
                        }
                    }
                    Row::Field(entries) => {
                        if let Some(x) = entries.get(j) {
                            sum += *x * weight;
                        }
                    }
                }
            }
            sum + small.finish()
        })
        .collect()
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
