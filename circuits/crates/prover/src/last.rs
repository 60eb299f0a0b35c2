//! The sumcheck that joins all claims: `sum over the address space of L(x) w(x)`.

use crate::interrupt::{Interrupt, Interrupted};
use crate::space::Space;
use rayon::prelude::*;
use verifai_commitment::Row;
use verifai_field::{from_i64, SmallInner, Zero, F};
use verifai_poly::bind;
use verifai_table::{BlockTerm, Claim, Layout, Term};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{LAST, R, VALUE};

/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 11;

/// All weights as one vector.
pub(crate) fn dense(layout: &Layout, claim: &Claim) -> Vec<F> {
    let mut out = vec![F::zero(); 1 << layout.variables];
    let mut by_block: Vec<Vec<&Term>> = vec![Vec::new(); layout.blocks.len()];
    for BlockTerm { block, term } in &claim.terms {
        by_block[*block].push(term);
    }
    // blocks do not overlap: cut the space at their bases
    let mut order: Vec<usize> = (0..layout.blocks.len())
        .filter(|b| !by_block[*b].is_empty())
        .collect();
    order.sort_by_key(|b| layout.blocks[*b].base);
    let mut pieces = Vec::with_capacity(order.len());
    let (mut rest, mut at) = (out.as_mut_slice(), 0usize);
    for block in order {
        let (base, size) = (layout.blocks[block].base, layout.blocks[block].shape.size());
        let (_, after) = rest.split_at_mut(base - at);
        let (own, after) = after.split_at_mut(size);
        pieces.push((block, own));
        rest = after;
        at = base + size;
    }
    pieces.into_par_iter().for_each(|(block, own)| {
        let shape = &layout.blocks[block].shape;
        let strides = shape.strides();
        for term in &by_block[block] {
            scatter(term, shape.dims(), &strides, own);
        }
    });
    out
}

/// Adds a term at its positions.
fn scatter(term: &Term, dims: &[usize], strides: &[usize], out: &mut [F]) {
    let mut lists: Vec<Vec<(usize, F)>> = term
        .groups
        .iter()
        .map(|group| {
            let mut offsets = vec![0usize];
            for axis in &group.axes {
                let along = strides[*axis];
                offsets = offsets
                    .iter()
                    .flat_map(|o| (0..dims[*axis]).map(move |i| o + i * along))
                    .collect();
            }
            offsets
                .into_iter()
                .zip(group.vector.iter().copied())
                .collect()
        })
        .collect();
    // the longest list innermost
    lists.sort_by_key(Vec::len);
    let inner = lists.pop().unwrap_or_else(|| vec![(0, F::from(1u64))]);
    let mut outer = vec![(0usize, term.coefficient)];
    for list in &lists {
        outer = outer
            .iter()
            .flat_map(|(o, w)| list.iter().map(move |(p, v)| (o + p, *w * v)))
            .collect();
    }
    for (o, w) in outer {
        for (p, v) in &inner {
            out[o + p] += w * v;
        }
    }
}

/// Sends all rounds and the value; returns the point and the value.
pub(crate) fn prove(
    layout: &Layout,
    mut weights: Vec<F>,
    space: &Space,
    pads: &[F],
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<(Vec<F>, F), Interrupted> {
    let mut point = Vec::with_capacity(layout.variables);
    let mut pads = pads.chunks_exact(2);
    let mut round = |message: (F, F)| {
        let mut message = [message.0, message.1];
        if let Some(pads) = pads.next() {
            message.iter_mut().zip(pads).for_each(|(m, p)| *m += p);
        }
        writer.send(LAST, &message);
        let r = writer.challenge(R);
        point.push(r);
        r
    };
    let mut vector = if layout.log_rows() == 0 {
        let mut vector = vec![F::zero(); 1 << layout.log_columns];
        fill(space.rows().first().and_then(Option::as_ref), &mut vector);
        vector
    } else {
        let r = round(first_round(layout, &weights, space));
        let vector = first_bind(layout, space, r);
        bind(&mut weights, r);
        vector
    };
    while vector.len() > 1 {
        interrupt.check()?;
        let r = round(halves(&weights, &vector));
        rayon::join(|| bind(&mut weights, r), || bind(&mut vector, r));
    }
    let y = vector[0];
    writer.send(VALUE, &[y]);
    Ok((point, y))
}

fn halves(a: &[F], b: &[F]) -> (F, F) {
    let half = a.len() / 2;
    let part = |range: std::ops::Range<usize>| {
        range.fold((F::zero(), F::zero()), |(zero, two), i| {
            let (a0, b0) = (a[i], b[i]);
            let (a2, b2) = (
                a[i + half] + a[i + half] - a0,
                b[i + half] + b[i + half] - b0,
            );
            (zero + a0 * b0, two + a2 * b2)
        })
    };
    (0..half.div_ceil(PARALLEL))
        .into_par_iter()
        .map(|c| part(c * PARALLEL..half.min((c + 1) * PARALLEL)))
        .reduce(|| (F::zero(), F::zero()), |x, y| (x.0 + y.0, x.1 + y.1))
}

/// A row in the field.
fn fill(row: Option<&Row>, out: &mut [F]) {
    match row {
        None => {}
        Some(Row::Small(v)) => out
            .iter_mut()
            .zip(v)
            .for_each(|(o, v)| *o = from_i64(i64::from(*v))),
        Some(Row::Field(v)) => out.iter_mut().zip(v).for_each(|(o, v)| *o = *v),
    }
}

/// The first round reads integers: products of a small integer and a field element, reduced once.
fn first_round(layout: &Layout, weights: &[F], space: &Space) -> (F, F) {
    let rows = space.rows();
    let half = rows.len() / 2;
    let columns = 1usize << layout.log_columns;
    let add = |x: (F, F), y: (F, F)| (x.0 + y.0, x.1 + y.1);
    (0..half)
        .into_par_iter()
        .map(|i| {
            let (low, high) = (rows[i].as_ref(), rows[i + half].as_ref());
            let l0 = &weights[i * columns..(i + 1) * columns];
            let l1 = &weights[(i + half) * columns..(i + half + 1) * columns];
            match (low, high) {
                (None, None) => (F::zero(), F::zero()),
                (Some(Row::Field(_)), _) | (_, Some(Row::Field(_))) => {
                    let (mut w0, mut w1) = (vec![F::zero(); columns], vec![F::zero(); columns]);
                    fill(low, &mut w0);
                    fill(high, &mut w1);
                    (0..columns).fold((F::zero(), F::zero()), |(zero, two), j| {
                        let (l, w) = (l1[j] + l1[j] - l0[j], w1[j] + w1[j] - w0[j]);
                        (zero + l0[j] * w0[j], two + l * w)
                    })
                }
                _ => {
                    let at = |row: Option<&Row>, j: usize| match row {
                        Some(Row::Small(v)) => i64::from(v[j]),
                        _ => 0,
                    };
                    let (mut zero, mut two) = (SmallInner::default(), SmallInner::default());
                    for j in 0..columns {
                        let (w0, w1) = (at(low, j), at(high, j));
                        zero.add(w0, &l0[j]);
                        two.add(2 * w1 - w0, &(l1[j] + l1[j] - l0[j]));
                    }
                    (zero.finish(), two.finish())
                }
            }
        })
        .reduce(|| (F::zero(), F::zero()), add)
}

/// The vector after the first variable is bound.
fn first_bind(layout: &Layout, space: &Space, r: F) -> Vec<F> {
    let rows = space.rows();
    let half = rows.len() / 2;
    let columns = 1usize << layout.log_columns;
    let mut out = vec![F::zero(); half * columns];
    out.par_chunks_mut(columns)
        .enumerate()
        .for_each(|(i, out)| {
            let (low, high) = (rows[i].as_ref(), rows[i + half].as_ref());
            if low.is_none() && high.is_none() {
                return;
            }
            fill(low, out);
            match high {
                Some(Row::Field(v)) => out.iter_mut().zip(v).for_each(|(o, h)| *o += r * (*h - *o)),
                Some(Row::Small(v)) => {
                    out.iter_mut()
                        .zip(v)
                        .for_each(|(o, h)| *o += r * (from_i64(i64::from(*h)) - *o));
                }
                None => out.iter_mut().for_each(|o| *o -= r * *o),
            }
        });
    out
}
