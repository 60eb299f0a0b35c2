//! The prover's end of a proof.

use crate::{Label, Message, Transcript};

/// Sends messages: each is appended to the proof and absorbed.
#[derive(Debug)]
pub struct ProofWriter {
    /// What challenges are drawn from.
    pub transcript: Transcript,
    proof: Vec<u8>,
}

impl ProofWriter {
    /// Starts a proof on a transcript that holds the statement.
    pub fn new(transcript: Transcript) -> Self {
        Self {
            transcript,
            proof: Vec::new(),
        }
    }

    /// Sends typed values.
    pub fn send<M: Message>(&mut self, label: Label, values: &[M]) {
        let start = self.proof.len();
        for value in values {
            value.write(&mut self.proof);
        }
        let payload = self.proof.get(start..).unwrap_or_default();
        self.transcript.absorb_encoded(label, M::KIND, payload);
    }

    /// The finished proof.
    pub fn finish(self) -> Vec<u8> {
        self.proof
    }
}
