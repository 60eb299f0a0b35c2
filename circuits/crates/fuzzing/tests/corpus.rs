//! The committed corpus through every target: what a fuzzer once found stays found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;
use verifai_fuzzing::honest::{cases, proof};
use verifai_fuzzing::TARGETS;

#[test]
fn every_input_of_the_corpus_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in TARGETS {
        let files = fs::read_dir(corpus.join(name)).unwrap();
        let mut count = 0;
        for file in files.map(|f| f.unwrap().path()) {
            println!("{name}: {}", file.display());
            let bytes = fs::read(&file).unwrap();
            assert!(bytes.len() < 20_000, "{} is too large", file.display());
            target(&bytes);
            count += 1;
        }
        assert!(count > 0, "no corpus for {name}");
    }
}

#[test]
fn the_honest_proofs_hold_and_changed_ones_do_not() {
    for (which, case) in cases().iter().enumerate() {
        assert!(case.accepts(case.proof));
        let mut bytes = vec![which as u8];
        bytes.extend(case.proof);
        proof(&bytes);
        *bytes.last_mut().unwrap() ^= 1;
        proof(&bytes);
    }
}

/// Everything is empty somewhere.
#[test]
fn nothing_is_an_input() {
    for (_, target) in TARGETS {
        target(&[]);
        for byte in [0, 1, 2, 0xff] {
            target(&[byte]);
        }
    }
}
