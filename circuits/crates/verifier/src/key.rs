//! What a verifier trusts.

use sha2::{Digest, Sha256};
use std::borrow::Cow;
use thiserror::Error;
use verifai_commitment::VerifierKey;
use verifai_curve::encoding::{decode_g1, decode_g2_finite, G1_BYTES};
use verifai_curve::{encode_g2, G1Affine};
use verifai_table::{read, Circuit, Layout, Region, TableError};
use verifai_transcript::MessageError;

/// Why a key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operation table breaks a rule.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A commitment or tau H2 is no canonical point.
    #[error("{what}: {reason}")]
    Point {
        /// Which point.
        what: &'static str,
        /// What is wrong with it.
        reason: MessageError,
    },
    /// As many commitments as weight rows.
    #[error("{got} bytes of weight commitments, the table has {rows} weight rows")]
    Commitments {
        /// Bytes given.
        got: usize,
        /// Rows of the weight region.
        rows: usize,
    },
}

/// Names the digest of a key among all digests.
const DOMAIN: &[u8] = b"verifai/verifying-key/2\0";

/// Operation table, weight commitments, tau H2, and the digest that binds them to a header.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// The table for one inference.
    pub circuit: Circuit,
    /// Its layout.
    layout: Layout,
    /// Commitments of the weight rows.
    pub weights: Vec<G1Affine>,
    /// What the opening needs of the SRS.
    pub opening: VerifierKey,
    /// The digest that starts the transcript.
    pub digest: [u8; 32],
}

impl VerifyingKey {
    /// Reads and checks a key. `header` is the SHA-256 of what the key says to people, which is opaque
    /// here. The caller establishes that tau H2 is that of the SRS it trusts.
    pub fn read(
        header: [u8; 32],
        table: &[u8],
        commitments: &[u8],
        tau_g2: &[u8],
    ) -> Result<Self, KeyError> {
        let circuit = read(table)?;
        let layout = Layout::new(&circuit, 1)?;
        Self::laid_out(header, table, circuit, layout, commitments, tau_g2)
    }

    /// As [`VerifyingKey::read`], for a table that was read and laid out for one inference.
    pub fn laid_out(
        header: [u8; 32],
        table: &[u8],
        circuit: Circuit,
        layout: Layout,
        commitments: &[u8],
        tau_g2: &[u8],
    ) -> Result<Self, KeyError> {
        let rows = layout.region_rows(Region::Weight).len();
        if rows.checked_mul(G1_BYTES) != Some(commitments.len()) {
            return Err(KeyError::Commitments {
                got: commitments.len(),
                rows,
            });
        }
        let point = |what| move |reason| KeyError::Point { what, reason };
        let weights: Result<Vec<G1Affine>, _> =
            commitments.chunks_exact(G1_BYTES).map(decode_g1).collect();
        let weights = weights.map_err(point("a weight commitment"))?;
        let tau = decode_g2_finite(tau_g2).map_err(point("tau H2"))?;
        let opening = VerifierKey {
            tau_g2: tau,
            max_log_columns: circuit.log_columns,
        };
        let digest = digest(header, table, commitments, &encode_g2(&tau));
        Ok(Self {
            circuit,
            layout,
            weights,
            opening,
            digest,
        })
    }

    /// The layout for a batch: that for one inference was made with the key.
    pub fn layout(&self, batch: usize) -> Result<Cow<'_, Layout>, TableError> {
        match batch {
            1 => Ok(Cow::Borrowed(&self.layout)),
            _ => Layout::new(&self.circuit, batch).map(Cow::Owned),
        }
    }
}

/// The name of a key: SHA-256 of the domain, a length, and the four digests of header, table, commitments
/// and tau H2. Every transcript starts from it.
pub fn digest(header: [u8; 32], table: &[u8], commitments: &[u8], tau_g2: &[u8]) -> [u8; 32] {
    let mut state = Sha256::new_with_prefix(DOMAIN);
    state.update(128u64.to_be_bytes());
    state.update(header);
    for section in [table, commitments, tau_g2] {
        state.update(Sha256::digest(section));
    }
    state.finalize().into()
}
