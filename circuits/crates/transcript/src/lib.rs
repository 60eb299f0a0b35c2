//! Fiat-Shamir with Keccak-256, and the proof stream that it binds.
//!
//! `docs/protocol.md`, "Transcript and order":
//! domain-separated, one absorb-everything API. The bytes below are the
//! whole specification; Python and Solidity reproduce them, `vectors/transcript.json` joins them.
//!
//! # Bytes
//!
//! The state is one 32-byte Keccak-256 digest. Every step hashes a preimage that consists of
//! 32-byte words (but for the last bytes of a byte string), so that a contract writes two words
//! and copies the payload from calldata:
//!
//! ```text
//! start      state = keccak256(domain)                     domain: ASCII, 1 to 64 bytes
//! absorb     state = keccak256(state || header || payload)
//! challenge  state = keccak256(state || header);  value = state as a big-endian integer mod p
//!
//! header (32 bytes):
//!   byte  0        1 = absorb, 2 = challenge
//!   byte  1        kind: 0 bytes, 1 scalars, 2 G1 points, 3 G2 points, 4 unsigned integers; 0 for a challenge
//!   bytes 2..10    length of the payload in bytes, 64 bits big-endian; 0 for a challenge
//!   bytes 10..32   label: 1 to 22 bytes of printable ASCII, filled with zero bytes on the right
//!
//! payload: the elements one after another, no separator
//!   scalar             32 bytes big-endian, below p
//!   G1 point           x || y, 32 bytes big-endian each; infinity is 64 zero bytes
//!   G2 point           x.c1 || x.c0 || y.c1 || y.c0 (the order of the EVM); infinity is 128 zero bytes
//!   unsigned integer   32 bytes big-endian, below 2^64
//! ```
//!
//! A vector of `n` challenges is `n` challenges with one label. Since the header has a fixed length
//! and contains the payload's, the map from step sequences to preimages is injective. The value is
//! not uniform on F: 2^256 is 5.29 p, so some values come 6/5.29 = 1.13 times as often as `1/p`,
//! which costs less than 0.2 bits of soundness per challenge.
//!
//! # Messages
//!
//! A [`ProofWriter`] and a [`ProofReader`] are mirror images: what the prover sends is written to
//! the proof *and* absorbed, what the verifier receives is checked, absorbed, and then returned.
//! There is no other way to put a value into a proof or to take one out, so that a message which
//! is not absorbed cannot be written down. A proof is the concatenation of its messages; the
//! reader refuses what is not canonical, what is missing and what is left over.
//!
//! | module | idea |
//! |---|---|
//! | [`hash`] | Keccak-256 |
//! | [`message`] | what can be absorbed, and its canonical bytes |
//! | [`state`] | the chain of digests, with an optional record of its steps |
//! | [`writer`], [`reader`] | the two ends of a proof |

#![forbid(unsafe_code)]

pub mod hash;
pub mod message;
pub mod reader;
pub mod state;
pub mod writer;

pub use hash::keccak256;
pub use message::{Kind, Message, MessageError};
pub use reader::{ProofReader, ReadError};
pub use state::{Label, Step, Transcript};
pub use writer::ProofWriter;
