//! Sumcheck (Lund, Fortnow, Karloff, Nisan; Thaler, chapter 4): the prover's rounds.
//!
//! ```text
//! round k = 0 .. n-1:  prover sends s(0), s(2), ..., s(d)      (s(1) = claim - s(0))
//!                      t_k from the transcript;  claim = s(t_k)
//! ```
//!
//! Verifying is a *reduction* to one value at one point, linear in the claim and in the messages: see
//! [`verifai_poly::round`].
//!
//! | module | idea |
//! |---|---|
//! | [`prove`](mod@prove) | the rounds of any [`Instance`] |
//! | [`products`] | an instance: sums of products of two tables, of several sizes |

#![forbid(unsafe_code)]

pub mod products;
pub mod prove;

pub use products::{Product, Products};
pub use prove::{prove, Instance};
