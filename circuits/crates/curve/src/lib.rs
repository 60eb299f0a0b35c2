//! The two groups of BN254, as the EVM sees them and as a prover needs them.
//!
//! | module | idea |
//! |---|---|
//! | [`encoding`] | uncompressed big-endian points in the EVM's order; what is off curve or off subgroup is refused |
//! | [`precompile`] | ecAdd, ecMul and the pairing check with the exact semantics of EIP-196 and EIP-197 |
//! | [`blinding`] | the generator H of blindings, from a hash: nobody knows its discrete logarithm |
//! | [`pairing`] | products of pairings that are one |
//! | [`bucket`] | sums of points sorted into buckets, by batch-affine additions |
//! | [`small`] | multi-scalar multiplication with small integers |
//! | [`fixed`] | full-width multi-scalar multiplication with tables for fixed points |
//! | [`repeated`] | multi-scalar multiplication with few different scalars |
//! | [`msm`](mod@msm) | full-width multi-scalar multiplication without tables (arkworks' Pippenger) |

#![forbid(unsafe_code)]

pub mod blinding;
pub mod bucket;
pub mod encoding;
pub mod fixed;
pub mod msm;
pub mod pairing;
pub mod precompile;
pub mod repeated;
pub mod small;

pub use ark_bn254::{Bn254, G1Affine, G1Projective, G2Affine, G2Projective};
pub use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
pub use blinding::blinding_generator;
pub use encoding::{decode_g1, decode_g2, encode_g1, encode_g2, G1, G2};
pub use fixed::FixedBases;
pub use msm::{msm, TooFewPoints};
pub use pairing::pairing_product_is_one;
pub use repeated::{Digits, Repeated};
pub use small::msm_small;
