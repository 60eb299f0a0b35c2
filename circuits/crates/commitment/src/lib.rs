//! The commitment to one vector `w` of R rows and C columns, and its opening at one point.
//!
//! Each row is a hiding KZG commitment under C powers of tau (`docs/protocol.md`, "The
//! opening"): `C_i = sum_j w_ij tau^j G + rho_i H`. To open at `x = (x_row, x_col)` the rows are
//! combined with weights `eq(x_row, i)`, and the combined row is opened at `x_col` by HyperKZG:
//! Gemini's folding (ePrint 2022/420, section 5.1) with one batched KZG opening (ePrint 2020/081,
//! section 4, "Shplonk").
//!
//! ```text
//! known    commitments C_i of the rows i that exist, x, y; public rows (C_f, rho_f, f): see below
//! sent     rho = sum_i eq(x_row, i) rho_i
//!          A_1, ..., A_(n-1)  commitments     A_0 = combined row (as coefficients), n = log2 C
//!                             A_(k+1)[j] = (1 - x) A_k[2j] + x A_k[2j+1], x = x_col[n-1-k]
//! drawn    r;  r_k = r^(2^k)
//! sent     A_0(r), A_0(-r_0), A_1(-r_1), ..., A_(n-1)(-r_(n-1))
//! derived  A_(k+1)(r_(k+1)) = (1 - x) (A_k(r_k) + A_k(-r_k)) / 2 + x (A_k(r_k) - A_k(-r_k)) / (2 r_k)
//! check 1  A_n(r_n) = y
//! drawn    nu
//! sent     W  = commitment of F = sum_i nu^i (P_i - v_i) / (X - z_i)
//!          over all claims P_i(z_i) = v_i: for k = 0, 1, ... A_k at r_k, A_k at -r_k; then each
//!          public row f at r
//! drawn    z
//! sent     W' = commitment of (F - sum_i nu^i (P_i - v_i) / (z - z_i)) / (X - z)
//! check 2  e(W - sum_i nu^i / (z - z_i) ([P_i] - v_i G) + z W', H2) = e(W', tau H2)
//!          where [A_0] = sum_i eq(x_row, i) C_i - rho H and [f] = C_f - rho_f H
//! ```
//!
//! Evaluating A_k at `+-r^(2^k)` (as barretenberg does) instead of at `r, -r, r^2` needs n + 1
//! scalars where HyperKZG sends 2n + 1. An opening has n + 1 points and n + 2 scalars.
//!
//! A *public row* is a row whose commitment and coefficients the verifier knows: the folded tail
//! of the protocol. One point is enough for it, since r is drawn after f is fixed.
//!
//! # Preconditions
//! Before [`open`](open()) and [`verify`](verify()) the transcript must hold all commitments, the point and
//! the value (as challenges and messages, or as public values): a commitment that is fixed after
//! the point is a forgery (H1 of the review). Rows that are longer than C need no check of their
//! own *then*: A_n is not constant, and check 1 fails but with probability (degree) / p (H13).
//!
//! # Hiding
//! Commitments hide (rho). The opening reveals linear functions of the combined row, which is
//! uniform if one uniform row with non-zero weight is part of the vector (the mask row M).
//!
//! | module | idea |
//! |---|---|
//! | [`statement`] | what is opened |
//! | [`labels`] | the names of the steps |
//! | [`verify`](mod@verify) | the verifier; depends on nothing of the prover |
//! | [`key`] | the prover's powers and window tables |
//! | [`row`] | rows of small integers or field elements: commit, combine |
//! | [`open`](mod@open), [`gemini`], [`shplonk`] | the prover |

#![forbid(unsafe_code)]

pub mod gemini;
pub mod key;
pub mod labels;
pub mod open;
pub mod row;
pub mod shplonk;
pub mod statement;
pub mod verify;

pub use key::{CommitmentKey, KeyError};
pub use open::{open, OpenError, SecretRow};
pub use row::{combine, Row};
pub use statement::{PublicRow, Statement, MAX_LOG_ROWS};
pub use verify::{verify, OpeningError, VerifierKey};
