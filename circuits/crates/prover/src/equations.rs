//! The claims of equations: what is zero, and the contractions that it needs.

use crate::contraction;
use crate::error::ProveError;
use crate::hiding::Randomness;
use crate::stages::Stages;
use crate::values::Values;
use verifai_field::{Zero, F};
use verifai_table::initial_claims;
use verifai_table::pullback::{pullback, Pulled};
use verifai_table::{Circuit, Claim, Layout, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::interaction::{batch, first_contraction_pad, unpad, Triple};
use verifai_verifier::labels::{ETA, SACRIFICE, X, ZERO_POINT};
use verifai_verifier::rounds::pad_weights;

/// Proves that each zero is zero: the claims of equations without einsums, then one sumcheck for all others
/// and the claims that its evaluations make.
pub(crate) fn prove(
    circuit: &Circuit,
    layout: &Layout,
    values: &Values<'_>,
    random: &Randomness,
    writer: &mut ProofWriter,
    claims: &mut Vec<Claim>,
    stages: &mut Stages,
) -> Result<(), ProveError> {
    let mut equations = Vec::new();
    for node in &circuit.zero {
        let point = writer.transcript.challenges(
            ZERO_POINT,
            initial_claims::point_variables(circuit.dims(*node)),
        );
        let pulled = initial_claims::zero(circuit, layout, *node, &point, &mut Work::unlimited())?;
        if circuit.nodes[*node].einsum {
            equations.push(pulled);
        } else {
            claims.push(pulled.claim);
        }
    }
    stages.end("claims of equations")?;
    if equations.is_empty() {
        return Ok(());
    }
    let eta = writer.transcript.challenge(ETA);
    let (mut running, instances) = batch(equations, eta);
    let first = first_contraction_pad(layout);
    let hidden = (
        random.pads.get(first..).unwrap_or_default(),
        random.triples.as_slice(),
    );
    let interrupt = stages.interrupt();
    let (kappa, sent) = contraction::prove(circuit, values, &instances, hidden, interrupt, writer)?;
    let triples = layout.hiding.as_ref().and_then(|h| h.triples);
    let mut x = F::zero();
    let mut revealed = Vec::new();
    if triples.is_some() {
        x = writer.transcript.challenge(X);
        revealed = random.sacrifice(x);
        writer.send(SACRIFICE, &revealed);
    }
    stages.end("contraction")?;
    // the weight of the initial claim after all rounds; constants do not matter here
    let mut weight = F::from(1u64);
    for t in &kappa {
        // s(t) = .. + l_1(t) claim, on the nodes 0, 1, 2: l_1(t) = t (2 - t)
        weight *= *t * (F::from(2u64) - t);
    }
    running = running.scaled(weight);
    unpad(layout, &mut running, first, &pad_weights(2, &kappa));
    let mut tail = Vec::new();
    for (j, (instance, coefficient)) in instances.iter().enumerate() {
        let (left, right) = contraction::evaluations(instance, &kappa)?;
        let mut evaluations = Vec::with_capacity(5);
        for (node, term) in [(instance.left, left), (instance.right, right)] {
            let Pulled { claim, .. } =
                pullback(circuit, layout, node, term, &mut Work::unlimited())?;
            evaluations.push(claim);
        }
        if let Some(block) = triples {
            let triple = Triple { block, layout, j };
            running
                .terms
                .push(triple.product(*coefficient, sent[2 * j], sent[2 * j + 1]));
            for (claim, entry) in evaluations.iter_mut().zip([0, 1]) {
                claim.terms.push(triple.weights(&[(entry, F::from(1u64))]));
            }
            evaluations.extend(triple.sacrifice(x, revealed[2 * j], revealed[2 * j + 1]));
        }
        tail.extend(evaluations);
    }
    claims.push(running);
    claims.extend(tail);
    stages.end("claims of contractions")?;
    Ok(())
}
