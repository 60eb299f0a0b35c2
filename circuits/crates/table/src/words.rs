//! Public words: the integers of a statement, several in each, and the ids that gathers read there.

use crate::node::{read, Circuit, Kind, Map};
use crate::weights::Indices;
use crate::work::Work;
use std::collections::{BTreeMap, BTreeSet};
use verifai_field::{encode, F};
use verifai_poly::variables;

/// Bits of a word.
pub const WORD_BITS: u32 = 128;
/// Bits of a lane for tensors of at most so many bits, and for wider ones.
const LANES: [u32; 2] = [16, 32];

/// The ids that gathers read, by the node that holds them, row-major.
pub type Ids = BTreeMap<usize, Vec<usize>>;

/// How the integers of a public tensor lie in its words: each innermost row starts a word of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// Bits of a lane.
    pub lane: u32,
    /// Entries of an innermost row.
    pub row: usize,
    /// Words of an innermost row.
    pub per_row: usize,
    /// Innermost rows.
    pub rows: usize,
}

impl Words {
    /// Of a public node; `None` of a node that is not committed.
    pub fn of(circuit: &Circuit, node: usize) -> Option<Self> {
        let here = circuit.node(node)?;
        let Kind::Committed { limbs, .. } = &here.kind else {
            return None;
        };
        let [narrow, wide] = LANES;
        let fits = limbs.iter().sum::<u32>() <= narrow;
        let lane = if fits { narrow } else { wide };
        let (row, rows) = match here.dims.split_last() {
            Some((last, rows)) => (*last, rows.iter().fold(1usize, |n, d| n.saturating_mul(*d))),
            None => (1, 1),
        };
        let mut words = Self {
            lane,
            row,
            per_row: 0,
            rows,
        };
        words.per_row = row.div_ceil(words.lanes().max(1));
        Some(words)
    }

    /// Lanes of a word.
    pub fn lanes(&self) -> usize {
        let lanes = WORD_BITS.checked_div(self.lane).unwrap_or(1);
        usize::try_from(lanes).unwrap_or(1)
    }

    /// All words.
    pub fn count(&self) -> usize {
        self.per_row.saturating_mul(self.rows)
    }

    /// Coordinates of a word point; `dims` are the node's.
    pub fn point_variables(&self, dims: &[usize]) -> usize {
        let rows = dims.split_last().map_or(&[][..], |(_, rows)| rows);
        let rows = rows.iter().map(|d| variables(*d)).sum::<usize>();
        rows.saturating_add(variables(self.per_row))
    }

    /// How many integers each word of an innermost row holds.
    pub fn filled(&self) -> impl Iterator<Item = usize> {
        let (row, lanes) = (self.row, self.lanes());
        (0..self.per_row).map(move |j| row.saturating_sub(j.saturating_mul(lanes)).min(lanes))
    }

    /// The word of some integers, each below 2^lane.
    pub fn packed(&self, values: &[u128]) -> u128 {
        let join = |word: u128, value: &u128| word.checked_shl(self.lane).unwrap_or(0) | value;
        values.iter().rev().fold(0, join)
    }

    /// The integers of all rows.
    fn unpacked(&self, words: &[F]) -> Vec<usize> {
        let mask = 1u128.checked_shl(self.lane).unwrap_or(0).wrapping_sub(1);
        let mut out = Vec::with_capacity(self.row.saturating_mul(self.rows));
        for row in words.chunks(self.per_row.max(1)) {
            for (word, filled) in row.iter().zip(self.filled()) {
                let mut rest = below_2_128(word);
                for _ in 0..filled {
                    out.push(usize::try_from(rest & mask).unwrap_or(usize::MAX));
                    rest = rest.checked_shr(self.lane).unwrap_or(0);
                }
            }
        }
        out
    }
}

/// The low 128 bits of a word, which has no others.
fn below_2_128(word: &F) -> u128 {
    let bytes = encode(word);
    let low = bytes.last_chunk::<16>();
    low.map_or(0, |low| u128::from_be_bytes(*low))
}

/// The node whose elements a node has that reshapes and views alone have moved.
pub fn moved_from(circuit: &Circuit, mut node: usize) -> usize {
    while let Some(Kind::View { source, .. } | Kind::Reshape { source, .. }) =
        circuit.node(node).map(|n| &n.kind)
    {
        node = *source; // an earlier node
    }
    node
}

/// Which element of [`moved_from`] each element of a node is, both row-major; `None` for a view that
/// reads outside of its source, or where the budget ends.
pub fn places(circuit: &Circuit, node: usize, work: &mut Work) -> Option<Vec<usize>> {
    let here = circuit.node(node)?;
    work.step(here.dims.len())?;
    let (source, maps) = match &here.kind {
        Kind::Reshape { source, .. } => return places(circuit, *source, work),
        Kind::View { source, axes, .. } => (*source, axes),
        _ => {
            work.product(here.dims.iter())?;
            return Some((0..here.dims.iter().product()).collect());
        }
    };
    let below = places(circuit, source, work)?;
    work.product(here.dims.iter().chain(&[maps.len().saturating_add(1)]))?;
    let axes: Vec<usize> = (0..here.dims.len()).collect();
    let own: Vec<&Map> = maps.iter().collect();
    let mut index = Indices::new(&here.dims);
    let mut out = Vec::with_capacity(here.dims.iter().product());
    for _ in 0..here.dims.iter().product() {
        let at = read(&own, circuit.dims(source), &axes, index.at())?;
        out.push(*below.get(at)?);
        index.advance();
    }
    Some(out)
}

/// The nodes that the ids of gathers are of.
pub fn origins(circuit: &Circuit) -> BTreeSet<usize> {
    let ids = circuit.nodes.iter().filter_map(|node| match &node.kind {
        Kind::Gather { ids, .. } => Some(moved_from(circuit, *ids)),
        _ => None,
    });
    ids.collect()
}

/// The ids that all gathers read, from the integers of their [`origins`].
pub fn ids(
    circuit: &Circuit,
    integers: &BTreeMap<usize, Vec<usize>>,
    work: &mut Work,
) -> Result<Ids, NoIds> {
    let mut out = Ids::new();
    for (index, node) in circuit.nodes.iter().enumerate() {
        let Kind::Gather { source, ids } = &node.kind else {
            continue;
        };
        if !out.contains_key(ids) {
            let places = places(circuit, *ids, work).ok_or(NoIds::TooLarge(index))?;
            let values = integers.get(&moved_from(circuit, *ids));
            let values = values.ok_or(NoIds::Outside(index))?;
            let found: Option<Vec<usize>> =
                places.iter().map(|p| values.get(*p).copied()).collect();
            out.insert(*ids, found.ok_or(NoIds::Outside(index))?);
        }
        let found = out.get(ids).map_or(&[][..], Vec::as_slice);
        work.spend(found.len()).ok_or(NoIds::TooLarge(index))?;
        let rows = circuit.dims(*source).first().copied().unwrap_or(0);
        if found.iter().any(|id| *id >= rows) {
            return Err(NoIds::Outside(index));
        }
    }
    Ok(out)
}

/// Why the ids of a gather node are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIds {
    /// One is no row of the node's source.
    Outside(usize),
    /// They are more than the budget lets count.
    TooLarge(usize),
}

/// The integers of the [`origins`] of ids.
pub fn integers(circuit: &Circuit, words: &[F]) -> BTreeMap<usize, Vec<usize>> {
    let wanted = origins(circuit);
    let mut out = BTreeMap::new();
    let mut rest = words;
    for node in &circuit.public {
        let Some(shape) = Words::of(circuit, *node) else {
            continue;
        };
        let (mine, after) = rest.split_at_checked(shape.count()).unwrap_or((rest, &[]));
        if wanted.contains(node) {
            out.insert(*node, shape.unpacked(mine));
        }
        rest = after;
    }
    out
}
