//! The prover of the native proof system.
//!
//! It follows the verifier's pass step by step and fills in what is sent. The witness is integers: limbs,
//! remainders, multiplicities; field elements appear with the first challenge (helpers).
//!
//! | module | idea |
//! |---|---|
//! | `job` | what is to be proven, and the proof |
//! | [`error`] | why there is none |
//! | `public_words` | the words of the public tensors |
//! | [`key`] | table, weight rows and their commitments, powers of tau |
//! | [`values`] | integer values of the virtual nodes that a proof needs |
//! | [`witness`] | committed integers: limbs and multiplicities in their blocks |
//! | `helpers` | the helpers of the lookups |
//! | [`space`] | the committed vector by rows |
//! | `hiding` | the randomness of a hiding proof |
//! | [`masks`] | its parts, and what tests of hiding take away |
//! | `faults` | what the feature `testing` spoils |
//! | [`zerocheck`] | the sumcheck of lookups and products |
//! | `equations` | the claims of what is zero |
//! | [`contraction`] | the sumcheck of einsums |
//! | `batching` | the sumcheck that joins all claims |
//! | `strands`, `walk` | its weights: sums of products over rows and columns, and the terms they are made of |
//! | [`prove`](mod@prove) | the steps in their order |
//! | [`stages`] | how long each step took |
//! | [`interrupt`] | stopping work that nobody waits for |

#![forbid(unsafe_code)]

mod batching;
pub mod contraction;
mod equations;
pub mod error;
mod faults;
mod helpers;
mod hiding;
pub mod interrupt;
mod job;
pub mod key;
pub mod masks;
pub mod prove;
mod public_words;
pub mod space;
pub mod stages;
mod strands;
pub mod values;
mod walk;
pub mod witness;
pub mod zerocheck;

pub use error::ProveError;
pub use interrupt::{Interrupt, Interrupted};
pub use job::{Job, Proof};
pub use key::ProvingKey;
#[cfg(feature = "testing")]
pub use masks::{Mask, Spoiled};
pub use prove::{profile, prove};
pub use stages::Stages;
