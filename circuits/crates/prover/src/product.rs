//! `sum of A B` over a cube, variable by variable.

use rayon::prelude::*;
use verifai_field::{inner_product, AdditiveGroup, Zero, F};
use verifai_poly::bind;

/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 10;

/// Two vectors of one power of two.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) a: Vec<F>,
    pub(crate) b: Vec<F>,
}

impl Product {
    /// The sum over what is left.
    pub(crate) fn sum(&self) -> F {
        inner_product(&self.a, &self.b)
    }

    /// `s(0)` and `s(2)` over the first variable.
    pub(crate) fn message(&self) -> [F; 2] {
        let half = self.a.len() / 2;
        let part = |range: std::ops::Range<usize>| {
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
    pub(crate) fn bind(&mut self, r: F) {
        if self.a.len() <= 2 * PARALLEL {
            bind(&mut self.a, r);
            bind(&mut self.b, r);
        } else {
            rayon::join(|| bind(&mut self.a, r), || bind(&mut self.b, r));
        }
    }
}

/// The sum of two messages.
pub(crate) fn add([a, b]: [F; 2], [c, d]: [F; 2]) -> [F; 2] {
    [a + c, b + d]
}
