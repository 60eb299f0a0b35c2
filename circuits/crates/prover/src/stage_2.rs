//! What is committed after alpha and beta: the helpers of the lookups.

use crate::error::ProveError;
use rayon::prelude::*;
use verifai_field::{batch_inverse, from_i64, Zero, F};
use verifai_lookup::{table_helpers, Challenges};
use verifai_table::start;
use verifai_table::{Circuit, Layout};

/// Blocks of helpers with their values: groups first, then hT of each table.
pub(crate) fn helpers(
    circuit: &Circuit,
    layout: &Layout,
    columns: &[Vec<Vec<F>>],
    blocks: &[Vec<i32>],
    challenges: &Challenges,
) -> Result<Vec<(usize, Vec<F>)>, ProveError> {
    let mut out = Vec::new();
    for (group, columns) in layout.groups.iter().zip(columns) {
        let count = layout.blocks[group.helper].shape.real();
        let mut sums = vec![F::zero(); count];
        for (column, values) in group.columns.iter().zip(columns) {
            let shift = challenges.alpha - challenges.beta * from_i64(column.table().tag());
            sums.par_chunks_mut(1 << 10)
                .zip(values.par_chunks(1 << 10))
                .try_for_each(|(sums, values)| {
                    let mut inverses: Vec<F> = values.iter().map(|v| shift - v).collect();
                    batch_inverse(&mut inverses).map_err(|_| ProveError::DegenerateChallenge)?;
                    sums.iter_mut().zip(inverses).for_each(|(s, i)| *s += i);
                    Ok::<(), ProveError>(())
                })?;
        }
        out.push((group.helper, sums));
    }
    for (place, (count, helper)) in layout.counts.iter().zip(&layout.table_helpers).enumerate() {
        let counts = &blocks[*count];
        let values = match place.checked_sub(1) {
            None => {
                table_helpers(counts, challenges).map_err(|_| ProveError::DegenerateChallenge)?
            }
            Some(t) => {
                let custom = &circuit.tables[t];
                let mut inverses: Vec<F> = custom
                    .outputs
                    .iter()
                    .enumerate()
                    .map(|(a, y)| start::custom_denominator(challenges, t, custom.first, a, *y))
                    .collect();
                batch_inverse(&mut inverses).map_err(|_| ProveError::DegenerateChallenge)?;
                inverses
                    .iter()
                    .zip(counts)
                    .map(|(i, m)| *i * from_i64(i64::from(*m)))
                    .collect()
            }
        };
        out.push((*helper, values));
    }
    Ok(out)
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
