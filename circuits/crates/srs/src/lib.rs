//! The structured reference string: `G, tau G, tau^2 G, ...` and `H2, tau H2`.
//!
//! Files come from strangers, so nothing in one is believed: sizes are exact and bounded, every
//! coordinate is canonical, every point lies on its curve and in its subgroup, the first points
//! are the generators, and the powers are powers of one tau, which a random linear combination and
//! one pairing check establish. What no check can establish is that
//! somebody forgot tau.
//!
//! | module | idea |
//! |---|---|
//! | [`limits`] | how much a file may ask for |
//! | [`source`] | points in Montgomery form, as both formats have them |
//! | [`ptau`] | snarkjs `.ptau`, sections 1 to 3 |
//! | [`halo2`] | halo2's `ParamsKZG` in raw bytes, as ezkl writes it |
//! | `points` | the plain form that keys carry |
//! | [`structure`] | the checks |
//! | [`development`](mod@development) | an SRS with a known tau, for tests and local chains |

#![forbid(unsafe_code)]

pub mod development;
pub mod error;
pub mod halo2;
pub mod limits;
mod points;
pub mod ptau;
pub mod source;
pub mod structure;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use verifai_curve::{encode_g1, encode_g2, G1Affine, G2Affine};
use verifai_transcript::keccak256;

pub use development::development;
pub use error::SrsError;
pub use structure::check_powers;

/// A checked structured reference string.
#[derive(Clone, Debug)]
pub struct Srs {
    powers: Vec<G1Affine>,
    tau_g2: G2Affine,
}

impl Srs {
    /// Reads and checks a file, of which at most `wanted` powers are kept.
    pub fn load(path: &Path, wanted: usize) -> Result<Self, SrsError> {
        Self::read(&mut BufReader::new(File::open(path)?), wanted)
    }

    /// Reads and checks an SRS in any known format, of which at most `wanted` powers are kept.
    pub fn read<R: Read + Seek>(input: &mut R, wanted: usize) -> Result<Self, SrsError> {
        let wanted = wanted.min(limits::MAX_POWERS);
        let size = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        let mut magic = [0u8; 4];
        input.read_exact(&mut magic)?;
        input.seek(SeekFrom::Start(0))?;
        let parts = if &magic == ptau::MAGIC {
            ptau::read(input, size, wanted)?
        } else {
            halo2::read(input, size, wanted)?
        };
        Self::checked(parts)
    }

    /// Reads and checks the plain form: powers in the EVM's form, then `tau H2`.
    pub fn from_points(bytes: &[u8]) -> Result<Self, SrsError> {
        Self::checked(points::read(bytes)?)
    }

    /// The plain form of the first `powers` powers.
    pub fn to_points(&self, powers: usize) -> Vec<u8> {
        let powers = self.powers.iter().take(powers);
        let mut out: Vec<u8> = powers.flat_map(encode_g1).collect();
        out.extend_from_slice(&encode_g2(&self.tau_g2));
        out
    }

    fn checked(parts: source::Parts) -> Result<Self, SrsError> {
        structure::check(&parts)?;
        Ok(Self {
            powers: parts.powers,
            tau_g2: parts.tau_g2,
        })
    }

    /// `tau^i G` for i = 0, 1, ...
    pub fn powers(&self) -> &[G1Affine] {
        &self.powers
    }

    /// `tau G`.
    pub fn tau_g1(&self) -> G1Affine {
        self.powers.get(1).copied().unwrap_or_default()
    }

    /// `tau H2`.
    pub fn tau_g2(&self) -> G2Affine {
        self.tau_g2
    }

    /// The name of this SRS, the same however many powers are kept:
    /// `keccak256("verifai/srs/v1" || tau G || tau H2)` with points in the EVM's form.
    pub fn id(&self) -> [u8; 32] {
        keccak256(&[
            b"verifai/srs/v1",
            &encode_g1(&self.tau_g1()),
            &encode_g2(&self.tau_g2),
        ])
    }
}
