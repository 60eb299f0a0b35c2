//! Sums of products of two tables, several of them under one point.

use crate::prove::Instance;
use rayon::prelude::*;
use std::ops::Range;
use verifai_field::{from_i64, inner_product, AdditiveGroup, Field, Zero, F};
use verifai_poly::{bind, variables};

/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 10;

/// `sum_j coefficient_j sum over x of a_j(x) b_j(x)`. A product of fewer variables waits: it is bound to
/// the last challenges, and until then its round polynomial is constant.
#[derive(Debug)]
pub struct Products {
    products: Vec<Product>,
    /// Variables that are not bound.
    left: usize,
}

/// Two tables of one length, a power of two, with what their product is multiplied by.
#[derive(Debug)]
struct Product {
    a: Vec<F>,
    b: Vec<F>,
    coefficient: F,
    /// sum of a b, for as long as it waits.
    sum: F,
}

impl Product {
    fn variables(&self) -> usize {
        variables(self.a.len())
    }
}

impl Products {
    /// Tables a and b with the coefficient of each product.
    pub fn new(products: Vec<(Vec<F>, Vec<F>, F)>) -> Self {
        let tables = products.iter().map(|p| variables(p.0.len()));
        let left = tables.max().unwrap_or(0);
        let products = products
            .into_iter()
            .map(|(a, b, coefficient)| Product {
                sum: if variables(a.len()) < left {
                    inner_product(&a, &b)
                } else {
                    F::zero()
                },
                a,
                b,
                coefficient,
            })
            .collect();
        Self { products, left }
    }

    /// Variables that are not bound: so many rounds are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// a and b of each product at the point, once all variables are bound.
    pub fn evaluations(&self) -> Vec<F> {
        let tables = self.products.iter().flat_map(|p| [&p.a, &p.b]);
        tables.filter_map(|t| t.first().copied()).collect()
    }
}

impl Instance for Products {
    fn message(&mut self) -> Vec<F> {
        let (mut zero, mut two) = (F::zero(), F::zero());
        for product in &self.products {
            let waiting = self.left - product.variables();
            let (s0, s2) = if let Some(after) = waiting.checked_sub(1) {
                let constant = product.sum * from_i64(2).pow([after as u64]);
                (constant, constant)
            } else {
                halves(&product.a, &product.b)
            };
            zero += product.coefficient * s0;
            two += product.coefficient * s2;
        }
        vec![zero, two]
    }

    fn bind(&mut self, challenge: F) {
        for product in &mut self.products {
            if product.variables() == self.left {
                let (a, b) = (&mut product.a, &mut product.b);
                rayon::join(|| bind(a, challenge), || bind(b, challenge));
            }
        }
        self.left -= 1;
    }
}

/// `s(0)` and `s(2)` of `sum a b` over the first variable.
fn halves(a: &[F], b: &[F]) -> (F, F) {
    let half = a.len() / 2;
    let part = |range: Range<usize>| {
        range.fold((F::zero(), F::zero()), |(zero, two), i| {
            let (a0, b0) = (a[i], b[i]);
            let (a2, b2) = (a[i + half].double() - a0, b[i + half].double() - b0);
            (zero + a0 * b0, two + a2 * b2)
        })
    };
    (0..half.div_ceil(PARALLEL))
        .into_par_iter()
        .map(|c| part(c * PARALLEL..half.min((c + 1) * PARALLEL)))
        .reduce(|| (F::zero(), F::zero()), |x, y| (x.0 + y.0, x.1 + y.1))
}
