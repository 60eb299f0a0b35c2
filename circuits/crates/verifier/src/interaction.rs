//! The pass over a proof.

use crate::claims::{self, batch, unpad, Contractions, Sacrifice};
use crate::error::VerifyError;
use crate::key::VerifyingKey;
use crate::labels::{
    ALPHA, BATCH, BETA, COLUMNS, CONTEXT, CONTRACTION, DOMAIN, ENDS, ETA, G, GAMMA, KAPPA, KEY,
    LAMBDA, LAST, R, SACRIFICE, STAGE_1, STAGE_2, TAIL, TAIL_BLINDING, TAIL_MASK, TAIL_ROW, TAU,
    VALUE, WORDS, X, Z, ZEROCHECK,
};
use crate::rounds::{self, pad_weights};
use crate::size;
use verifai_commitment::{PublicRow, Statement};
use verifai_curve::{CurveGroup, G1};
use verifai_field::{decode, inner_product, Zero, F};
use verifai_lookup::{relation, Challenges, GROUP, RELATION_DEGREE};
use verifai_table::initial_claims;
use verifai_table::words::{self, NoIds};
use verifai_table::{Circuit, Claim, Layout, PullError, Region, Words, Work};
use verifai_transcript::{ProofReader, Transcript};

/// What a proof is about, besides the key.
#[derive(Clone, Debug)]
pub struct Public<'a> {
    /// How many inferences.
    pub batch: usize,
    /// What the proof is bound to; zeros for nothing.
    pub context: [u8; 32],
    /// Words of the public tensors, one after another.
    pub words: &'a [F],
}

/// Verifies a proof: returns if it shows that the key's model was evaluated with these public
/// words, under this context; an error says what is wrong otherwise.
pub fn verify(key: &VerifyingKey, public: &Public<'_>, proof: &[u8]) -> Result<(), VerifyError> {
    let layout = key.admit(public.batch, public.words.len(), proof.len())?;
    pass(key, &layout, public, proof)
}

/// As [`verify`], for words of 32 bytes each: read once there are as many as there should be.
pub fn verify_encoded(
    key: &VerifyingKey,
    batch: usize,
    context: [u8; 32],
    words: &[u8],
    proof: &[u8],
) -> Result<(), VerifyError> {
    let words = words.chunks(32);
    let layout = key.admit(batch, words.len(), proof.len())?;
    let public = Public {
        batch,
        context,
        words: &words.map(decode).collect::<Result<Vec<F>, _>>()?,
    };
    pass(key, &layout, &public, proof)
}

/// The pass over words and a proof of the sizes that the layout was admitted for.
fn pass(
    key: &VerifyingKey,
    layout: &Layout,
    public: &Public<'_>,
    proof: &[u8],
) -> Result<(), VerifyError> {
    let mut work = size::work(layout).ok_or(PullError::TooLarge(0))?;
    check_words(&layout.circuit, public.words)?;
    let shown = words::integers(&layout.circuit, public.words);
    let ids = words::ids(&layout.circuit, &shown, &mut work).map_err(|no| match no {
        NoIds::Outside(node) => VerifyError::Id(node),
        NoIds::TooLarge(node) => PullError::TooLarge(node).into(),
    })?;
    let transcript = statement(key.digest, public);
    let mut proof = ProofReader::new(transcript, proof);
    let reader = &mut proof;

    // committed before the first challenge; helpers after alpha and beta
    let stage_1: Vec<G1> = reader.receive(STAGE_1, layout.stage_1().count())?;
    let tail: Vec<G1> = match layout.hiding {
        Some(_) => reader.receive(TAIL, 2)?,
        None => Vec::new(),
    };
    let challenges = Challenges {
        alpha: reader.transcript.challenge(ALPHA),
        beta: reader.transcript.challenge(BETA),
    };
    let stage_2: Vec<G1> = reader.receive(STAGE_2, layout.region_rows(Region::Helper).len())?;

    let mut claims = Vec::new();
    zerocheck(layout, &challenges, reader, &mut claims, &mut work)?;
    let transcript = &mut reader.transcript;
    claims.extend(claims::tables(layout, &challenges, transcript));
    claims.extend(claims::words(layout, public.words, transcript)?);
    contractions(layout, reader, &mut claims, &mut work)?;

    // all claims in one sumcheck over the address space
    let all = Claim::joined(claims, reader.transcript.challenge(LAMBDA));
    let mut last = Claim::from(-all.constant);
    let r = rounds::receive(reader, &mut last, layout.variables, 2, (LAST, R))?;
    let y: F = reader.receive_one(VALUE)?;
    let l = all.at(layout, &ids, &r, &mut work);
    let l = l.ok_or(PullError::TooLarge(0))?;
    let gap = l * y - last.constant;
    let public_rows = match tail.as_slice() {
        [p2, m2] => vec![discharge_tail(reader, &pad_weights(2, &r), gap, p2, m2)?],
        _ if gap.is_zero() => Vec::new(),
        _ => return Err(VerifyError::Last),
    };

    let weight_rows = layout
        .region_rows(Region::Weight)
        .zip(key.weights.iter().copied());
    let sent = layout.stage_1().chain(layout.region_rows(Region::Helper));
    let rows: Vec<_> = weight_rows
        .chain(sent.zip(stage_1.iter().chain(&stage_2).map(|p| p.0)))
        .collect();
    let opening = Statement {
        rows: &rows,
        log_rows: layout.log_rows(),
        log_columns: layout.log_columns,
        point: &r,
        value: y,
        public_rows: &public_rows,
    };
    verifai_commitment::verify(&key.opening, &opening, reader)?;
    proof.finish()?;
    Ok(())
}

/// Step `tail`: the pads of the last sumcheck are the row P2, which nobody opens. M2 hides it:
/// `<L2, P2 + g M2> = gap + g <L2, M2>`, and the folded row is opened with the vector.
fn discharge_tail(
    reader: &mut ProofReader<'_>,
    weights: &[F],
    gap: F,
    p2: &G1,
    m2: &G1,
) -> Result<PublicRow, VerifyError> {
    let masked: F = reader.receive_one(TAIL_MASK)?;
    let g = reader.transcript.challenge(G);
    if g.is_zero() {
        return Err(VerifyError::DegenerateChallenge);
    }
    let coefficients: Vec<F> = reader.receive(TAIL_ROW, weights.len())?;
    let blinding: F = reader.receive_one(TAIL_BLINDING)?;
    if inner_product(weights, &coefficients) != gap + g * masked {
        return Err(VerifyError::Tail);
    }
    Ok(PublicRow {
        commitment: (p2.0 + m2.0 * g).into_affine(),
        blinding,
        coefficients,
    })
}

/// The transcript that holds the statement.
pub fn statement(digest: [u8; 32], public: &Public<'_>) -> Transcript {
    let mut transcript = Transcript::new(DOMAIN);
    transcript.absorb_bytes(KEY, &digest);
    transcript.absorb(BATCH, &[public.batch as u64]);
    transcript.absorb_bytes(CONTEXT, &public.context);
    if !public.words.is_empty() {
        transcript.absorb(WORDS, public.words);
    }
    transcript
}

/// Every word holds exactly the bits of its values. There are as many as there should be.
fn check_words(circuit: &Circuit, words: &[F]) -> Result<(), VerifyError> {
    let shapes = circuit
        .public
        .iter()
        .filter_map(|node| Words::of(circuit, *node));
    let expected = shapes.flat_map(|shape| {
        let bytes = usize::try_from(shape.lane.div_ceil(8)).unwrap_or(0);
        let row: Vec<usize> = shape.filled().map(|n| n.saturating_mul(bytes)).collect();
        std::iter::repeat_n(row, shape.rows).flatten()
    });
    for (index, (word, used)) in words.iter().zip(expected).enumerate() {
        let bytes = verifai_field::encode(word);
        let (above, _) = bytes
            .split_at_checked(bytes.len().saturating_sub(used))
            .unwrap_or((&bytes, &[]));
        if above.iter().any(|b| *b != 0) {
            return Err(VerifyError::WordRange(index));
        }
    }
    Ok(())
}

/// Lookups and products: one sumcheck, whose end becomes claims about columns.
fn zerocheck(
    layout: &Layout,
    challenges: &Challenges,
    reader: &mut ProofReader<'_>,
    claims: &mut Vec<Claim>,
    work: &mut Work,
) -> Result<(), VerifyError> {
    let tau = reader.transcript.challenges(TAU, layout.cube);
    let gamma = reader.transcript.challenge(GAMMA);
    let mut running = Claim::default();
    let z = rounds::receive(
        reader,
        &mut running,
        layout.cube,
        RELATION_DEGREE,
        (ZEROCHECK, Z),
    )?;
    unpad(layout, &mut running, 0, &pad_weights(RELATION_DEGREE, &z));
    let sent: Vec<F> = reader.receive(COLUMNS, layout.columns())?;
    let selectors = initial_claims::selectors(layout, &tau, &z);
    running.constant -= end(&selectors, challenges, gamma, &sent);
    claims.push(running);
    let columns = initial_claims::columns(layout, challenges.beta, &z, work)?;
    for (mut column, value) in columns.into_iter().zip(&sent) {
        column.constant -= value;
        claims.push(column);
    }
    Ok(())
}

/// The zerocheck's relation at its point, from the columns sent.
fn end(
    selectors: &initial_claims::CubeSelectors,
    challenges: &Challenges,
    gamma: F,
    sent: &[F],
) -> F {
    let mut denominators = [F::zero(); GROUP];
    for ((d, value), tag) in denominators.iter_mut().zip(sent).zip(&selectors.tags) {
        *d = challenges.alpha - value - challenges.beta * tag;
    }
    let helper = sent.get(GROUP).copied().unwrap_or_default();
    let lookups = relation(&selectors.lookups, &denominators, helper);
    match sent.get(GROUP.saturating_add(1)..) {
        None | Some([]) => lookups,
        Some(factors) => lookups + gamma * selectors.gate * factors.iter().product::<F>(),
    }
}

/// The `zero` nodes; those with einsums in one sumcheck.
fn contractions(
    layout: &Layout,
    reader: &mut ProofReader<'_>,
    claims: &mut Vec<Claim>,
    work: &mut Work,
) -> Result<(), VerifyError> {
    let equations = claims::equations(layout, &mut reader.transcript, claims, work)?;
    if equations.is_empty() {
        return Ok(());
    }
    let eta = reader.transcript.challenge(ETA);
    let (mut running, instances) = batch(equations, eta);
    let rounds = layout.contraction_rounds();
    let kappa = rounds::receive(reader, &mut running, rounds, 2, (CONTRACTION, KAPPA))?;
    let count = instances.len().saturating_mul(2);
    let ends: Vec<F> = match count {
        0 => Vec::new(),
        _ => reader.receive(ENDS, count)?,
    };
    let sacrifice = match layout.hiding.as_ref().and_then(|h| h.triples) {
        Some(block) => Some(Sacrifice {
            block,
            x: reader.transcript.challenge(X),
            revealed: reader.receive(SACRIFICE, count)?,
        }),
        None => None,
    };
    let ended = Contractions {
        running,
        instances,
        kappa,
        ends,
        sacrifice,
    };
    claims.extend(ended.claims(layout, work)?);
    Ok(())
}
