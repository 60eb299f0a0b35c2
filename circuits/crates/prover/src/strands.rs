//! The weights of the joined claim as a sum of products: `sum over strands of a(row) b(column)`.
//!
//! A term on a large block is such a product by itself, once for each place that its runs have within a
//! row: a weight matrix with `eq(x, i) eq(y, j)` needs one vector b for all its rows. What is no product
//! is written out row by row, and each row is a strand of its own.

use crate::interrupt::{Interrupt, Interrupted};
use crate::walk::Walk;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use verifai_field::{Zero, F};
use verifai_table::{Claim, Ids, Layout, Term};

/// Nanoseconds of a product in the field, and of one with an integer: only ratios matter.
pub(crate) const PRODUCT: usize = 25;
pub(crate) const SMALL_PRODUCT: usize = 2;

/// `a(row) b(column)`.
#[derive(Debug)]
pub(crate) struct Strand {
    /// Rows where a is not zero, with its value.
    pub(crate) rows: Vec<(usize, F)>,
    /// The first column of b.
    pub(crate) column: usize,
    /// b from there on.
    pub(crate) vector: Arc<Vec<F>>,
    /// The sum of b.
    pub(crate) total: F,
}

/// The strands of a claim. `reading` is what an inner product of a vector with all committed rows costs,
/// for each entry of the vector. Of a weight that is read by `ids` only these rows are written.
pub(crate) fn strands(
    layout: &Layout,
    claim: &Claim,
    ids: &Ids,
    reading: usize,
    interrupt: &Interrupt,
) -> Result<Vec<Strand>, Interrupted> {
    let columns = 1usize << layout.log_columns;
    let mut by_block: BTreeMap<usize, Vec<&Term>> = BTreeMap::new();
    let mut out = Vec::new();
    let mut written: Vec<(usize, usize, Walk<'_>)> = Vec::new();
    for own in &claim.terms {
        let (block, term) = (own.block, &own.term);
        let Some(rows) = own.ids.and_then(|node| ids.get(&node)) else {
            by_block.entry(block).or_default().push(term);
            continue;
        };
        let block = &layout.blocks[block];
        let stride = block.shape.strides()[0];
        written.extend(rows.iter().enumerate().map(|(t, row)| {
            let walk = Walk::row(term, &block.shape, t, rows.len());
            (block.base + row * stride, walk.width(), walk)
        }));
    }
    for (block, terms) in by_block {
        interrupt.check()?;
        let block = &layout.blocks[block];
        let size = block.shape.size();
        let walks: Vec<Walk<'_>> = terms.iter().map(|t| Walk::new(t, &block.shape)).collect();
        let entries: usize = walks.iter().map(Walk::positions).sum();
        let write = entries * PRODUCT + size * (PRODUCT + 8 * SMALL_PRODUCT);
        let read = |(runs, width): (usize, usize)| width * reading + runs * 4 * PRODUCT;
        let least: usize = walks.iter().map(|w| read(w.runs(columns))).sum();
        let products = walks
            .iter()
            .flat_map(|w| of_product(w, block.base, columns));
        let products: Option<Vec<Strand>> =
            (size > columns && least < write).then(|| products.collect());
        // a term has a strand for each column that its runs begin at
        let cost = |s: &Strand| read((s.rows.len(), s.vector.len()));
        match products.filter(|p| p.iter().map(cost).sum::<usize>() < write) {
            Some(products) => out.extend(products),
            None => written.extend(walks.into_iter().map(|w| (block.base, size, w))),
        }
    }
    let rows: BTreeSet<usize> = written
        .iter()
        .flat_map(|(base, size, _)| base / columns..=(base + size - 1) / columns)
        .collect();
    let rows: Result<Vec<Option<Strand>>, Interrupted> = rows
        .into_par_iter()
        .map(|row| {
            interrupt.check()?;
            Ok(of_row(row, columns, &written))
        })
        .collect();
    out.extend(rows?.into_iter().flatten());
    Ok(out)
}

/// A term: one strand for each column that runs begin at.
fn of_product(walk: &Walk<'_>, base: usize, columns: usize) -> Vec<Strand> {
    let (runs, vector) = walk.split(columns);
    let total = vector.iter().sum();
    let vector = Arc::new(vector);
    let mut by_column: BTreeMap<usize, Vec<(usize, F)>> = BTreeMap::new();
    for (at, factor) in runs {
        let address = base + at;
        let rows = by_column.entry(address % columns).or_default();
        rows.push((address / columns, factor));
    }
    by_column
        .into_iter()
        .map(|(column, rows)| Strand {
            rows,
            column,
            vector: Arc::clone(&vector),
            total,
        })
        .collect()
}

/// All terms (base and size of the block, positions) on one row; `None` if they vanish there.
fn of_row(row: usize, columns: usize, terms: &[(usize, usize, Walk<'_>)]) -> Option<Strand> {
    let (start, end) = (row * columns, (row + 1) * columns);
    let mut sums = vec![F::zero(); columns];
    for (base, size, walk) in terms {
        let within = start.saturating_sub(*base)..end.saturating_sub(*base).min(*size);
        if within.is_empty() {
            continue;
        }
        walk.each(&within, &mut |at, weight| sums[base + at - start] += weight);
    }
    let first = sums.iter().position(|s| !s.is_zero())?;
    let last = sums.iter().rposition(|s| !s.is_zero())?;
    let vector = sums[first..=last].to_vec();
    Some(Strand {
        rows: vec![(row, F::from(1u64))],
        column: first,
        total: vector.iter().sum(),
        vector: Arc::new(vector),
    })
}
