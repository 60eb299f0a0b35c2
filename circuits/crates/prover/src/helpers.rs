//! What is committed after alpha and beta: the helpers of the lookups.
//!
//! A lookup that finds its entry needs no arithmetic of its own: denominator, reciprocal and share of a
//! commitment are those of the entry.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
use crate::key::ProvingKey;
use crate::space::Space;
use crate::witness::Entries;
use rayon::prelude::*;
use verifai_curve::{Digits, G1};
use verifai_field::{batch_inverse, from_i64, Field, One, Zero, F};
use verifai_lookup::Challenges;
use verifai_table::layout::Column;
use verifai_table::{initial_claims, Layout, Region};

/// Tables and what is looked up in them.
#[derive(Debug)]
pub(crate) struct Lookups<'a> {
    pub(crate) entries: Entries<'a>,
    pub(crate) challenges: Challenges,
    /// `alpha - T` of all entries.
    denominators: Vec<F>,
    reciprocals: Vec<F>,
}

impl<'a> Lookups<'a> {
    pub(crate) fn new(entries: Entries<'a>, challenges: Challenges) -> Result<Self, ProveError> {
        let denominators = initial_claims::denominators(entries.layout, &challenges);
        let denominators = denominators.into_iter().flatten();
        let denominators: Vec<F> = denominators.map(|d| d.unwrap_or_else(F::one)).collect();
        let mut reciprocals = denominators.clone();
        batch_inverse(&mut reciprocals).map_err(|_| ProveError::DegenerateChallenge)?;
        Ok(Self {
            entries,
            challenges,
            denominators,
            reciprocals,
        })
    }

    /// `alpha - f` of lookup `i` of a column.
    pub(crate) fn denominator(&self, column: &Column, i: usize) -> F {
        let Entries { blocks, values, .. } = &self.entries;
        if let Some(entry) = self.entries.entry(column, i) {
            return self.denominators[entry];
        }
        let Challenges { alpha, beta } = self.challenges;
        let value = match column {
            Column::Limb { block, .. } => from_i64(i64::from(blocks[*block][i])),
            Column::Pair { input, output, .. } => {
                let (x, y) = (values.node(*input)[i], values.node(*output)[i]);
                from_i64(x) + beta * beta * from_i64(y)
            }
        };
        alpha - beta * from_i64(column.table().tag()) - value
    }

    /// What is in no table proves nothing, whatever its reciprocal.
    fn reciprocal(&self, column: &Column, i: usize) -> F {
        match self.entries.entry(column, i) {
            Some(entry) => self.reciprocals[entry],
            None => self.denominator(column, i).inverse().unwrap_or_default(),
        }
    }

    /// Blocks of helpers with their values: groups first, then hT of each table.
    pub(crate) fn helpers(&self) -> Vec<(usize, Vec<F>)> {
        let Entries {
            layout,
            blocks,
            firsts,
            ..
        } = &self.entries;
        let groups = layout.groups.iter().map(|group| {
            let sum = |i| group.columns.iter().map(|c| self.reciprocal(c, i)).sum();
            let count = layout.blocks[group.helper].shape.real();
            let all = (0..count).into_par_iter().with_min_len(1 << 10);
            (group.helper, all.map(sum).collect())
        });
        let tables = layout.counts.iter().zip(&layout.table_helpers);
        let tables = tables.zip(firsts).map(|((count, helper), first)| {
            let counts = blocks[*count].iter().zip(&self.reciprocals[*first..]);
            let values = counts.map(|(m, reciprocal)| from_i64(i64::from(*m)) * reciprocal);
            (*helper, values.collect())
        });
        groups.chain(tables).collect()
    }

    /// The rows of helpers as sums of reciprocals.
    pub(crate) fn sums(&self, helpers: &[(usize, Vec<F>)]) -> Sums {
        let layout = self.entries.layout;
        let rows = layout.region_rows(Region::Helper);
        let mut sums = Sums {
            log_columns: layout.log_columns,
            first: rows.start,
            terms: vec![Vec::new(); rows.len()],
            scalars: self.reciprocals.iter().map(Digits::from).collect(),
        };
        for group in &layout.groups {
            let block = &layout.blocks[group.helper];
            let positions = block.shape.positions();
            for column in &group.columns {
                for (i, position) in positions.iter().enumerate() {
                    let at = block.base + position;
                    match self.entries.entry(column, i) {
                        Some(entry) => sums.put(at, entry),
                        None => sums.add(at, &self.reciprocal(column, i)),
                    }
                }
            }
        }
        for (block, values) in &helpers[layout.groups.len()..] {
            let block = &layout.blocks[*block];
            let positions = block.shape.positions();
            for (position, value) in positions.iter().zip(values).filter(|(_, v)| !v.is_zero()) {
                sums.add(block.base + position, value);
            }
        }
        sums
    }
}

/// The rows of helpers, entry by entry a sum of scalars of which few differ.
#[derive(Debug)]
pub(crate) struct Sums {
    log_columns: usize,
    /// The first row.
    first: usize,
    /// Columns and scalars of each row.
    terms: Vec<Vec<(u32, u32)>>,
    scalars: Vec<Digits>,
}

impl Sums {
    /// Adds a scalar of the list at an address.
    fn put(&mut self, address: usize, scalar: usize) {
        let column = address & ((1 << self.log_columns) - 1);
        let row = (address >> self.log_columns) - self.first;
        if let Some(row) = self.terms.get_mut(row) {
            row.push((column as u32, scalar as u32));
        }
    }

    /// Adds any scalar at an address.
    pub(crate) fn add(&mut self, address: usize, scalar: &F) {
        self.put(address, self.scalars.len());
        self.scalars.push(Digits::from(scalar));
    }

    /// The commitments of all rows.
    pub(crate) fn commit(
        &self,
        key: &ProvingKey,
        space: &Space,
        blindings: &[F],
        interrupt: &Interrupt,
    ) -> Result<Vec<G1>, ProveError> {
        let rows = self.terms.par_iter().enumerate().with_max_len(1);
        rows.map(|(i, terms)| {
            interrupt.check()?;
            let (row, blinding) = (space.row(self.first + i), blindings[self.first + i]);
            let key = &key.commitment;
            Ok(G1(key.commit_sums(row, terms, &self.scalars, blinding)?))
        })
        .collect()
    }
}

/// A lie about a helper reaches the zerocheck too.
pub(crate) fn lie_in_helper(
    layout: &Layout,
    helpers: &mut [(usize, Vec<F>)],
    address: usize,
    delta: i64,
) {
    for (block, values) in helpers.iter_mut().take(layout.groups.len()) {
        let block = &layout.blocks[*block];
        let positions = block.shape.positions();
        if let Some(i) = positions.iter().position(|p| block.base + p == address) {
            values[i] += from_i64(delta);
        }
    }
}
