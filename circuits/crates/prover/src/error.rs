//! Why there is no proof, or no key.

use crate::interrupt::Interrupted;
use thiserror::Error;
use verifai_commitment::{KeyError as RowError, OpenError};
use verifai_field::random::NoRandomness;
use verifai_table::{PullError, TableError};
use verifai_verifier::KeyError;

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The table is refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The key is refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Claims cannot be derived.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// A row cannot be committed.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The vector cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A tensor of the wrong size.
    #[error("node {node} has {expected} values, got {got}")]
    Shape {
        /// The node.
        node: usize,
        /// Values given.
        got: usize,
        /// Values expected.
        expected: usize,
    },
    /// The wrong number of tensors.
    #[error("the table has {expected} nodes to be given, got values of {got}")]
    Nodes {
        /// Tensors given.
        got: usize,
        /// Nodes with values of their own: committed ones, or weights.
        expected: usize,
    },
    /// A value out of its range.
    #[error("the value {value} of node {node} is not within {low} to {high}")]
    Range {
        /// The node.
        node: usize,
        /// The value.
        value: i64,
        /// The lowest value of the node.
        low: i64,
        /// The highest.
        high: i64,
    },
    /// An id that is no row of a gather's source.
    #[error("an id of gather node {0} is not below the rows of its source")]
    Ids(usize),
    /// A pair that is in no table.
    #[error("({input}, {output}) is no entry of table {table}")]
    Lookup {
        /// The table.
        table: usize,
        /// The input.
        input: i64,
        /// The output.
        output: i64,
    },
    /// The operating system gave no randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The wrong number of blindings of weight rows, or of the rows of a linked tensor.
    #[error("{expected} rows, got blindings of {got}")]
    Blindings {
        /// Blindings given.
        got: usize,
        /// Rows.
        expected: usize,
    },
    /// The commitments that a key is made again with are of other weights, blindings or powers of tau.
    #[error("the weights are not those that the key's commitments are of")]
    Commitments,
    /// Nobody waits for the result any more.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// alpha is a fingerprint: probability below 2^-220. Prove again.
    #[error("a challenge is degenerate")]
    DegenerateChallenge,
}
