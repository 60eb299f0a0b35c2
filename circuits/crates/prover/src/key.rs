//! The prover's key.

use crate::prove::ProveError;
use crate::space::Space;
use rayon::prelude::*;
use verifai_commitment::{CommitmentKey, Row};
use verifai_curve::{encode_g1, encode_g2};
use verifai_field::random::random_vec;
use verifai_field::F;
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
    pub(crate) weights: Vec<Vec<i64>>,
    /// The rows of the weight region.
    pub(crate) rows: Vec<Row>,
    /// Their blindings: zeros where proofs do not hide.
    pub(crate) blindings: Vec<F>,
}

impl ProvingKey {
    /// Lays out and commits the weights: one vector per weight node, in the order of nodes.
    ///
    /// `header` is the digest of what the verifying key says to people; proofs are bound to it.
    /// `blindings` hide the weights where proofs hide: one per weight row. `None` draws them; a key
    /// that is made again needs those of the first time to have the same commitments.
    pub fn new(
        header: [u8; 32],
        table: &[u8],
        weights: Vec<Vec<i64>>,
        srs: &Srs,
        blindings: Option<Vec<F>>,
    ) -> Result<Self, ProveError> {
        let circuit = read(table).map_err(ProveError::Table)?;
        let layout = Layout::new(&circuit.expand(1)).map_err(ProveError::Table)?;
        let commitment = CommitmentKey::new(srs, circuit.log_columns)?;
        let mut by_node = vec![Vec::new(); circuit.nodes.len()];
        let mut space = Space::new(&layout);
        let region = layout.region_rows(Region::Weight);
        space.open(region.clone(), true);
        let mut given = weights.into_iter();
        for (index, node) in circuit.nodes.iter().enumerate() {
            if !matches!(node.kind, Kind::Weight { .. }) {
                continue;
            }
            let values = given.next().unwrap_or_default();
            let expected: usize = node.dims.iter().product();
            if values.len() != expected {
                return Err(ProveError::Shape {
                    node: index,
                    got: values.len(),
                    expected,
                });
            }
            let small: Result<Vec<i32>, _> = values.iter().map(|v| i32::try_from(*v)).collect();
            let small = small.map_err(|_| ProveError::Weight { node: index })?;
            for block in &layout.node_blocks[index] {
                let block = &layout.blocks[*block];
                space.put(&block.shape, block.base, &small);
            }
            by_node[index] = values;
        }
        let rows = space.remove(region);
        let blindings = match blindings {
            Some(given) => given,
            None if circuit.hiding => {
                random_vec(rows.len()).map_err(|e| ProveError::Randomness(e.to_string()))?
            }
            None => vec![F::default(); rows.len()],
        };
        if blindings.len() != rows.len() {
            return Err(ProveError::Blindings {
                got: blindings.len(),
                expected: rows.len(),
            });
        }
        let commitments: Result<Vec<_>, _> = rows
            .par_iter()
            .zip(&blindings)
            .map(|(row, blinding)| commitment.commit(row, *blinding))
            .collect();
        let commitments: Vec<u8> = commitments?.iter().flat_map(encode_g1).collect();
        let tau = encode_g2(&srs.tau_g2());
        let verifying =
            VerifyingKey::read(header, table, &commitments, &tau).map_err(ProveError::Key)?;
        Ok(Self {
            verifying,
            commitment,
            weights: by_node,
            rows,
            blindings,
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
