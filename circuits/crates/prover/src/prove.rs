//! The steps of a proof in their order.

use crate::batching;
use crate::equations;
use crate::error::ProveError;
use crate::helpers::{lie_in_helper, Lookups};
use crate::hiding::{fold_tail, send_tail, Randomness};
use crate::interrupt::Interrupt;
use crate::job::{given, Job, Proof};
use crate::key::ProvingKey;
use crate::public_words::words;
use crate::space::Space;
use crate::stages::Stages;
use crate::strands::strands;
use crate::values::Values;
use crate::witness::{limbs, multiplicities, refused};
use crate::zerocheck::Cube;
use rayon::prelude::*;
use std::sync::atomic::Ordering;
use verifai_commitment::{open, Row, SecretRow};
use verifai_curve::G1;
use verifai_field::{from_i64, powers};
use verifai_lookup::{Challenges, RELATION_DEGREE};
use verifai_table::initial_claims;
use verifai_table::{Claim, Kind, Layout, PullError, Region, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::interaction::{entry_points, statement, unpad};
use verifai_verifier::labels::{ALPHA, BETA, GAMMA, LAMBDA, STAGE_1, STAGE_2, TAU, WORD_POINT};
use verifai_verifier::rounds::pad_weights;
use verifai_verifier::Public;

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
    if key.begun.fetch_add(1, Ordering::Relaxed) == 1 {
        key.commitment.prepare();
    }
    let circuit = key.verifying.circuit.expand(job.batch);
    let layout = Layout::new(&circuit).map_err(ProveError::Table)?;
    let given = given(&circuit, job)?;
    stages.end("layout")?;

    // stage 1
    let mut space = Space::new(&layout);
    space.insert(layout.region_rows(Region::Weight).start, &key.rows);
    for region in [Region::Input, Region::Output, Region::Witness] {
        space.open(layout.region_rows(region), true);
    }
    for rows in &layout.linked {
        space.open(rows.clone(), true);
    }
    space.open(layout.region_rows(Region::Mask), false);
    let mut random = Randomness::draw(&layout, job)?;
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
    let values = Values::new(&circuit, given, &key.weights);
    stages.end("virtual values")?;
    let strict = job.strict();
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
    if !job.lies().is_empty() {
        job.lies()
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
        alpha: writer_ref.transcript.challenge(ALPHA),
        beta: writer_ref.transcript.challenge(BETA),
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
    for (address, delta) in job.lies().iter().filter(|l| l.0 >= start_of_helpers) {
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
    let tau = writer_ref.transcript.challenges(TAU, layout.cube);
    let gamma = writer_ref.transcript.challenge(GAMMA);
    let mut cube = Cube::new(&lookups, &helpers, &tau, gamma);
    if let Some(hiding) = &layout.hiding {
        cube.put_slots(hiding.position, &random.slots);
    }
    stages.end("zerocheck tables")?;
    let z = cube.prove(&random.pads, &job.interrupt, writer_ref)?;
    stages.end("zerocheck")?;
    // the end of the zerocheck: constants are of no interest here, pads are
    let mut end = Claim::default();
    unpad(&layout, &mut end, 0, &pad_weights(RELATION_DEGREE, &z));
    claims.push(end);
    claims.extend(initial_claims::columns(
        &circuit,
        &layout,
        challenges.beta,
        &z,
        &mut Work::unlimited(),
    )?);

    let points = entry_points(&circuit, |label, n| {
        writer_ref.transcript.challenges(label, n)
    });
    claims.extend(initial_claims::table_side(
        &circuit,
        &layout,
        &challenges,
        &points,
    ));
    let mut rest = words.as_slice();
    for node in &circuit.public {
        let dims = circuit.dims(*node);
        let (per_row, rows) = initial_claims::word_shape(dims);
        let (own, after) = rest.split_at(per_row * rows);
        rest = after;
        let point = writer_ref
            .transcript
            .challenges(WORD_POINT, initial_claims::word_point_variables(dims));
        claims.push(
            initial_claims::words(&circuit, &layout, *node, own, &point)
                .ok_or(PullError::Missing(*node))?,
        );
    }
    stages.end("claims of lookups and words")?;
    equations::prove(
        &circuit,
        &layout,
        &values,
        &random,
        writer_ref,
        &mut claims,
        stages,
    )?;

    let lambda = writer_ref.transcript.challenge(LAMBDA);
    let mut all = Claim::default();
    for (claim, power) in claims.into_iter().zip(powers(lambda)) {
        all.add(claim, power);
    }
    stages.end("joined claims")?;
    let reading = batching::reading_all(&space);
    let strands = strands(&layout, &all, reading, &job.interrupt)?;
    stages.end("joined weights")?;
    let r = batching::prove(
        &layout,
        &strands,
        &space,
        &random.tail,
        &job.interrupt,
        writer_ref,
    )?;
    let public_rows = fold_tail(&layout, &random, &r, writer_ref)?;
    stages.end("batching sumcheck")?;
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
            let row = space.rows()[*r].as_deref().unwrap_or(&empty);
            Ok(G1(key.commitment.commit(row, random.rows[*r])?))
        })
        .collect();
    writer.send(label, &commitments?);
    Ok(())
}
