//! The claims that constraints start, before anything is combined.

use crate::claim::{tile_sum, Claim};
use crate::error::PullError;
use crate::layout::{Column, Layout, Table};
use crate::node::Kind;
use crate::pullback::{on_limbs, pullback, Pulled};
use crate::tiles::Tile;
use crate::weights::{Group, Term};
use crate::words::Words;
use crate::work::Work;
use std::sync::Arc;
use verifai_field::{from_i64, inner_product, powers, One, Zero, F};
use verifai_lookup::{table::entry, Challenges, Selectors, BLOCK, GROUP};
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
        let Some(shape) = layout.shape(group.helper) else {
            continue;
        };
        let both = tile_sum(shape, group.base, tau, z);
        let at_z = Term::eq_tile(shape, group.base, z).sum();
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
    layout: &Layout,
    beta: F,
    z: &[F],
    work: &mut Work,
) -> Result<Vec<Claim>, PullError> {
    let mut out = vec![Claim::default(); layout.columns()];
    let beta_2 = beta * beta;
    for group in &layout.groups {
        let Some(shape) = layout.shape(group.helper) else {
            continue;
        };
        let term = Term::eq_tile(shape, group.base, z);
        for (column, claim) in group.columns.iter().zip(&mut out) {
            match column {
                Column::Limb { block, .. } => claim.push(*block, term.clone()),
                Column::Pair { input, output, .. } => {
                    for (node, factor) in [(*input, F::one()), (*output, beta_2)] {
                        let pulled = pullback(layout, node, term.clone(), work)?;
                        claim.add(pulled.claim, factor);
                    }
                }
            }
        }
        if let Some(claim) = out.get_mut(GROUP) {
            claim.push(group.helper, term);
        }
    }
    for product in &layout.products {
        let term = Term::eq_tile(&product.shape, product.base, z);
        for (j, claim) in out.iter_mut().skip(GROUP.saturating_add(1)).enumerate() {
            match product.factors.get(j) {
                Some(factor) => {
                    let pulled = pullback(layout, *factor, term.clone(), work)?;
                    claim.add(pulled.claim, F::one());
                }
                None => claim.constant += term.sum(),
            }
        }
    }
    if let Some(hiding) = &layout.hiding {
        let weight = eq_at(z, hiding.position);
        for (column, claim) in out.iter_mut().enumerate() {
            claim.push_entries(layout, hiding.slots, [(column, weight)]);
        }
    }
    Ok(out)
}

/// The table side: range tables, total, then each custom table; each table at a random point of its own.
pub fn table_side(layout: &Layout, challenges: &Challenges, points: &[Vec<F>]) -> Vec<Claim> {
    let mut sides = Vec::new();
    let mut total = Claim::default();
    for group in &layout.groups {
        let dims = layout.shape(group.helper).map_or(&[][..], Tile::dims);
        let ones = dims.iter().enumerate();
        let ones = ones.map(|(axis, d)| Group::axis(axis, vec![F::one(); *d]));
        total.push(group.helper, Term::of(ones.collect()));
    }
    let blocks = layout.counts.iter().zip(&layout.table_helpers);
    let tables = blocks.zip(points).zip(denominators(layout, challenges));
    for (((count, helper), point), denominators) in tables {
        let eq = eq_table_real(point, denominators.len());
        let (mut on_helper, mut on_count) = (eq.clone(), eq);
        let mut exists = vec![F::zero(); denominators.len()];
        let weights = on_helper.iter_mut().zip(&mut on_count).zip(&mut exists);
        for (((h, m), exists), denominator) in weights.zip(&denominators) {
            *h *= denominator.unwrap_or_default();
            *m = denominator.map_or(F::zero(), |_| -*m);
            *exists = denominator.map_or(F::zero(), |_| -F::one());
        }
        total.push(*helper, line(exists));
        let mut side = Claim::default();
        side.push(*helper, line(on_helper));
        side.push(*count, line(on_count));
        sides.push(side);
    }
    sides.insert(1.min(sides.len()), total);
    sides
}

/// `alpha - T` of the entries of the range tables, then of each custom table; `None` where no entry is that
/// a lookup could find.
pub fn denominators(layout: &Layout, challenges: &Challenges) -> Vec<Vec<Option<F>>> {
    let Challenges { alpha, beta } = *challenges;
    let used = |bits: &u32| layout.widths.checked_shr(*bits).unwrap_or(0) & 1 == 1;
    let range = |address| {
        let (bits, t) = entry(address).filter(|(bits, _)| used(bits))?;
        Some(challenges.denominator(F::from(t as u64), bits))
    };
    let range = (0..BLOCK).map(range).collect();
    let tables = layout.circuit.tables.iter().enumerate();
    let custom = tables.map(|(index, table)| {
        // alpha - (first + a + beta tag + beta^2 output)
        let first = alpha - from_i64(table.first) - beta * from_i64(Table::Custom(index).tag());
        let entries = table.outputs.iter().enumerate();
        let entries = entries.map(|(a, y)| first - F::from(a as u64) - beta * beta * from_i64(*y));
        entries.map(Some).collect()
    });
    std::iter::once(range).chain(custom).collect()
}

/// Weights on a line.
fn line(vector: Vec<F>) -> Term {
    Term::of(vec![Group::axis(0, vector)])
}

/// The claim of a public tensor: `sum of eq * word - sum over limbs = 0`.
pub fn words(layout: &Layout, node: usize, values: &[F], point: &[F]) -> Option<Claim> {
    let here = layout.circuit.node(node)?;
    let Kind::Committed { limbs, .. } = &here.kind else {
        return None;
    };
    let shape = Words::of(&layout.circuit, node)?;
    let per_row = shape.per_row;
    let mut word_dims = here.dims.clone();
    match word_dims.last_mut() {
        Some(last) => *last = per_row,
        None => word_dims.push(per_row),
    }
    let mut term = Term::eq(&word_dims, point);
    // the words, row-major
    let mut weights = vec![F::one()];
    for group in &term.groups {
        let next = weights
            .iter()
            .flat_map(|w| group.vector.iter().map(move |v| *w * v));
        weights = next.collect();
    }
    if weights.len() != values.len() {
        return None;
    }
    if here.dims.is_empty() {
        term.groups.clear();
    } else {
        let last = term.groups.last_mut()?;
        let length = here.dims.last().copied().unwrap_or(1);
        let lane = F::from(1u64.checked_shl(shape.lane).unwrap_or(0));
        let places: Vec<F> = powers(lane).take(shape.lanes()).collect();
        let values = last
            .vector
            .iter()
            .flat_map(|word| places.iter().map(move |p| *word * p));
        last.vector = Arc::new(values.take(length).collect());
    }
    Some(Claim {
        constant: inner_product(&weights, values),
        terms: on_limbs(layout.blocks_of(node), limbs, &term.scaled(-F::one())),
    })
}

/// Coordinates of a point for a tensor.
pub fn point_variables(dims: &[usize]) -> usize {
    dims.iter().map(|d| variables(*d)).sum()
}

/// A `zero` node at its point.
pub fn zero(
    layout: &Layout,
    node: usize,
    point: &[F],
    work: &mut Work,
) -> Result<Pulled, PullError> {
    let dims = layout.circuit.dims(node);
    let entries = dims.iter().fold(dims.len(), |n, d| n.saturating_add(*d));
    work.spend(entries.saturating_mul(2))
        .ok_or(PullError::TooLarge(node))?;
    pullback(layout, node, Term::eq(dims, point), work)
}
