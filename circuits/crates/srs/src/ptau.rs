//! snarkjs `.ptau` files: `"ptau"`, version 1, a number of sections, each
//! with a type, a length and a payload. Needed are 1 (header), 2 (tau^i G) and 3 (tau^i H2);
//! whatever else there is must fill the file exactly and is not read.

use crate::limits::{MAX_LOG_POWERS, MAX_SECTIONS};
use crate::source::{exact, read_g1, read_g2, read_u32, Parts, G1_BYTES, G2_BYTES};
use crate::SrsError;
use std::io::{Read, Seek, SeekFrom};
use verifai_field::{BigInteger, Fq, PrimeField};

/// The first four bytes.
pub const MAGIC: &[u8; 4] = b"ptau";
const HEADER_BYTES: u64 = 44;

/// Reads the parts of a file of `size` bytes, at most `wanted` powers.
pub fn read<R: Read + Seek>(input: &mut R, size: u64, wanted: usize) -> Result<Parts, SrsError> {
    expect(
        "the magic number",
        u32::from_le_bytes(*MAGIC),
        read_u32(input)?,
    )?;
    expect("the version", 1, read_u32(input)?)?;
    let sections = sections(input, size)?;
    let log = header(input, one(&sections, 1)?)?;
    let n = 1u64 << log;
    let (g1, g2) = (one(&sections, 2)?, one(&sections, 3)?);
    exact("section 2", (2 * n - 1) * G1_BYTES, g1.length)?;
    exact("section 3", n * G2_BYTES, g2.length)?;
    let available = usize::try_from(2 * n - 1).unwrap_or(usize::MAX);
    input.seek(SeekFrom::Start(g1.start))?;
    let powers = read_g1(input, wanted.min(available))?;
    input.seek(SeekFrom::Start(g2.start))?;
    let first = read_g2(input, 0)?;
    let second = read_g2(input, 1)?;
    Ok(Parts {
        powers,
        g2: first,
        tau_g2: second,
    })
}

struct Section {
    kind: u32,
    start: u64,
    length: u64,
}

/// The table of sections; together with their headers they fill the file.
fn sections<R: Read + Seek>(input: &mut R, size: u64) -> Result<Vec<Section>, SrsError> {
    let count = read_u32(input)?;
    if count > MAX_SECTIONS {
        return Err(SrsError::header("the number of sections", count.into()));
    }
    let mut at = 12u64;
    let mut sections = Vec::new();
    for _ in 0..count {
        let kind = read_u32(input)?;
        let mut word = [0u8; 8];
        input.read_exact(&mut word)?;
        let length = u64::from_le_bytes(word);
        let start = at + 12;
        at = start.saturating_add(length);
        if at > size {
            break; // refused below
        }
        sections.push(Section {
            kind,
            start,
            length,
        });
        input.seek(SeekFrom::Start(at))?;
    }
    exact("the file", at, size)?;
    Ok(sections)
}

/// The exponent in the header, after everything else in it was checked.
fn header<R: Read + Seek>(input: &mut R, section: &Section) -> Result<u32, SrsError> {
    exact("section 1", HEADER_BYTES, section.length)?;
    input.seek(SeekFrom::Start(section.start))?;
    expect("the field's size", 32, read_u32(input)?)?;
    let mut prime = [0u8; 32];
    input.read_exact(&mut prime)?;
    if Fq::MODULUS.to_bytes_le() != prime {
        return Err(SrsError::OtherCurve);
    }
    let power = read_u32(input)?;
    let ceremony = read_u32(input)?;
    for (what, got, least) in [
        ("the power", power, 1),
        ("the ceremony's power", ceremony, power),
    ] {
        if got < least || got > MAX_LOG_POWERS {
            return Err(SrsError::header(what, got.into()));
        }
    }
    Ok(power)
}

fn one(sections: &[Section], kind: u32) -> Result<&Section, SrsError> {
    let found: Vec<&Section> = sections.iter().filter(|s| s.kind == kind).collect();
    match found.as_slice() {
        [section] => Ok(section),
        others => Err(SrsError::Section {
            section: kind,
            times: others.len(),
        }),
    }
}

fn expect(what: &'static str, value: u32, got: u32) -> Result<(), SrsError> {
    if value == got {
        Ok(())
    } else {
        Err(SrsError::header(what, got.into()))
    }
}
