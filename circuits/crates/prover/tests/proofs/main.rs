//! Proofs of small circuits: honest ones verify, all others do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod circuits;
mod digests;
mod honest;
mod lies;
