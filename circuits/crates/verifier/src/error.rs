//! Why a proof is refused.

use crate::key::KeyError;
use thiserror::Error;
use verifai_commitment::OpeningError;
use verifai_field::EncodingError;
use verifai_table::{PullError, TableError};
use verifai_transcript::ReadError;

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key is to blame.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The table cannot be laid out for this batch.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Claims of the table cannot be derived.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// A batch of no inferences.
    #[error("a batch has at least one inference")]
    EmptyBatch,
    /// The proof is longer or shorter than every proof for this table and batch.
    #[error("a proof of {got} bytes, the key asks for {expected}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes of the proofs for this table and batch.
        expected: usize,
    },
    /// The wrong number of public words.
    #[error("{got} public words, the key asks for {expected}")]
    Words {
        /// Words given.
        got: usize,
        /// Words of the key's public tensors.
        expected: usize,
    },
    /// A public word is no scalar.
    #[error("public words: {0}")]
    Encoding(#[from] EncodingError),
    /// A public word holds more than its values do.
    #[error("public word {0} is not below 2^128, or sets bits that belong to no value")]
    WordRange(usize),
    /// Step `ids`: an id is no row of the weight that it is to read.
    #[error("an id of gather node {0} is not below the rows of its source")]
    Id(usize),
    /// A message is missing or not canonical.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Check `last`: the claims do not hold.
    #[error(
        "the last sumcheck does not end in L(r) y: a claim about the committed tensors is false"
    )]
    Last,
    /// Check `tail`: the claims do not hold, or the pads of the last sumcheck are not those that
    /// were committed.
    #[error(
        "the tail of the last sumcheck does not fit: a claim about the committed tensors is false"
    )]
    Tail,
    /// A challenge hit zero: probability 2^-254.
    #[error("a challenge is degenerate")]
    DegenerateChallenge,
    /// The opening is false.
    #[error("opening: {0}")]
    Opening(#[from] OpeningError),
}
