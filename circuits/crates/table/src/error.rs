//! What can be wrong with a table.

use thiserror::Error;

/// Why a table is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// Too long, or not the JSON of a table.
    #[error("no operation table: {0}")]
    Json(String),
    /// A rule that a node breaks.
    #[error("node {index} of the operation table: {rule}")]
    Node {
        /// Which node.
        index: usize,
        /// The rule.
        rule: &'static str,
    },
    /// A rule that a constraint or the table as a whole breaks.
    #[error("operation table: {0}")]
    Rule(&'static str),
}

impl From<&'static str> for TableError {
    fn from(rule: &'static str) -> Self {
        Self::Rule(rule)
    }
}

/// Why weights cannot be pulled back. The table is to blame, never the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PullError {
    /// Weights on an einsum mix axes of different classes.
    #[error("node {0}: weights on an einsum do not factor")]
    NotFactored(usize),
    /// Too many terms, or a group that is too large.
    #[error("node {0}: the weights of a claim are too large")]
    TooLarge(usize),
    /// A node that does not exist; cannot happen with a validated table.
    #[error("node {0} does not exist")]
    Missing(usize),
}
