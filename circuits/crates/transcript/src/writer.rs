//! The prover's end of a proof.

use crate::{Label, Message, Transcript};
use verifai_field::F;

/// Sends messages: each is appended to the proof and absorbed.
#[derive(Debug)]
pub struct ProofWriter {
    transcript: Transcript,
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

    /// Absorbs what both sides know and the proof does not carry.
    pub fn public<M: Message>(&mut self, label: Label, values: &[M]) {
        self.transcript.absorb(label, values);
    }

    /// Draws one challenge.
    pub fn challenge(&mut self, label: Label) -> F {
        self.transcript.challenge(label)
    }

    /// Draws `n` challenges.
    pub fn challenges(&mut self, label: Label, n: usize) -> Vec<F> {
        self.transcript.challenges(label, n)
    }

    /// The transcript so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The finished proof.
    pub fn finish(self) -> Vec<u8> {
        self.proof
    }
}
