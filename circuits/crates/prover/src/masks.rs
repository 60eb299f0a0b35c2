//! Masks that a test takes away from a proof, to see what each of them hides.

use verifai_field::{random::random_vec, F};
use verifai_transcript::{Label, Transcript};

use crate::error::ProveError;

const DOMAIN: &str = "verifai repeated mask";
const ENTRY: Label = Label::new("entry");

/// The random parts of a hiding proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// One for each column of the zerocheck.
    Slots,
    /// Pads of the zerocheck's rounds.
    ZerocheckPads,
    /// Pads of the contractions' rounds.
    ContractionPads,
    /// a and b of each triple: the pads of the two ends.
    Triples,
    /// a' and b' of each triple.
    SecondTriples,
    /// The row M.
    Row,
    /// The pads of the batching sumcheck.
    Tail,
    /// The mask of the tail.
    TailMask,
    /// Blindings of tail and tail mask.
    TailBlindings,
    /// Blindings of the rows of input, output and witness.
    WitnessBlindings,
    /// Blindings of the rows of helpers.
    HelperBlindings,
    /// The blinding of M.
    RowBlinding,
}

impl Mask {
    /// All of them, with the names that Python uses.
    pub const ALL: [(&'static str, Mask); 12] = [
        ("slots", Mask::Slots),
        ("zerocheck pads", Mask::ZerocheckPads),
        ("contraction pads", Mask::ContractionPads),
        ("triples", Mask::Triples),
        ("second triples", Mask::SecondTriples),
        ("row", Mask::Row),
        ("tail", Mask::Tail),
        ("tail mask", Mask::TailMask),
        ("tail blindings", Mask::TailBlindings),
        ("witness blindings", Mask::WitnessBlindings),
        ("helper blindings", Mask::HelperBlindings),
        ("row blinding", Mask::RowBlinding),
    ];

    /// The mask of a name.
    pub fn named(name: &str) -> Option<Mask> {
        let mut all = Self::ALL.into_iter();
        all.find(|(own, _)| *own == name).map(|(_, mask)| mask)
    }
}

/// What a test spoils in an otherwise valid proof. Empty for an honest prover.
#[derive(Clone, Debug, Default)]
pub struct Spoiled {
    /// Masks that are zero.
    pub unmasked: Vec<Mask>,
    /// Masks that are the same in every proof.
    pub repeated: Vec<Mask>,
}

impl Spoiled {
    /// `n` entries of a mask: uniform from the operating system, unless this mask is spoiled.
    pub(crate) fn draw(&self, mask: Mask, n: usize) -> Result<Vec<F>, ProveError> {
        if self.unmasked.contains(&mask) {
            return Ok(vec![F::default(); n]);
        }
        if self.repeated.contains(&mask) {
            let mut stream = Transcript::new(DOMAIN);
            stream.absorb(ENTRY, &[mask as u64]);
            return Ok(stream.challenges(ENTRY, n));
        }
        random_vec(n).map_err(|e| ProveError::Randomness(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mask_has_one_name() {
        for (i, (name, mask)) in Mask::ALL.into_iter().enumerate() {
            assert_eq!(Mask::named(name), Some(mask));
            assert_eq!(mask as usize, i);
        }
        assert_eq!(Mask::named("none"), None);
    }

    #[test]
    fn only_spoiled_masks_are_zero_or_the_same() {
        let spoiled = Spoiled {
            unmasked: vec![Mask::Row],
            repeated: vec![Mask::Tail, Mask::TailMask],
        };
        let draw = |mask| spoiled.draw(mask, 3).unwrap();
        assert_eq!(draw(Mask::Row), vec![F::default(); 3]);
        assert_eq!(draw(Mask::Tail), draw(Mask::Tail));
        assert_ne!(draw(Mask::Tail), draw(Mask::TailMask));
        assert_ne!(draw(Mask::Slots), draw(Mask::Slots));
    }
}
