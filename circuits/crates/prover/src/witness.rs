//! Committed integers: limbs and multiplicities.

use crate::prove::ProveError;
use crate::values::Values;
use verifai_lookup::table::address;
use verifai_table::layout::Column;
use verifai_table::{Circuit, Kind, Layout};

/// The limbs of a tensor, one vector per limb; a value that does not fit overflows its top limb, so
/// that its lookup fails. Without limbs: the tensor itself, less its offset.
pub fn limbs(values: &[i64], offset: i64, widths: &[u32]) -> Vec<Vec<i32>> {
    if widths.is_empty() {
        return vec![values
            .iter()
            .map(|v| clamp(v.wrapping_sub(offset)))
            .collect()];
    }
    let mut shift = 0;
    widths
        .iter()
        .enumerate()
        .map(|(i, bits)| {
            let top = i + 1 == widths.len();
            let limb = |v: &i64| {
                let rest = v.wrapping_sub(offset) >> shift;
                clamp(if top { rest } else { rest & ((1 << bits) - 1) })
            };
            let out = values.iter().map(limb).collect();
            shift += bits;
            out
        })
        .collect()
}

/// What a row can hold; a value beyond it belongs to no honest witness.
fn clamp(v: i64) -> i32 {
    i32::try_from(v).unwrap_or(if v < 0 { i32::MIN } else { i32::MAX })
}

/// How often each entry of each table is looked up. With `strict`, an error for a value that is in
/// no table; else such a value is not counted, and the proof will not verify.
pub fn multiplicities(
    circuit: &Circuit,
    layout: &Layout,
    blocks: &[Vec<i32>],
    values: &Values,
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
                for value in &blocks[*block] {
                    match address(*bits, *value) {
                        Some(a) => range[a] += 1,
                        None if strict => {
                            return Err(out_of_range(circuit, layout, *block, *value, *bits))
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
                    let entry = usize::try_from(x.wrapping_sub(custom.first)).ok();
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

fn out_of_range(
    circuit: &Circuit,
    layout: &Layout,
    block: usize,
    value: i32,
    bits: u32,
) -> ProveError {
    let node = layout
        .node_blocks
        .iter()
        .position(|b| b.contains(&block))
        .unwrap_or_default();
    let limbs = match circuit.node(node).map(|n| &n.kind) {
        Some(Kind::Committed { limbs, .. }) => limbs.iter().sum(),
        _ => bits,
    };
    ProveError::Range {
        node,
        limb: value,
        bits: limbs,
    }
}
