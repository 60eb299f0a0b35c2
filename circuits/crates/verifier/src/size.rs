//! The exact length of a proof and of its public words: checked before any work that grows with
//! what a stranger sent.

use crate::error::VerifyError;
use crate::key::VerifyingKey;
use std::borrow::Cow;
use verifai_lookup::RELATION_DEGREE;
use verifai_table::{Circuit, Layout, Region, Words, Work};

/// Bytes of a scalar.
const SCALAR: usize = 32;
/// Bytes of a point.
const POINT: usize = 64;

/// The bytes of every proof for a layout.
pub fn proof_bytes(layout: &Layout) -> usize {
    let columns = layout.log_columns;
    let instances = layout.contractions.len();
    let mut scalars = vec![
        layout.cube.saturating_mul(RELATION_DEGREE),
        layout.columns(),
        layout.contraction_rounds().saturating_mul(2),
        instances.saturating_mul(2), // ends
        layout.variables.saturating_mul(2),
        1,                         // y
        columns.saturating_add(2), // opening
    ];
    let mut points = vec![
        layout.stage_1().count(),
        layout.region_rows(Region::Helper).len(),
        columns.saturating_add(1), // opening
    ];
    if layout.hiding.is_some() {
        scalars.extend([instances.saturating_mul(2), 1, layout.tail(), 1]);
        points.push(2);
    }
    let sum = |all: &[usize]| all.iter().fold(0usize, |n, x| n.saturating_add(*x));
    let (scalars, points) = (sum(&scalars), sum(&points));
    scalars
        .saturating_mul(SCALAR)
        .saturating_add(points.saturating_mul(POINT))
}

/// How many words the public tensors have.
pub fn word_count(circuit: &Circuit) -> usize {
    circuit.public.iter().fold(0usize, |sum, node| {
        sum.saturating_add(Words::of(circuit, *node).map_or(0, |words| words.count()))
    })
}

/// The budget of a verification, less what the selectors, the tables and the words of this circuit
/// take; `None` if that is more.
pub fn work(layout: &Layout) -> Option<Work> {
    let mut work = Work::default();
    let groups = layout.groups.iter().filter_map(|g| layout.shape(g.helper));
    for shape in groups.chain(layout.products.iter().map(|p| &p.shape)) {
        work.step(shape.dims().len())?;
        work.spend(shape.vectors().saturating_mul(5))?;
    }
    for table in &layout.circuit.tables {
        work.spend(table.outputs.len().saturating_mul(8))?;
    }
    work.spend(word_count(&layout.circuit).saturating_mul(4))?;
    if layout.hiding.is_some() {
        // five lines of all triples for each contraction
        let instances = layout.contractions.len();
        let line = instances.saturating_mul(verifai_table::layout::TRIPLE);
        work.spend(instances.saturating_mul(line).saturating_mul(5))?;
    }
    Some(work)
}

impl VerifyingKey {
    /// The layout for a batch, if so many words and a proof of so many bytes can be about it at all.
    pub fn admit(
        &self,
        batch: usize,
        words: usize,
        proof: usize,
    ) -> Result<Cow<'_, Layout>, VerifyError> {
        if batch == 0 {
            return Err(VerifyError::EmptyBatch);
        }
        let layout = self.layout(batch)?;
        let (got, expected) = (proof, proof_bytes(&layout));
        if got != expected {
            return Err(VerifyError::Length { got, expected });
        }
        let (got, expected) = (words, word_count(&layout.circuit));
        if got != expected {
            return Err(VerifyError::Words { got, expected });
        }
        Ok(layout)
    }
}
