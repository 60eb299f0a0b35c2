//! The prover's side.

use crate::shape::{batch, coefficients, two_to, Labels, Shape, ShapeError};
use thiserror::Error;
use verifai_field::{Zero, F};
use verifai_transcript::ProofWriter;

/// A polynomial on a cube, being summed variable by variable.
pub trait Instance {
    /// Variables and degree at the start.
    fn shape(&self) -> Shape;
    /// The sum over what is left of the cube.
    fn sum(&self) -> F;
    /// `s(0), s(2), ..., s(degree)` for the first unbound variable; `degree` may be above one's own.
    fn round(&self, degree: usize) -> Vec<F>;
    /// Binds the first unbound variable.
    fn bind(&mut self, challenge: F);
}

/// Why a sumcheck cannot be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The instances have impossible shapes.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The number of pads is not the number of values to send.
    #[error("{pads} pads for {values} values")]
    Pads {
        /// Pads given.
        pads: usize,
        /// Values to send.
        values: usize,
    },
}

/// Proves all instances at once and returns the point. `pads` are added to the values sent, in
/// order: either none at all, or one for each value (variables times degree of the batch).
pub fn prove(
    instances: &mut [&mut dyn Instance],
    pads: &[F],
    labels: &Labels,
    writer: &mut ProofWriter,
) -> Result<Vec<F>, ProveError> {
    let shapes: Vec<Shape> = instances.iter().map(|i| i.shape()).collect();
    let all = batch(&shapes)?;
    let values = all.variables * all.degree;
    if !pads.is_empty() && pads.len() != values {
        return Err(ProveError::Pads {
            pads: pads.len(),
            values,
        });
    }
    let coefficients = coefficients(instances.len(), || writer.challenge(labels.batch));
    // what an instance contributes while it waits: its sum
    let sums: Vec<F> = instances
        .iter()
        .zip(&shapes)
        .map(|(instance, shape)| {
            if shape.variables < all.variables {
                instance.sum()
            } else {
                F::zero()
            }
        })
        .collect();
    let mut point = Vec::with_capacity(all.variables);
    let mut pads = pads.iter();
    for round in 0..all.variables {
        let mut message = vec![F::zero(); all.degree];
        for (((instance, shape), coefficient), sum) in
            instances.iter().zip(&shapes).zip(&coefficients).zip(&sums)
        {
            let waiting = all.variables - shape.variables;
            if round < waiting {
                let constant = *coefficient * sum * two_to(waiting - round - 1);
                message.iter_mut().for_each(|m| *m += constant);
            } else {
                for (m, s) in message.iter_mut().zip(instance.round(all.degree)) {
                    *m += *coefficient * s;
                }
            }
        }
        for (m, pad) in message.iter_mut().zip(&mut pads) {
            *m += pad;
        }
        writer.send(labels.message, &message);
        let challenge = writer.challenge(labels.challenge);
        for (instance, shape) in instances.iter_mut().zip(&shapes) {
            if round >= all.variables - shape.variables {
                instance.bind(challenge);
            }
        }
        point.push(challenge);
    }
    Ok(point)
}
