//! What can be absorbed: typed values with one canonical form each.

use thiserror::Error;
use verifai_field::{decode, encode, EncodingError, F};

/// The type of a payload, a byte of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A byte string: digests, names, contexts.
    Bytes = 0,
    /// Elements of F.
    Scalars = 1,
    /// Points of G1.
    G1 = 2,
    /// Points of G2.
    G2 = 3,
    /// Unsigned integers below 2^64, one word each.
    Integers = 4,
}

impl Kind {
    /// The header's byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Bytes => 0,
            Self::Scalars => 1,
            Self::G1 => 2,
            Self::G2 => 3,
            Self::Integers => 4,
        }
    }
}

/// Why the bytes of a message are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A field element is not canonical.
    #[error(transparent)]
    Field(#[from] EncodingError),
    /// Coordinates that satisfy no curve equation.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// A point of the twist outside the subgroup of order p.
    #[error("the point is not in the subgroup of prime order")]
    NotInSubgroup,
    /// Infinity where it has no meaning.
    #[error("the point at infinity is not allowed here")]
    Infinity,
    /// An integer that does not fit.
    #[error("the integer does not fit into 64 bits")]
    IntegerTooLarge,
    /// The wrong number of bytes.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Bytes that the type has.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

/// A value with a canonical form of fixed length.
pub trait Message: Sized {
    /// Its type in the header.
    const KIND: Kind;
    /// Bytes of its canonical form.
    const SIZE: usize;
    /// Appends the canonical form.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the canonical form, and nothing else.
    fn read(bytes: &[u8]) -> Result<Self, MessageError>;
}

impl Message for F {
    const KIND: Kind = Kind::Scalars;
    const SIZE: usize = 32;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&encode(self));
    }

    fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(decode(bytes)?)
    }
}

impl Message for u64 {
    const KIND: Kind = Kind::Integers;
    const SIZE: usize = 32;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0; 24]);
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        let word: &[u8; 32] = bytes.try_into().map_err(|_| MessageError::Length {
            expected: 32,
            got: bytes.len(),
        })?;
        let (high, low) = word.split_at(24);
        if high.iter().any(|b| *b != 0) {
            return Err(MessageError::IntegerTooLarge);
        }
        Ok(low.iter().fold(0, |n, b| (n << 8) | Self::from(*b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifai_field::One;

    #[test]
    fn integers_are_words() {
        let mut out = Vec::new();
        0x0102_0304_u64.write(&mut out);
        assert_eq!(out.len(), u64::SIZE);
        assert_eq!(u64::read(&out), Ok(0x0102_0304));
        out[23] = 1;
        assert_eq!(u64::read(&out), Err(MessageError::IntegerTooLarge));
        assert!(matches!(
            u64::read(&out[1..]),
            Err(MessageError::Length { got: 31, .. })
        ));
    }

    #[test]
    fn scalars_are_canonical() {
        let mut out = Vec::new();
        (-F::one()).write(&mut out);
        assert_eq!(F::read(&out), Ok(-F::one()));
        out[31] += 1;
        assert_eq!(
            F::read(&out),
            Err(MessageError::Field(EncodingError::NotBelowModulus))
        );
    }
}
