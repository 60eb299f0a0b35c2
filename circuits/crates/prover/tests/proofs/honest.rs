use crate::circuits::{check, dense, far, mixed};
use verifai_field::F;
use verifai_prover::{prove, Interrupt, ProveError, ProvingKey};
use verifai_table::Region;
use verifai_verifier::{proof_bytes, VerifyError};

#[test]
fn honest_proofs_verify() {
    for batch in [1, 2, 3, 5] {
        assert_eq!(dense(batch).check(), Ok(()), "dense, batch {batch}");
        assert_eq!(mixed(batch).check(), Ok(()), "mixed, batch {batch}");
        assert_eq!(
            dense(batch).hiding().check(),
            Ok(()),
            "dense, batch {batch}"
        );
        assert_eq!(
            mixed(batch).hiding().check(),
            Ok(()),
            "mixed, batch {batch}"
        );
    }
}

#[test]
fn indices_of_views_are_integers() {
    assert_eq!(far().check(), Ok(()));
    assert_eq!(far().hiding().check(), Ok(()));
    for (i, entry) in [(40, 0), (72, 25)] {
        let mut case = far();
        case.job.values[1][i] = entry;
        case.job.stubborn = true;
        assert_eq!(case.check(), Err(VerifyError::Last));
    }
}

#[test]
fn length_is_known_before() {
    for case in [
        dense(1),
        dense(3),
        mixed(1),
        mixed(4),
        dense(2).hiding(),
        mixed(2).hiding(),
    ] {
        let (key, proof) = case.prove().unwrap();
        let layout = key.verifying.layout(case.job.batch).unwrap();
        assert_eq!(proof_bytes(&layout), proof.bytes.len());
    }
}

#[test]
fn weights_have_one_commitment() {
    let (one, many) = (dense(1).key(), dense(9).key());
    assert_eq!(one.commitments(), many.commitments());
    let mut case = dense(1);
    case.table["inputs"][0]["visibility"] = "private".into();
    assert_eq!(case.key().commitments(), one.commitments());
    assert_eq!(case.check(), Ok(()));
}

#[test]
fn every_byte_of_the_proof_counts() {
    for case in [dense(1), mixed(1), dense(1).hiding(), mixed(1).hiding()] {
        let (key, proof) = case.prove().unwrap();
        let mut accepted = 0;
        for i in 0..proof.bytes.len() {
            let mut bad = proof.clone();
            bad.bytes[i] ^= 1 << (i % 8);
            accepted += usize::from(check(&key, &case.job, &bad).is_ok());
        }
        println!("{} bytes changed, {accepted} accepted", proof.bytes.len());
        assert_eq!(accepted, 0);
        for length in [0, 31, proof.bytes.len() - 1] {
            let mut bad = proof.clone();
            bad.bytes.truncate(length);
            assert!(check(&key, &case.job, &bad).is_err());
        }
        let mut long = proof.clone();
        long.bytes.push(0);
        assert!(check(&key, &case.job, &long).is_err());
    }
}

#[test]
fn words_context_and_batch_count() {
    let case = dense(2);
    let (key, proof) = case.prove().unwrap();
    for i in 0..proof.words.len() {
        let mut bad = proof.clone();
        bad.words[i] += verifai_field::F::from(1u64);
        assert!(check(&key, &case.job, &bad).is_err());
        bad.words.remove(i);
        assert!(check(&key, &case.job, &bad).is_err());
    }
    let mut job = case.job.clone();
    job.context[31] = 1;
    assert!(check(&key, &job, &proof).is_err());
    for batch in [0, 1, 3] {
        job = case.job.clone();
        job.batch = batch;
        assert!(check(&key, &job, &proof).is_err());
    }
}

/// Two hiding proofs of one statement have no message in common.
#[test]
fn hiding_proofs_share_nothing() {
    for case in [dense(1).hiding(), mixed(2).hiding()] {
        let key = case.key();
        let proofs: Vec<_> = (0..2)
            .map(|_| verifai_prover::prove(&key, &case.job).unwrap())
            .collect();
        let messages = |i: usize| -> std::collections::BTreeSet<&[u8]> {
            proofs[i].bytes.chunks_exact(32).collect()
        };
        assert_eq!(messages(0).intersection(&messages(1)).count(), 0);
        assert_eq!(proofs[0].words, proofs[1].words);
    }
}

#[test]
fn a_key_that_is_made_again_needs_its_blindings() {
    let case = dense(1).hiding();
    let first = case.key();
    assert_ne!(first.commitments(), case.key().commitments());
    let srs = verifai_srs::development(1 << 7).unwrap();
    let table = serde_json::to_vec(&case.table).unwrap();
    let again = |weights, blindings, commitments: Option<&[u8]>| {
        let never = Interrupt::default();
        let blindings = Some(blindings);
        ProvingKey::new(
            [3; 32],
            &table,
            weights,
            &srs,
            blindings,
            commitments,
            &never,
        )
    };
    let (weights, blindings) = (case.small_weights(), first.blindings().to_vec());
    let same = again(weights.clone(), blindings.clone(), None).unwrap();
    assert_eq!(same.commitments(), first.commitments());
    assert!(again(weights.clone(), Vec::new(), None).is_err());

    let commitments = first.commitments();
    let same = again(weights.clone(), blindings.clone(), Some(&commitments)).unwrap();
    let proof = prove(&same, &case.job).unwrap();
    assert_eq!(check(&first, &case.job, &proof), Ok(()));
    // other weights, blindings or commitments than the first time
    let refused =
        |weights, blindings, commitments: &[u8]| again(weights, blindings, Some(commitments)).err();
    let wrong = Some(ProveError::Commitments);
    for (tensor, index) in [(0, 0), (0, 19), (1, 3)] {
        let mut other = weights.clone();
        other[tensor][index] += 1;
        assert_eq!(refused(other, blindings.clone(), &commitments), wrong);
    }
    let mut other = blindings.clone();
    other[0] += F::from(1u64);
    assert_eq!(refused(weights.clone(), other, &commitments), wrong);
    let other = case.key().commitments();
    assert_eq!(refused(weights.clone(), blindings.clone(), &other), wrong);
    let short = refused(weights, blindings, &commitments[64..]);
    assert!(matches!(short, Some(ProveError::Key(_))));
}

#[test]
fn a_table_says_that_it_hides_or_says_nothing() {
    let mut case = dense(1).hiding();
    let read = |case: &crate::circuits::Case| {
        verifai_table::read(&serde_json::to_vec(&case.table).unwrap())
    };
    assert!(read(&case).unwrap().hiding);
    case.table["log_columns"] = serde_json::json!(6);
    assert!(read(&case).is_err());
    case.table["log_columns"] = serde_json::json!(7);
    for other in [serde_json::json!(false), serde_json::json!(null)] {
        case.table["hiding"] = other;
        assert!(read(&case).is_err());
    }
}

#[test]
fn linked_tensors_lead_the_proof() {
    let mut case = dense(2).hiding();
    for role in ["inputs", "outputs"] {
        case.table[role][0]["visibility"] = "committed".into();
    }
    let (key, proof) = case.prove().unwrap();
    assert_eq!(check(&key, &case.job, &proof), Ok(()));
    let layout = key.verifying.layout(2).unwrap();
    let first = layout.linked().next().unwrap();
    assert_eq!(first.start, layout.region_rows(Region::Weight).end);
    let rows: Vec<usize> = layout.linked().map(|rows| rows.len()).collect();
    let points = 64 * rows.iter().sum::<usize>();
    assert_ne!(
        prove(&key, &case.job).unwrap().bytes[..64],
        proof.bytes[..64]
    );

    // given blindings give the same points, and everything after them is another
    let given = rows.iter().map(|n| vec![F::from(7u64); *n]);
    case.job.linked = given.collect();
    let first = prove(&key, &case.job).unwrap();
    let second = prove(&key, &case.job).unwrap();
    assert_eq!(check(&key, &case.job, &second), Ok(()));
    assert_eq!(first.bytes[..points], second.bytes[..points]);
    assert_ne!(
        first.bytes[points..points + 64],
        second.bytes[points..points + 64]
    );
    let _ = case.job.linked.pop();
    case.job.linked.push(Vec::new());
    assert!(matches!(
        prove(&key, &case.job),
        Err(ProveError::Blindings { got: 0, .. })
    ));
}
