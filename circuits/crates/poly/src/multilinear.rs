//! A multilinear polynomial as its evaluations on the cube: binding its variables evaluates it.

use rayon::prelude::*;
use verifai_field::F;

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
            let mut bound = table;
            for r in &point {
                bind(&mut bound, *r);
            }
            assert_eq!(bound, [direct]);
        }
    }

    #[test]
    fn most_significant_bit_first() {
        let mut table: Vec<F> = (0..8u64).map(F::from).collect();
        bind(&mut table, F::from(1u64));
        assert_eq!(table, [4u64, 5, 6, 7].map(F::from));
    }
}
