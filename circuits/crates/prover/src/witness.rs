//! Committed integers: limbs and multiplicities.

use crate::error::ProveError;
use crate::values::Values;
use verifai_lookup::table::address;
use verifai_table::layout::Column;
use verifai_table::{Circuit, Kind, Layout};

/// The limbs of a tensor, one vector per limb; a value that does not fit overflows its top limb, so
/// that its lookup fails. Without limbs: the tensor itself, less its offset.
///
/// An error is the first value of which a row cannot hold what it should: entries have 32 bits.
pub fn limbs(values: &[i64], offset: i64, widths: &[u32]) -> Result<Vec<Vec<i32>>, i64> {
    let whole = [i32::BITS];
    let widths = if widths.is_empty() { &whole } else { widths };
    let mut shift = 0;
    widths
        .iter()
        .enumerate()
        .map(|(i, bits)| {
            let top = i + 1 == widths.len();
            let limb = |v: &i64| {
                let rest = v.checked_sub(offset).ok_or(*v)? >> shift;
                let limb = if top { rest } else { rest & ((1 << bits) - 1) };
                i32::try_from(limb).map_err(|_| *v)
            };
            let out = values.iter().map(limb).collect();
            shift += bits;
            out
        })
        .collect()
}

/// The lowest and highest value of a committed node.
pub fn range(offset: i64, widths: &[u32]) -> (i64, i64) {
    match widths.iter().sum::<u32>() {
        0 => (
            offset.saturating_add(i32::MIN.into()),
            offset.saturating_add(i32::MAX.into()),
        ),
        bits => (offset, offset.saturating_add((1 << bits) - 1)),
    }
}

/// How often each entry of each table is looked up. With `strict`, an error for a value that is in
/// no table; else such a value is not counted, and the proof will not verify.
pub fn multiplicities(
    circuit: &Circuit,
    layout: &Layout,
    blocks: &[Vec<i32>],
    values: &Values<'_>,
    strict: bool,
) -> Result<Vec<Vec<i32>>, ProveError> {
    let mut counts: Vec<Vec<i32>> = layout
        .counts
        .iter()
        .map(|b| vec![0; layout.blocks[*b].shape.real()])
        .collect();
    for column in layout.groups.iter().flat_map(|g| &g.columns) {
        match column {
            Column::Limb { block, bits } => {
                let range = &mut counts[0];
                for (i, limb) in blocks[*block].iter().enumerate() {
                    match address(*bits, *limb) {
                        Some(a) => range[a] += 1,
                        None if strict => {
                            return Err(out_of_range(circuit, layout, *block, values, i))
                        }
                        None => {}
                    }
                }
            }
            Column::Pair {
                table,
                input,
                output,
            } => {
                let custom = &circuit.tables[*table];
                let pairs = values.node(*input).iter().zip(values.node(*output));
                for (x, y) in pairs {
                    let entry = x.checked_sub(custom.first);
                    let entry = entry.and_then(|e| usize::try_from(e).ok());
                    match entry.filter(|e| custom.outputs.get(*e) == Some(y)) {
                        Some(e) => counts[table + 1][e] += 1,
                        None if strict => {
                            return Err(ProveError::Lookup {
                                table: *table,
                                input: *x,
                                output: *y,
                            })
                        }
                        None => {}
                    }
                }
            }
        }
    }
    Ok(counts)
}

/// The error of entry `i` of a block.
fn out_of_range(
    circuit: &Circuit,
    layout: &Layout,
    block: usize,
    values: &Values<'_>,
    i: usize,
) -> ProveError {
    let mut owners = layout.node_blocks.iter();
    let node = owners.position(|b| b.contains(&block)).unwrap_or_default();
    let value = values.node(node).get(i).copied().unwrap_or_default();
    refused(circuit, node, value)
}

/// The error of a value that a committed node cannot have.
pub(crate) fn refused(circuit: &Circuit, node: usize, value: i64) -> ProveError {
    let (low, high) = match circuit.node(node).map(|n| &n.kind) {
        Some(Kind::Committed { offset, limbs, .. }) => range(*offset, limbs),
        _ => range(0, &[]),
    };
    ProveError::Range {
        node,
        value,
        low,
        high,
    }
}
