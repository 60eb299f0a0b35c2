//! The precompiles against vectors from py-ecc (`vectors/make_bn254.py`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use verifai_curve::precompile::{add, mul, pairing, PrecompileError, MAX_PAIRS};

fn unhex(text: &str) -> Vec<u8> {
    let text = text.trim_start_matches('-');
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn run(operation: &str, input: &[u8]) -> Result<Vec<u8>, PrecompileError> {
    match operation {
        "add" => add(input).map(|o| o.to_vec()),
        "mul" => mul(input).map(|o| o.to_vec()),
        "pairing" => pairing(input).map(|ok| {
            let mut word = vec![0; 32];
            word[31] = u8::from(ok);
            word
        }),
        other => panic!("no operation {other}"),
    }
}

#[test]
fn vectors() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/bn254.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let mut counts = (0, 0);
    for (n, line) in text.lines().enumerate() {
        let mut fields = line.split(' ');
        let (op, input, expected) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        let got = run(op, &unhex(input));
        if expected == "fail" {
            assert!(got.is_err(), "line {}: {op} must fail", n + 1);
            counts.1 += 1;
        } else {
            assert_eq!(got, Ok(unhex(expected)), "line {}: {op}", n + 1);
            counts.0 += 1;
        }
    }
    assert!(counts.0 >= 35 && counts.1 >= 15, "{counts:?}");
}

#[test]
fn pairing_input_is_bounded() {
    let long = vec![0u8; 192 * (MAX_PAIRS + 1)];
    assert_eq!(
        pairing(&long),
        Err(PrecompileError::TooManyPairs(MAX_PAIRS + 1))
    );
    assert_eq!(pairing(&[0; 191]), Err(PrecompileError::PairingLength(191)));
}
