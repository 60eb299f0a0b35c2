//! What makes a prover lie or give its witness away: tests of soundness and hiding ask for it, and only
//! the feature `testing` has it.

use crate::error::ProveError;
use crate::job::Job;
use crate::masks::Mask;
use verifai_field::{random::random_vec, F};

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
    pub(crate) fn draw(&self, mask: Mask, n: usize) -> Result<Vec<F>, ProveError> {
        self.spoiled.draw(mask, n).map_or_else(|| random(n), Ok)
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
    pub(crate) fn draw(&self, _: Mask, n: usize) -> Result<Vec<F>, ProveError> {
        random(n)
    }
}

fn random(n: usize) -> Result<Vec<F>, ProveError> {
    random_vec(n).map_err(|e| ProveError::Randomness(e.to_string()))
}
