//! The block of range tables.

use verifai_field::{from_i64, F};

/// The widest table: limbs have 1 to 8 bits.
pub const MAX_BITS: u32 = 8;
/// Variables of the block: 9.
pub const ENTRY_VARIABLES: usize = MAX_BITS as usize + 1;
/// Entries of the block; addresses 0 and 1 belong to no table.
pub const BLOCK: usize = 1 << ENTRY_VARIABLES;

/// The challenges of the argument, drawn after values and multiplicities are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenges {
    /// The point at which the rational functions are compared.
    pub alpha: F,
    /// What separates the tables.
    pub beta: F,
}

impl Challenges {
    /// `alpha - (value + beta bits)`, for field elements.
    pub fn denominator(&self, value: F, bits: u32) -> F {
        self.alpha - value - self.tag(bits)
    }

    /// What the table's tag adds to a fingerprint.
    pub fn tag(&self, bits: u32) -> F {
        self.beta * from_i64(i64::from(bits))
    }
}

/// The address of entry `value` of the table of `bits` bits, if both exist.
pub fn address(bits: u32, value: i32) -> Option<usize> {
    let size = 1usize.checked_shl(bits)?;
    let value = usize::try_from(value).ok()?;
    if (1..=MAX_BITS).contains(&bits) && value < size {
        size.checked_add(value)
    } else {
        None
    }
}

/// The table and entry at an address of the block.
pub fn entry(address: usize) -> Option<(u32, usize)> {
    let bits = address.checked_ilog2()?;
    if (1..=MAX_BITS).contains(&bits) {
        Some((bits, address ^ (1 << bits)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fill_the_block() {
        let mut seen = vec![0; BLOCK];
        for bits in 1..=MAX_BITS {
            for value in 0..1 << bits {
                let a = address(bits, value).unwrap();
                assert_eq!(entry(a), Some((bits, value as usize)));
                seen[a] += 1;
            }
            assert_eq!(address(bits, 1 << bits), None);
            assert_eq!(address(bits, -1), None);
        }
        assert_eq!(seen[..2], [0, 0]);
        assert!(seen[2..].iter().all(|n| *n == 1));
        assert_eq!((entry(0), entry(1), entry(BLOCK)), (None, None, None));
        assert_eq!(
            (address(0, 0), address(9, 0), address(64, 0)),
            (None, None, None)
        );
    }

    /// The shift trick on committed limbs is unsound (H6): hi = 255 / 16 in F passes the scaled check
    /// "16 hi is a byte". With an exact table the limb itself has to be an entry.
    #[test]
    fn fractional_limbs() {
        let v = verifai_field::random::random_vec(2).unwrap();
        let challenges = Challenges {
            alpha: v[0],
            beta: v[1],
        };
        let hi = F::from(255u64) / F::from(16u64);
        assert_eq!(hi * F::from(16u64), F::from(255u64));
        let fingerprint = challenges.denominator(hi, 4);
        for t in 0..16u64 {
            assert_ne!(fingerprint, challenges.denominator(F::from(t), 4));
        }
    }
}
