//! What makes a prover lie or give its witness away: tests of soundness and hiding ask for it, and only
//! the feature `testing` has it.

use crate::job::Job;
use crate::masks::Mask;
use verifai_field::random::{random_vec, NoRandomness};
use verifai_field::F;

#[cfg(feature = "testing")]
impl Job {
    /// Additions to entries of the committed vector, by address.
    pub(crate) fn lies(&self) -> &[(usize, i64)] {
        &self.lies
    }

    /// Whether a witness that proves nothing is refused.
    pub(crate) fn strict(&self) -> bool {
        !self.stubborn && self.lies.is_empty()
    }

    /// `n` entries of a mask: uniform from the operating system, unless this mask is spoiled.
    pub(crate) fn draw(&self, mask: Mask, n: usize) -> Result<Vec<F>, NoRandomness> {
        match self.spoiled.draw(mask, n) {
            Some(spoiled) => Ok(spoiled),
            None => random_vec(n),
        }
    }
}

#[cfg(not(feature = "testing"))]
impl Job {
    /// None.
    pub(crate) fn lies(&self) -> &[(usize, i64)] {
        &[]
    }

    /// Always.
    pub(crate) fn strict(&self) -> bool {
        true
    }

    /// `n` entries of a mask: uniform from the operating system.
    pub(crate) fn draw(&self, _: Mask, n: usize) -> Result<Vec<F>, NoRandomness> {
        random_vec(n)
    }
}
