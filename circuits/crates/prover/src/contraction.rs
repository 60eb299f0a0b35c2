//! The sumcheck of einsums.

use crate::interrupt::Interrupt;
use crate::prove::ProveError;
use crate::values::Values;
use rayon::prelude::*;
use verifai_field::{from_i64, inner_product, AdditiveGroup, Field, SmallInner, Zero, F};
use verifai_poly::{bind, variables};
use verifai_table::layout::TRIPLE;
use verifai_table::pull::{CubeAxis, Instance};
use verifai_table::weights::{merge, Group, Term};
use verifai_table::{Box, Circuit, PullError, Work};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{CONTRACTION, ENDS, KAPPA};

/// Entries of the cube that one thread sums at a time.
const CHUNK: usize = 1 << 8;
/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 10;

/// One instance with its tables A and B.
struct Pair {
    a: Vec<F>,
    b: Vec<F>,
    coefficient: F,
    variables: usize,
    /// sum of A B, while the instance waits.
    sum: F,
}

/// Sends all rounds and the ends, with pads and triples where the proof hides; returns the point and
/// the ends as sent.
pub(crate) fn prove(
    circuit: &Circuit,
    values: &Values,
    instances: &[(Instance, F)],
    hidden: (&[F], &[F]),
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<(Vec<F>, Vec<F>), ProveError> {
    let (pads, triples) = hidden;
    let rounds = instances.iter().map(|i| i.0.variables()).max().unwrap_or(0);
    let mut pairs = Vec::with_capacity(instances.len());
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
        let mut pair = Pair {
            a: left,
            b: right,
            coefficient: *coefficient,
            variables: instance.variables(),
            sum: F::zero(),
        };
        share(&mut pair.a, instance)?;
        if pair.variables < rounds {
            pair.sum = inner_product(&pair.a, &pair.b);
        }
        pairs.push(pair);
    }
    let mut point = Vec::with_capacity(rounds);
    for round in 0..rounds {
        interrupt.check()?;
        let (mut zero, mut two) = (F::zero(), F::zero());
        for pair in &pairs {
            let waiting = rounds - pair.variables;
            let (s0, s2) = if round < waiting {
                let constant = pair.sum * from_i64(2).pow([(waiting - round - 1) as u64]);
                (constant, constant)
            } else {
                halves(&pair.a, &pair.b)
            };
            zero += pair.coefficient * s0;
            two += pair.coefficient * s2;
        }
        if let [zero_pad, two_pad] = pads.get(2 * round..2 * round + 2).unwrap_or_default() {
            zero += zero_pad;
            two += two_pad;
        }
        writer.send(CONTRACTION, &[zero, two]);
        let kappa = writer.challenge(KAPPA);
        for pair in &mut pairs {
            if round >= rounds - pair.variables {
                bind(&mut pair.a, kappa);
                bind(&mut pair.b, kappa);
            }
        }
        point.push(kappa);
    }
    let mut ends: Vec<F> = pairs.iter().flat_map(|p| [p.a[0], p.b[0]]).collect();
    for (pair, triple) in ends.chunks_exact_mut(2).zip(triples.chunks_exact(TRIPLE)) {
        pair[0] += triple[0];
        pair[1] += triple[1];
    }
    if !ends.is_empty() {
        writer.send(ENDS, &ends);
    }
    Ok((point, ends))
}

/// `s(0)` and `s(2)` of `sum A B` over the first variable.
fn halves(a: &[F], b: &[F]) -> (F, F) {
    let half = a.len() / 2;
    let part = |range: std::ops::Range<usize>| {
        range.fold((F::zero(), F::zero()), |(zero, two), i| {
            let (a0, b0) = (a[i], b[i]);
            let (a2, b2) = (a[i + half].double() - a0, b[i + half].double() - b0);
            (zero + a0 * b0, two + a2 * b2)
        })
    };
    (0..half.div_ceil(PARALLEL))
        .into_par_iter()
        .map(|c| part(c * PARALLEL..half.min((c + 1) * PARALLEL)))
        .reduce(|| (F::zero(), F::zero()), |x, y| (x.0 + y.0, x.1 + y.1))
}

/// `sum over the free axes of weights * node` on the cube, zero on padding.
fn table(
    circuit: &Circuit,
    values: &Values,
    instance: &Instance,
    node: usize,
    groups: &[Group],
    side: impl Fn(&CubeAxis) -> usize,
) -> Result<Vec<F>, ProveError> {
    let dims = circuit.dims(node);
    let values = values.node(node);
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
    let cube = Box::new(&lengths, &[]);
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
    let sums: Vec<F> = places
        .par_chunks(CHUNK)
        .flat_map_iter(|places| {
            let mut sums = vec![SmallInner::default(); places.len()];
            for (offset, weight) in offsets.iter().zip(free.vector.iter()) {
                for (sum, place) in sums.iter_mut().zip(places) {
                    sum.add(values[place + offset], weight);
                }
            }
            sums.into_iter().map(|s| s.finish())
        })
        .collect();
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
    let positions = Box::new(&lengths, &[]).positions();
    for (position, weight) in positions.into_iter().zip(all.vector.iter()) {
        a[position] *= weight;
    }
    Ok(())
}

/// Both end claims' terms; see [`Instance::ends`].
pub(crate) fn ends(instance: &Instance, kappa: &[F]) -> Result<(Term, Term), PullError> {
    let own = kappa.len().saturating_sub(instance.variables());
    instance.ends(kappa.get(own..).unwrap_or_default(), &mut Work::unlimited())
}
