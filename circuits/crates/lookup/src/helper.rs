//! The helpers: sums of reciprocals, by batch inversion.

use crate::group::{Group, LookupError};
use crate::table::{entry, Challenges};
use rayon::prelude::*;
use verifai_field::{batch_inverse, from_i64, F};

/// Rows that one thread inverts at a time.
const CHUNK: usize = 1 << 10;

/// `h = sum_i 1 / (alpha - f_i)` for each row of the group. The values may be anything, as a
/// malicious prover's are.
pub fn helpers(group: &Group<'_>, challenges: &Challenges) -> Result<Vec<F>, LookupError> {
    let columns = group.columns();
    let mut out = vec![F::default(); group.rows()];
    out.par_chunks_mut(CHUNK)
        .enumerate()
        .try_for_each(|(c, chunk)| {
            let start = c * CHUNK;
            let mut reciprocals: Vec<F> = columns
                .iter()
                .flat_map(|column| {
                    let rows = column.values.iter().skip(start).take(chunk.len());
                    rows.map(|v| challenges.denominator(from_i64(i64::from(*v)), column.bits))
                })
                .collect();
            batch_inverse(&mut reciprocals).map_err(|_| LookupError::DegenerateChallenge)?;
            for column in reciprocals.chunks(chunk.len()) {
                for (h, r) in chunk.iter_mut().zip(column) {
                    *h += r;
                }
            }
            Ok(())
        })?;
    Ok(out)
}

/// `hT = m / (alpha - T)` for each entry of the block; zero where nothing is looked up.
pub fn table_helpers(counts: &[i32], challenges: &Challenges) -> Result<Vec<F>, LookupError> {
    let mut out = vec![F::default(); counts.len()];
    let used: Vec<(usize, F, F)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count != 0)
        .filter_map(|(address, count)| {
            let (bits, t) = entry(address)?;
            let value = F::from(t as u64);
            let count = from_i64(i64::from(*count));
            Some((address, count, challenges.denominator(value, bits)))
        })
        .collect();
    let mut reciprocals: Vec<F> = used.iter().map(|(_, _, d)| *d).collect();
    batch_inverse(&mut reciprocals).map_err(|_| LookupError::DegenerateChallenge)?;
    for ((address, count, _), reciprocal) in used.iter().zip(reciprocals) {
        out[*address] = *count * reciprocal;
    }
    Ok(out)
}
