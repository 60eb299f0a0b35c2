//! halo2's `ParamsKZG` in raw bytes, as ezkl writes `.srs` files: the
//! exponent k as u32 little-endian, 2^k points `tau^i G`, 2^k points of the Lagrange basis, the
//! generator of G2, tau times it. The Lagrange basis is skipped: nothing here uses it, and nothing
//! here vouches for it. The compressed form ("Processed") has another size and is refused.

use crate::limits::MAX_LOG_POWERS;
use crate::source::{exact, read_g1, read_g2, read_u32, Parts, G1_BYTES, G2_BYTES};
use crate::SrsError;
use std::io::{Read, Seek, SeekFrom};

/// Reads the parts of a file of `size` bytes, at most `wanted` powers.
pub fn read<R: Read + Seek>(input: &mut R, size: u64, wanted: usize) -> Result<Parts, SrsError> {
    let log = read_u32(input)?;
    if log == 0 || log > MAX_LOG_POWERS {
        let what = "the power (of a file that is not .ptau)";
        return Err(SrsError::header(what, log.into()));
    }
    let n = 1u64 << log;
    exact("the file", 4 + 2 * n * G1_BYTES + 2 * G2_BYTES, size)?;
    let available = usize::try_from(n).unwrap_or(usize::MAX);
    let powers = read_g1(input, wanted.min(available))?;
    input.seek(SeekFrom::Start(4 + 2 * n * G1_BYTES))?;
    let g2 = read_g2(input, 0)?;
    let tau_g2 = read_g2(input, 1)?;
    Ok(Parts { powers, g2, tau_g2 })
}
