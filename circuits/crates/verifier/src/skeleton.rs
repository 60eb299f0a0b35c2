//! The pass over a proof.

use crate::key::{KeyError, VerifyingKey};
use crate::labels::{
    ALPHA, BATCH, BETA, COLUMNS, CONTEXT, CONTRACTION, DOMAIN, ENDS, ENTRY, ETA, GAMMA, KAPPA, KEY,
    LAMBDA, LAST, R, STAGE_1, STAGE_2, TABLE_ENTRY, TAU, VALUE, WORDS, WORD_POINT, Z, ZEROCHECK,
    ZERO_POINT,
};
use crate::rounds;
use thiserror::Error;
use verifai_commitment::{OpeningError, Statement};
use verifai_curve::G1;
use verifai_field::{from_i64, powers, Field, One, Zero, F};
use verifai_lookup::{relation, Challenges, ENTRY_VARIABLES, GROUP, RELATION_DEGREE};
use verifai_poly::{variables, RoundError};
use verifai_table::pull::{pull, Pulled};
use verifai_table::start::{self, EntryPoints};
use verifai_table::{Circuit, Claim, Instance, Layout, PullError, Region, TableError};
use verifai_transcript::{ProofReader, ReadError, Transcript};

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

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key is to blame.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The table cannot be laid out for this batch.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Claims of the table cannot be derived.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// A batch of no inferences.
    #[error("a batch has at least one inference")]
    EmptyBatch,
    /// The wrong number of public words.
    #[error("{got} public words, the key asks for {expected}")]
    Words {
        /// Words given.
        got: usize,
        /// Words of the key's public tensors.
        expected: usize,
    },
    /// A public word holds more than its values do.
    #[error("public word {0} is not below 2^128, or sets bits that belong to no value")]
    WordRange(usize),
    /// A message is missing or not canonical.
    #[error(transparent)]
    Read(ReadError),
    /// A message is no round polynomial.
    #[error(transparent)]
    Round(RoundError),
    /// Check `last`: the claims do not hold.
    #[error(
        "the last sumcheck does not end in L(r) y: a claim about the committed tensors is false"
    )]
    Last,
    /// The opening is false.
    #[error("opening: {0}")]
    Opening(#[from] OpeningError),
}

/// Verifies a proof: returns if it shows that the key's model was evaluated with these public
/// words, under this context; an error says what is wrong otherwise.
pub fn verify(key: &VerifyingKey, public: &Public<'_>, proof: &[u8]) -> Result<(), VerifyError> {
    if public.batch == 0 {
        return Err(VerifyError::EmptyBatch);
    }
    let circuit = key.circuit.expand(public.batch);
    let layout = Layout::new(&circuit)?;
    check_words(&circuit, public.words)?;
    let transcript = statement(key.digest, public);
    let mut proof = ProofReader::new(transcript, proof);
    let reader = &mut proof;

    // committed before the first challenge; helpers after alpha and beta
    let stage_1: Vec<G1> = reader.receive(STAGE_1, layout.stage_1().count())?;
    let challenges = Challenges {
        alpha: reader.challenge(ALPHA),
        beta: reader.challenge(BETA),
    };
    let stage_2: Vec<G1> = reader.receive(STAGE_2, layout.region_rows(Region::Helper).len())?;

    let mut claims = Vec::new();
    zerocheck(&circuit, &layout, &challenges, reader, &mut claims)?;

    let points = entry_points(&circuit, |label, n| reader.challenges(label, n));
    claims.extend(start::table_side(&circuit, &layout, &challenges, &points));
    let mut words = public.words;
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = start::word_shape(dims);
        let (own, after) = words
            .split_at_checked(per_row.saturating_mul(rows))
            .unwrap_or((words, &[]));
        words = after;
        let point = reader.challenges(WORD_POINT, start::word_point_variables(dims));
        let claim = start::words(&circuit, &layout, *node, own, &point);
        claims.push(claim.ok_or(PullError::Missing(*node))?);
    }
    contractions(&circuit, &layout, reader, &mut claims)?;

    // all claims in one sumcheck over the address space
    let lambda = reader.challenge(LAMBDA);
    let mut all = Claim::default();
    for (claim, power) in claims.into_iter().zip(powers(lambda)) {
        all.add(claim, power);
    }
    let mut last = Claim {
        constant: -all.constant,
        terms: Vec::new(),
    };
    let r = rounds::receive(reader, &mut last, layout.variables, 2, (LAST, R))?;
    let y: F = reader.receive_one(VALUE)?;
    let l = all.at(&layout, &r).ok_or(PullError::TooLarge(0))?;
    if last.constant != l * y {
        return Err(VerifyError::Last);
    }

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
        public_rows: &[],
    };
    verifai_commitment::verify(&key.opening, &opening, reader)?;
    proof.finish()?;
    Ok(())
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

/// Every word holds exactly the bits of its values.
fn check_words(circuit: &Circuit, words: &[F]) -> Result<(), VerifyError> {
    let mut expected = Vec::new();
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = start::word_shape(dims);
        let last = dims.last().copied().unwrap_or(1);
        for _ in 0..rows {
            let full = (0..per_row).map(|j| {
                last.saturating_sub(j.saturating_mul(start::WORD))
                    .min(start::WORD)
            });
            expected.extend(full);
        }
    }
    if expected.len() != words.len() {
        return Err(VerifyError::Words {
            got: words.len(),
            expected: expected.len(),
        });
    }
    for (index, (word, values)) in words.iter().zip(expected).enumerate() {
        let bytes = verifai_field::encode(word);
        let used = values.saturating_mul(2);
        let (above, _) = bytes
            .split_at_checked(bytes.len().saturating_sub(used))
            .unwrap_or((&bytes, &[]));
        if above.iter().any(|b| *b != 0) {
            return Err(VerifyError::WordRange(index));
        }
    }
    Ok(())
}

/// The random points of the table side, drawn by `draw`.
pub fn entry_points(
    circuit: &Circuit,
    mut draw: impl FnMut(verifai_transcript::Label, usize) -> Vec<F>,
) -> EntryPoints {
    EntryPoints {
        range: draw(ENTRY, ENTRY_VARIABLES),
        custom: circuit
            .tables
            .iter()
            .map(|t| draw(TABLE_ENTRY, variables(t.outputs.len())))
            .collect(),
    }
}

/// Lookups and products: one sumcheck, whose end becomes claims about columns.
fn zerocheck(
    circuit: &Circuit,
    layout: &Layout,
    challenges: &Challenges,
    reader: &mut ProofReader<'_>,
    claims: &mut Vec<Claim>,
) -> Result<(), VerifyError> {
    let tau = reader.challenges(TAU, layout.cube);
    let gamma = reader.challenge(GAMMA);
    let mut running = Claim::default();
    let z = rounds::receive(
        reader,
        &mut running,
        layout.cube,
        RELATION_DEGREE,
        (ZEROCHECK, Z),
    )?;
    let sent: Vec<F> = reader.receive(COLUMNS, layout.columns())?;
    let selectors = start::selectors(layout, &tau, &z);
    running.constant -= end(&selectors, challenges, gamma, &sent);
    claims.push(running);
    for (mut column, value) in start::columns(circuit, layout, challenges.beta, &z)?
        .into_iter()
        .zip(&sent)
    {
        column.constant -= value;
        claims.push(column);
    }
    Ok(())
}

/// The zerocheck's relation at its point, from the columns sent.
fn end(selectors: &start::CubeSelectors, challenges: &Challenges, gamma: F, sent: &[F]) -> F {
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
    circuit: &Circuit,
    layout: &Layout,
    reader: &mut ProofReader<'_>,
    claims: &mut Vec<Claim>,
) -> Result<(), VerifyError> {
    let mut equations = Vec::new();
    for node in &circuit.zero {
        let point = reader.challenges(ZERO_POINT, start::point_variables(circuit.dims(*node)));
        let pulled = start::zero(circuit, layout, *node, &point)?;
        if circuit.node(*node).is_some_and(|n| n.einsum) {
            equations.push(pulled);
        } else {
            claims.push(pulled.claim);
        }
    }
    if equations.is_empty() {
        return Ok(());
    }
    let eta = reader.challenge(ETA);
    let (mut running, instances) = batch(equations, eta);
    let rounds = instances.iter().map(|i| i.0.variables()).max().unwrap_or(0);
    let kappa = rounds::receive(reader, &mut running, rounds, 2, (CONTRACTION, KAPPA))?;
    let ends: Vec<F> = if instances.is_empty() {
        Vec::new()
    } else {
        reader.receive(ENDS, instances.len().saturating_mul(2))?
    };
    let mut tail = Vec::new();
    for ((instance, coefficient), pair) in instances.iter().zip(ends.chunks_exact(2)) {
        let [a, b] = pair else { continue };
        running.constant -= *coefficient * a * b;
        let own = kappa
            .get(rounds.saturating_sub(instance.variables())..)
            .unwrap_or_default();
        let (left, right) = instance.ends(own)?;
        for (node, term, value) in [(instance.left, left, a), (instance.right, right, b)] {
            let Pulled { mut claim, .. } = pull(circuit, layout, node, term)?;
            claim.constant -= value;
            tail.push(claim);
        }
    }
    claims.push(running);
    claims.extend(tail);
    Ok(())
}

/// The batched initial claim, and all instances with their coefficients
/// `eta^e c_j / 2^(rounds - m_j)`.
pub fn batch(equations: Vec<Pulled>, eta: F) -> (Claim, Vec<(Instance, F)>) {
    let mut running = Claim::default();
    let mut instances = Vec::new();
    for (equation, power) in equations.into_iter().zip(powers(eta)) {
        running.add(equation.claim, -power);
        instances.extend(equation.instances.into_iter().map(|i| {
            let coefficient = power * i.coefficient;
            (i, coefficient)
        }));
    }
    let rounds = instances.iter().map(|i| i.0.variables()).max().unwrap_or(0);
    let half = from_i64(2).inverse().unwrap_or_else(F::one);
    for (instance, coefficient) in &mut instances {
        let waiting = rounds.saturating_sub(instance.variables());
        *coefficient *= half.pow([waiting as u64]);
    }
    (running, instances)
}
