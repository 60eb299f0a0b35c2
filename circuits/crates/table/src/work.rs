//! What a verification may spend on a table: counted before it is done.

use crate::limits::MAX_WORK;

/// Field operations that a step takes beside those on its entries, and each axis or group it handles.
const STEP: usize = 16;

/// A budget of field operations, of time and of the memory that their results take.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    left: usize,
}

impl Default for Work {
    /// [`MAX_WORK`]: a table may come from a stranger.
    fn default() -> Self {
        Self { left: MAX_WORK }
    }
}

impl Work {
    /// For a prover, whose table is its own.
    pub fn unlimited() -> Self {
        Self { left: usize::MAX }
    }

    /// Call this before the work; `None` where the budget ends.
    pub fn spend(&mut self, count: usize) -> Option<()> {
        self.left = self.left.checked_sub(count)?;
        Some(())
    }

    /// A step that handles so many axes, groups or limbs.
    pub fn step(&mut self, parts: usize) -> Option<()> {
        self.spend(parts.saturating_add(1).saturating_mul(STEP))
    }

    /// As many operations as a tensor of these lengths has entries.
    pub fn product<'a>(&mut self, lengths: impl Iterator<Item = &'a usize>) -> Option<()> {
        self.spend(lengths.fold(1, |n, d| n.saturating_mul(*d)))
    }
}
