//! Files of reference strings.

use std::io::Cursor;
use verifai_curve::{pairing_product_is_one, AffineRepr, G1Affine, G2Affine};
use verifai_srs::Srs;

/// Powers that are kept of a file.
const WANTED: usize = 16;

/// What is read is the powers of one tau, and its plain form comes back.
pub fn srs(data: &[u8]) {
    if let Ok(read) = Srs::read(&mut Cursor::new(data), WANTED) {
        structured(&read);
    }
    if data.len() <= 64 * WANTED + 128 {
        if let Ok(read) = Srs::from_points(data) {
            structured(&read);
            assert_eq!(read.to_points(usize::MAX), data);
        }
    }
}

fn structured(srs: &Srs) {
    let powers = srs.powers();
    assert!((2..=WANTED).contains(&powers.len()));
    assert_eq!(powers.first(), Some(&G1Affine::generator()));
    assert!(!srs.tau_g2().is_zero());
    for (low, high) in powers.iter().zip(powers.iter().skip(1)) {
        assert!(pairing_product_is_one(&[
            (*high, G2Affine::generator()),
            (-*low, srs.tau_g2())
        ]));
    }
    let points = srs.to_points(powers.len());
    let again = Srs::from_points(&points);
    assert!(again.is_ok_and(|again| again.id() == srs.id()));
}
