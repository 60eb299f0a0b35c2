//! How much a table may ask for.

/// Bytes of a table.
pub const MAX_BYTES: usize = 8 << 20;
/// Nodes of a table.
pub const MAX_NODES: usize = 4096;
/// Axes of a tensor, without the batch axis.
pub const MAX_AXES: usize = 12;
/// Elements of a tensor, without the batch axis.
pub const MAX_ELEMENTS: usize = 1 << 24;
/// Elements of a tensor with the batch axis.
pub const MAX_BATCH_ELEMENTS: usize = 1 << 28;
/// Custom lookup tables.
pub const MAX_TABLES: usize = 64;
/// Entries of a custom table.
pub const MAX_ENTRIES: usize = 1 << 16;
/// Absolute value of an entry.
pub const MAX_ENTRY: i64 = 1 << 31;
/// Absolute value of coefficients and offsets.
pub const MAX_INTEGER: i64 = 1 << 62;
/// Fewest and most column variables.
pub const LOG_COLUMNS: std::ops::RangeInclusive<usize> = 4..=20;
/// Most factors of a product.
pub const MAX_FACTORS: usize = 5;
/// Inputs of a model, and outputs: as many as the header of a key has.
pub const MAX_TENSORS: usize = 64;
/// Bits of a public value.
pub const MAX_PUBLIC_BITS: u32 = 32;
/// Bits of a value with a commitment of its own.
pub const MAX_LINKED_BITS: u32 = 16;
/// Variables of the address space: 2^32 entries are beyond any prover.
pub const MAX_VARIABLES: usize = 32;
/// Entries of one dense group of weights.
pub const MAX_GROUP: usize = 1 << 24;
/// Field operations that one verification may spend on a table and on what follows from it: two
/// seconds, and at most as many entries of weights as 2 GiB hold.
pub const MAX_WORK: usize = 1 << 26;
/// Terms that a claim may split into.
pub const MAX_TERMS: usize = 1 << 16;
/// Fewest column variables of a hiding circuit: its tail of at most 64 entries fits into a row.
pub const MIN_HIDING_LOG_COLUMNS: usize = 7;
