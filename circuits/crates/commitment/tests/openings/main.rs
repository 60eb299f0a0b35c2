//! Openings, honest and forged.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod case;
mod forgeries;
mod honest;
