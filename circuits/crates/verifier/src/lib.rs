//! The verifier of the native proof system.
//!
//! One pass over the proof ([`interaction`]): every message is received (and with that absorbed), every
//! challenge drawn, every claim derived from the operation table. Only two equations are checked: the
//! last sumcheck ends in `L(r) y`, and the opening. `docs/protocol.md` is the specification.
//!
//! | module | idea |
//! |---|---|
//! | [`key`] | what a verifier trusts: table, weight commitments, tau H2 |
//! | [`labels`] | the names of the steps |
//! | [`interaction`] | the pass |
//! | [`claims`] | the claims that follow from what was sent |
//! | [`rounds`] | sumcheck rounds on a claim of the type "public number + linear form" |
//! | [`error`](mod@error) | why a proof is refused |
//! | [`size`] | the exact length of a proof |

#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod claims;
pub mod error;
pub mod interaction;
pub mod key;
pub mod labels;
pub mod rounds;
pub mod size;

pub use error::VerifyError;
pub use interaction::{verify, verify_encoded, Public};
pub use key::{KeyError, VerifyingKey};
pub use size::proof_bytes;
