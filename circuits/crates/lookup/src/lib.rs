//! Range lookups: every limb of `b` bits lies in `[0, 2^b)`.
//!
//! logUp (Haboeck, ePrint 2022/1530) with committed helpers (`docs/protocol.md`):
//! with the fingerprint `f = value + beta b` of a looked-up value and `T = t + beta b` of the entry
//! t of table b, all values are entries exactly if, as rational functions of alpha,
//!
//! ```text
//! sum over lookups 1 / (alpha - f)  =  sum over entries m / (alpha - T)
//! ```
//!
//! Both sides are split into committed helpers, so that no denominator is left:
//!
//! ```text
//! h   = sum over a group of at most four lookups of 1 / (alpha - f_i)      one per group and row
//! hT  = m / (alpha - T)                                                    one per table entry
//!
//! zerocheck      en h prod_i (alpha - f_i) = sum_i num_i prod_(j != i) (alpha - f_j)     (degree 6)
//! linear claims  hT (alpha - T) = m  at a random entry point;   sum h = sum hT
//! ```
//!
//! Limbs are compared with an exact table each, never with a scaled one (H6 of the review). Tags b
//! are constants of the verifying key, never committed (H12). alpha and beta are drawn after values
//! and multiplicities. Multiplicities need no range as long as there are fewer than p lookups.
//!
//! Entry t of table b sits at `2^b + t`, so that the tables of 1 to 8 bits fill one block of 512
//! entries.
//!
//! | module | idea |
//! |---|---|
//! | [`table`] | the block of tables: addresses, fingerprints, limits |
//! | [`relation`](mod@relation) | the zerocheck's term, for prover and verifier alike |

#![forbid(unsafe_code)]

pub mod relation;
pub mod table;

pub use relation::{cleared, relation, Selectors, GROUP, RELATION_DEGREE};
pub use table::{Challenges, BLOCK, ENTRY_VARIABLES, MAX_BITS};
