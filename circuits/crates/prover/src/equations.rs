//! The claims of equations: what is zero, and the contractions that it needs.

use crate::contraction;
use crate::error::ProveError;
use crate::hiding::Randomness;
use crate::stages::Stages;
use crate::values::Values;
use verifai_field::F;
use verifai_poly::message_weights;
use verifai_table::{Claim, Layout, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::claims::{batch, equations, first_contraction_pad, Contractions, Sacrifice};
use verifai_verifier::labels::{ETA, SACRIFICE, X};

/// Proves that each zero is zero: the claims of equations without einsums, then one sumcheck for all others
/// and the claims that its evaluations make.
pub(crate) fn prove(
    layout: &Layout,
    values: &Values<'_>,
    random: &Randomness,
    writer: &mut ProofWriter,
    claims: &mut Vec<Claim>,
    stages: &mut Stages,
) -> Result<(), ProveError> {
    let work = &mut Work::unlimited();
    let equations = equations(layout, &mut writer.transcript, claims, work)?;
    stages.end("claims of equations")?;
    if equations.is_empty() {
        return Ok(());
    }
    let eta = writer.transcript.challenge(ETA);
    let (running, instances) = batch(equations, eta);
    let pads = random.pads.get(first_contraction_pad(layout)..);
    let hidden = (pads.unwrap_or_default(), random.triples.as_slice());
    let (circuit, interrupt) = (&layout.circuit, stages.interrupt());
    let (kappa, ends) = contraction::prove(circuit, values, &instances, hidden, interrupt, writer)?;
    let triples = layout.hiding.as_ref().and_then(|h| h.triples);
    let sacrifice = triples.map(|block| {
        let x = writer.transcript.challenge(X);
        let revealed = random.sacrifice(x);
        writer.send(SACRIFICE, &revealed);
        Sacrifice { block, x, revealed }
    });
    stages.end("contraction")?;
    // the weight of the initial claim after all rounds
    let weight: F = kappa.iter().map(|t| message_weights(2, *t).claim).product();
    let ended = Contractions {
        running: running.scaled(weight),
        instances,
        kappa,
        ends,
        sacrifice,
    };
    claims.extend(ended.claims(layout, work)?);
    stages.end("claims of contractions")?;
    Ok(())
}
