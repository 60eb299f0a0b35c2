//! Why an SRS is refused.

use thiserror::Error;
use verifai_transcript::MessageError;

/// Why an SRS is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SrsError {
    /// The file cannot be read, or ends early.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The operating system gave no randomness for the check of the powers.
    #[error(transparent)]
    NoRandomness(#[from] verifai_field::random::NoRandomness),
    /// A number in the header is out of its bounds.
    #[error("{what} is {got}, which is not allowed")]
    Header {
        /// Which number.
        what: &'static str,
        /// Its value.
        got: u64,
    },
    /// The file or a section has not the size that its header implies.
    #[error("{what} has {got} bytes, expected {expected}")]
    Size {
        /// The file or a section.
        what: &'static str,
        /// The size implied.
        expected: u64,
        /// The size found.
        got: u64,
    },
    /// A section that is needed is missing or comes twice.
    #[error("section {section} comes {times} times")]
    Section {
        /// The section's type.
        section: u32,
        /// How often it was found.
        times: usize,
    },
    /// The file is for another field.
    #[error("the file is for another curve: its prime is not that of BN254")]
    OtherCurve,
    /// A point is not what it should be.
    #[error("{what} point {index}: {reason}")]
    Point {
        /// G1 or G2.
        what: &'static str,
        /// Its position.
        index: usize,
        /// What is wrong with it.
        reason: MessageError,
    },
    /// The first point is not the generator.
    #[error("the first {0} point is not the generator")]
    NotGenerator(&'static str),
    /// The points are not the powers of one tau.
    #[error("the points are not the powers of one tau")]
    NotPowers,
    /// Fewer than two powers.
    #[error("{0} powers are too few: two at least")]
    TooFew(usize),
}

impl SrsError {
    pub(crate) fn header(what: &'static str, got: u64) -> Self {
        Self::Header { what, got }
    }

    pub(crate) fn point(what: &'static str, index: usize) -> impl FnOnce(MessageError) -> Self {
        move |reason| Self::Point {
            what,
            index,
            reason,
        }
    }
}
