//! What is committed after alpha and beta: the helpers of the lookups.
//!
//! A lookup that finds its entry needs no arithmetic of its own: denominator, reciprocal and share of a
//! commitment are those of the entry.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
use crate::key::ProvingKey;
use crate::space::Space;
use crate::values::Values;
use rayon::prelude::*;
use verifai_commitment::Row;
use verifai_curve::{Digits, G1};
use verifai_field::{batch_inverse, from_i64, Field, One, Zero, F};
use verifai_lookup::table::{address, entry};
use verifai_lookup::{Challenges, BLOCK};
use verifai_table::initial_claims::custom_denominator;
use verifai_table::layout::Column;
use verifai_table::{Circuit, Layout, Region};

/// Tables and what is looked up in them.
#[derive(Debug)]
pub(crate) struct Lookups<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(crate) layout: &'a Layout,
    pub(crate) blocks: &'a [Vec<i32>],
    pub(crate) values: &'a Values<'a>,
    pub(crate) challenges: Challenges,
    /// `alpha - T` of all entries: of the range tables at their addresses, then of each custom table.
    denominators: Vec<F>,
    reciprocals: Vec<F>,
    /// Where each custom table begins.
    custom: Vec<usize>,
}

impl<'a> Lookups<'a> {
    pub(crate) fn new(
        circuit: &'a Circuit,
        layout: &'a Layout,
        blocks: &'a [Vec<i32>],
        values: &'a Values<'a>,
        challenges: Challenges,
    ) -> Result<Self, ProveError> {
        let range = |a| entry(a).map(|(bits, t)| challenges.denominator(F::from(t as u64), bits));
        let mut denominators: Vec<F> = (0..BLOCK)
            .map(|a| range(a).unwrap_or_else(F::one))
            .collect();
        let mut custom = Vec::new();
        for (t, table) in circuit.tables.iter().enumerate() {
            custom.push(denominators.len());
            let outputs = table.outputs.iter().enumerate();
            denominators.extend(
                outputs.map(|(a, y)| custom_denominator(&challenges, t, table.first, a, *y)),
            );
        }
        let mut reciprocals = denominators.clone();
        batch_inverse(&mut reciprocals).map_err(|_| ProveError::DegenerateChallenge)?;
        Ok(Self {
            circuit,
            layout,
            blocks,
            values,
            challenges,
            denominators,
            reciprocals,
            custom,
        })
    }

    /// The entry that lookup `i` of a column finds; none if it is in no table.
    fn entry(&self, column: &Column, i: usize) -> Option<usize> {
        match column {
            Column::Limb { block, bits } => address(*bits, self.blocks[*block][i]),
            Column::Pair {
                table,
                input,
                output,
            } => {
                let custom = &self.circuit.tables[*table];
                let e = self.values.node(*input)[i].checked_sub(custom.first)?;
                let e = usize::try_from(e).ok()?;
                let found = custom.outputs.get(e) == Some(&self.values.node(*output)[i]);
                found.then(|| self.custom[*table] + e)
            }
        }
    }

    /// `alpha - f` of lookup `i` of a column.
    pub(crate) fn denominator(&self, column: &Column, i: usize) -> F {
        if let Some(entry) = self.entry(column, i) {
            return self.denominators[entry];
        }
        let Challenges { alpha, beta } = self.challenges;
        let value = match column {
            Column::Limb { block, .. } => from_i64(i64::from(self.blocks[*block][i])),
            Column::Pair { input, output, .. } => {
                let (x, y) = (self.values.node(*input)[i], self.values.node(*output)[i]);
                from_i64(x) + beta * beta * from_i64(y)
            }
        };
        alpha - beta * from_i64(column.table().tag()) - value
    }

    /// What is in no table proves nothing, whatever its reciprocal.
    fn reciprocal(&self, column: &Column, i: usize) -> F {
        match self.entry(column, i) {
            Some(entry) => self.reciprocals[entry],
            None => self.denominator(column, i).inverse().unwrap_or_default(),
        }
    }

    /// Blocks of helpers with their values: groups first, then hT of each table.
    pub(crate) fn helpers(&self) -> Vec<(usize, Vec<F>)> {
        let groups = self.layout.groups.iter().map(|group| {
            let sum = |i| group.columns.iter().map(|c| self.reciprocal(c, i)).sum();
            let count = self.layout.blocks[group.helper].shape.real();
            let all = (0..count).into_par_iter().with_min_len(1 << 10);
            (group.helper, all.map(sum).collect())
        });
        let firsts = std::iter::once(&0).chain(&self.custom);
        let tables = self.layout.counts.iter().zip(&self.layout.table_helpers);
        let tables = tables.zip(firsts).map(|((count, helper), first)| {
            let counts = self.blocks[*count].iter().zip(&self.reciprocals[*first..]);
            let values = counts.map(|(m, reciprocal)| from_i64(i64::from(*m)) * reciprocal);
            (*helper, values.collect())
        });
        groups.chain(tables).collect()
    }

    /// The rows of helpers as sums of reciprocals.
    pub(crate) fn sums(&self, helpers: &[(usize, Vec<F>)]) -> Sums {
        let layout = self.layout;
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
                    match self.entry(column, i) {
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
        if let Some(row) = self
            .terms
            .get_mut((address >> self.log_columns) - self.first)
        {
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
        let empty = Row::Small(Vec::new());
        let rows = self.terms.par_iter().enumerate().with_max_len(1);
        rows.map(|(i, terms)| {
            interrupt.check()?;
            let row = space.rows()[self.first + i].as_deref().unwrap_or(&empty);
            let blinding = blindings[self.first + i];
            let commitment = key
                .commitment
                .commit_sums(row, terms, &self.scalars, blinding)?;
            Ok(G1(commitment))
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
