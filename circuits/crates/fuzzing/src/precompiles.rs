//! The EVM's precompiles on arbitrary input.

use verifai_curve::precompile::{add, mul, pairing};
use verifai_curve::{decode_g1, encode_g1};

/// The first byte chooses; results are canonical points, `add` commutes, `mul` by one is nothing.
pub fn precompiles(data: &[u8]) {
    let Some((which, input)) = data.split_first() else {
        return;
    };
    match which % 3 {
        0 => {
            let mut padded = input.to_vec();
            padded.resize(128, 0);
            padded.rotate_left(64);
            let sum = add(input);
            assert_eq!(sum.is_ok(), add(&padded).is_ok());
            if let Ok(sum) = sum {
                assert_eq!(Ok(sum), add(&padded));
                assert_eq!(decode_g1(&sum).map(|p| encode_g1(&p)), Ok(sum));
            }
        }
        1 => {
            if let Ok(product) = mul(input) {
                let mut one = [0; 96];
                one[..64].copy_from_slice(&product);
                one[95] = 1;
                assert_eq!(mul(&one), Ok(product));
            }
        }
        _ => {
            // a few pairs: each costs a millisecond
            let pairs = input.get(..4 * 192).unwrap_or(input);
            assert!(pairs.len() % 192 == 0 || pairing(pairs).is_err());
            let _ = pairing(pairs);
        }
    }
}
