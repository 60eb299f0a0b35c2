//! Regions: the parts of the address space.

use serde::{Deserialize, Serialize};

/// A part of the address space with rows of its own, in the order of addresses. A table names those that the
/// values of a node can lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The model's integers: committed once, at setup.
    #[serde(skip)]
    Weight,
    /// A tensor with a commitment of its own, by its place in the table's list.
    #[serde(skip)]
    Linked(usize),
    /// A private input.
    Input,
    /// A private output.
    Output,
    /// Everything else that is committed before the first challenge.
    Witness,
    /// Helpers of the lookups.
    #[serde(skip)]
    Helper,
    /// The uniform row of a hiding proof.
    #[serde(skip)]
    Mask,
}
