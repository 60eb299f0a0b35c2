//! Writes the honest proofs that targets change (`honest/`), and the first inputs of each target
//! (`circuits/fuzz/corpus/`): `cargo run -p verifai-fuzzing --example seeds`.

use serde_json::{json, Value};
use std::path::Path;
use std::{fs, io};
use verifai_curve::{encode_g1, encode_g2, AffineRepr, CurveGroup, G1Affine, G2Affine};
use verifai_field::{encode, BigInteger, Fq, PrimeField, F};
use verifai_fuzzing::honest::{BATCH, CONTEXT, HEADER};
use verifai_prover::{prove, Interrupt, Job, ProvingKey};
use verifai_srs::development;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("honest");
    fs::create_dir_all(&folder)?;
    for (name, hiding) in [("plain", false), ("hiding", true)] {
        honest(&folder, name, hiding)?;
    }
    let corpus = here.join("../../fuzz/corpus");
    for name in ["plain", "hiding"] {
        let file = |part: &str| fs::read(folder.join(format!("{name}.{part}")));
        let which = u8::from(name == "hiding");
        seed(&corpus, "table", name, &file("table")?)?;
        seed(
            &corpus,
            "proof",
            name,
            &[&[which][..], &file("proof")?].concat(),
        )?;
        seed(&corpus, "edits", name, &[which])?;
        seed(&corpus, "circuit", name, &[which])?;
        let proof = file("proof")?;
        let script = [
            &[8u8][..],
            &[0b1_0001, 0b1_0000, 4, 1, 0, 1, 2, 3][..],
            &proof,
        ]
        .concat();
        seed(&corpus, "messages", name, &script)?;
    }
    for kind in 0..12u8 {
        let script = [kind % 2, 0, kind, 0, 70, 1, 1];
        seed(&corpus, "edits", &format!("kind-{kind}"), &script)?;
    }
    points(&corpus)?;
    seed(&corpus, "srs", "halo2", &halo2(2))?;
    seed(&corpus, "srs", "ptau", &ptau(1))?;
    seed(&corpus, "srs", "points", &development(3)?.to_points(3))?;
    Ok(())
}

fn seed(corpus: &Path, target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("seed-{name}")), bytes)
}

fn honest(folder: &Path, name: &str, hiding: bool) -> Outcome {
    let (table, weights, values) = circuit(hiding);
    let table = serde_json::to_vec(&table)?;
    let srs = development(1 << 7)?;
    let small = |w: Vec<i64>| w.into_iter().map(i32::try_from).collect();
    let weights: Vec<Vec<i32>> = weights.into_iter().map(small).collect::<Result<_, _>>()?;
    let never = Interrupt::default();
    let key = ProvingKey::new(HEADER, &table, weights, &srs, None, None, &never)?;
    let job = Job {
        batch: BATCH,
        values,
        context: CONTEXT,
        ..Job::default()
    };
    let proof = prove(&key, &job)?;
    let words: Vec<u8> = proof.words.iter().flat_map(encode).collect();
    let commitments = key.commitments();
    for (part, bytes) in [
        ("table", &table),
        ("commitments", &commitments),
        ("words", &words),
        ("proof", &proof.bytes),
    ] {
        fs::write(folder.join(format!("{name}.{part}")), bytes)?;
    }
    fs::write(folder.join("tau_g2"), encode_g2(&srs.tau_g2()))?;
    Ok(())
}

fn committed(shape: &[usize], offset: i64, limbs: &[u32]) -> Value {
    json!({"kind": "committed", "region": "witness", "batched": true, "shape": shape, "outer": [],
           "offset": offset, "limbs": limbs})
}

/// `y = W x`, `e = max(y, 0)`, `s = square table of x`: every kind of node and constraint.
fn circuit(hiding: bool) -> (Value, Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let mut table = json!({
        "version": 2, "log_columns": 4,
        "nodes": [
            committed(&[2], -4, &[3]),                                              // 0 x
            {"kind": "weight", "shape": [2, 2], "outer": [1]},                      // 1 W
            {"kind": "einsum", "left": 1, "right": 0, "labels": ["mk", "k", "m"]},  // 2
            committed(&[2], -64, &[4, 3]),                                          // 3 y
            {"kind": "linear", "shape": [2], "terms": [[1, 3], [-1, 2]], "offset": 0}, // 4
            committed(&[2], 0, &[7]),                                               // 5 e
            committed(&[2], 0, &[7]),                                               // 6 d = e - y
            {"kind": "linear", "shape": [2], "terms": [[1, 5], [-1, 6], [-1, 3]], "offset": 0}, // 7
            {"kind": "view", "source": 0, "shape": [2, 1],
             "axes": [{"axis": 0, "indices": [1, 0]}]},                             // 8 reversed
            {"kind": "reshape", "source": 8, "shape": [2]},                         // 9
            committed(&[2], 0, &[]),                                                // 10 s
            {"kind": "view", "source": 9, "shape": [2], "axes": [{"offset": 0, "terms": [[0, 1]]}]},
        ],
        "tables": [{"first": -4, "outputs": [16, 9, 4, 1, 0, 1, 4, 9]}],
        "zero": [4, 7],
        "product": [{"factors": [5, 6], "outer": []}],
        "lookup": [{"table": 0, "input": 11, "output": 10, "outer": []}],
        "inputs": [{"node": 0, "shape": [1, 2], "visibility": "public"}],
        "outputs": [{"node": 5, "shape": [2], "visibility": "public"},
                    {"node": 10, "shape": [2], "visibility": "private"}]
    });
    if hiding {
        table["hiding"] = json!(true);
        table["log_columns"] = json!(7);
    }
    let (weights, x) = ([3, -5, -7, 2], [2, -3]);
    let y = [
        weights[0] * x[0] + weights[1] * x[1],
        weights[2] * x[0] + weights[3] * x[1],
    ];
    let e: Vec<i64> = y.iter().map(|v| *v.max(&0)).collect();
    let d = e.iter().zip(&y).map(|(e, y)| e - y).collect();
    let s = vec![x[1] * x[1], x[0] * x[0]];
    let values = vec![x.to_vec(), y.to_vec(), e, d, s];
    (table, vec![weights.to_vec()], values)
}

fn points(corpus: &Path) -> io::Result<()> {
    let (g, h) = (G1Affine::generator(), G2Affine::generator());
    let double = (g + g).into_affine();
    let [a, b] = [encode_g1(&g), encode_g1(&double)];
    let pair = [&a[..], &encode_g2(&h), &encode_g1(&-g), &encode_g2(&h)].concat();
    let order = F::MODULUS.to_bytes_be();
    seed(corpus, "encodings", "g1", &a)?;
    seed(corpus, "encodings", "g2", &encode_g2(&h))?;
    seed(corpus, "encodings", "p", &order)?;
    seed(corpus, "encodings", "q", &Fq::MODULUS.to_bytes_be())?;
    seed(corpus, "encodings", "infinity", &[0; 128])?;
    seed(corpus, "precompiles", "add", &[&[0][..], &a, &b].concat())?;
    seed(
        corpus,
        "precompiles",
        "mul",
        &[&[1][..], &a, &order].concat(),
    )?;
    seed(
        corpus,
        "precompiles",
        "pairing",
        &[&[2][..], &pair].concat(),
    )
}

/// Montgomery form, little-endian, as files have it.
fn raw(coordinates: &[Fq]) -> Vec<u8> {
    coordinates.iter().flat_map(|c| c.0.to_bytes_le()).collect()
}

fn raw_powers(n: u64) -> Vec<u8> {
    let at = |i: u64| (G1Affine::generator() * F::from(3u64.pow(i as u32))).into_affine();
    (0..n).flat_map(|i| raw(&[at(i).x, at(i).y])).collect()
}

fn raw_g2(n: u64) -> Vec<u8> {
    let at = |i: u64| (G2Affine::generator() * F::from(3u64.pow(i as u32))).into_affine();
    let point = |p: G2Affine| raw(&[p.x.c0, p.x.c1, p.y.c0, p.y.c1]);
    (0..n).flat_map(|i| point(at(i))).collect()
}

fn halo2(log: u32) -> Vec<u8> {
    let powers = raw_powers(1 << log);
    [&log.to_le_bytes()[..], &powers, &powers, &raw_g2(2)].concat()
}

fn ptau(log: u32) -> Vec<u8> {
    let section = |kind: u32, payload: Vec<u8>| {
        let length = (payload.len() as u64).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, &payload].concat()
    };
    let word = 32u32.to_le_bytes();
    let header = [
        &word[..],
        &Fq::MODULUS.to_bytes_le(),
        &log.to_le_bytes(),
        &log.to_le_bytes(),
    ];
    let n = 1u64 << log;
    [
        &b"ptau"[..],
        &1u32.to_le_bytes(),
        &3u32.to_le_bytes(),
        &section(1, header.concat()),
        &section(2, raw_powers(2 * n - 1)),
        &section(3, raw_g2(n)),
    ]
    .concat()
}
