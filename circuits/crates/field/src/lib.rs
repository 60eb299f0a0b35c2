//! The field that everything else computes in.
//!
//! `F` is the scalar field of BN254 (`docs/protocol.md`, "Notation"): 254 bits, so that integer
//! accumulators of a model cannot wrap and challenges need no repetition. The base type is
//! arkworks' Montgomery representation; this crate adds what the protocol needs on top of it.
//!
//! | module | idea |
//! |---|---|
//! | [`encoding`] | one canonical form: 32 bytes, big-endian, below the modulus |
//! | [`integer`] | integers of either sign as field elements |
//! | [`batch`] | many inversions for the price of one |
//! | [`powers`](mod@powers) | 1, x, x^2, ... |
//! | [`inner`] | inner products, with small integers under delayed reduction |
//! | [`random`](mod@random) | uniform elements from the operating system |
//!
//! [`Fq`] is the base field, in which the coordinates of curve points live.

pub mod batch;
pub mod encoding;
pub mod inner;
pub mod integer;
pub mod powers;
pub mod random;

pub use ark_ff::{AdditiveGroup, BigInteger, Field, One, PrimeField, Zero};

/// The scalar field of BN254, of prime order `p`: all values of the protocol.
pub type F = ark_bn254::Fr;
/// The base field of BN254, of prime order `q`: coordinates of points.
pub type Fq = ark_bn254::Fq;

pub use batch::{batch_inverse, ZeroHasNoInverse};
pub use encoding::{decode, encode, EncodingError};
pub use inner::{inner_product, OffsetInner};
pub use integer::from_i64;
pub use powers::powers;
pub use random::random;
