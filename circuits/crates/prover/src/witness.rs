//! Committed integers: limbs and multiplicities.

use crate::error::ProveError;
use crate::values::Values;
use verifai_lookup::table::address;
use verifai_table::layout::Column;
use verifai_table::words::{self, NoIds};
use verifai_table::{Circuit, Ids, Kind, Layout, PullError, Work};

/// The limbs of a tensor, one vector per limb; a value that does not fit overflows its top limb, so
/// that its lookup fails. Without limbs: the tensor itself, less its offset.
///
/// An error is the first value of which a row cannot hold what it should: entries have 32 bits.
pub(crate) fn limbs(values: &[i64], offset: i64, widths: &[u32]) -> Result<Vec<Vec<i32>>, i64> {
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

/// The ids that gathers read, from the values of committed nodes.
pub(crate) fn ids(circuit: &Circuit, values: &[Vec<i64>]) -> Result<Ids, ProveError> {
    // a negative one is no row either
    let unsigned = |value: &i64| usize::try_from(*value).unwrap_or(usize::MAX);
    let of = |node: usize| (node, values[node].iter().map(unsigned).collect());
    let integers = words::origins(circuit).into_iter().map(of).collect();
    words::ids(circuit, &integers, &mut Work::unlimited()).map_err(|no| match no {
        NoIds::Outside(node) => ProveError::Ids(node),
        NoIds::TooLarge(node) => PullError::TooLarge(node).into(),
    })
}

/// The lowest and highest value of a committed node.
fn range(offset: i64, widths: &[u32]) -> (i64, i64) {
    match widths.iter().sum::<u32>() {
        0 => (
            offset.saturating_add(i32::MIN.into()),
            offset.saturating_add(i32::MAX.into()),
        ),
        bits => (offset, offset.saturating_add((1 << bits) - 1)),
    }
}

/// Where lookups find their entries: those of the range tables at their addresses, then those of each custom
/// table.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) blocks: &'a [Vec<i32>],
    pub(crate) values: &'a Values<'a>,
    /// Where the range tables and each custom table begin, and where all end.
    pub(crate) firsts: Vec<usize>,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(layout: &'a Layout, blocks: &'a [Vec<i32>], values: &'a Values<'a>) -> Self {
        let mut firsts = vec![0];
        for block in &layout.counts {
            firsts.push(firsts[firsts.len() - 1] + layout.blocks[*block].shape.real());
        }
        Self {
            layout,
            blocks,
            values,
            firsts,
        }
    }

    /// The entry that lookup `i` of a column finds; none if it is in no table.
    pub(crate) fn entry(&self, column: &Column, i: usize) -> Option<usize> {
        match column {
            Column::Limb { block, bits } => address(*bits, self.blocks[*block][i]),
            Column::Pair {
                table,
                input,
                output,
            } => {
                let custom = &self.layout.circuit.tables[*table];
                let e = self.values.node(*input)[i].checked_sub(custom.first)?;
                let e = usize::try_from(e).ok()?;
                let found = custom.outputs.get(e) == Some(&self.values.node(*output)[i]);
                found.then(|| self.firsts[*table + 1] + e)
            }
        }
    }

    /// How often each entry of each table is looked up. With `strict`, an error for a value that is in
    /// no table; else such a value is not counted, and the proof will not verify.
    pub(crate) fn multiplicities(&self, strict: bool) -> Result<Vec<Vec<i32>>, ProveError> {
        let mut counts = vec![0; self.firsts[self.firsts.len() - 1]];
        for group in &self.layout.groups {
            let lookups = self.layout.blocks[group.helper].shape.real();
            for column in &group.columns {
                for i in 0..lookups {
                    match self.entry(column, i) {
                        Some(entry) => counts[entry] += 1,
                        None if strict => return Err(self.refused(column, i)),
                        None => {}
                    }
                }
            }
        }
        let tables = self.firsts.windows(2);
        Ok(tables.map(|w| counts[w[0]..w[1]].to_vec()).collect())
    }

    /// The error of a lookup that is in no table.
    fn refused(&self, column: &Column, i: usize) -> ProveError {
        let value = |node: usize| self.values.node(node).get(i).copied().unwrap_or_default();
        match *column {
            Column::Limb { block, .. } => {
                let mut owners = self.layout.node_blocks.iter();
                let node = owners.position(|b| b.contains(&block)).unwrap_or_default();
                refused(&self.layout.circuit, node, value(node))
            }
            Column::Pair {
                table,
                input,
                output,
            } => ProveError::Lookup {
                table,
                input: value(input),
                output: value(output),
            },
        }
    }
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
