//! The steps of a proof in their order.

use crate::batching;
use crate::equations;
use crate::error::ProveError;
use crate::helpers::{lie_in_helper, Lookups};
use crate::hiding::{fold_tail, send_tail, Randomness};
use crate::interrupt::Interrupt;
use crate::job::{by_node, Job, Proof};
use crate::key::ProvingKey;
use crate::public_words::words;
use crate::space::Space;
use crate::stages::Stages;
use crate::strands::strands;
use crate::values::Values;
use crate::witness::{ids, limbs, refused, Entries};
use crate::zerocheck::Cube;
use rayon::prelude::*;
use std::sync::atomic::Ordering;
use verifai_commitment::{open, SecretRow};
use verifai_curve::G1;
use verifai_field::from_i64;
use verifai_lookup::{Challenges, RELATION_DEGREE};
use verifai_table::initial_claims;
use verifai_table::{Claim, Kind, Layout, Region, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::claims::{tables as of_tables, unpad, words as of_words};
use verifai_verifier::interaction::statement;
use verifai_verifier::labels::{ALPHA, BETA, GAMMA, LAMBDA, STAGE_1, STAGE_2, TAU};
use verifai_verifier::rounds::pad_weights;
use verifai_verifier::Public;

/// Proves one job.
pub fn prove(key: &ProvingKey, job: &Job) -> Result<Proof, ProveError> {
    Ok(profile(key, job)?.0)
}

/// Proves one job and says how long each step took.
pub fn profile(key: &ProvingKey, job: &Job) -> Result<(Proof, Stages), ProveError> {
    let mut stages = Stages::begin(&job.interrupt);
    if key.begun.fetch_add(1, Ordering::Relaxed) == 1 {
        key.commitment.prepare();
    }
    let layout = key.verifying.layout(job.batch)?;
    let layout = layout.as_ref();
    let circuit = &layout.circuit;
    let is_committed = |kind: &Kind| matches!(kind, Kind::Committed { .. });
    let given = by_node(circuit, is_committed, job.values.clone())?;
    let ids = ids(circuit, &given)?;
    stages.end("layout")?;

    // stage 1
    let mut space = Space::new(layout);
    for (region, rows) in &layout.rows {
        match region {
            Region::Weight => space.insert(rows.clone(), &key.rows),
            Region::Helper => {} // after alpha and beta
            Region::Mask => space.open(rows.clone(), false),
            _ => space.open(rows.clone(), true),
        }
    }
    let mut random = Randomness::draw(layout, job)?;
    random.rows[layout.region_rows(Region::Weight)].copy_from_slice(&key.blindings);
    random.link(layout, &job.linked)?;
    random.put(layout, &mut space);
    let mut blocks: Vec<Vec<i32>> = vec![Vec::new(); layout.blocks.len()];
    for (index, (node, values)) in circuit.nodes.iter().zip(&given).enumerate() {
        if let Kind::Committed {
            offset,
            limbs: widths,
            ..
        } = &node.kind
        {
            let found = limbs(values, *offset, widths).map_err(|v| refused(circuit, index, v))?;
            for (block, limb) in layout.blocks_of(index).iter().zip(found) {
                blocks[*block] = limb;
            }
        }
    }
    stages.end("limbs")?;
    let values = Values::new(circuit, given, &key.weights, &ids);
    stages.end("virtual values")?;
    let counts = Entries::new(layout, &blocks, &values).multiplicities(job.strict())?;
    stages.end("multiplicities")?;
    for (block, count) in layout.counts.iter().zip(counts) {
        blocks[*block] = count;
    }
    for (block, values) in layout.blocks.iter().zip(&blocks) {
        if !values.is_empty() {
            space.put(block, values);
        }
    }
    if !job.lies().is_empty() {
        job.lies()
            .iter()
            .for_each(|(address, delta)| space.disturb(*address, *delta));
        for (block, values) in layout.blocks.iter().zip(&mut blocks) {
            if !values.is_empty() {
                *values = space.get(block);
            }
        }
    }
    let words = words(layout, &blocks);
    let public = Public {
        batch: job.batch,
        context: job.context,
        words: &words,
    };
    let mut writer = ProofWriter::new(statement(key.verifying.digest, &public));
    let writer_ref = &mut writer;
    stages.end("integer rows")?;
    send_rows(key, &space, layout, &random, &job.interrupt, writer_ref)?;
    send_tail(key, &random, writer_ref)?;
    let challenges = Challenges {
        alpha: writer_ref.transcript.challenge(ALPHA),
        beta: writer_ref.transcript.challenge(BETA),
    };
    stages.end("commit integers")?;

    // stage 2
    let lookups = Lookups::new(Entries::new(layout, &blocks, &values), challenges)?;
    space.open(layout.region_rows(Region::Helper), false);
    let mut helpers = lookups.helpers();
    for (block, values) in &helpers {
        space.put_field(&layout.blocks[*block], values);
    }
    let mut sums = lookups.sums(&helpers);
    let start_of_helpers = layout.region_rows(Region::Helper).start << layout.log_columns;
    for (address, delta) in job.lies().iter().filter(|l| l.0 >= start_of_helpers) {
        space.disturb(*address, *delta);
        sums.add(*address, &from_i64(*delta));
        lie_in_helper(layout, &mut helpers, *address, *delta);
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
    unpad(layout, &mut end, 0, &pad_weights(RELATION_DEGREE, &z));
    claims.push(end);
    let work = &mut Work::unlimited();
    claims.extend(initial_claims::columns(layout, challenges.beta, &z, work)?);
    let transcript = &mut writer_ref.transcript;
    claims.extend(of_tables(layout, &challenges, transcript));
    claims.extend(of_words(layout, &words, transcript)?);
    stages.end("claims of lookups and words")?;
    equations::prove(
        layout,
        &values,
        &random,
        writer_ref,
        &mut claims,
        &mut stages,
    )?;

    let all = Claim::joined(claims, writer_ref.transcript.challenge(LAMBDA));
    stages.end("joined claims")?;
    let reading = batching::reading_all(&space);
    let strands = strands(layout, &all, &ids, reading, &job.interrupt)?;
    stages.end("joined weights")?;
    let r = batching::prove(
        layout,
        &strands,
        &space,
        &random.tail,
        &job.interrupt,
        writer_ref,
    )?;
    let public_rows = fold_tail(layout, &random, &r, writer_ref)?;
    stages.end("batching sumcheck")?;
    let rows = space.rows().iter().zip(&random.rows).enumerate();
    let secret = rows.filter_map(|(index, (row, blinding))| {
        Some(SecretRow {
            index,
            row: row.as_deref()?,
            blinding: *blinding,
        })
    });
    let secret: Vec<SecretRow<'_>> = secret.collect();
    open(&key.commitment, &secret, &r, &public_rows, writer_ref)?;
    stages.end("opening")?;
    let bytes = writer.finish();
    Ok((Proof { words, bytes }, stages))
}

/// Commits to the rows of integers, and to the mask.
fn send_rows(
    key: &ProvingKey,
    space: &Space,
    layout: &Layout,
    random: &Randomness,
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<(), ProveError> {
    let rows: Vec<usize> = layout.stage_1().collect();
    let commit = |row: &usize| {
        interrupt.check()?;
        let commitment = key.commitment.commit(space.row(*row), random.rows[*row])?;
        Ok(G1(commitment))
    };
    let commitments: Result<Vec<G1>, ProveError> = rows.par_iter().map(commit).collect();
    writer.send(STAGE_1, &commitments?);
    Ok(())
}
