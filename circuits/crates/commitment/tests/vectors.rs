//! `vectors/opening.json`: one opening, byte for byte, for the Python and Solidity verifiers.
//! `UPDATE_VECTORS=1 cargo test -p verifai-commitment --test vectors` writes it anew.

use verifai_commitment::{open, verify, CommitmentKey, PublicRow, Row, SecretRow, Statement};
use verifai_curve::{encode_g1, encode_g2, G1Affine, G1};
use verifai_field::{encode, encoding::reduce, from_i64, inner_product, F};
use verifai_poly::{eq_at, eq_table};
use verifai_srs::development;
use verifai_transcript::{keccak256, Label, ProofReader, ProofWriter, Transcript};

const DOMAIN: &str = "verifai opening vector v1";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Fixed values in place of random ones: only for a vector.
fn fixed(name: &str, n: u32) -> Vec<F> {
    (0..n)
        .map(|i| reduce(&keccak256(&[name.as_bytes(), &i.to_be_bytes()])))
        .collect()
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(", "))
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", hex(bytes))
}

#[test]
fn opening_vector() {
    let (log_rows, log_columns) = (2usize, 3usize);
    let srs = development(1 << log_columns).unwrap();
    let key = CommitmentKey::new(&srs, log_columns).unwrap();
    let rows = [
        (0usize, Row::Small(vec![5, -3, 255, 0, 7, 1, 2, 3])),
        (1, Row::Field(fixed("helper", 8))),
        (3, Row::Field(fixed("mask", 8))),
    ];
    let blindings = fixed("blinding", 3);
    let commitments: Vec<(usize, G1Affine)> = rows
        .iter()
        .zip(&blindings)
        .map(|((i, row), b)| (*i, key.commit(row, *b).unwrap()))
        .collect();
    let coefficients = fixed("public", 6);
    let public_blinding = fixed("public blinding", 1).remove(0);
    let public_row = PublicRow {
        commitment: key
            .commit(&Row::Field(coefficients.clone()), public_blinding)
            .unwrap(),
        blinding: public_blinding,
        coefficients,
    };
    // the point is drawn after the commitments, the value is absorbed after the point
    let mut transcript = Transcript::new(DOMAIN);
    let points: Vec<G1> = commitments.iter().map(|(_, c)| G1(*c)).collect();
    transcript.absorb(Label::new("rows"), &points);
    transcript.absorb(Label::new("public row"), &[G1(public_row.commitment)]);
    let point = transcript.challenges(Label::new("x"), log_rows + log_columns);
    let (row_point, column_point) = point.split_at(log_rows);
    let weights = eq_table(column_point);
    let value: F = rows
        .iter()
        .map(|(i, row)| {
            let entries = match row {
                Row::Small(v) => v.iter().map(|k| from_i64(i64::from(*k))).collect(),
                Row::Field(v) => v.clone(),
            };
            eq_at(row_point, *i) * inner_product(&entries, &weights)
        })
        .sum();
    transcript.absorb(Label::new("y"), &[value]);
    transcript.absorb(Label::new("public row"), &public_row.coefficients);
    transcript.absorb(Label::new("public row"), &[public_row.blinding]);

    let secret: Vec<SecretRow<'_>> = rows
        .iter()
        .zip(&blindings)
        .map(|((index, row), blinding)| SecretRow {
            index: *index,
            row,
            blinding: *blinding,
        })
        .collect();
    let public_rows = [public_row];
    let mut writer = ProofWriter::new(transcript.clone());
    open(&key, &secret, &point, &public_rows, &mut writer).unwrap();
    let end = writer.transcript.state();
    let proof = writer.finish();
    let statement = Statement {
        rows: &commitments,
        log_rows,
        log_columns,
        point: &point,
        value,
        public_rows: &public_rows,
    };
    let mut reader = ProofReader::new(transcript, &proof);
    verify(&key.verifier_key(), &statement, &mut reader).unwrap();
    assert_eq!(reader.transcript.state(), end);

    let scalars = |v: &[F]| list(v.iter().map(|x| quoted(&encode(x))));
    let text = format!(
        "{{\n  \"domain\": \"{DOMAIN}\",\n  \"tau_g2\": {},\n  \"log_rows\": {log_rows},\n  \
         \"log_columns\": {log_columns},\n  \"rows\": {},\n  \"public_row\": {{\"commitment\": {}, \
         \"blinding\": {}, \"coefficients\": {}}},\n  \"point\": {},\n  \"value\": {},\n  \
         \"proof\": {},\n  \"end_state\": {}\n}}\n",
        quoted(&encode_g2(&srs.tau_g2())),
        list(
            commitments
                .iter()
                .map(|(i, c)| format!("[{i}, {}]", quoted(&encode_g1(c))))
        ),
        quoted(&encode_g1(&public_rows[0].commitment)),
        quoted(&encode(&public_rows[0].blinding)),
        scalars(&public_rows[0].coefficients),
        scalars(&point),
        quoted(&encode(&value)),
        quoted(&proof),
        quoted(&end),
    );
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/opening.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}
