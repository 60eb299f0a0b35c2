//! Canonical bytes: 32 of them, big-endian, as the EVM reads a word.
//!
//! `docs/protocol.md`, "Notation": encodings are canonical. A value that is not below the modulus
//! is refused, never reduced: otherwise one proof would have several byte forms.

use crate::{BigInteger, PrimeField};
use ark_ff::BigInt;
use thiserror::Error;

/// Why 32 bytes are not a field element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The integer is not below the field's modulus.
    #[error("value is not below the field modulus")]
    NotBelowModulus,
    /// The input is not 32 bytes long.
    #[error("a field element has 32 bytes, got {0}")]
    WrongLength(usize),
}

/// Four 64-bit words, least significant first.
pub type BigInt256 = BigInt<4>;

/// A prime field of at most 256 bits, in arkworks' four-limb form: `F` and `Fq`.
pub trait Field256: PrimeField<BigInt = BigInt256> {}
impl<P: PrimeField<BigInt = BigInt256>> Field256 for P {}

/// The canonical bytes of `x`.
pub fn encode<P: Field256>(x: &P) -> [u8; 32] {
    let mut out = [0u8; 32];
    for (chunk, limb) in out.rchunks_exact_mut(8).zip(x.into_bigint().0) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    out
}

/// Reads canonical bytes; refuses any other length and any value not below the modulus.
pub fn decode<P: Field256>(bytes: &[u8]) -> Result<P, EncodingError> {
    let word: &[u8; 32] = bytes
        .try_into()
        .map_err(|_| EncodingError::WrongLength(bytes.len()))?;
    P::from_bigint(limbs(word)).ok_or(EncodingError::NotBelowModulus)
}

/// Reads a 256-bit big-endian integer modulo the field order: for hashes, never for messages.
pub fn reduce<P: Field256>(word: &[u8; 32]) -> P {
    let mut n = limbs(word);
    while n >= P::MODULUS {
        n.sub_with_borrow(&P::MODULUS);
    }
    P::from_bigint(n).unwrap_or_default()
}

fn limbs(word: &[u8; 32]) -> BigInt256 {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(word.rchunks_exact(8)) {
        *limb = chunk.iter().fold(0, |n, b| (n << 8) | u64::from(*b));
    }
    BigInt(limbs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fq, One, Zero, F};

    fn modulus_bytes<P: Field256>() -> [u8; 32] {
        let mut b = encode(&-P::one());
        b[31] += 1; // both moduli end in a byte below 255
        b
    }

    fn battery<P: Field256>() {
        let mut rng = ark_std::test_rng();
        for _ in 0..100 {
            let x = P::rand(&mut rng);
            assert_eq!(decode::<P>(&encode(&x)), Ok(x));
            assert_eq!(reduce::<P>(&encode(&x)), x);
        }
        let p = modulus_bytes::<P>();
        assert_eq!(decode::<P>(&p), Err(EncodingError::NotBelowModulus));
        assert_eq!(
            decode::<P>(&[0xff; 32]),
            Err(EncodingError::NotBelowModulus)
        );
        assert_eq!(decode::<P>(&p[1..]), Err(EncodingError::WrongLength(31)));
        assert_eq!(decode::<P>(&[0; 33]), Err(EncodingError::WrongLength(33)));
        assert_eq!(reduce::<P>(&p), P::zero());
        assert_eq!(
            reduce::<P>(&[0xff; 32]),
            P::from(2u64).pow([256]) - P::one()
        );
    }

    #[test]
    fn scalar_and_base_field() {
        battery::<F>();
        battery::<Fq>();
    }

    #[test]
    fn big_endian() {
        let mut two56 = [0u8; 32];
        two56[24] = 1;
        assert_eq!(encode(&F::from(1u64 << 56)), two56);
        assert_eq!(encode(&F::zero()), [0; 32]);
        assert_eq!(encode(&F::one())[31], 1);
    }
}
