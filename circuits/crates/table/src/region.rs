//! Regions: the parts of the address space.

/// A part of the address space with rows of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Region {
    /// The model's integers: committed once, at setup.
    Weight,
    /// A tensor with a commitment of its own, by its place in the table's list.
    Linked(usize),
    /// A private input.
    Input,
    /// A private output.
    Output,
    /// Everything else that is committed before the first challenge.
    Witness,
    /// Helpers of the lookups.
    Helper,
    /// The uniform row of a hiding proof.
    Mask,
}

/// The regions in their order; linked tensors follow the weights, each a region.
pub const REGIONS: [Region; 6] = [
    Region::Weight,
    Region::Input,
    Region::Output,
    Region::Witness,
    Region::Helper,
    Region::Mask,
];
