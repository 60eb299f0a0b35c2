//! Sumcheck (Lund, Fortnow, Karloff, Nisan; Thaler, chapter 4), batched.
//!
//! It turns claims `c_j = sum over x of g_j(x)` about polynomials on cubes of `m_j` variables into
//! one claim about their values at one point:
//!
//! ```text
//! n = max m_j;  eta from the transcript (if there are several claims)
//! claim  = sum_j eta^j 2^(n - m_j) c_j
//! round k = 0 .. n-1:  prover sends s(0), s(2), ..., s(d)      (s(1) = claim - s(0))
//!                      t_k from the transcript;  claim = s(t_k)
//! left to check: claim = sum_j eta^j g_j(the last m_j challenges)
//! ```
//!
//! An instance with fewer variables uses the *last* challenges, its claim scaled by a power of two
//! (`protocol.md`, step 3, and H8 of the review): while it waits, its round polynomial is constant.
//!
//! Verifying is a *reduction*, not a proof: [`verify`](verify()) checks no equation at all. The next claim is
//! linear in the claim and in the messages, so a [`Reduction`] carries the weights of both, and the
//! caller must discharge the final claim: from sums in clear with [`Reduction::value`], or as a
//! linear claim on committed pads where messages are padded (`protocol.md`, "Zero knowledge").
//!
//! | module | idea |
//! |---|---|
//! | [`shape`] | number of variables and degree of each instance, within limits |
//! | [`verify`](mod@verify) | the reduction |
//! | [`prove`](mod@prove) | the rounds of any [`Instance`] |
//! | [`dense`] | an instance made of tables of field elements and a combining function |

#![forbid(unsafe_code)]

pub mod dense;
pub mod prove;
pub mod shape;
pub mod verify;

pub use dense::Dense;
pub use prove::{prove, Instance, ProveError};
pub use shape::{Labels, Shape, ShapeError, MAX_VARIABLES};
pub use verify::{verify, Reduction, SumcheckError};
