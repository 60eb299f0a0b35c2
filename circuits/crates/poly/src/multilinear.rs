//! A multilinear polynomial as its evaluations on the cube.

use rayon::prelude::*;
use thiserror::Error;
use verifai_field::F;

/// A table whose length is not 2^n for the n that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{length} evaluations are no cube of {variables} variables")]
pub struct NotACube {
    /// Evaluations given.
    pub length: usize,
    /// Variables expected.
    pub variables: usize,
}

/// Below this many outputs, one thread is faster than several.
const PARALLEL: usize = 1 << 12;

/// Binds the first variable (the most significant bit) to `r`, in place:
/// `f(r, x) = f(0, x) + r (f(1, x) - f(0, x))`. A constant is left as it is.
pub fn bind(table: &mut Vec<F>, r: F) {
    let half = table.len() / 2;
    if half == 0 {
        return;
    }
    let (low, high) = table.split_at_mut(half);
    let step = |(a, b): (&mut F, &F)| {
        *a += r * (*b - *a);
    };
    if half >= PARALLEL {
        low.par_iter_mut().zip(&*high).for_each(step);
    } else {
        low.iter_mut().zip(&*high).for_each(step);
    }
    table.truncate(half);
}

/// The value at a point: 2^n multiplications, 2^(n/2) + 2^(n/2) elements of memory.
pub fn evaluate(table: &[F], point: &[F]) -> Result<F, NotACube> {
    let wrong = NotACube {
        length: table.len(),
        variables: point.len(),
    };
    let expected = u32::try_from(point.len())
        .ok()
        .and_then(|n| 1usize.checked_shl(n))
        .ok_or(wrong)?;
    if table.len() != expected {
        return Err(wrong);
    }
    let (outer, inner) = point.split_at(point.len() / 2);
    let row = crate::eq_table(inner);
    let column = crate::eq_table(outer);
    Ok(table
        .chunks_exact(row.len())
        .zip(&column)
        .map(|(chunk, e)| verifai_field::inner_product(chunk, &row) * e)
        .sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eq_table;

    fn random(n: usize) -> Vec<F> {
        verifai_field::random::random_vec(n).unwrap()
    }

    #[test]
    fn binding_all_variables_evaluates() {
        for n in [0, 1, 2, 5, 14] {
            let table = random(1 << n);
            let point = random(n);
            let direct: F = verifai_field::inner_product(&table, &eq_table(&point));
            assert_eq!(evaluate(&table, &point), Ok(direct));
            let mut bound = table;
            for r in &point {
                bind(&mut bound, *r);
            }
            assert_eq!(bound, [direct]);
        }
    }

    #[test]
    fn most_significant_bit_first() {
        let table: Vec<F> = (0..8u64).map(F::from).collect();
        let point = [F::from(1u64), F::from(0u64), F::from(0u64)];
        assert_eq!(evaluate(&table, &point), Ok(F::from(4u64)));
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let table = random(4);
        let wrong = NotACube {
            length: 4,
            variables: 3,
        };
        assert_eq!(evaluate(&table, &random(3)), Err(wrong));
        assert!(evaluate(&table, &random(200)).is_err());
        assert!(evaluate(&[], &[]).is_err());
    }
}
