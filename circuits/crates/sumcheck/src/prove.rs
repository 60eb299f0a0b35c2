//! The rounds of any instance.

use verifai_field::F;
use verifai_transcript::{Label, ProofWriter};

/// A polynomial on a cube, being summed variable by variable; E is what ends it early.
pub trait Instance<E> {
    /// `s(0), s(2), ..., s(d)` for the first unbound variable.
    fn message(&mut self) -> Vec<F>;
    /// Binds the first unbound variable.
    fn bind(&mut self, challenge: F) -> Result<(), E>;
}

/// Sends the message of every round and returns the challenges. `pads` are added to what is sent, in
/// order, as far as there are any; `wanted` ends the rounds early, with an error.
pub fn prove<E>(
    instance: &mut impl Instance<E>,
    rounds: usize,
    pads: &[F],
    (message, challenge): (Label, Label),
    wanted: impl Fn() -> Result<(), E>,
    writer: &mut ProofWriter,
) -> Result<Vec<F>, E> {
    let mut pads = pads.iter();
    let round = |_| {
        wanted()?;
        let mut sent = instance.message();
        sent.iter_mut().zip(&mut pads).for_each(|(s, p)| *s += p);
        writer.send(message, &sent);
        let bound = writer.transcript.challenge(challenge);
        instance.bind(bound)?;
        Ok(bound)
    };
    (0..rounds).map(round).collect()
}
