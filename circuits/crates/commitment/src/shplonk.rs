//! One KZG opening for many polynomials at many points (ePrint 2020/081, section 4).

use verifai_field::{batch_inverse, One, ZeroHasNoInverse, F};

/// "`polynomial` has the value `value` at `point`."
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Coefficients, constant first.
    pub polynomial: &'a [F],
    /// Where.
    pub point: F,
    /// The value there.
    pub value: F,
}

/// `F = sum_i nu^i (P_i - v_i) / (X - z_i)`.
pub fn quotient(claims: &[Claim<'_>], nu: F) -> Vec<F> {
    let longest = claims.iter().map(|c| c.polynomial.len()).max().unwrap_or(0);
    let mut sum = vec![F::default(); longest.saturating_sub(1)];
    let mut weight = F::one();
    for claim in claims {
        let mut carry = F::default();
        // the remainder, P(z) - v, is zero and not written
        for (out, c) in (0..claim.polynomial.len())
            .zip(claim.polynomial)
            .skip(1)
            .rev()
        {
            carry = carry * claim.point + c;
            sum[out - 1] += weight * carry;
        }
        weight *= nu;
    }
    sum
}

/// `(F - sum_i nu^i (P_i - v_i) / (z - z_i)) / (X - z)`; an error if z is one of the points.
pub fn witness(
    claims: &[Claim<'_>],
    nu: F,
    quotient: &[F],
    z: F,
) -> Result<Vec<F>, ZeroHasNoInverse> {
    let mut weights: Vec<F> = claims.iter().map(|c| z - c.point).collect();
    batch_inverse(&mut weights)?;
    let longest = claims.iter().map(|c| c.polynomial.len()).max().unwrap_or(0);
    let mut relation = quotient.to_vec();
    relation.resize(longest, F::default());
    let mut power = F::one();
    for (claim, weight) in claims.iter().zip(weights) {
        let weight = weight * power;
        for (r, c) in relation.iter_mut().zip(claim.polynomial) {
            *r -= weight * c;
        }
        if let Some(constant) = relation.first_mut() {
            *constant += weight * claim.value;
        }
        power *= nu;
    }
    let zero = Claim {
        polynomial: &relation,
        point: z,
        value: F::default(),
    };
    Ok(self::quotient(&[zero], F::one()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::horner;
    use ark_ff::UniformRand;

    #[test]
    fn relation_holds_as_polynomials() {
        let mut rng = ark_std::test_rng();
        let mut random = |n: usize| (0..n).map(|_| F::rand(&mut rng)).collect::<Vec<F>>();
        let (p, q) = (random(8), random(3));
        let points = random(3);
        let scalars = random(3);
        let (nu, z, x) = (scalars[0], scalars[1], scalars[2]);
        let claims: Vec<Claim<'_>> = [(&p, points[0]), (&p, points[1]), (&q, points[2])]
            .into_iter()
            .map(|(f, point)| Claim {
                polynomial: f,
                point,
                value: horner(f, point),
            })
            .collect();
        let f = quotient(&claims, nu);
        let w = witness(&claims, nu, &f, z).unwrap();
        let (mut expected_f, mut relation, mut power) = (F::default(), horner(&f, x), F::one());
        for c in &claims {
            let term = power * (horner(c.polynomial, x) - c.value);
            expected_f += term / (x - c.point);
            relation -= term / (z - c.point);
            power *= nu;
        }
        assert_eq!(horner(&f, x), expected_f);
        assert_eq!(horner(&w, x) * (x - z), relation);
        assert!(witness(&claims, nu, &f, points[1]).is_err());
    }
}
