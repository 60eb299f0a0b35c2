//! The masks of a hiding proof, and those that a test takes away to see what each of them hides.

#[cfg(feature = "testing")]
use verifai_field::F;
#[cfg(feature = "testing")]
use verifai_transcript::{Label, Transcript};

#[cfg(feature = "testing")]
const DOMAIN: &str = "verifai repeated mask";
#[cfg(feature = "testing")]
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

#[cfg(feature = "testing")]
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
#[cfg(feature = "testing")]
#[derive(Clone, Debug, Default)]
pub struct Spoiled {
    /// Masks that are zero.
    pub unmasked: Vec<Mask>,
    /// Masks that are the same in every proof.
    pub repeated: Vec<Mask>,
}

#[cfg(feature = "testing")]
impl Spoiled {
    /// `n` entries of a mask, if it is spoiled.
    pub(crate) fn draw(&self, mask: Mask, n: usize) -> Option<Vec<F>> {
        if self.unmasked.contains(&mask) {
            return Some(vec![F::default(); n]);
        }
        if self.repeated.contains(&mask) {
            let mut stream = Transcript::new(DOMAIN);
            stream.absorb(ENTRY, &[mask as u64]);
            return Some(stream.challenges(ENTRY, n));
        }
        None
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
        let draw = |mask| spoiled.draw(mask, 3);
        assert_eq!(draw(Mask::Row), Some(vec![F::default(); 3]));
        assert_eq!(draw(Mask::Tail), draw(Mask::Tail));
        assert_ne!(draw(Mask::Tail), draw(Mask::TailMask));
        assert_eq!(draw(Mask::Slots), None);
    }
}
