//! Every part of a statement and of a proof matters.

use crate::case::{case, key, random, transcript, Case, LOG_COLUMNS, LOG_ROWS};
use verifai_commitment::{open, OpeningError, Row, SecretRow};
use verifai_curve::{AffineRepr, CurveGroup, G1Affine, G2Affine};
use verifai_field::{inner_product, One, F};
use verifai_poly::{eq_at, eq_table};
use verifai_transcript::{ProofWriter, ReadError};

#[test]
fn every_flipped_bit_of_the_proof() {
    let mut c = case();
    for i in 0..c.proof.len() {
        for bit in [0, 7] {
            c.proof[i] ^= 1 << bit;
            assert!(c.verify().is_err(), "byte {i}");
            c.proof[i] ^= 1 << bit;
        }
    }
    assert_eq!(c.verify(), Ok(()));
}

#[test]
fn lengths_are_exact() {
    let mut c = case();
    let whole = c.proof.clone();
    for cut in [0, 1, 31, 32, 100, whole.len() - 1] {
        c.proof = whole[..cut].to_vec();
        assert!(matches!(
            c.verify(),
            Err(OpeningError::Read(ReadError::Truncated { .. }))
        ));
    }
    c.proof = [whole, vec![0]].concat();
    assert_eq!(
        c.verify(),
        Err(OpeningError::Read(ReadError::Trailing { bytes: 1 }))
    );
}

/// Every part of the statement is changed, once with the transcript of the changed statement and
/// once with that of the honest one: what the pairing alone refuses must not depend on the hash.
#[test]
fn every_part_of_the_statement() {
    let honest = case();
    let kept = transcript(&honest.rows, &honest.point, honest.value);
    let refuse = |name: &str, change: &dyn Fn(&mut Case)| {
        let mut c = honest.clone();
        change(&mut c);
        assert!(c.verify().is_err(), "{name}");
        assert!(
            c.verify_under(kept.clone()).is_err(),
            "{name}, old transcript"
        );
    };
    refuse("value", &|c| c.value += F::one());
    for i in 0..LOG_ROWS + LOG_COLUMNS {
        refuse("point", &|c| c.point[i] += F::one());
    }
    for i in 0..3 {
        refuse("commitment", &|c| {
            c.rows[i].1 = (c.rows[i].1 + G1Affine::generator()).into_affine();
        });
        refuse("negated", &|c| c.rows[i].1 = -c.rows[i].1);
        refuse("index", &|c| c.rows[i].0 = 2);
        refuse("missing row", &|c| {
            let _ = c.rows.remove(i);
        });
    }
    refuse("swapped rows", &|c| {
        let first = c.rows[0].1;
        c.rows[0].1 = c.rows[1].1;
        c.rows[1].1 = first;
    });
    refuse("extra row", &|c| c.rows.push((2, G1Affine::generator())));
    for k in 0..2 {
        refuse("public coefficient", &|c| {
            c.public_rows[k].coefficients[1] += F::one();
        });
        refuse("public blinding", &|c| {
            c.public_rows[k].blinding += F::one()
        });
        refuse("public commitment", &|c| {
            c.public_rows[k].commitment = G1Affine::generator();
        });
    }
    refuse("public rows swapped", &|c| c.public_rows.swap(0, 1));
    refuse("public row missing", &|c| {
        c.public_rows.pop();
    });
    refuse("forged tau", &|c| {
        c.key.tau_g2 = (G2Affine::generator() * F::from(5u64)).into_affine();
    });
    refuse("tau of zero", &|c| c.key.tau_g2 = G2Affine::zero());
    assert_eq!(honest.verify(), Ok(()));
}

#[test]
fn impossible_statements() {
    let shape = |change: &dyn Fn(&mut Case)| {
        let mut c = case();
        change(&mut c);
        assert!(matches!(c.verify(), Err(OpeningError::Shape { .. })));
    };
    shape(&|c| c.log_columns = 0);
    shape(&|c| c.log_columns = LOG_COLUMNS + 1);
    shape(&|c| c.log_rows = 33);
    shape(&|c| c.log_rows = usize::MAX);
    shape(&|c| c.point.push(F::one()));
    shape(&|c| c.rows[0].0 = 1 << LOG_ROWS);
    shape(&|c| c.rows[0].0 = usize::MAX);
    shape(&|c| c.public_rows[0].coefficients.push(F::one()));
    let mut c = case();
    c.rows[1].0 = 0;
    assert_eq!(c.verify(), Err(OpeningError::RepeatedRow(0)));
}

/// Why the transcript must hold every commitment before the point is drawn (H1): a mask row that
/// is chosen afterwards opens any value. The opening by itself cannot see it.
#[test]
fn a_row_fixed_after_the_point_forges() {
    let key = key(LOG_COLUMNS);
    let row = Row::Field(random(8));
    let rho = random(1)[0];
    let committed = key.commit(&row, rho).unwrap();
    let point = random(1 + LOG_COLUMNS);
    let wanted = F::from(42u64);
    let entries = match &row {
        Row::Field(v) => v.clone(),
        Row::Small(_) => vec![],
    };
    let (w0, w1) = (eq_at(&point[..1], 0), eq_at(&point[..1], 1));
    let truth = w0 * inner_product(&entries, &eq_table(&point[1..]));
    let mask = Row::Field(vec![(wanted - truth) / w1; 8]);
    let late = key.commit(&mask, rho).unwrap();
    let rows = vec![(0, committed), (1, late)];
    // "transcript" stands for one in which the point does not depend on `late`
    let mut writer = ProofWriter::new(transcript(&rows, &point, wanted));
    let secret = [(0, &row), (1, &mask)].map(|(index, row)| SecretRow {
        index,
        row,
        blinding: rho,
    });
    open(&key, &secret, &point, &[], &mut writer).unwrap();
    let forged = Case {
        key: key.verifier_key(),
        rows,
        log_rows: 1,
        log_columns: LOG_COLUMNS,
        point,
        value: wanted,
        public_rows: vec![],
        proof: writer.finish(),
    };
    assert_eq!(forged.verify(), Ok(()));
}

/// Whatever the bytes are, the verifier answers with an error.
#[test]
fn bytes_of_a_stranger() {
    let mut c = case();
    let honest = c.proof.clone();
    for round in 0..60 {
        let noise = random(honest.len() / 32);
        let mut bytes: Vec<u8> = noise.iter().flat_map(verifai_field::encode).collect();
        // a growing honest beginning, so that later messages are reached; points from the proof
        let keep = (round * 7 * 32 / 2) % honest.len() / 32 * 32;
        bytes[..keep].copy_from_slice(&honest[..keep]);
        if round % 2 == 0 {
            for (at, chunk) in bytes.chunks_mut(64).enumerate() {
                if at % 2 == 0 && chunk.len() == 64 {
                    chunk.copy_from_slice(&[0; 64]);
                }
            }
        }
        c.proof = bytes;
        assert!(c.verify().is_err(), "round {round}");
    }
    c.proof = vec![0; honest.len()];
    assert_eq!(c.verify(), Err(OpeningError::Folding));
    c.proof = vec![0xff; honest.len()];
    assert!(matches!(c.verify(), Err(OpeningError::Read(_))));
}

/// The verifier's module names no module of the prover.
#[test]
fn the_verifier_depends_on_no_prover() {
    for source in [
        include_str!("../../src/verify.rs"),
        include_str!("../../src/statement.rs"),
        include_str!("../../src/labels.rs"),
    ] {
        let own = source.lines().filter(|l| l.contains("crate::"));
        for line in own {
            let named = line.trim().trim_start_matches("use crate::");
            assert!(
                named.starts_with("labels::") || named.starts_with("statement::"),
                "{line}"
            );
        }
    }
}
