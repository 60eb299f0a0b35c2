//! The verifier's end of a proof.

use crate::{Label, Message, MessageError, Transcript};
use thiserror::Error;

/// Why a proof cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The proof ends before the message does.
    #[error("the proof ends within message {label}: {missing} bytes are missing")]
    Truncated {
        /// The message that was expected.
        label: String,
        /// How many bytes are missing.
        missing: usize,
    },
    /// A value is not in canonical form.
    #[error("element {index} of message {label}: {reason}")]
    Message {
        /// The message.
        label: String,
        /// Which of its elements.
        index: usize,
        /// What is wrong with it.
        reason: MessageError,
    },
    /// Bytes follow after the last message.
    #[error("{bytes} bytes follow after the end of the proof")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Receives messages: each is checked for its canonical form and absorbed before it is returned.
#[derive(Debug)]
pub struct ProofReader<'a> {
    /// What challenges are drawn from.
    pub transcript: Transcript,
    rest: &'a [u8],
}

impl<'a> ProofReader<'a> {
    /// Starts to read a proof on a transcript that holds the statement.
    pub fn new(transcript: Transcript, proof: &'a [u8]) -> Self {
        Self {
            transcript,
            rest: proof,
        }
    }

    /// Receives `n` typed values. `n` comes from the verifier's key, never from the proof.
    pub fn receive<M: Message>(&mut self, label: Label, n: usize) -> Result<Vec<M>, ReadError> {
        let length = n.saturating_mul(M::SIZE);
        let Some((payload, rest)) = self.rest.split_at_checked(length) else {
            return Err(ReadError::Truncated {
                label: label.as_str().to_owned(),
                missing: length.saturating_sub(self.rest.len()),
            });
        };
        let mut values = Vec::with_capacity(n);
        for (index, bytes) in payload.chunks_exact(M::SIZE).enumerate() {
            let value = M::read(bytes).map_err(|reason| ReadError::Message {
                label: label.as_str().to_owned(),
                index,
                reason,
            })?;
            values.push(value);
        }
        self.transcript.absorb_encoded(label, M::KIND, payload);
        self.rest = rest;
        Ok(values)
    }

    /// Receives one typed value.
    pub fn receive_one<M: Message>(&mut self, label: Label) -> Result<M, ReadError> {
        let values = self.receive(label, 1)?;
        values.into_iter().next().ok_or(ReadError::Truncated {
            label: label.as_str().to_owned(),
            missing: M::SIZE,
        })
    }

    /// Ends the proof: nothing may be left over.
    pub fn finish(self) -> Result<(), ReadError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(ReadError::Trailing { bytes }),
        }
    }
}
