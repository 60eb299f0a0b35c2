//! Small circuits with honest witnesses.

use serde_json::{json, Value};
use verifai_prover::{prove, Interrupt, Job, Proof, ProveError, ProvingKey};
use verifai_srs::development;
use verifai_verifier::{verify, Public, VerifyError};

/// A linear congruential generator: tests need no good randomness.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, n: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).rem_euclid(n)
    }

    pub(crate) fn vector(&mut self, count: usize, low: i64, high: i64) -> Vec<i64> {
        (0..count).map(|_| low + self.below(high - low)).collect()
    }
}

pub(crate) struct Case {
    pub(crate) table: Value,
    pub(crate) weights: Vec<Vec<i64>>,
    pub(crate) job: Job,
}

impl Case {
    pub(crate) fn key(&self) -> ProvingKey {
        let srs = development(1 << 8).unwrap();
        let table = serde_json::to_vec(&self.table).unwrap();
        let never = Interrupt::default();
        let weights = self.small_weights();
        ProvingKey::new([3; 32], &table, weights, &srs, None, None, &never).unwrap()
    }

    /// The weights as a key takes them.
    pub(crate) fn small_weights(&self) -> Vec<Vec<i32>> {
        let small = |w: &Vec<i64>| w.iter().map(|v| i32::try_from(*v).unwrap()).collect();
        self.weights.iter().map(small).collect()
    }

    /// The same circuit with hiding proofs.
    pub(crate) fn hiding(mut self) -> Self {
        self.table["hiding"] = json!(true);
        self.table["log_columns"] = json!(7);
        self
    }

    pub(crate) fn prove(&self) -> Result<(ProvingKey, Proof), ProveError> {
        let key = self.key();
        let proof = prove(&key, &self.job)?;
        Ok((key, proof))
    }

    pub(crate) fn check(&self) -> Result<(), VerifyError> {
        let (key, proof) = self.prove().unwrap();
        check(&key, &self.job, &proof)
    }
}

pub(crate) fn check(key: &ProvingKey, job: &Job, proof: &Proof) -> Result<(), VerifyError> {
    let public = Public {
        batch: job.batch,
        context: job.context,
        words: &proof.words,
    };
    verify(&key.verifying, &public, &proof.bytes)
}

pub(crate) fn committed(shape: &[usize], offset: i64, limbs: &[u32], outer: &[usize]) -> Value {
    json!({"kind": "committed", "region": "witness", "batched": true, "shape": shape, "outer": outer, "offset": offset, "limbs": limbs})
}

pub(crate) fn tensor(node: usize, shape: &[usize]) -> Value {
    json!({"node": node, "shape": shape, "visibility": "public"})
}

/// `relu(requantise(W x + b))` with 5 inputs and 4 outputs.
pub(crate) fn dense(batch: usize) -> Case {
    let mut numbers = Numbers(7);
    let (n, m, shift) = (5usize, 4usize, 6);
    let table = json!({
        "version": 2, "log_columns": 6,
        "nodes": [
            committed(&[n], -128, &[8], &[]),                                          // 0 x
            {"kind": "weight", "shape": [m, n], "outer": [1]},                         // 1 W
            {"kind": "weight", "shape": [m], "outer": []},                             // 2 b
            {"kind": "einsum", "left": 1, "right": 0, "labels": ["mk", "k", "m"]},     // 3
            {"kind": "linear", "shape": [m], "terms": [[1, 3], [1, 2]], "offset": 0},  // 4 acc
            committed(&[m], -32768, &[8, 8], &[]),                                     // 5 y
            committed(&[m], 0, &[6], &[]),                                             // 6 r
            {"kind": "linear", "shape": [m], "terms": [[64, 5], [1, 6], [-1, 4]], "offset": -32}, // 7
            committed(&[m], 0, &[8, 7], &[]),                                          // 8 e = relu
            committed(&[m], 0, &[8, 8], &[]),                                          // 9 d = e - y
            {"kind": "linear", "shape": [m], "terms": [[1, 8], [-1, 9], [-1, 5]], "offset": 0},   // 10
        ],
        "tables": [], "zero": [7, 10],
        "product": [{"factors": [8, 9], "outer": []}],
        "lookup": [], "inputs": [tensor(0, &[n])], "outputs": [tensor(8, &[m])]
    });
    let weights = vec![
        numbers.vector(m * n, -900, 900),
        numbers.vector(m, -5000, 5000),
    ];
    let x = numbers.vector(batch * n, -128, 128);
    let (mut y, mut r) = (Vec::new(), Vec::new());
    for b in 0..batch {
        for o in 0..m {
            let acc: i64 = (0..n)
                .map(|i| weights[0][o * n + i] * x[b * n + i])
                .sum::<i64>()
                + weights[1][o];
            y.push((acc + 32) >> shift);
            r.push((acc + 32) & 63);
        }
    }
    let e: Vec<i64> = y.iter().map(|v| *v.max(&0)).collect();
    let d = e.iter().zip(&y).map(|(e, y)| e - y).collect();
    let job = Job {
        batch,
        values: vec![x, y, r, e, d],
        ..Job::default()
    };
    Case {
        table,
        weights,
        job,
    }
}

/// A padded convolution with stride 2, a product of two tensors, a table, a transposing reshape.
pub(crate) fn mixed(batch: usize) -> Case {
    let mut numbers = Numbers(11);
    let outputs: Vec<i64> = (0..20).map(|i| i * i - 50).collect();
    let table = json!({
        "version": 2, "log_columns": 6,
        "nodes": [
            {"kind": "committed", "region": "input", "batched": true, "shape": [2, 5], "outer": [0], "offset": 0, "limbs": [4]}, // 0 x
            {"kind": "weight", "shape": [3, 2, 3], "outer": [0, 2]},                       // 1 W
            {"kind": "view", "source": 0, "shape": [2, 3, 3], "axes":
                [{"offset": 0, "terms": [[0, 1]]}, {"offset": -1, "terms": [[1, 2], [2, 1]]}]},   // 2 unfold
            {"kind": "einsum", "left": 1, "right": 2, "labels": ["ock", "cpk", "op"]},     // 3 conv, (3, 3)
            committed(&[3, 3], -4096, &[8, 5], &[]),                                       // 4 y
            {"kind": "linear", "shape": [3, 3], "terms": [[1, 4], [-1, 3]], "offset": 0},  // 5
            {"kind": "view", "source": 0, "shape": [5, 2], "axes":
                [{"offset": 0, "terms": [[1, 1]]}, {"axis": 0, "indices": [4, 3, 2, 1, 0]}]},      // 6 transposed, reversed
            {"kind": "reshape", "source": 6, "shape": [10, 1]},                            // 7
            {"kind": "reshape", "source": 0, "shape": [10, 1]},                            // 8
            {"kind": "einsum", "left": 7, "right": 8, "labels": ["gi", "gi", "gi"]},       // 9 elementwise
            committed(&[10, 1], 0, &[8], &[]),                                             // 10 product
            {"kind": "linear", "shape": [10, 1], "terms": [[1, 10], [-1, 9]], "offset": 0},// 11
            {"kind": "linear", "shape": [10, 1], "terms": [[1, 7]], "offset": 3},          // 12 table input
            committed(&[10, 1], 0, &[], &[]),                                              // 13 table output
            {"kind": "linear", "shape": [10, 1], "terms": [[1, 13]], "offset": 50},        // 14 (x + 3)^2 .. see table
            committed(&[10, 1], 0, &[8, 1], &[]),                                          // 15
            {"kind": "linear", "shape": [10, 1], "terms": [[1, 15], [-1, 14]], "offset": 0} // 16
        ],
        "tables": [{"first": 0, "outputs": outputs}],
        "zero": [5, 11, 16], "product": [],
        "lookup": [{"table": 0, "input": 12, "output": 13, "outer": []}],
        "inputs": [],
        "outputs": [tensor(15, &[2, 5]), tensor(4, &[3, 3])]
    });
    let weights = vec![numbers.vector(18, -40, 40)];
    let x = numbers.vector(batch * 10, 0, 16);
    let (mut y, mut product, mut out, mut copy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for b in 0..batch {
        let x = &x[b * 10..(b + 1) * 10];
        for o in 0..3 {
            for p in 0..3i64 {
                let mut acc = 0;
                for c in 0..2 {
                    for k in 0..3i64 {
                        let i = 2 * p + k - 1;
                        if (0..5).contains(&i) {
                            acc += weights[0][(o * 2 + c) * 3 + k as usize] * x[c * 5 + i as usize];
                        }
                    }
                }
                y.push(acc);
            }
        }
        for i in 0..10 {
            let (row, column) = (i / 2, i % 2);
            let transposed = x[column * 5 + 4 - row];
            product.push(transposed * x[i]);
            let value = (transposed + 3) * (transposed + 3) - 50;
            out.push(value);
            copy.push(value + 50);
        }
    }
    let job = Job {
        batch,
        values: vec![x, y, product, out, copy],
        context: [9; 32],
        ..Job::default()
    };
    Case {
        table,
        weights,
        job,
    }
}

/// `y = w x` with a y that has no range of its own.
pub(crate) fn hint(x: i64, w: i64) -> Case {
    let table = json!({
        "version": 2, "log_columns": 6,
        "nodes": [
            committed(&[1], 0, &[7], &[]),                                                     // 0 x
            {"kind": "weight", "shape": [1, 1], "outer": []},                                  // 1 w
            {"kind": "einsum", "left": 1, "right": 0, "labels": ["oi", "i", "o"]},             // 2
            committed(&[1], 0, &[], &[]),                                                      // 3 y
            {"kind": "linear", "shape": [1], "terms": [[1, 3], [-1, 2]], "offset": 0},         // 4
        ],
        "tables": [], "zero": [4], "product": [], "lookup": [],
        "inputs": [tensor(0, &[1])], "outputs": []
    });
    let job = Job {
        batch: 1,
        values: vec![vec![x], vec![w * x]],
        ..Job::default()
    };
    Case {
        table,
        weights: vec![vec![w]],
        job,
    }
}

/// `y = x^2` on the diagonal of (9, 9) and zero elsewhere, by a view of one entry with the indices
/// `2^61 (i - j)`: parts of them leave 64 bits, and 8 * 2^61 is 0 modulo 2^64.
pub(crate) fn far() -> Case {
    let table = json!({
        "version": 2, "log_columns": 6,
        "nodes": [
            committed(&[1], 0, &[3], &[]),                                                     // 0 x
            {"kind": "view", "source": 0, "shape": [9, 9], "axes":
                [{"offset": 0, "terms": [[0, 1i64 << 61], [1, -(1i64 << 61)]]}]},              // 1
            {"kind": "einsum", "left": 1, "right": 1, "labels": ["ij", "ij", "ij"]},           // 2
            committed(&[9, 9], 0, &[6], &[]),                                                  // 3 y
            {"kind": "linear", "shape": [9, 9], "terms": [[1, 3], [-1, 2]], "offset": 0},      // 4
        ],
        "tables": [], "zero": [4], "product": [], "lookup": [],
        "inputs": [tensor(0, &[1])], "outputs": []
    });
    let y = (0..81).map(|i| if i % 10 == 0 { 25 } else { 0 }).collect();
    let job = Job {
        batch: 1,
        values: vec![vec![5], y],
        ..Job::default()
    };
    Case {
        table,
        weights: vec![],
        job,
    }
}
