//! What both sides know before the first round.

use thiserror::Error;
use verifai_field::{from_i64, powers, Field, One, F};
use verifai_poly::MAX_DEGREE;
use verifai_transcript::Label;

/// The most variables: an address space of 2^40 entries is beyond any machine.
pub const MAX_VARIABLES: usize = 40;

/// One instance: a sum over a cube of `variables` variables, of degree `degree` in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Variables of the cube.
    pub variables: usize,
    /// Degree of the round polynomials.
    pub degree: usize,
}

/// The names of a sumcheck's steps in the transcript.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// The challenge that batches several instances.
    pub batch: Label,
    /// A round's message.
    pub message: Label,
    /// A round's challenge.
    pub challenge: Label,
}

/// Shapes that no sumcheck has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// There is nothing to prove.
    #[error("a sumcheck needs an instance")]
    Empty,
    /// More than [`MAX_VARIABLES`].
    #[error("{0} variables are more than {MAX_VARIABLES}")]
    Variables(usize),
    /// Degree zero, or above the limit of round polynomials.
    #[error("degree {0} is not between 1 and {MAX_DEGREE}")]
    Degree(usize),
}

/// The shape of the batch: the most variables, the highest degree.
pub(crate) fn batch(shapes: &[Shape]) -> Result<Shape, ShapeError> {
    let mut all = Shape {
        variables: 0,
        degree: 0,
    };
    for shape in shapes {
        if shape.variables > MAX_VARIABLES {
            return Err(ShapeError::Variables(shape.variables));
        }
        if shape.degree == 0 || shape.degree > MAX_DEGREE {
            return Err(ShapeError::Degree(shape.degree));
        }
        all.variables = all.variables.max(shape.variables);
        all.degree = all.degree.max(shape.degree);
    }
    if shapes.is_empty() {
        Err(ShapeError::Empty)
    } else {
        Ok(all)
    }
}

/// `1, eta, eta^2, ...`; one instance needs no challenge.
pub(crate) fn coefficients(count: usize, draw: impl FnOnce() -> F) -> Vec<F> {
    if count == 1 {
        vec![F::one()]
    } else {
        powers(draw()).take(count).collect()
    }
}

/// `2^waiting`.
pub(crate) fn two_to(waiting: usize) -> F {
    from_i64(2).pow([waiting as u64])
}
