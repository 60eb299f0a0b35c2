//! The claims that constraints start, before anything is combined.

use crate::claim::{tile_sum, BlockTerm, Claim};
use crate::error::PullError;
use crate::layout::{Column, Layout, Table};
use crate::node::{Circuit, Kind};
use crate::pullback::{pullback, Pulled};
use crate::weights::{Group, Term};
use crate::work::Work;
use std::sync::Arc;
use verifai_field::{from_i64, powers, One, Zero, F};
use verifai_lookup::{table::entry, Challenges, Selectors, GROUP};
use verifai_poly::{eq_at, eq_table_real, variables};

/// Selectors, tags and gate of the zerocheck at its point.
#[derive(Clone, Copy, Debug)]
pub struct CubeSelectors {
    /// Of the lookups.
    pub lookups: Selectors,
    /// Of the products.
    pub gate: F,
    /// Extensions of the tags of the four lookup columns.
    pub tags: [F; GROUP],
}

/// The selectors of the zerocheck at `z`.
pub fn selectors(layout: &Layout, tau: &[F], z: &[F]) -> CubeSelectors {
    let mut out = CubeSelectors {
        lookups: Selectors {
            enabled: F::zero(),
            numerators: [F::zero(); GROUP],
        },
        gate: F::zero(),
        tags: [F::zero(); GROUP],
    };
    for group in &layout.groups {
        let Some(block) = layout.blocks.get(group.helper) else {
            continue;
        };
        let both = tile_sum(&block.shape, group.base, tau, z);
        let at_z = Term::eq_tile(&block.shape, group.base, z).sum();
        out.lookups.enabled += both;
        let places = out.lookups.numerators.iter_mut().zip(&mut out.tags);
        for (column, (numerator, tag)) in group.columns.iter().zip(places) {
            *numerator += both;
            *tag += at_z * from_i64(column.table().tag());
        }
    }
    for product in &layout.products {
        out.gate += tile_sum(&product.shape, product.base, tau, z);
    }
    out
}

/// The functionals of the zerocheck's columns at `z`: lookup values, helper, factors. The value
/// sent is not subtracted yet.
pub fn columns(
    circuit: &Circuit,
    layout: &Layout,
    beta: F,
    z: &[F],
    work: &mut Work,
) -> Result<Vec<Claim>, PullError> {
    let mut out = vec![Claim::default(); layout.columns()];
    let beta_2 = beta * beta;
    for group in &layout.groups {
        let Some(block) = layout.blocks.get(group.helper) else {
            continue;
        };
        let term = Term::eq_tile(&block.shape, group.base, z);
        for (column, claim) in group.columns.iter().zip(&mut out) {
            match column {
                Column::Limb { block, .. } => {
                    claim.terms.push(BlockTerm {
                        block: *block,
                        term: term.clone(),
                    });
                }
                Column::Pair { input, output, .. } => {
                    for (node, factor) in [(*input, F::one()), (*output, beta_2)] {
                        let pulled = pullback(circuit, layout, node, term.clone(), work)?;
                        claim.add(pulled.claim, factor);
                    }
                }
            }
        }
        if let Some(claim) = out.get_mut(GROUP) {
            claim.terms.push(BlockTerm {
                block: group.helper,
                term,
            });
        }
    }
    for product in &layout.products {
        let term = Term::eq_tile(&product.shape, product.base, z);
        for (j, claim) in out.iter_mut().skip(GROUP.saturating_add(1)).enumerate() {
            match product.factors.get(j) {
                Some(factor) => {
                    let pulled = pullback(circuit, layout, *factor, term.clone(), work)?;
                    claim.add(pulled.claim, F::one());
                }
                None => claim.constant += term.sum(),
            }
        }
    }
    if let Some(hiding) = &layout.hiding {
        let weight = eq_at(z, hiding.position);
        for (column, claim) in out.iter_mut().enumerate() {
            claim
                .terms
                .push(entries(hiding.slots, layout, &[(column, weight)]));
        }
    }
    Ok(out)
}

/// The random points of the table side.
#[derive(Clone, Debug)]
pub struct EntryPoints {
    /// For the block of range tables.
    pub range: Vec<F>,
    /// For each custom table.
    pub custom: Vec<Vec<F>>,
}

/// The table side: range tables, total, then each custom table.
pub fn table_side(
    circuit: &Circuit,
    layout: &Layout,
    challenges: &Challenges,
    points: &EntryPoints,
) -> Vec<Claim> {
    let mut sides = Vec::new();
    let mut total = Claim::default();
    for group in &layout.groups {
        let dims = layout
            .blocks
            .get(group.helper)
            .map(|b| b.shape.dims())
            .unwrap_or_default();
        total.terms.push(BlockTerm {
            block: group.helper,
            term: ones(dims),
        });
    }
    let blocks = layout.counts.iter().zip(&layout.table_helpers).enumerate();
    for (place, (count, helper)) in blocks {
        let (table, point) = match place.checked_sub(1) {
            None => (None, Some(&points.range)),
            Some(t) => (circuit.tables.get(t).map(|c| (t, c)), points.custom.get(t)),
        };
        let length = layout.blocks.get(*count).map_or(0, |b| b.shape.real());
        let eq = eq_table_real(point.map(Vec::as_slice).unwrap_or_default(), length);
        // alpha - T, and whether the entry exists
        let denominator = |a: usize| -> Option<F> {
            match &table {
                None => entry(a)
                    .filter(|(bits, _)| layout.widths.checked_shr(*bits).unwrap_or(0) & 1 == 1)
                    .map(|(bits, t)| challenges.denominator(F::from(t as u64), bits)),
                Some((t, custom)) => custom
                    .outputs
                    .get(a)
                    .map(|output| custom_denominator(challenges, *t, custom.first, a, *output)),
            }
        };
        let mut side = Claim::default();
        let (mut on_helper, mut on_count, mut exists) =
            (eq.clone(), eq, Vec::with_capacity(length));
        for (a, (h, m)) in on_helper.iter_mut().zip(&mut on_count).enumerate() {
            let d = denominator(a);
            exists.push(if d.is_some() { -F::one() } else { F::zero() });
            *m = if d.is_some() { -*m } else { F::zero() };
            *h *= d.unwrap_or_default();
        }
        for (block, vector) in [(*helper, on_helper), (*count, on_count)] {
            side.terms.push(line(block, vector));
        }
        total.terms.push(line(*helper, exists));
        sides.push(side);
    }
    sides.insert(1.min(sides.len()), total);
    sides
}

/// `alpha - (first + a + beta tag + beta^2 output)`.
pub fn custom_denominator(
    challenges: &Challenges,
    table: usize,
    first: i64,
    a: usize,
    output: i64,
) -> F {
    let beta = challenges.beta;
    let input = from_i64(first) + F::from(a as u64);
    challenges.alpha
        - input
        - beta * from_i64(Table::Custom(table).tag())
        - beta * beta * from_i64(output)
}

/// Weights on some entries of a line.
pub fn entries(block: usize, layout: &Layout, weights: &[(usize, F)]) -> BlockTerm {
    let length = layout.blocks.get(block).map_or(0, |b| b.shape.real());
    let mut vector = vec![F::zero(); length];
    for (entry, weight) in weights {
        if let Some(v) = vector.get_mut(*entry) {
            *v += weight;
        }
    }
    line(block, vector)
}

/// Weights on a line.
pub fn line(block: usize, vector: Vec<F>) -> BlockTerm {
    BlockTerm {
        block,
        term: Term {
            coefficient: F::one(),
            groups: vec![Group::axis(0, vector)],
        },
    }
}

fn ones(dims: &[usize]) -> Term {
    let groups = dims
        .iter()
        .enumerate()
        .map(|(axis, d)| Group::axis(axis, vec![F::one(); *d]));
    Term {
        coefficient: F::one(),
        groups: groups.collect(),
    }
}

/// Public values in a word.
pub const WORD: usize = 8;
/// Bits of a value in a word.
const WORD_BITS: usize = 16;

/// Words of one innermost row, and rows, of a tensor.
pub fn word_shape(dims: &[usize]) -> (usize, usize) {
    let (last, rows) = match dims.split_last() {
        Some((last, rows)) => (*last, rows.iter().fold(1usize, |n, d| n.saturating_mul(*d))),
        None => (1, 1),
    };
    (last.div_ceil(WORD), rows)
}

/// Coordinates of a word point.
pub fn word_point_variables(dims: &[usize]) -> usize {
    let (words, _) = word_shape(dims);
    let rows = dims.split_last().map_or(&[][..], |(_, rows)| rows);
    rows.iter()
        .map(|d| variables(*d))
        .fold(variables(words), usize::saturating_add)
}

/// The claim of a public tensor: `sum of eq * word - sum over limbs = 0`.
pub fn words(
    circuit: &Circuit,
    layout: &Layout,
    node: usize,
    values: &[F],
    point: &[F],
) -> Option<Claim> {
    let here = circuit.node(node)?;
    let Kind::Committed { limbs, .. } = &here.kind else {
        return None;
    };
    let blocks = layout.node_blocks.get(node)?;
    let (per_row, _) = word_shape(&here.dims);
    let mut word_dims = here.dims.clone();
    match word_dims.last_mut() {
        Some(last) => *last = per_row,
        None => word_dims.push(per_row),
    }
    let on_words = Term::eq(&word_dims, point);
    let mut claim = Claim::default();
    // the words, row-major
    let mut weights = vec![on_words.coefficient];
    for group in &on_words.groups {
        weights = weights
            .iter()
            .flat_map(|w| group.vector.iter().map(move |v| *w * v))
            .collect();
    }
    if weights.len() != values.len() {
        return None;
    }
    claim.constant = weights.iter().zip(values).map(|(w, v)| *w * v).sum();

    let mut term = on_words;
    if here.dims.is_empty() {
        term.groups.clear();
    } else {
        let last = term.groups.last_mut()?;
        let length = here.dims.last().copied().unwrap_or(1);
        let places: Vec<F> = powers(F::from(1u64 << WORD_BITS)).take(WORD).collect();
        let vector = (0..length).map(|t| {
            let word = last
                .vector
                .get(t.div_euclid(WORD))
                .copied()
                .unwrap_or_default();
            word * places.get(t.rem_euclid(WORD)).copied().unwrap_or_default()
        });
        last.vector = Arc::new(vector.collect());
    }
    let mut shift = 0u32;
    for (bits, block) in limbs.iter().zip(blocks) {
        let power = F::from(1u64.checked_shl(shift).unwrap_or(0));
        claim.terms.push(BlockTerm {
            block: *block,
            term: term.clone().scaled(-power),
        });
        shift = shift.saturating_add(*bits);
    }
    Some(claim)
}

/// Coordinates of a point for a tensor.
pub fn point_variables(dims: &[usize]) -> usize {
    dims.iter()
        .map(|d| variables(*d))
        .fold(0, usize::saturating_add)
}

/// A `zero` node at its point.
pub fn zero(
    circuit: &Circuit,
    layout: &Layout,
    node: usize,
    point: &[F],
    work: &mut Work,
) -> Result<Pulled, PullError> {
    let dims = circuit.dims(node);
    let entries = dims.iter().fold(dims.len(), |n, d| n.saturating_add(*d));
    work.spend(entries.saturating_mul(2))
        .ok_or(PullError::TooLarge(node))?;
    pullback(circuit, layout, node, Term::eq(dims, point), work)
}
