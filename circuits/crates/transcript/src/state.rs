//! The chain of digests.

use crate::{keccak256, Kind, Message};
use verifai_field::{encoding::reduce, F};

const ABSORB: u8 = 1;
const CHALLENGE: u8 = 2;
const LABEL_BYTES: usize = 22;

/// The name of a step: 1 to 22 bytes of printable ASCII, checked when the program is compiled if
/// it is made in a `const`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label([u8; LABEL_BYTES]);

impl Label {
    /// A label from a constant string.
    ///
    /// # Panics
    /// If the string is empty, too long or not printable ASCII. Labels are constants of the
    /// program, never data.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= LABEL_BYTES);
        let mut padded = [0u8; LABEL_BYTES];
        let mut i = 0;
        while i < bytes.len() {
            assert!(bytes[i] >= 0x20 && bytes[i] < 0x7f);
            padded[i] = bytes[i];
            i += 1;
        }
        Self(padded)
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        text.trim_end_matches('\0')
    }
}

/// One step of a transcript, as the recorder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Label of the step.
    pub label: Label,
    /// The type absorbed, or `None` for a challenge.
    pub absorbed: Option<Kind>,
    /// Payload in bytes; zero for a challenge.
    pub bytes: usize,
    /// The state after the step.
    pub state: [u8; 32],
}

/// A Fiat-Shamir transcript; see the crate's front page for the bytes.
#[derive(Clone, Debug)]
pub struct Transcript {
    state: [u8; 32],
    record: Option<Vec<Step>>,
}

impl Transcript {
    /// Starts a transcript for one protocol version.
    ///
    /// # Panics
    /// If the domain is not 1 to 64 bytes of ASCII; it is a constant of the program, never data.
    #[must_use]
    pub fn new(domain: &'static str) -> Self {
        assert!(domain.is_ascii() && (1..=64).contains(&domain.len()));
        Self {
            state: keccak256(&[domain.as_bytes()]),
            record: None,
        }
    }

    /// Starts a transcript that keeps an inventory of its steps, for tests.
    #[must_use]
    pub fn recording(domain: &'static str) -> Self {
        Self {
            record: Some(Vec::new()),
            ..Self::new(domain)
        }
    }

    /// The steps so far, if this transcript records.
    pub fn steps(&self) -> &[Step] {
        self.record.as_deref().unwrap_or_default()
    }

    /// The current state.
    pub fn state(&self) -> [u8; 32] {
        self.state
    }

    /// Absorbs typed values.
    pub fn absorb<M: Message>(&mut self, label: Label, values: &[M]) {
        let mut payload = Vec::with_capacity(values.len() * M::SIZE);
        for value in values {
            value.write(&mut payload);
        }
        self.absorb_encoded(label, M::KIND, &payload);
    }

    /// Absorbs a byte string.
    pub fn absorb_bytes(&mut self, label: Label, bytes: &[u8]) {
        self.absorb_encoded(label, Kind::Bytes, bytes);
    }

    /// Absorbs a payload that is in canonical form already.
    pub(crate) fn absorb_encoded(&mut self, label: Label, kind: Kind, payload: &[u8]) {
        let head = header(ABSORB, kind.byte(), payload.len() as u64, label);
        self.state = keccak256(&[&self.state, &head, payload]);
        self.note(label, Some(kind), payload.len());
    }

    /// Draws one challenge.
    pub fn challenge(&mut self, label: Label) -> F {
        self.state = keccak256(&[&self.state, &header(CHALLENGE, 0, 0, label)]);
        self.note(label, None, 0);
        reduce(&self.state)
    }

    /// Draws `n` challenges.
    pub fn challenges(&mut self, label: Label, n: usize) -> Vec<F> {
        (0..n).map(|_| self.challenge(label)).collect()
    }

    fn note(&mut self, label: Label, absorbed: Option<Kind>, bytes: usize) {
        let state = self.state;
        if let Some(record) = &mut self.record {
            record.push(Step {
                label,
                absorbed,
                bytes,
                state,
            });
        }
    }
}

fn header(operation: u8, kind: u8, length: u64, label: Label) -> [u8; 32] {
    let mut out = [0u8; 32];
    let (fixed, name) = out.split_at_mut(10);
    let (first, len) = fixed.split_at_mut(2);
    first.copy_from_slice(&[operation, kind]);
    len.copy_from_slice(&length.to_be_bytes());
    name.copy_from_slice(&label.0);
    out
}
