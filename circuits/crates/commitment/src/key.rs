//! The prover's key: powers of tau, window tables, H.

use crate::{row::Row, verify::VerifierKey};
use std::sync::OnceLock;
use thiserror::Error;
use verifai_curve::{
    blinding_generator, msm, msm_small, CurveGroup, Digits, FixedBases, G1Affine, G1Projective,
    Repeated, TooFewPoints,
};
use verifai_field::{PrimeField, F};
use verifai_srs::Srs;

/// Why a key cannot be made, or a row not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The SRS has fewer powers than a row has entries.
    #[error("rows of 2^{log_columns} entries need as many powers, the SRS has {powers}")]
    SrsTooShort {
        /// Asked for.
        log_columns: usize,
        /// There.
        powers: usize,
    },
    /// Rows of one entry cannot be folded.
    #[error("rows need two entries at least")]
    OneColumn,
    /// The row is longer than the key's rows.
    #[error("a row of {length} entries is longer than {columns}")]
    RowTooLong {
        /// Entries of the row.
        length: usize,
        /// Entries that fit.
        columns: usize,
    },
}

/// What commits and opens.
#[derive(Debug)]
pub struct CommitmentKey {
    powers: Vec<G1Affine>,
    /// Tables of `powers`, once [`CommitmentKey::prepare`] was called.
    tables: OnceLock<FixedBases>,
    h: G1Affine,
    log_columns: usize,
    verifier: VerifierKey,
}

impl CommitmentKey {
    /// A key for rows of 2^log_columns entries.
    pub fn new(srs: &Srs, log_columns: usize) -> Result<Self, KeyError> {
        let too_short = KeyError::SrsTooShort {
            log_columns,
            powers: srs.powers().len(),
        };
        if log_columns == 0 {
            return Err(KeyError::OneColumn);
        }
        let columns = u32::try_from(log_columns)
            .ok()
            .and_then(|bits| 1usize.checked_shl(bits))
            .ok_or(too_short)?;
        let powers = srs.powers().get(..columns).ok_or(too_short)?.to_vec();
        Ok(Self {
            tables: OnceLock::new(),
            powers,
            h: blinding_generator().0,
            log_columns,
            verifier: VerifierKey {
                tau_g2: srs.tau_g2(),
                max_log_columns: log_columns,
            },
        })
    }

    /// What the verifier needs.
    pub fn verifier_key(&self) -> VerifierKey {
        self.verifier
    }

    /// log2 of the entries of a row.
    pub fn log_columns(&self) -> usize {
        self.log_columns
    }

    /// The commitment of a row, which may be shorter than the key's rows.
    pub fn commit(&self, row: &Row, blinding: F) -> Result<G1Affine, KeyError> {
        let sum = match row {
            Row::Small(entries) => msm_small(&self.powers, entries),
            Row::Field(entries) => self.msm(entries),
        };
        let sum: G1Projective = sum.map_err(|_| KeyError::RowTooLong {
            length: row.len(),
            columns: self.powers.len(),
        })?;
        Ok((sum + self.h * blinding).into_affine())
    }

    /// The commitment of a row, given also as sums: its entry i is the sum of `scalars[s]` over the terms
    /// (i, s). That is faster where few scalars differ.
    pub fn commit_sums(
        &self,
        row: &Row,
        terms: &[(u32, u32)],
        scalars: &[Digits],
        blinding: F,
    ) -> Result<G1Affine, KeyError> {
        let sums = Repeated::new(terms, scalars);
        let direct = self.tables.get().map(|t| t.additions(row.len()));
        if sums.additions() >= direct.unwrap_or(row.len() * F::MODULUS_BIT_SIZE as usize / 8) {
            return self.commit(row, blinding);
        }
        Ok((sums.sum(&self.powers) + self.h * blinding).into_affine())
    }

    /// Makes the tables that later sums of field elements are faster with. They cost as much as a few
    /// openings.
    ///
    /// Others that commit meanwhile do not wait for them: a thread of the pool that waited here could hold
    /// the work that it waits for.
    pub fn prepare(&self) {
        if self.tables.get().is_none() {
            // lost only where another thread has made the same
            let _ = self.tables.set(FixedBases::new(&self.powers));
        }
    }

    fn msm(&self, scalars: &[F]) -> Result<G1Projective, TooFewPoints> {
        match self.tables.get() {
            Some(tables) => tables.msm(scalars),
            None => msm(&self.powers, scalars),
        }
    }

    /// The commitment of a polynomial, without blinding.
    pub(crate) fn commit_plain(&self, coefficients: &[F]) -> Result<G1Affine, KeyError> {
        let sum = self.msm(coefficients);
        let sum = sum.map_err(|too_few| KeyError::RowTooLong {
            length: too_few.scalars,
            columns: too_few.points,
        })?;
        Ok(sum.into_affine())
    }
}
