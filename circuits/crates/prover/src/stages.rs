//! The steps of a proof: how long each took, and whether the next is still wanted.

use crate::interrupt::{Interrupt, Interrupted};
use std::time::Instant;

/// Names and seconds of the steps that ended, in their order. They add up to the whole proof.
#[derive(Clone, Debug)]
pub struct Stages {
    since: Instant,
    ended: Vec<(&'static str, f64)>,
    interrupt: Interrupt,
}

impl Stages {
    /// The first step begins now.
    pub fn begin(interrupt: &Interrupt) -> Self {
        Self {
            since: Instant::now(),
            ended: Vec::new(),
            interrupt: interrupt.clone(),
        }
    }

    /// The current step ends, the next one begins: an error where nobody waits for it.
    pub(crate) fn end(&mut self, name: &'static str) -> Result<(), Interrupted> {
        let now = Instant::now();
        self.ended.push((name, (now - self.since).as_secs_f64()));
        self.since = now;
        self.interrupt.check()
    }

    /// What ends the proof before its last step.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Name and seconds of each step.
    pub fn ended(&self) -> &[(&'static str, f64)] {
        &self.ended
    }
}
