//! The prover's key.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
use crate::job::by_node;
use crate::space::Space;
use rayon::prelude::*;
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;
use verifai_commitment::{combine, CommitmentKey, Row};
use verifai_curve::{encode_g1, encode_g2, msm, CurveGroup, G1Affine};
use verifai_field::random::{random, random_vec};
use verifai_field::{inner_product, powers, F};
use verifai_srs::Srs;
use verifai_table::{read, Kind, Layout, Region};
use verifai_verifier::VerifyingKey;

/// Table, weights and powers of tau; everything that all proofs of a model share.
#[derive(Debug)]
pub struct ProvingKey {
    /// What the verifier trusts.
    pub verifying: VerifyingKey,
    /// Powers of tau with window tables.
    pub commitment: CommitmentKey,
    /// Integers of the weight nodes, by node; empty for all others.
    pub(crate) weights: Vec<Vec<i32>>,
    /// The rows of the weight region.
    pub(crate) rows: Vec<Arc<Row>>,
    /// Their blindings: zeros where proofs do not hide.
    pub(crate) blindings: Vec<F>,
    /// How many proofs were begun: the second one makes window tables, and a process that proves once makes
    /// none.
    pub(crate) begun: AtomicUsize,
}

impl ProvingKey {
    /// Lays out and commits the weights: one vector per weight node, in the order of nodes.
    ///
    /// `header` is the digest of what the verifying key says to people; proofs are bound to it.
    /// `blindings` hide the weights where proofs hide: one per weight row. `None` draws them; a key
    /// that is made again needs those of the first time to have the same commitments. `commitments`
    /// are those of the first time: they are compared with the weights, which is much faster than
    /// making them. `interrupt` ends the work early.
    pub fn new(
        header: [u8; 32],
        table: &[u8],
        weights: Vec<Vec<i32>>,
        srs: &Srs,
        blindings: Option<Vec<F>>,
        commitments: Option<&[u8]>,
        interrupt: &Interrupt,
    ) -> Result<Self, ProveError> {
        let circuit = read(table)?;
        let layout = Layout::new(&circuit, 1)?;
        let commitment = CommitmentKey::new(srs, circuit.log_columns)?;
        let is_weight = |kind: &Kind| matches!(kind, Kind::Weight { .. });
        let weights = by_node(&circuit, is_weight, weights)?;
        let mut space = Space::new(&layout);
        let region = layout.region_rows(Region::Weight);
        space.open(region.clone(), true);
        for (node, values) in weights.iter().enumerate().filter(|(_, v)| !v.is_empty()) {
            for block in layout.blocks_of(node) {
                space.put(&layout.blocks[*block], values);
            }
        }
        let rows = space.remove(region);
        let blindings = match blindings {
            Some(given) => given,
            None if circuit.hiding => random_vec(rows.len())?,
            None => vec![F::default(); rows.len()],
        };
        if blindings.len() != rows.len() {
            return Err(ProveError::Blindings {
                got: blindings.len(),
                expected: rows.len(),
            });
        }
        interrupt.check()?;
        let made = match commitments {
            Some(given) => given.to_vec(),
            None => commit(&commitment, &rows, &blindings, interrupt)?,
        };
        let tau = encode_g2(&srs.tau_g2());
        let verifying = VerifyingKey::laid_out(header, table, circuit, layout, &made, &tau)?;
        if commitments.is_some() {
            check(&commitment, &rows, &blindings, &verifying.weights)?;
        }
        Ok(Self {
            verifying,
            commitment,
            weights,
            rows,
            blindings,
            begun: AtomicUsize::new(0),
        })
    }

    /// The blindings of the weight rows.
    pub fn blindings(&self) -> &[F] {
        &self.blindings
    }

    /// The weight commitments, 64 bytes each.
    pub fn commitments(&self) -> Vec<u8> {
        self.verifying.weights.iter().flat_map(encode_g1).collect()
    }
}

/// The commitments of all rows, 64 bytes each.
fn commit(
    key: &CommitmentKey,
    rows: &[Arc<Row>],
    blindings: &[F],
    interrupt: &Interrupt,
) -> Result<Vec<u8>, ProveError> {
    let commitments: Result<Vec<_>, ProveError> = rows
        .par_iter()
        .zip(blindings)
        .map(|(row, blinding)| {
            interrupt.check()?;
            Ok(key.commit(row, *blinding)?)
        })
        .collect();
    Ok(commitments?.iter().flat_map(encode_g1).collect())
}

/// Whether the commitments are those of the rows: one combination of all rows, with powers of a number
/// that nobody could know before, is compared. Other rows pass with probability below 2^-220.
fn check(
    key: &CommitmentKey,
    rows: &[Arc<Row>],
    blindings: &[F],
    commitments: &[G1Affine],
) -> Result<(), ProveError> {
    let factors: Vec<F> = powers(random()?).take(rows.len()).collect();
    let weighted: Vec<(&Row, F)> = rows.iter().map(Arc::as_ref).zip(factors.clone()).collect();
    let combined = Row::Field(combine(&weighted, 1 << key.log_columns()));
    let own = key.commit(&combined, inner_product(blindings, &factors))?;
    let theirs = msm(commitments, &factors).map(CurveGroup::into_affine);
    if theirs == Ok(own) {
        Ok(())
    } else {
        Err(ProveError::Commitments)
    }
}
