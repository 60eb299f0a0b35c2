//! How much a file may ask for.

/// The most powers that are kept: 1.6 GB of points. A commitment key has 2^13 to 2^21.
pub const MAX_POWERS: usize = 1 << 24;
/// The largest exponent of a file: the two-adicity of the field, and the largest ceremony.
pub const MAX_LOG_POWERS: u32 = 28;
/// The most sections of a `.ptau` file; a prepared one has eleven.
pub const MAX_SECTIONS: u32 = 32;
