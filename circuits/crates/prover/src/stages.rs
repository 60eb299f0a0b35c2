//! How long each step of a proof took.

use std::time::Instant;

/// Names and seconds of the steps that ended, in their order. They add up to the whole proof.
#[derive(Clone, Debug)]
pub struct Stages {
    since: Instant,
    ended: Vec<(&'static str, f64)>,
}

impl Stages {
    /// The first step begins now.
    pub fn begin() -> Self {
        Self {
            since: Instant::now(),
            ended: Vec::new(),
        }
    }

    /// The current step ends, the next one begins.
    pub(crate) fn end(&mut self, name: &'static str) {
        let now = Instant::now();
        self.ended.push((name, (now - self.since).as_secs_f64()));
        self.since = now;
    }

    /// Name and seconds of each step.
    pub fn ended(&self) -> &[(&'static str, f64)] {
        &self.ended
    }
}
