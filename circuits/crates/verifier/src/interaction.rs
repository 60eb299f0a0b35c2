//! The pass over a proof.

use crate::error::VerifyError;
use crate::key::VerifyingKey;
use crate::labels::{
    ALPHA, BATCH, BETA, COLUMNS, CONTEXT, CONTRACTION, DOMAIN, ENDS, ENTRY, ETA, G, GAMMA, KAPPA,
    KEY, LAMBDA, LAST, R, SACRIFICE, STAGE_1, STAGE_2, TABLE_ENTRY, TAIL, TAIL_BLINDING, TAIL_MASK,
    TAIL_ROW, TAU, VALUE, WORDS, WORD_POINT, X, Z, ZEROCHECK, ZERO_POINT,
};
use crate::rounds::{self, pad_weights};
use crate::size;
use verifai_commitment::{PublicRow, Statement};
use verifai_curve::{CurveGroup, G1};
use verifai_field::{from_i64, inner_product, powers, Field, One, Zero, F};
use verifai_lookup::{relation, Challenges, ENTRY_VARIABLES, GROUP, RELATION_DEGREE};
use verifai_poly::variables;
use verifai_table::initial_claims::{self, EntryPoints};
use verifai_table::layout::TRIPLE;
use verifai_table::pullback::{pullback, Pulled};
use verifai_table::{BlockTerm, Circuit, Claim, Instance, Layout, PullError, Region, Work};
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
    if public.batch == 0 {
        return Err(VerifyError::EmptyBatch);
    }
    let circuit = key.circuit.expand(public.batch);
    let layout = Layout::new(&circuit)?;
    size::check(&circuit, &layout, public.words.len(), proof.len())?;
    let mut work = size::work(&circuit, &layout).ok_or(PullError::TooLarge(0))?;
    check_words(&circuit, public.words)?;
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
    zerocheck(
        &circuit,
        &layout,
        &challenges,
        reader,
        &mut claims,
        &mut work,
    )?;

    let points = entry_points(&circuit, |label, n| reader.transcript.challenges(label, n));
    claims.extend(initial_claims::table_side(
        &circuit,
        &layout,
        &challenges,
        &points,
    ));
    let mut words = public.words;
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = initial_claims::word_shape(dims);
        let (own, after) = words
            .split_at_checked(per_row.saturating_mul(rows))
            .unwrap_or((words, &[]));
        words = after;
        let point = reader
            .transcript
            .challenges(WORD_POINT, initial_claims::word_point_variables(dims));
        let claim = initial_claims::words(&circuit, &layout, *node, own, &point);
        claims.push(claim.ok_or(PullError::Missing(*node))?);
    }
    contractions(&circuit, &layout, reader, &mut claims, &mut work)?;

    // all claims in one sumcheck over the address space
    let lambda = reader.transcript.challenge(LAMBDA);
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
    let l = all
        .at(&layout, &r, &mut work)
        .ok_or(PullError::TooLarge(0))?;
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
    let mut expected = Vec::new();
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = initial_claims::word_shape(dims);
        let last = dims.last().copied().unwrap_or(1);
        for _ in 0..rows {
            let full = (0..per_row).map(|j| {
                last.saturating_sub(j.saturating_mul(initial_claims::WORD))
                    .min(initial_claims::WORD)
            });
            expected.extend(full);
        }
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
    for (mut column, value) in initial_claims::columns(circuit, layout, challenges.beta, &z, work)?
        .into_iter()
        .zip(&sent)
    {
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
    circuit: &Circuit,
    layout: &Layout,
    reader: &mut ProofReader<'_>,
    claims: &mut Vec<Claim>,
    work: &mut Work,
) -> Result<(), VerifyError> {
    let mut equations = Vec::new();
    for node in &circuit.zero {
        let point = reader.transcript.challenges(
            ZERO_POINT,
            initial_claims::point_variables(circuit.dims(*node)),
        );
        let pulled = initial_claims::zero(circuit, layout, *node, &point, work)?;
        if circuit.node(*node).is_some_and(|n| n.einsum) {
            equations.push(pulled);
        } else {
            claims.push(pulled.claim);
        }
    }
    if equations.is_empty() {
        return Ok(());
    }
    let eta = reader.transcript.challenge(ETA);
    let (mut running, instances) = batch(equations, eta);
    let rounds = layout.contraction_rounds();
    let kappa = rounds::receive(reader, &mut running, rounds, 2, (CONTRACTION, KAPPA))?;
    let first = first_contraction_pad(layout);
    unpad(layout, &mut running, first, &pad_weights(2, &kappa));
    let count = instances.len().saturating_mul(2);
    let ends: Vec<F> = if instances.is_empty() {
        Vec::new()
    } else {
        reader.receive(ENDS, count)?
    };
    let triples = layout.hiding.as_ref().and_then(|h| h.triples);
    let (x, revealed) = match triples {
        Some(_) => (
            reader.transcript.challenge(X),
            reader.receive(SACRIFICE, count)?,
        ),
        None => (F::zero(), Vec::new()),
    };
    let mut revealed = revealed.chunks_exact(2);
    let mut tail = Vec::new();
    for (j, ((instance, coefficient), pair)) in
        instances.iter().zip(ends.chunks_exact(2)).enumerate()
    {
        let [a, b] = pair else { continue };
        running.constant -= *coefficient * a * b;
        let own = rounds.saturating_sub(instance.variables());
        let (left, right) = instance.ends(kappa.get(own..).unwrap_or_default(), work)?;
        let mut claims = Vec::with_capacity(5);
        for (node, term, value) in [(instance.left, left, a), (instance.right, right, b)] {
            let Pulled { mut claim, .. } = pullback(circuit, layout, node, term, work)?;
            claim.constant -= value;
            claims.push(claim);
        }
        if let (Some(block), Some([e, f])) = (triples, revealed.next()) {
            let triple = Triple { block, layout, j };
            running.terms.push(triple.product(*coefficient, *a, *b));
            for (claim, entry) in claims.iter_mut().zip([0, 1]) {
                claim.terms.push(triple.weights(&[(entry, F::one())]));
            }
            claims.extend(triple.sacrifice(x, *e, *f));
        }
        tail.extend(claims);
    }
    claims.push(running);
    claims.extend(tail);
    Ok(())
}

/// Where the pads of the contractions start.
pub fn first_contraction_pad(layout: &Layout) -> usize {
    layout.cube.saturating_mul(RELATION_DEGREE)
}

/// Gives the pads of a sumcheck their weights in its claim.
pub fn unpad(layout: &Layout, claim: &mut Claim, first: usize, weights: &[F]) {
    if let Some(hiding) = &layout.hiding {
        let weights: Vec<(usize, F)> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| (first.saturating_add(i), *w))
            .collect();
        claim
            .terms
            .push(initial_claims::entries(hiding.pads, layout, &weights));
    }
}

/// The j-th triple (a, b, c, a', b', c'): c = ab, c' = a'b', and a, b are the pads of the two ends.
#[derive(Clone, Copy, Debug)]
pub struct Triple<'a> {
    /// The block of all triples.
    pub block: usize,
    /// The layout.
    pub layout: &'a Layout,
    /// Which triple.
    pub j: usize,
}

impl Triple<'_> {
    /// Weights on its entries.
    pub fn weights(&self, weights: &[(usize, F)]) -> BlockTerm {
        let first = self.j.saturating_mul(TRIPLE);
        let placed: Vec<(usize, F)> = weights
            .iter()
            .map(|(i, w)| (first.saturating_add(*i), *w))
            .collect();
        initial_claims::entries(self.block, self.layout, &placed)
    }

    /// What `- coefficient (A - a)(B - b)` has besides `- coefficient A B`.
    pub fn product(&self, coefficient: F, a: F, b: F) -> BlockTerm {
        self.weights(&[
            (0, coefficient * b),
            (1, coefficient * a),
            (2, -coefficient),
        ])
    }

    /// `x a - a' = e`, `b - b' = f`, and `x c - c' - e b' - f a' = e f`, which together say c = ab.
    pub fn sacrifice(&self, x: F, e: F, f: F) -> [Claim; 3] {
        let claim = |constant: F, weights: &[(usize, F)]| Claim {
            constant,
            terms: vec![self.weights(weights)],
        };
        [
            claim(-e, &[(0, x), (3, -F::one())]),
            claim(-f, &[(1, F::one()), (4, -F::one())]),
            claim(-(e * f), &[(2, x), (5, -F::one()), (4, -e), (3, -f)]),
        ]
    }
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
