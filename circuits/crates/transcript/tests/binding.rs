//! Every absorbed byte, label, type and length changes every later challenge.

use verifai_field::{encode, F};
use verifai_transcript::{
    keccak256, Kind, Label, MessageError, ProofReader, ProofWriter, ReadError, Transcript,
};

const DOMAIN: &str = "verifai test";
const A: Label = Label::new("a");
const B: Label = Label::new("b");

/// The specification, written out a second time without the library.
#[test]
fn pinned_bytes() {
    let mut header = [0u8; 32];
    header[0] = 1;
    header[1] = 1;
    header[9] = 64;
    header[10] = b'a';
    let mut payload = [0u8; 64];
    payload[31] = 5;
    payload[63] = 6;
    let mut state = keccak256(&[DOMAIN.as_bytes()]);
    state = keccak256(&[&state, &header, &payload]);
    let mut t = Transcript::new(DOMAIN);
    t.absorb(A, &[F::from(5u64), F::from(6u64)]);
    assert_eq!(t.state(), state);
    let mut header = [0u8; 32];
    header[0] = 2;
    header[10] = b'b';
    state = keccak256(&[&state, &header]);
    let c = t.challenge(B);
    assert_eq!(t.state(), state);
    assert_eq!(c, verifai_field::encoding::reduce::<F>(&state));
    assert_eq!(
        encode(&c).map(|b| format!("{b:02x}")).concat(),
        "09daab253fa28f433e5e9df7924811721363f494c0e1331e3e94356c7be133ae"
    );
}

/// The JSON vectors in the repository are those that the example writes today.
#[test]
fn vector_file_matches() {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/transcript.json");
    let text = std::fs::read_to_string(file).unwrap();
    let mut t = Transcript::recording("verifai test vector v1");
    t.absorb_bytes(Label::new("context"), b"chain 31337, job 7");
    t.absorb_bytes(Label::new("empty"), b"");
    t.absorb(Label::new("shape"), &[28u64, 28, u64::MAX]);
    t.challenge(Label::new("alpha"));
    t.absorb(
        Label::new("columns"),
        &[F::from(0u64), F::from(1u64), -F::from(1u64)],
    );
    t.challenges(Label::new("a label of 22 bytes..."), 3);
    for step in t.steps() {
        let state = step.state.map(|b| format!("{b:02x}")).concat();
        assert!(text.contains(&state), "{}", step.label.as_str());
    }
    assert_eq!(text.matches("\"state\"").count(), t.steps().len());
}

/// A program of absorbs and challenges, of which one part is changed at a time.
fn run(change: usize) -> (Vec<[u8; 32]>, Vec<F>) {
    let mut t = Transcript::recording(if change == 1 { "other" } else { DOMAIN });
    let mut challenges = Vec::new();
    let five = F::from(if change == 2 { 6u64 } else { 5u64 });
    t.absorb(if change == 3 { B } else { A }, &[five, F::from(9u64)]);
    challenges.push(t.challenge(if change == 4 { A } else { B }));
    match change {
        5 => t.absorb_bytes(A, &[0; 31]),
        6 => t.absorb(A, &[F::from(0u64)]),
        7 => t.absorb(A, &[0u64, 0]),
        8 => t.absorb::<u64>(A, &[]),
        9 => {}
        _ => t.absorb(A, &[0u64]),
    }
    challenges.extend(t.challenges(A, if change == 10 { 2 } else { 3 }));
    t.absorb_bytes(B, if change == 11 { b"y" } else { b"x" });
    challenges.push(t.challenge(A));
    (t.steps().iter().map(|s| s.state).collect(), challenges)
}

#[test]
fn every_change_moves_all_later_challenges() {
    let honest = run(0).1;
    assert_eq!(honest, run(0).1);
    // change -> the first challenge that must differ
    let first = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 4, 4];
    for (change, from) in first.iter().enumerate().skip(1) {
        let other = run(change).1;
        if change == 10 {
            assert_ne!(other.last(), honest.last());
            continue;
        }
        for (i, (a, b)) in honest.iter().zip(&other).enumerate() {
            assert_eq!(a == b, i < *from, "change {change}, challenge {i}");
        }
    }
}

#[test]
fn splitting_a_message_is_another_message() {
    let mut joined = Transcript::new(DOMAIN);
    joined.absorb_bytes(A, b"xy");
    let mut split = Transcript::new(DOMAIN);
    split.absorb_bytes(A, b"x");
    split.absorb_bytes(A, b"y");
    assert_ne!(joined.challenge(B), split.challenge(B));
}

#[test]
fn inventory_names_every_step() {
    let mut t = Transcript::recording(DOMAIN);
    t.absorb(A, &[1u64, 2]);
    t.challenge(B);
    let seen: Vec<_> = t
        .steps()
        .iter()
        .map(|s| (s.label.as_str(), s.absorbed, s.bytes))
        .collect();
    assert_eq!(seen, [("a", Some(Kind::Integers), 64), ("b", None, 0)]);
    assert!(Transcript::new(DOMAIN).steps().is_empty());
}

fn small_proof() -> (Vec<u8>, F) {
    let mut w = ProofWriter::new(Transcript::new(DOMAIN));
    w.transcript.absorb(A, &[3u64]);
    w.send(A, &[F::from(5u64), F::from(6u64)]);
    let c = w.transcript.challenge(B);
    w.send(B, &[c * c]);
    let last = w.transcript.challenge(A);
    (w.finish(), last)
}

fn read(proof: &[u8]) -> Result<(bool, F), ReadError> {
    let mut r = ProofReader::new(Transcript::new(DOMAIN), proof);
    r.transcript.absorb(A, &[3u64]);
    r.receive::<F>(A, 2)?;
    let c = r.transcript.challenge(B);
    let square = r.receive_one::<F>(B)?;
    let last = r.transcript.challenge(A);
    r.finish()?;
    Ok((square == c * c, last))
}

#[test]
fn writer_and_reader_agree() {
    let (proof, last) = small_proof();
    assert_eq!(read(&proof), Ok((true, last)));
}

#[test]
fn every_flip_is_noticed() {
    let (proof, last) = small_proof();
    for i in 0..proof.len() {
        for bit in 0..8 {
            let mut bad = proof.clone();
            bad[i] ^= 1 << bit;
            match read(&bad) {
                Ok((ok, l)) => assert!(!ok && l != last, "byte {i}"),
                Err(e) => assert!(matches!(e, ReadError::Message { .. }), "{e}"),
            }
        }
    }
}

#[test]
fn lengths_are_exact() {
    let (proof, _) = small_proof();
    for cut in 0..proof.len() {
        assert!(matches!(
            read(&proof[..cut]),
            Err(ReadError::Truncated { .. })
        ));
    }
    let mut long = proof;
    long.push(0);
    assert_eq!(read(&long), Err(ReadError::Trailing { bytes: 1 }));
    let mut r = ProofReader::new(Transcript::new(DOMAIN), &long);
    assert!(r.receive::<F>(A, usize::MAX).is_err());
    let high = [0xff; 32];
    let mut r = ProofReader::new(Transcript::new(DOMAIN), &high);
    assert!(matches!(
        r.receive_one::<u64>(A),
        Err(ReadError::Message {
            reason: MessageError::IntegerTooLarge,
            ..
        })
    ));
}
