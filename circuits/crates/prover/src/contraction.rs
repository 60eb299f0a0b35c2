//! The sumcheck of einsums.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
use crate::values::{Integers, Values};
use rayon::prelude::*;
use verifai_field::{OffsetInner, Zero, F};
use verifai_sumcheck::{Product, Products};
use verifai_table::layout::TRIPLE;
use verifai_table::pullback::{CubeAxis, Instance};
use verifai_table::weights::{merge, Group};
use verifai_table::{positions, strides, Circuit, PullError, Tile};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{CONTRACTION, ENDS, KAPPA};

/// Entries of the cube that one thread sums at a time.
const CHUNK: usize = 1 << 8;

/// Sends all rounds and the evaluations of A and B, with pads and triples where the proof hides; returns
/// the point and the evaluations as sent.
pub(crate) fn prove(
    circuit: &Circuit,
    values: &Values<'_>,
    instances: &[(Instance, F)],
    hidden: (&[F], &[F]),
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<(Vec<F>, Vec<F>), ProveError> {
    let (pads, triples) = hidden;
    let mut products = Vec::with_capacity(instances.len());
    for (instance, coefficient) in instances {
        interrupt.check()?;
        let (left, right) = (&instance.left_groups, &instance.right_groups);
        let mut a = table(circuit, values, instance, instance.left, left, |a| a.left)?;
        let b = table(circuit, values, instance, instance.right, right, |a| {
            a.right
        })?;
        share(&mut a, instance)?;
        products.push((Product { a, b }, *coefficient));
    }
    let mut products = Products::new(products);
    let (rounds, labels) = (products.left(), (CONTRACTION, KAPPA));
    let wanted = || interrupt.check();
    let point = verifai_sumcheck::prove(&mut products, rounds, pads, labels, wanted, writer)?;
    let mut evaluations = products.evaluations();
    let hidden = evaluations.chunks_exact_mut(2);
    for (pair, triple) in hidden.zip(triples.chunks_exact(TRIPLE)) {
        pair[0] += triple[0];
        pair[1] += triple[1];
    }
    if !evaluations.is_empty() {
        writer.send(ENDS, &evaluations);
    }
    Ok((point, evaluations))
}

/// `sum over the free axes of weights * node` on the cube, zero on padding.
fn table(
    circuit: &Circuit,
    values: &Values<'_>,
    instance: &Instance,
    node: usize,
    groups: &[Group],
    side: impl Fn(&CubeAxis) -> usize,
) -> Result<Vec<F>, ProveError> {
    let dims = circuit.dims(node);
    let strides = strides(dims);
    let free = merge(&groups.iter().collect::<Vec<_>>(), dims).ok_or(PullError::TooLarge(node))?;
    let offsets = positions(
        0,
        free.axes.iter().map(|axis| (strides[*axis], dims[*axis])),
    );
    // where the entries of the cube lie in the node
    let axes = instance.axes.iter();
    let places = positions(0, axes.map(|axis| (strides[side(axis)], axis.length)));
    let total = free.sum();
    let sums = match values.integers(node) {
        Integers::Small(values) => sums(values, &places, &offsets, &free.vector, total),
        Integers::Wide(values) => sums(values, &places, &offsets, &free.vector, total),
    };
    let cube = Tile::new(&instance.lengths(), &[]);
    let mut out = vec![F::zero(); cube.size()];
    for (position, sum) in cube.positions().into_iter().zip(sums) {
        out[position] = sum;
    }
    Ok(out)
}

/// `sum over i of weights_i values[place + offsets_i]` for each place; `total` is the sum of the weights.
fn sums<K: Copy + Into<i64> + Sync>(
    values: &[K],
    places: &[usize],
    offsets: &[usize],
    weights: &[F],
    total: F,
) -> Vec<F> {
    let chunks = places.par_chunks(CHUNK).flat_map_iter(|places| {
        let mut sums = vec![OffsetInner::default(); places.len()];
        for (offset, weight) in offsets.iter().zip(weights) {
            for (sum, place) in sums.iter_mut().zip(places) {
                sum.add(values[place + offset].into(), weight);
            }
        }
        sums.into_iter().map(move |s| s.finish(total))
    });
    chunks.collect()
}

/// A times w_g.
fn share(a: &mut [F], instance: &Instance) -> Result<(), ProveError> {
    if instance.shared.is_empty() {
        return Ok(());
    }
    let lengths = instance.lengths();
    let missing =
        (0..lengths.len()).filter(|axis| instance.shared.iter().all(|g| !g.axes.contains(axis)));
    let ones: Vec<Group> = missing
        .map(|axis| Group::axis(axis, vec![F::from(1u64); lengths[axis]]))
        .collect();
    let groups: Vec<&Group> = instance.shared.iter().chain(&ones).collect();
    let all = merge(&groups, &lengths).ok_or(PullError::TooLarge(instance.node))?;
    let positions = Tile::new(&lengths, &[]).positions();
    for (position, weight) in positions.into_iter().zip(all.vector.iter()) {
        a[position] *= weight;
    }
    Ok(())
}
