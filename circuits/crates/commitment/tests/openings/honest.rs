//! Honest openings are accepted, and impossible ones refused.

use crate::case::{key, random, Case, LOG_COLUMNS};
use verifai_commitment::{open, CommitmentKey, KeyError, OpenError, Row, SecretRow};
use verifai_curve::AffineRepr;
use verifai_field::{from_i64, One, Zero, F};
use verifai_srs::development;
use verifai_transcript::{ProofWriter, Transcript};

#[test]
fn honest_openings() {
    for log_rows in 0..3 {
        for log_columns in 1..6 {
            for hiding in [false, true] {
                let rows: Vec<(usize, Row)> = (0..1 << log_rows)
                    .filter(|i| i % 3 != 1)
                    .map(|i| {
                        let row = match i % 2 {
                            0 => Row::Field(random(1 << log_columns)),
                            _ => Row::Small((0..(1 << log_columns) - 1).collect()),
                        };
                        (i, row)
                    })
                    .collect();
                let c = Case::new(log_rows, log_columns, &rows, hiding);
                assert_eq!(c.verify(), Ok(()), "{log_rows} {log_columns} {hiding}");
                let size = 64 * (log_columns - 1 + 2) + 32 * (log_columns + 2);
                assert_eq!(c.proof.len(), size);
            }
        }
    }
}

#[test]
fn the_zero_vector_and_no_rows_at_all() {
    let zero = Case::new(1, 2, &[(0, Row::Small(vec![0; 4]))], false);
    assert!(zero.value.is_zero() && zero.rows[0].1.is_zero());
    assert_eq!(zero.verify(), Ok(()));
    assert_eq!(Case::new(1, 2, &[], false).verify(), Ok(()));
}

#[test]
fn impossible_keys_and_rows() {
    let srs = development(8).unwrap();
    for log_columns in [4, 64, usize::MAX] {
        assert!(matches!(
            CommitmentKey::new(&srs, log_columns),
            Err(KeyError::SrsTooShort { powers: 8, .. })
        ));
    }
    assert_eq!(CommitmentKey::new(&srs, 0).err(), Some(KeyError::OneColumn));
    let key = CommitmentKey::new(&srs, 2).unwrap();
    assert_eq!(key.log_columns(), 2);
    let long = KeyError::RowTooLong {
        length: 5,
        columns: 4,
    };
    for row in [Row::Small(vec![1; 5]), Row::Field(random(5))] {
        assert_eq!(key.commit(&row, F::one()), Err(long));
        let secret = SecretRow {
            index: 0,
            row: &row,
            blinding: F::one(),
        };
        let mut writer = ProofWriter::new(Transcript::new("x"));
        assert_eq!(
            open(&key, &[secret], &random(2), &[], &mut writer),
            Err(OpenError::Key(long))
        );
        assert_eq!(
            open(&key, &[], &random(1), &[], &mut writer),
            Err(OpenError::PointTooShort(1))
        );
    }
}

/// The commitment is the same whether a row is given as integers or as field elements.
#[test]
fn one_commitment_per_content() {
    let key = key(4);
    let small: Vec<i32> = (0..16).map(|i| i * 1000 - 8000).collect();
    let field = small.iter().map(|k| from_i64(i64::from(*k))).collect();
    let rho = random(1)[0];
    assert_eq!(
        key.commit(&Row::Small(small), rho),
        key.commit(&Row::Field(field), rho)
    );
}

#[test]
fn two_openings_of_one_secret_share_nothing() {
    let secret = Row::Small(vec![1, 2, 3, 4, 5, 6, 7, 8]);
    let proof = || {
        let mask = Row::Field(verifai_field::random::random_vec(8).unwrap());
        Case::new(1, LOG_COLUMNS, &[(0, secret.clone()), (1, mask)], true).proof
    };
    let (a, b) = (proof(), proof());
    for (x, y) in a.chunks(32).zip(b.chunks(32)) {
        assert_ne!(x, y);
    }
}
