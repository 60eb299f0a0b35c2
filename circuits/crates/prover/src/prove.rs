//! The steps of a proof in their order.

use crate::helpers::{lie_in_helper, Lookups};
use crate::hiding::{fold_tail, send_tail, Randomness};
use crate::interrupt::{Interrupt, Interrupted};
use crate::key::ProvingKey;
use crate::masks::Spoiled;
use crate::space::Space;
use crate::stages::Stages;
use crate::values::Values;
use crate::witness::{limbs, multiplicities, refused};
use crate::zerocheck::Cube;
use crate::{contraction, last};
use rayon::prelude::*;
use thiserror::Error;
use verifai_commitment::{open, KeyError as RowError, OpenError, Row, SecretRow};
use verifai_curve::G1;
use verifai_field::{from_i64, powers, Zero, F};
use verifai_lookup::{Challenges, RELATION_DEGREE};
use verifai_poly::RoundError;
use verifai_table::pull::{pull, Pulled};
use verifai_table::start;
use verifai_table::{Circuit, Claim, Kind, Layout, PullError, Region, TableError, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{
    ALPHA, BETA, ETA, GAMMA, LAMBDA, SACRIFICE, STAGE_1, STAGE_2, TAU, WORD_POINT, X, ZERO_POINT,
};
use verifai_verifier::rounds::pad_weights;
use verifai_verifier::skeleton::{
    batch, entry_points, first_contraction_pad, statement, unpad, Triple,
};
use verifai_verifier::{KeyError, Public};

/// What is to be proven.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// How many inferences.
    pub batch: usize,
    /// The values of each committed node, in the order of nodes, row-major with the batch axis first.
    pub values: Vec<Vec<i64>>,
    /// What the proof is bound to.
    pub context: [u8; 32],
    /// Blindings of the rows of each linked tensor: those of the proof that it is linked to, or fresh
    /// ones. Empty to draw them here, for tensors that nobody will open or link.
    pub linked: Vec<Vec<F>>,
    /// Additions to entries of the committed vector, by address: how tests make a prover lie. Empty for
    /// an honest prover, which refuses a witness that proves nothing.
    pub lies: Vec<(usize, i64)>,
    /// Go on with a witness that proves nothing.
    pub stubborn: bool,
    /// What tests of hiding take away. Empty for an honest prover.
    pub spoiled: Spoiled,
    /// Whoever waits for the proof raises it to wait no longer.
    pub interrupt: Interrupt,
}

/// A proof with the public words that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Words of the public tensors.
    pub words: Vec<F>,
    /// The messages.
    pub bytes: Vec<u8>,
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The table is refused.
    #[error(transparent)]
    Table(TableError),
    /// The key is refused.
    #[error(transparent)]
    Key(KeyError),
    /// Claims cannot be derived.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// A message is no round polynomial.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// A row cannot be committed.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The vector cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A tensor of the wrong size.
    #[error("node {node} has {expected} values, got {got}")]
    Shape {
        /// The node.
        node: usize,
        /// Values given.
        got: usize,
        /// Values expected.
        expected: usize,
    },
    /// The wrong number of tensors.
    #[error("the table has {expected} committed nodes, got values of {got}")]
    Nodes {
        /// Tensors given.
        got: usize,
        /// Committed nodes.
        expected: usize,
    },
    /// A weight that does not fit into 32 bits.
    #[error("a weight of node {node} does not fit into 32 bits")]
    Weight {
        /// The node.
        node: usize,
    },
    /// A value out of its range.
    #[error("the value {value} of node {node} is not within {low} to {high}")]
    Range {
        /// The node.
        node: usize,
        /// The value.
        value: i64,
        /// The lowest value of the node.
        low: i64,
        /// The highest.
        high: i64,
    },
    /// A pair that is in no table.
    #[error("({input}, {output}) is no entry of table {table}")]
    Lookup {
        /// The table.
        table: usize,
        /// The input.
        input: i64,
        /// The output.
        output: i64,
    },
    /// The operating system gave no randomness.
    #[error("{0}")]
    Randomness(String),
    /// The wrong number of blindings of weight rows, or of the rows of a linked tensor.
    #[error("{expected} rows, got blindings of {got}")]
    Blindings {
        /// Blindings given.
        got: usize,
        /// Rows.
        expected: usize,
    },
    /// Nobody waits for the result any more.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// alpha is a fingerprint: probability below 2^-220. Prove again.
    #[error("a challenge is degenerate")]
    DegenerateChallenge,
}

/// Proves one job.
pub fn prove(key: &ProvingKey, job: &Job) -> Result<Proof, ProveError> {
    prove_in(key, job, &mut Stages::begin(&job.interrupt))
}

/// Proves one job and says how long each step took.
pub fn profile(key: &ProvingKey, job: &Job) -> Result<(Proof, Stages), ProveError> {
    let mut stages = Stages::begin(&job.interrupt);
    let proof = prove_in(key, job, &mut stages)?;
    Ok((proof, stages))
}

fn prove_in(key: &ProvingKey, job: &Job, stages: &mut Stages) -> Result<Proof, ProveError> {
    let circuit = key.verifying.circuit.expand(job.batch);
    let layout = Layout::new(&circuit).map_err(ProveError::Table)?;
    let given = given(key, &circuit, job)?;
    stages.end("layout")?;

    // stage 1
    let mut space = Space::new(&layout);
    space.insert(layout.region_rows(Region::Weight).start, key.rows.clone());
    for region in [Region::Input, Region::Output, Region::Witness] {
        space.open(layout.region_rows(region), true);
    }
    for rows in &layout.linked {
        space.open(rows.clone(), true);
    }
    space.open(layout.region_rows(Region::Mask), false);
    let mut random = Randomness::draw(&layout, &job.spoiled)?;
    for (row, blinding) in layout.region_rows(Region::Weight).zip(&key.blindings) {
        random.rows[row] = *blinding;
    }
    random.link(&layout, &job.linked)?;
    if let Some(hiding) = &layout.hiding {
        for block in [Some(hiding.slots), hiding.triples, Some(hiding.pads)] {
            if let Some(block) = block.map(|b| &layout.blocks[b]) {
                space.widen(&block.shape, block.base);
            }
        }
    }
    random.put(&layout, &mut space);
    let mut blocks: Vec<Vec<i32>> = vec![Vec::new(); layout.blocks.len()];
    for (index, (node, values)) in circuit.nodes.iter().zip(&given).enumerate() {
        if let Kind::Committed {
            offset,
            limbs: widths,
            ..
        } = &node.kind
        {
            let found = limbs(values, *offset, widths).map_err(|v| refused(&circuit, index, v))?;
            for (block, limb) in layout.node_blocks[index].iter().zip(found) {
                blocks[*block] = limb;
            }
        }
    }
    stages.end("limbs")?;
    let values = Values::new(&circuit, given, &wanted(&circuit));
    stages.end("virtual values")?;
    let strict = !job.stubborn && job.lies.is_empty();
    let counts = multiplicities(&circuit, &layout, &blocks, &values, strict)?;
    stages.end("multiplicities")?;
    for (block, count) in layout.counts.iter().zip(&counts) {
        blocks[*block].clone_from(count);
    }
    for (block, values) in layout.blocks.iter().zip(&blocks) {
        if !values.is_empty() {
            space.put(&block.shape, block.base, values);
        }
    }
    if !job.lies.is_empty() {
        job.lies
            .iter()
            .for_each(|(address, delta)| space.disturb(*address, *delta));
        for (block, values) in layout.blocks.iter().zip(&mut blocks) {
            if !values.is_empty() {
                *values = space.get(&block.shape, block.base);
            }
        }
    }
    let words = words(&circuit, &layout, &blocks);
    let public = Public {
        batch: job.batch,
        context: job.context,
        words: &words,
    };
    let mut writer = ProofWriter::new(statement(key.verifying.digest, &public));
    let writer_ref = &mut writer;
    stages.end("integer rows")?;
    let stage_1 = layout.stage_1().collect();
    let send = |space: &Space, rows: Vec<usize>, label, writer: &mut ProofWriter| {
        send_rows(key, space, rows, &random, label, &job.interrupt, writer)
    };
    send(&space, stage_1, STAGE_1, writer_ref)?;
    send_tail(key, &random, writer_ref)?;
    let challenges = Challenges {
        alpha: writer_ref.challenge(ALPHA),
        beta: writer_ref.challenge(BETA),
    };
    stages.end("commit integers")?;

    // stage 2
    let lookups = Lookups::new(&circuit, &layout, &blocks, &values, challenges)?;
    space.open(layout.region_rows(Region::Helper), false);
    let mut helpers = lookups.helpers();
    for (block, values) in &helpers {
        space.put_field(
            &layout.blocks[*block].shape,
            layout.blocks[*block].base,
            values,
        );
    }
    let mut sums = lookups.sums(&helpers);
    let start_of_helpers = layout.region_rows(Region::Helper).start << layout.log_columns;
    for (address, delta) in job.lies.iter().filter(|l| l.0 >= start_of_helpers) {
        space.disturb(*address, *delta);
        sums.add(*address, &from_i64(*delta));
        lie_in_helper(&layout, &mut helpers, *address, *delta);
    }
    stages.end("helpers")?;
    let commitments = sums.commit(key, &space, &random.rows, &job.interrupt)?;
    writer_ref.send(STAGE_2, &commitments);
    drop(sums);
    stages.end("commit helpers")?;

    let mut claims = Vec::new();
    let tau = writer_ref.challenges(TAU, layout.cube);
    let gamma = writer_ref.challenge(GAMMA);
    let mut cube = Cube::new(&lookups, &helpers, &tau, gamma);
    if let Some(hiding) = &layout.hiding {
        cube.put_slots(hiding.position, &random.slots);
    }
    stages.end("zerocheck tables")?;
    let z = cube.prove(&random.pads, &job.interrupt, writer_ref)?;
    stages.end("zerocheck")?;
    // the end of the zerocheck: constants are of no interest here, pads are
    let mut end = Claim::default();
    unpad(&layout, &mut end, 0, &pad_weights(RELATION_DEGREE, &z)?);
    claims.push(end);
    claims.extend(start::columns(
        &circuit,
        &layout,
        challenges.beta,
        &z,
        &mut Work::unlimited(),
    )?);

    let points = entry_points(&circuit, |label, n| writer_ref.challenges(label, n));
    claims.extend(start::table_side(&circuit, &layout, &challenges, &points));
    let mut rest = words.as_slice();
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = start::word_shape(dims);
        let (own, after) = rest.split_at(per_row * rows);
        rest = after;
        let point = writer_ref.challenges(WORD_POINT, start::word_point_variables(dims));
        claims.push(
            start::words(&circuit, &layout, *node, own, &point).ok_or(PullError::Missing(*node))?,
        );
    }
    stages.end("claims of lookups and words")?;
    contractions(
        &circuit,
        &layout,
        &values,
        &random,
        writer_ref,
        &mut claims,
        stages,
    )?;

    let lambda = writer_ref.challenge(LAMBDA);
    let mut all = Claim::default();
    for (claim, power) in claims.into_iter().zip(powers(lambda)) {
        all.add(claim, power);
    }
    stages.end("joined claims")?;
    let weights = last::dense(&layout, &all);
    stages.end("joined weights")?;
    let (r, _) = last::prove(
        &layout,
        weights,
        &space,
        &random.tail,
        &job.interrupt,
        writer_ref,
    )?;
    let public_rows = fold_tail(&layout, &random, &r, writer_ref)?;
    stages.end("last sumcheck")?;
    let secret: Vec<SecretRow<'_>> = space
        .rows()
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            row.as_ref().map(|row| SecretRow {
                index,
                row,
                blinding: random.rows[index],
            })
        })
        .collect();
    open(&key.commitment, &secret, &r, &public_rows, writer_ref)?;
    stages.end("opening")?;
    Ok(Proof {
        words,
        bytes: writer.finish(),
    })
}

/// Values by node: weights from the key, committed tensors from the job.
fn given(key: &ProvingKey, circuit: &Circuit, job: &Job) -> Result<Vec<Vec<i64>>, ProveError> {
    let mut out = key.weights.clone();
    let committed = |k: &Kind| matches!(k, Kind::Committed { .. });
    let expected = circuit.nodes.iter().filter(|n| committed(&n.kind)).count();
    if expected != job.values.len() {
        return Err(ProveError::Nodes {
            got: job.values.len(),
            expected,
        });
    }
    let mut values = job.values.iter();
    for (index, (node, out)) in circuit.nodes.iter().zip(&mut out).enumerate() {
        if let (true, Some(values)) = (
            committed(&node.kind),
            if committed(&node.kind) {
                values.next()
            } else {
                None
            },
        ) {
            let expected: usize = node.dims.iter().product();
            if values.len() != expected {
                return Err(ProveError::Shape {
                    node: index,
                    got: values.len(),
                    expected,
                });
            }
            out.clone_from(values);
        }
    }
    Ok(out)
}

/// The nodes whose values a proof needs.
fn wanted(circuit: &Circuit) -> Vec<usize> {
    let einsums = circuit.nodes.iter().filter_map(|n| match &n.kind {
        Kind::Einsum { left, right, .. } => Some([*left, *right]),
        _ => None,
    });
    let factors = circuit
        .product
        .iter()
        .flat_map(|p| p.factors.iter().copied());
    let lookups = circuit.lookup.iter().flat_map(|l| [l.input, l.output]);
    einsums.flatten().chain(factors).chain(lookups).collect()
}

/// The words of the public tensors, from their limbs.
fn words(circuit: &Circuit, layout: &Layout, blocks: &[Vec<i32>]) -> Vec<F> {
    let mut out = Vec::new();
    for node in &circuit.public {
        let Kind::Committed { limbs, .. } = &circuit.nodes[*node].kind else {
            continue;
        };
        let dims = circuit.dims(*node);
        let last = dims.last().copied().unwrap_or(1);
        let count: usize = dims.iter().product();
        let raw: Vec<u128> = (0..count)
            .map(|i| {
                let mut shift = 0;
                let mut value = 0u128;
                for (block, bits) in layout.node_blocks[*node].iter().zip(limbs) {
                    value |=
                        u128::from(blocks[*block][i].unsigned_abs() & ((1 << bits) - 1)) << shift;
                    shift += bits;
                }
                value
            })
            .collect();
        for row in raw.chunks(last) {
            for word in row.chunks(start::WORD) {
                let packed = word.iter().rev().fold(0u128, |w, v| (w << 16) | v);
                out.push(F::from(packed));
            }
        }
    }
    out
}

fn send_rows(
    key: &ProvingKey,
    space: &Space,
    rows: Vec<usize>,
    random: &Randomness,
    label: verifai_transcript::Label,
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<(), ProveError> {
    let empty = Row::Small(Vec::new());
    let commitments: Result<Vec<G1>, ProveError> = rows
        .par_iter()
        .map(|r| {
            interrupt.check()?;
            let row = space.rows()[*r].as_ref().unwrap_or(&empty);
            Ok(G1(key.commitment.commit(row, random.rows[*r])?))
        })
        .collect();
    writer.send(label, &commitments?);
    Ok(())
}

fn contractions(
    circuit: &Circuit,
    layout: &Layout,
    values: &Values,
    random: &Randomness,
    writer: &mut ProofWriter,
    claims: &mut Vec<Claim>,
    stages: &mut Stages,
) -> Result<(), ProveError> {
    let mut equations = Vec::new();
    for node in &circuit.zero {
        let point = writer.challenges(ZERO_POINT, start::point_variables(circuit.dims(*node)));
        let pulled = start::zero(circuit, layout, *node, &point, &mut Work::unlimited())?;
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
    let eta = writer.challenge(ETA);
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
        x = writer.challenge(X);
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
    unpad(layout, &mut running, first, &pad_weights(2, &kappa)?);
    let mut tail = Vec::new();
    for (j, (instance, coefficient)) in instances.iter().enumerate() {
        let (left, right) = contraction::ends(instance, &kappa)?;
        let mut ends = Vec::with_capacity(5);
        for (node, term) in [(instance.left, left), (instance.right, right)] {
            let Pulled { claim, .. } = pull(circuit, layout, node, term, &mut Work::unlimited())?;
            ends.push(claim);
        }
        if let Some(block) = triples {
            let triple = Triple { block, layout, j };
            running
                .terms
                .push(triple.product(*coefficient, sent[2 * j], sent[2 * j + 1]));
            for (claim, entry) in ends.iter_mut().zip([0, 1]) {
                claim.terms.push(triple.weights(&[(entry, F::from(1u64))]));
            }
            ends.extend(triple.sacrifice(x, revealed[2 * j], revealed[2 * j + 1]));
        }
        tail.extend(ends);
    }
    claims.push(running);
    claims.extend(tail);
    stages.end("claims of contractions")?;
    Ok(())
}
