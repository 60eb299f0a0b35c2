//! Sums of products of two tables: one, and several of them under one point.

use crate::prove::Instance;
use rayon::prelude::*;
use std::ops::Range;
use verifai_field::{from_i64, inner_product, AdditiveGroup, Field, Zero, F};
use verifai_poly::{bind, variables};

/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 10;

/// Two tables of one length, a power of two.
#[derive(Clone, Debug)]
pub struct Product {
    /// The first.
    pub a: Vec<F>,
    /// The second.
    pub b: Vec<F>,
}

impl Product {
    /// The sum of a b over what is left.
    pub fn sum(&self) -> F {
        inner_product(&self.a, &self.b)
    }

    /// Variables that are not bound.
    pub fn variables(&self) -> usize {
        variables(self.a.len())
    }

    /// `s(0)` and `s(2)` over the first variable.
    pub fn message(&self) -> [F; 2] {
        let half = self.a.len() / 2;
        let part = |range: Range<usize>| {
            range.fold([F::zero(); 2], |[zero, two], i| {
                let (a0, b0) = (self.a[i], self.b[i]);
                let (a2, b2) = (
                    self.a[i + half].double() - a0,
                    self.b[i + half].double() - b0,
                );
                [zero + a0 * b0, two + a2 * b2]
            })
        };
        if half <= PARALLEL {
            return part(0..half);
        }
        (0..half.div_ceil(PARALLEL))
            .into_par_iter()
            .map(|c| part(c * PARALLEL..half.min((c + 1) * PARALLEL)))
            .reduce(|| [F::zero(); 2], add)
    }

    /// Binds the first variable.
    pub fn bind(&mut self, r: F) {
        if self.a.len() <= 2 * PARALLEL {
            bind(&mut self.a, r);
            bind(&mut self.b, r);
        } else {
            rayon::join(|| bind(&mut self.a, r), || bind(&mut self.b, r));
        }
    }
}

/// The sum of two messages.
pub fn add([a, b]: [F; 2], [c, d]: [F; 2]) -> [F; 2] {
    [a + c, b + d]
}

/// `sum_j coefficient_j sum over x of a_j(x) b_j(x)`. A product of fewer variables waits: it is bound to
/// the last challenges, and until then its round polynomial is constant.
#[derive(Debug)]
pub struct Products {
    /// Tables, coefficient, and the sum of a b for as long as they wait.
    products: Vec<(Product, F, F)>,
    /// Variables that are not bound.
    left: usize,
}

impl Products {
    /// Tables and coefficient of each product.
    pub fn new(products: Vec<(Product, F)>) -> Self {
        let left = products.iter().map(|(p, _)| p.variables()).max();
        let left = left.unwrap_or(0);
        let with_sum = |(product, coefficient): (Product, F)| {
            let waits = product.variables() < left;
            let sum = if waits { product.sum() } else { F::zero() };
            (product, coefficient, sum)
        };
        let products = products.into_iter().map(with_sum).collect();
        Self { products, left }
    }

    /// Variables that are not bound: so many rounds are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// a and b of each product at the point, once all variables are bound.
    pub fn evaluations(&self) -> Vec<F> {
        let tables = self.products.iter().flat_map(|(p, ..)| [&p.a, &p.b]);
        tables.filter_map(|t| t.first().copied()).collect()
    }
}

impl<E> Instance<E> for Products {
    fn message(&mut self) -> Vec<F> {
        let messages = self.products.iter().map(|(product, coefficient, sum)| {
            let message = match self.left - product.variables() {
                0 => product.message(),
                waiting => [*sum * from_i64(2).pow([waiting as u64 - 1]); 2],
            };
            message.map(|s| *coefficient * s)
        });
        messages.fold([F::zero(); 2], add).to_vec()
    }

    fn bind(&mut self, challenge: F) -> Result<(), E> {
        for (product, ..) in &mut self.products {
            if product.variables() == self.left {
                product.bind(challenge);
            }
        }
        self.left -= 1;
        Ok(())
    }
}
