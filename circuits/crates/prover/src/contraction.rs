//! The sumcheck of einsums.

use crate::error::ProveError;
use crate::interrupt::Interrupt;
use crate::values::{Integers, Values};
use rayon::prelude::*;
use verifai_field::{OffsetInner, Zero, F};
use verifai_poly::variables;
use verifai_sumcheck::{Product, Products};
use verifai_table::layout::TRIPLE;
use verifai_table::pullback::{CubeAxis, Instance};
use verifai_table::weights::{merge, Group, Term};
use verifai_table::{Circuit, PullError, Tile, Work};
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
        let left = table(
            circuit,
            values,
            instance,
            instance.left,
            &instance.left_groups,
            |a| a.left,
        )?;
        let right = table(
            circuit,
            values,
            instance,
            instance.right,
            &instance.right_groups,
            |a| a.right,
        )?;
        let mut product = Product { a: left, b: right };
        share(&mut product.a, instance)?;
        products.push((product, *coefficient));
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
    let mut strides = vec![1usize; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    let free = merge(&groups.iter().collect::<Vec<_>>(), dims).ok_or(PullError::TooLarge(node))?;
    let mut offsets = vec![0usize];
    for axis in &free.axes {
        let along = strides[*axis];
        offsets = offsets
            .iter()
            .flat_map(|o| (0..dims[*axis]).map(move |i| o + i * along))
            .collect();
    }
    let lengths = instance.lengths();
    let cube = Tile::new(&lengths, &[]);
    let positions = cube.positions();
    // where the entry of the cube lies in the node
    let mut places = vec![0usize];
    for axis in &instance.axes {
        let along = strides[side(axis)];
        places = places
            .iter()
            .flat_map(|p| (0..axis.length).map(move |i| p + i * along))
            .collect();
    }
    let total = free.sum();
    let sums = match values.integers(node) {
        Integers::Small(values) => sums(values, &places, &offsets, &free.vector, total),
        Integers::Wide(values) => sums(values, &places, &offsets, &free.vector, total),
    };
    let mut out = vec![F::zero(); cube.size()];
    for (position, sum) in positions.into_iter().zip(sums) {
        out[position] = sum;
    }
    debug_assert_eq!(
        out.len(),
        1 << lengths.iter().map(|n| variables(*n)).sum::<usize>()
    );
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

/// The terms of both claims that evaluations make; see [`Instance::ends`].
pub(crate) fn evaluations(instance: &Instance, kappa: &[F]) -> Result<(Term, Term), PullError> {
    let own = kappa.len().saturating_sub(instance.variables());
    instance.ends(kappa.get(own..).unwrap_or_default(), &mut Work::unlimited())
}
