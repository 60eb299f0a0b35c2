//! Proofs that do not hide are a function of table, weights and values: their bytes are the witness that a
//! change of the prover changes speed and memory only.

use crate::circuits::{check, committed, dense, far, mixed, tensor, Case, Numbers};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use verifai_prover::{prove, Job};

/// `relu(requantise(W x + b))`, layer after layer. The first axis of a weight is outer where `outer` says so.
fn network(dims: &[usize], log_columns: usize, batch: usize, outer: bool) -> Case {
    let mut numbers = Numbers(dims.len() as u64);
    let (mut nodes, mut weights, mut values) = (Vec::<Value>::new(), Vec::new(), Vec::new());
    let (mut zero, mut product) = (Vec::new(), Vec::new());
    let mut x = numbers.vector(batch * dims[0], 0, 1 << 6);
    let mut input = 0;
    nodes.push(committed(&[dims[0]], 0, &[6], &[]));
    values.push(x.clone());
    for pair in dims.windows(2) {
        let (n, m) = (pair[0], pair[1]);
        let at = nodes.len();
        let axes: &[usize] = if outer { &[0] } else { &[] };
        nodes.extend([
            json!({"kind": "weight", "shape": [m, n], "outer": axes}),
            json!({"kind": "weight", "shape": [m], "outer": []}),
            json!({"kind": "einsum", "left": at, "right": input, "labels": ["mk", "k", "m"]}),
            json!({"kind": "linear", "shape": [m], "terms": [[1, at + 2], [1, at + 1]], "offset": 0}),
            committed(&[m], -32768, &[8, 8], &[]), // y
            committed(&[m], 0, &[8], &[]),         // r
            json!({"kind": "linear", "shape": [m], "terms": [[256, at + 4], [1, at + 5], [-1, at + 3]], "offset": 0}),
            committed(&[m], 0, &[8, 7], &[]), // e = relu
            committed(&[m], 0, &[8, 8], &[]), // d = e - y
            json!({"kind": "linear", "shape": [m], "terms": [[1, at + 7], [-1, at + 8], [-1, at + 4]], "offset": 0}),
        ]);
        zero.extend([at + 6, at + 9]);
        product.push(json!({"factors": [at + 7, at + 8], "outer": []}));
        let (w, b) = (numbers.vector(m * n, -90, 90), numbers.vector(m, -500, 500));
        let acc: Vec<i64> = x
            .chunks(n)
            .flat_map(|x| {
                let rows = w.chunks(n).zip(&b);
                rows.map(move |(w, b)| w.iter().zip(x).map(|(w, x)| w * x).sum::<i64>() + b)
            })
            .collect();
        let y: Vec<i64> = acc.iter().map(|a| a >> 8).collect();
        let e: Vec<i64> = y.iter().map(|y| *y.max(&0)).collect();
        let d = e.iter().zip(&y).map(|(e, y)| e - y).collect();
        weights.extend([w, b]);
        values.extend([y, acc.iter().map(|a| a & 255).collect(), e.clone(), d]);
        (x, input) = (e, at + 7);
    }
    let last = dims.last().copied().unwrap();
    let table = json!({
        "version": 2, "log_columns": log_columns, "nodes": nodes, "tables": [], "zero": zero,
        "product": product, "lookup": [],
        "inputs": [tensor(0, &[dims[0]])], "outputs": [tensor(input, &[last])]
    });
    Case {
        table,
        weights,
        job: Job {
            batch,
            values,
            ..Job::default()
        },
    }
}

/// The input is private: a region of its own, and no words.
fn private(mut case: Case) -> Case {
    case.table["nodes"][0]["region"] = "input".into();
    case.table["inputs"] = json!([]);
    case
}

#[test]
fn proofs_are_those_of_the_first_prover() {
    let found: Vec<(&str, String)> = [
        ("dense", dense(1)),
        ("convolution, product and table", mixed(1)),
        ("a batch of three", mixed(3)),
        ("a view with large indices", far()),
        (
            "a batch of two with a private input",
            private(network(&[40, 33, 7], 7, 2, true)),
        ),
        (
            "one layer of 300,000 weights",
            network(&[600, 500], 8, 1, false),
        ),
        (
            "blocks above a row in three layers",
            network(&[300, 200, 190, 3], 8, 1, false),
        ),
        (
            "rows that no power of two fills",
            network(&[300, 130, 150], 7, 1, true),
        ),
    ]
    .into_iter()
    .map(|(name, case)| {
        let key = case.key();
        let proof = prove(&key, &case.job).unwrap();
        assert_eq!(check(&key, &case.job, &proof), Ok(()), "{name}");
        (
            name,
            Sha256::digest(&proof.bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
        )
    })
    .collect();
    let expected: Vec<(&str, &str)> = include_str!("digests.txt")
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(n, d)| (*n, d.as_str())).collect();
    assert_eq!(found, expected);
}
