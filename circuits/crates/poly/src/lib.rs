//! Polynomials of the protocol: multilinear ones on a cube, and the univariate ones of a sumcheck.
//!
//! Points are lists of coordinates with the variable of the **most significant** bit first, as in
//! `shared/model`; `eq(r, i)` is one when `r` spells the bits of `i`. An axis of `n` real entries
//! has `ceil(log2 n)` variables, and only real indices ever carry weight ("nothing reads padding",
//! `docs/protocol.md`).
//!
//! | module | idea |
//! |---|---|
//! | [`eq`](mod@eq) | the table of eq(r, .), whole or cut to real indices; eq at one index |
//! | [`axis`] | variables of an axis, entries of a cube |
//! | [`multilinear`] | evaluations on the cube: bind a variable |
//! | [`round`] | a round polynomial as it is sent: s(0), s(2), ..., s(d), with s(1) implied |

#![forbid(unsafe_code)]

pub mod axis;
pub mod eq;
pub mod multilinear;
pub mod round;

pub use axis::{cube_size, variables};
pub use eq::{eq_at, eq_table, eq_table_real};
pub use multilinear::bind;
pub use round::{message_weights, next_claim};
