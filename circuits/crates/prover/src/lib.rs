//! The prover of the native proof system.
//!
//! It follows the verifier's pass step by step and fills in what is sent. The witness is integers: limbs,
//! remainders, multiplicities; field elements appear with the first challenge (helpers).
//!
//! | module | idea |
//! |---|---|
//! | [`key`] | table, weight rows and their commitments, powers of tau |
//! | [`values`] | integer values of the virtual nodes that a proof needs |
//! | [`witness`] | committed integers: limbs and multiplicities in their blocks |
//! | `helpers` | the helpers of the lookups |
//! | [`space`] | the committed vector by rows |
//! | `hiding` | the randomness of a hiding proof |
//! | [`masks`] | what tests of hiding take away from it |
//! | [`zerocheck`] | the sumcheck of lookups and products |
//! | [`contraction`] | the sumcheck of einsums |
//! | [`last`] | the sumcheck that joins all claims |
//! | [`prove`](mod@prove) | the steps in their order |
//! | [`stages`] | how long each step took |
//! | [`interrupt`] | stopping work that nobody waits for |

#![forbid(unsafe_code)]

pub mod contraction;
mod helpers;
mod hiding;
pub mod interrupt;
pub mod key;
pub mod last;
pub mod masks;
pub mod prove;
pub mod space;
pub mod stages;
pub mod values;
pub mod witness;
pub mod zerocheck;

pub use interrupt::{Interrupt, Interrupted};
pub use key::ProvingKey;
pub use masks::{Mask, Spoiled};
pub use prove::{profile, prove, Job, Proof, ProveError};
pub use stages::Stages;
