//! Validated nodes, and their expansion for a batch.

use crate::region::Region;
use serde::{Deserialize, Serialize};

/// Where a view reads along one source axis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Map {
    /// `offset + sum coefficient * index of a target axis`; outside the source it reads zero.
    Affine {
        /// The index at target index zero.
        offset: i64,
        /// Target axes with coefficients.
        terms: Vec<(usize, i64)>,
    },
    /// `indices[index of the target axis]`.
    Indices {
        /// The target axis.
        axis: usize,
        /// Source indices, each within the source.
        indices: Vec<usize>,
    },
}

impl Map {
    /// The target axes that it reads.
    pub fn axes(&self) -> Vec<usize> {
        match self {
            Self::Affine { terms, .. } => terms.iter().map(|t| t.0).collect(),
            Self::Indices { axis, .. } => vec![*axis],
        }
    }
}

/// Where maps read: the row-major index over their source axes, of these lengths, for an index of some
/// target axes; `None` outside.
pub(crate) fn read(
    maps: &[&Map],
    source: &[usize],
    axes: &[usize],
    index: &[usize],
) -> Option<usize> {
    let at = |axis: &usize| {
        let place = axes.iter().position(|a| a == axis);
        place.and_then(|p| index.get(p)).copied()
    };
    let mut flat = 0usize;
    for (map, length) in maps.iter().zip(source) {
        let read = match map {
            Map::Indices { axis, indices } => at(axis).and_then(|i| indices.get(i)).copied(),
            // exact: offset and coefficients are below 2^62, an index is below 2^28, so that no
            // partial sum comes near 2^127; in 64 bits one may overflow though the sum lies inside
            Map::Affine { offset, terms } => terms
                .iter()
                .try_fold(i128::from(*offset), |sum, (axis, c)| {
                    let i = i128::try_from(at(axis)?).ok()?;
                    sum.checked_add(i128::from(*c).checked_mul(i)?)
                })
                .and_then(|i| usize::try_from(i).ok()),
        };
        let inside = read.filter(|i| i < length)?;
        flat = flat.saturating_mul(*length).saturating_add(inside);
    }
    Some(flat)
}

/// What a node is, as a table says it; shapes are those of one inference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// Integers of the model, one block of any field elements.
    Weight {
        /// Its shape.
        shape: Vec<usize>,
        /// Outer axes of its tile.
        outer: Vec<usize>,
    },
    /// A committed tensor: `offset + sum 2^.. limb`, or `offset + block` without limbs.
    Committed {
        /// Where it lies.
        region: Region,
        /// Whether each inference has its own.
        batched: bool,
        /// Its shape.
        shape: Vec<usize>,
        /// Outer axes of its tiles.
        outer: Vec<usize>,
        /// What is added to the limbs.
        offset: i64,
        /// Widths of the limbs, least significant first.
        limbs: Vec<u32>,
    },
    /// A static index map.
    View {
        /// Its source.
        source: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// One map per source axis.
        axes: Vec<Map>,
    },
    /// Row-major order under another shape.
    Reshape {
        /// Its source.
        source: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// `offset + sum coefficient * node`.
    Linear {
        /// Its shape.
        shape: Vec<usize>,
        /// Coefficients and nodes.
        terms: Vec<(i64, usize)>,
        /// The constant.
        offset: i64,
    },
    /// `sum left * right` over what is not in the output.
    Einsum {
        /// Left operand.
        left: usize,
        /// Right operand.
        right: usize,
        /// One letter per axis of left, right, output.
        labels: [String; 3],
    },
    /// Rows of a weight, by the integers of a public input that reshapes and views may have moved: the
    /// axes of the ids, then those of the weight without its first.
    Gather {
        /// The weight.
        source: usize,
        /// The ids.
        ids: usize,
    },
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its shape, batch axis included where the circuit is expanded.
    pub dims: Vec<usize>,
    /// Whether it depends on the batch.
    pub batched: bool,
    /// Whether it contains an einsum.
    pub einsum: bool,
}

/// A custom table: a function on `first <= x < first + outputs.len()`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// The first input.
    pub first: i64,
    /// The outputs.
    pub outputs: Vec<i64>,
}

/// Factors whose product is zero everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The factors, of one shape.
    pub factors: Vec<usize>,
    /// Outer axes of its tile.
    pub outer: Vec<usize>,
}

/// A lookup in a custom table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Which table.
    pub table: usize,
    /// The input.
    pub input: usize,
    /// The output.
    pub output: usize,
    /// Outer axes of its tile.
    pub outer: Vec<usize>,
}

/// A validated operation table, for one inference or expanded for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Tensors.
    pub nodes: Vec<Node>,
    /// Custom tables.
    pub tables: Vec<Custom>,
    /// Tensors that are zero everywhere.
    pub zero: Vec<usize>,
    /// Products that are zero everywhere.
    pub product: Vec<Product>,
    /// Lookups in custom tables.
    pub lookup: Vec<Lookup>,
    /// Tensors whose values are public.
    pub public: Vec<usize>,
    /// Tensors with rows, and so commitments, of their own.
    pub linked: Vec<usize>,
    /// log2 of the entries of a row.
    pub log_columns: usize,
    /// Whether proofs hide what is not public.
    pub hiding: bool,
}

/// The letter of the batch axis: tables use lower case.
const BATCH: char = 'B';

impl Circuit {
    /// The node, if it exists.
    pub fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The dims of a node; none for a node that does not exist.
    pub fn dims(&self, index: usize) -> &[usize] {
        self.nodes.get(index).map_or(&[], |n| n.dims.as_slice())
    }

    fn batched(&self, index: usize) -> bool {
        self.nodes.get(index).is_some_and(|n| n.batched)
    }

    /// The circuit for `batch` inferences: an explicit leading axis on every batched node.
    #[must_use]
    pub fn expand(&self, batch: usize) -> Self {
        let mut out = self.clone();
        for node in out.nodes.iter_mut().filter(|node| node.batched) {
            node.dims.insert(0, batch);
            match &mut node.kind {
                Kind::Weight { .. }
                | Kind::Reshape { .. }
                | Kind::Linear { .. }
                | Kind::Gather { .. } => {}
                Kind::Committed { outer, .. } => lead(outer),
                Kind::View { axes, .. } => {
                    for map in axes.iter_mut() {
                        match map {
                            Map::Affine { terms, .. } => terms.iter_mut().for_each(|t| t.0 += 1),
                            Map::Indices { axis, .. } => *axis += 1,
                        }
                    }
                    let (offset, terms) = (0, vec![(0, 1)]);
                    axes.insert(0, Map::Affine { offset, terms });
                }
                Kind::Einsum {
                    left,
                    right,
                    labels: [l, r, o],
                } => {
                    let operands = [(*left, l), (*right, r)];
                    let batched = operands.into_iter().filter(|(node, _)| self.batched(*node));
                    batched.for_each(|(_, label)| label.insert(0, BATCH));
                    o.insert(0, BATCH);
                }
            }
        }
        for product in &mut out.product {
            if product.factors.first().is_some_and(|f| self.batched(*f)) {
                lead(&mut product.outer);
            }
        }
        for lookup in &mut out.lookup {
            if self.batched(lookup.input) {
                lead(&mut lookup.outer);
            }
        }
        out
    }
}

/// The outer axes, with the batch axis in front.
fn lead(outer: &mut Vec<usize>) {
    outer.iter_mut().for_each(|axis| *axis += 1);
    outer.insert(0, 0);
}
