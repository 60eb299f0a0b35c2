//! The words of the public tensors.

use verifai_field::F;
use verifai_table::{Kind, Layout, Words};

/// The words of the public tensors, from their limbs.
pub(crate) fn words(layout: &Layout, blocks: &[Vec<i32>]) -> Vec<F> {
    let circuit = &layout.circuit;
    let mut out = Vec::new();
    for node in &circuit.public {
        let Kind::Committed { limbs, .. } = &circuit.nodes[*node].kind else {
            continue;
        };
        let Some(shape) = Words::of(circuit, *node) else {
            continue;
        };
        let dims = circuit.dims(*node);
        let count: usize = dims.iter().product();
        let raw: Vec<u128> = (0..count)
            .map(|i| {
                let mut shift = 0;
                let mut value = 0u128;
                for (block, bits) in layout.node_blocks[*node].iter().zip(limbs) {
                    value |=
                        u128::from(blocks[*block][i].unsigned_abs() & ((1 << bits) - 1)) << shift;
                    shift += bits;
                }
                value
            })
            .collect();
        for row in raw.chunks(shape.row) {
            out.extend(
                row.chunks(shape.lanes())
                    .map(|word| F::from(shape.packed(word))),
            );
        }
    }
    out
}
