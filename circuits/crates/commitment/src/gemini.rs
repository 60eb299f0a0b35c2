//! Gemini's folding (ePrint 2022/420, section 5.1): from a multilinear evaluation to univariate
//! polynomials of falling degree.

use verifai_field::F;

/// A_0, A_1, ..., A_n as coefficient vectors: A_0 is the row, A_n (a constant, if the row has the
/// right length) its value. The last coordinate of the point folds first.
pub fn folds(row: Vec<F>, point: &[F]) -> Vec<Vec<F>> {
    let mut all = vec![row];
    for x in point.iter().rev() {
        let next = all.last().map(|last| {
            last.chunks(2)
                .map(|pair| match pair {
                    [even, odd] => *even + *x * (*odd - even),
                    [even] => *even - *x * even,
                    _ => F::default(),
                })
                .collect()
        });
        all.extend(next);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;

    #[test]
    fn folding_all_variables_evaluates() {
        let mut rng = ark_std::test_rng();
        for n in 0..6 {
            let row: Vec<F> = (0..1 << n).map(|_| F::rand(&mut rng)).collect();
            let point: Vec<F> = (0..n).map(|_| F::rand(&mut rng)).collect();
            let value = verifai_field::inner_product(&row, &verifai_poly::eq_table(&point));
            let all = folds(row, &point);
            assert_eq!(all.len(), n + 1);
            assert_eq!(all[n], [value]);
        }
    }
}
