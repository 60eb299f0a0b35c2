//! An instance made of tables: `g(x) = combine(f_0(x), ..., f_(K-1)(x))` with multilinear f_k.
//!
//! The linear-time prover of Libra (ePrint 2019/317): a round evaluates `combine` at `degree`
//! points for each pair of entries, then every table is bound.

use crate::{prove::Instance, shape::Shape};
use rayon::prelude::*;
use thiserror::Error;
use verifai_field::{Zero, F};
use verifai_poly::{bind, variables};

/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 9;

/// The tables are no cubes of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("table {index} has {length} entries, which is not the {expected} of a cube")]
pub struct TableSize {
    /// Which table.
    pub index: usize,
    /// Its entries.
    pub length: usize,
    /// What they should be.
    pub expected: usize,
}

/// K tables and the function that combines their values.
#[derive(Debug)]
pub struct Dense<const K: usize, C> {
    tables: [Vec<F>; K],
    combine: C,
    shape: Shape,
}

impl<const K: usize, C: Fn(&[F; K]) -> F + Sync> Dense<K, C> {
    /// An instance; `degree` is the total degree of `combine` in the tables.
    pub fn new(tables: [Vec<F>; K], degree: usize, combine: C) -> Result<Self, TableSize> {
        let first = tables.first().map_or(0, Vec::len);
        let expected = first.next_power_of_two();
        for (index, table) in tables.iter().enumerate() {
            if table.len() != expected {
                return Err(TableSize {
                    index,
                    length: table.len(),
                    expected,
                });
            }
        }
        Ok(Self {
            shape: Shape {
                variables: variables(expected),
                degree,
            },
            tables,
            combine,
        })
    }

    /// The values of the tables at the point, once all variables are bound.
    pub fn values(&self) -> [F; K] {
        self.entry(0)
    }

    fn entry(&self, i: usize) -> [F; K] {
        std::array::from_fn(|k| self.tables[k][i])
    }

    fn len(&self) -> usize {
        self.tables.first().map_or(0, Vec::len)
    }

    /// `s(0), s(2), ..., s(degree)` over a range of pairs.
    fn partial(&self, pairs: std::ops::Range<usize>, degree: usize) -> Vec<F> {
        let half = self.len() / 2;
        let mut out = vec![F::zero(); degree];
        for i in pairs {
            let low = self.entry(i);
            let mut at = self.entry(i + half);
            let step: [F; K] = std::array::from_fn(|k| at[k] - low[k]);
            let mut sums = out.iter_mut();
            if let Some(zero) = sums.next() {
                *zero += (self.combine)(&low);
            }
            for sum in sums {
                for (a, s) in at.iter_mut().zip(&step) {
                    *a += s;
                }
                *sum += (self.combine)(&at);
            }
        }
        out
    }
}

impl<const K: usize, C: Fn(&[F; K]) -> F + Sync> Instance for Dense<K, C> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn sum(&self) -> F {
        (0..self.len())
            .into_par_iter()
            .with_min_len(PARALLEL)
            .map(|i| (self.combine)(&self.entry(i)))
            .sum()
    }

    fn round(&self, degree: usize) -> Vec<F> {
        let half = self.len() / 2;
        let chunks = half.div_ceil(PARALLEL);
        (0..chunks)
            .into_par_iter()
            .map(|c| self.partial(c * PARALLEL..half.min((c + 1) * PARALLEL), degree))
            .reduce(
                || vec![F::zero(); degree],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(x, y)| *x += y);
                    a
                },
            )
    }

    fn bind(&mut self, challenge: F) {
        for table in &mut self.tables {
            bind(table, challenge);
        }
    }
}
