//! Pulling weights back: from a tensor to committed blocks, constants, and contractions.
//!
//! Each step is the transpose of what a node does, so that `<weights, node>` stays the same. Where an
//! einsum is met, the term becomes an [`Instance`] of the contraction sumcheck.

use crate::claim::{BlockTerm, Claim};
use crate::error::PullError;
use crate::layout::Layout;
use crate::limits::MAX_TERMS;
use crate::node::{read, Circuit, Kind, Map};
use crate::weights::{
    lengths, merge, offsets, parts, segments, strides, zeros, Group, Indices, Term,
};
use crate::work::Work;
use std::sync::Arc;
use verifai_field::{from_i64, One, Zero, F};
use verifai_poly::variables;

/// What is left of weights after all linear nodes.
#[derive(Clone, Debug, Default)]
pub struct Pulled {
    /// Constant and linear form.
    pub claim: Claim,
    /// Contractions, in the order in which they are met.
    pub instances: Vec<Instance>,
}

/// `coefficient * sum over (g, k) of A(g, k) B(g, k)` with
/// `A(g, k) = w_g(g) sum_m w_m(m) left`, `B(g, k) = sum_n w_n(n) right`.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The einsum.
    pub node: usize,
    /// The left operand.
    pub left: usize,
    /// The right operand.
    pub right: usize,
    /// The term's coefficient.
    pub coefficient: F,
    /// Axes of the cube: for each its length, its axis in left and in right. First the g axes in
    /// the order of the output, then the k axes in the order of left.
    pub axes: Vec<CubeAxis>,
    /// w_g, over axes of the cube.
    pub shared: Vec<Group>,
    /// w_m, over axes of left.
    pub left_groups: Vec<Group>,
    /// w_n, over axes of right.
    pub right_groups: Vec<Group>,
}

/// An axis of an instance's cube.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CubeAxis {
    /// Real entries.
    pub length: usize,
    /// The axis in the left operand.
    pub left: usize,
    /// The axis in the right operand.
    pub right: usize,
}

impl Instance {
    /// Variables of the cube.
    pub fn variables(&self) -> usize {
        self.axes.iter().map(|a| variables(a.length)).sum()
    }

    /// Real entries of the axes of the cube.
    pub fn lengths(&self) -> Vec<usize> {
        self.axes.iter().map(|a| a.length).collect()
    }

    /// The weights on left and on right that give `A(kappa)` and `B(kappa)`.
    pub fn ends(&self, kappa: &[F], work: &mut Work) -> Result<(Term, Term), PullError> {
        let large = PullError::TooLarge(self.node);
        for group in [&self.shared, &self.left_groups, &self.right_groups]
            .into_iter()
            .flatten()
        {
            let entries = group.vector.len();
            work.spend(entries.saturating_mul(2)).ok_or(large)?;
        }
        for axis in &self.axes {
            work.step(1).ok_or(large)?;
            work.spend(axis.length.saturating_mul(2)).ok_or(large)?;
        }
        let lengths = self.lengths();
        let eqs = Term::eq(&lengths, kappa).groups;
        let mut left = self.left_groups.clone();
        for group in &self.shared {
            let own: Vec<&Group> = group.axes.iter().filter_map(|a| eqs.get(*a)).collect();
            let mut product = merge(&own, &lengths).ok_or(large)?;
            let entries = Arc::make_mut(&mut product.vector);
            for (p, w) in entries.iter_mut().zip(group.vector.iter()) {
                *p *= w;
            }
            left.push(self.moved(&product, &lengths, |a| a.left));
        }
        let shared: Vec<&usize> = self.shared.iter().flat_map(|g| &g.axes).collect();
        let others = eqs
            .iter()
            .filter(|eq| eq.axes.iter().all(|a| !shared.contains(&a)));
        left.extend(others.map(|eq| self.moved(eq, &lengths, |a| a.left)));
        let mut right = self.right_groups.clone();
        right.extend(eqs.iter().map(|eq| self.moved(eq, &lengths, |a| a.right)));
        Ok((Term::of(left), Term::of(right)))
    }

    fn moved(&self, group: &Group, lengths: &[usize], to: impl Fn(&CubeAxis) -> usize) -> Group {
        relabel(group, lengths, |axis| self.axes.get(axis).map_or(0, &to))
    }
}

/// The group under other names of its axes, in ascending order of the new names.
fn relabel(group: &Group, dims: &[usize], name: impl Fn(usize) -> usize) -> Group {
    let names = group.axes.iter().map(|a| name(*a));
    let lengths = lengths(&group.axes, dims);
    let strides = strides(&lengths);
    let mut order: Vec<_> = names
        .zip(0..)
        .zip(lengths.into_iter().zip(strides))
        .collect();
    order.sort_unstable();
    let axes = order.iter().map(|((name, _), _)| *name).collect();
    if order.is_sorted_by_key(|((_, place), _)| *place) {
        let vector = Arc::clone(&group.vector);
        return Group { axes, vector };
    }
    let (lengths, strides): (Vec<usize>, Vec<usize>) = order.into_iter().map(|o| o.1).unzip();
    let places = offsets(&lengths, &strides).take(group.vector.len());
    let vector = places.map(|at| group.vector.get(at).copied().unwrap_or_default());
    Group::new(axes, vector.collect())
}

/// A term on a committed node, as it is on each limb: limbs stand for powers of two.
pub(crate) fn on_limbs(blocks: &[usize], limbs: &[u32], term: &Term) -> Vec<BlockTerm> {
    let mut shift = 0u32;
    let widths = limbs.iter().chain(std::iter::once(&0)); // no limb: one block, as it is
    let terms = blocks.iter().zip(widths).map(|(block, bits)| {
        let power = F::from(1u64.checked_shl(shift).unwrap_or(0));
        shift = shift.saturating_add(*bits);
        BlockTerm {
            block: *block,
            term: term.clone().scaled(power),
            ids: None,
        }
    });
    terms.collect()
}

/// Pulls one term on a node back to committed blocks, constants and instances.
pub fn pullback(
    layout: &Layout,
    node: usize,
    term: Term,
    work: &mut Work,
) -> Result<Pulled, PullError> {
    let circuit = &layout.circuit;
    let mut out = Pulled::default();
    let mut stack = vec![(node, term)];
    let mut steps = 0usize;
    while let Some((at, term)) = stack.pop() {
        steps = steps.saturating_add(1);
        if steps > MAX_TERMS {
            return Err(PullError::TooLarge(node));
        }
        let large = PullError::TooLarge(at);
        work.step(term.groups.len()).ok_or(large)?;
        let here = circuit.node(at).ok_or(PullError::Missing(at))?;
        let blocks = layout.blocks_of(at);
        match &here.kind {
            Kind::Weight { .. } => out.claim.terms.extend(on_limbs(blocks, &[], &term)),
            Kind::Committed { offset, limbs, .. } => {
                work.spend(term.entries()).ok_or(large)?;
                work.step(limbs.len()).ok_or(large)?;
                out.claim.constant += from_i64(*offset) * term.sum();
                out.claim.terms.extend(on_limbs(blocks, limbs, &term));
            }
            Kind::Gather { source, ids } => {
                let first = circuit.dims(*ids).len();
                let term = gather(&term, first, &here.dims, work).ok_or(large)?;
                let block = layout.blocks_of(*source).first().copied();
                out.claim.terms.push(BlockTerm {
                    block: block.ok_or(PullError::Missing(*source))?,
                    term,
                    ids: Some(*ids),
                });
            }
            Kind::View { source, axes, .. } => {
                let dims = circuit.dims(*source);
                let pulled = view(&term, axes, &here.dims, dims, work);
                stack.push((*source, pulled.ok_or(large)?));
            }
            Kind::Reshape { source, .. } => {
                let pulled = reshape(&term, &here.dims, circuit.dims(*source), work);
                stack.push((*source, pulled.ok_or(large)?));
            }
            Kind::Linear { terms, offset, .. } => {
                work.spend(term.entries()).ok_or(large)?;
                out.claim.constant += from_i64(*offset) * term.sum();
                let mut unbatched = None;
                for (coefficient, source) in terms.iter().rev() {
                    work.step(term.groups.len()).ok_or(large)?;
                    let operand = circuit.node(*source).ok_or(PullError::Missing(*source))?;
                    let own = if here.batched && !operand.batched {
                        unbatched.get_or_insert_with(|| without_batch(&term, &here.dims))
                    } else {
                        &term
                    };
                    stack.push((*source, own.clone().scaled(from_i64(*coefficient))));
                }
            }
            Kind::Einsum {
                left,
                right,
                labels,
            } => {
                let instance = contraction(circuit, at, (*left, *right), labels, &term);
                out.instances
                    .push(instance.ok_or(PullError::NotFactored(at))?);
            }
        }
    }
    Ok(out)
}

/// The term with its batch axis summed out and the other axes renumbered.
fn without_batch(term: &Term, dims: &[usize]) -> Term {
    let mut coefficient = term.coefficient;
    let mut groups = Vec::with_capacity(term.groups.len());
    for group in &term.groups {
        let (batch, rest): (Vec<usize>, Vec<usize>) = group.axes.iter().partition(|a| **a == 0);
        let axes: Vec<usize> = rest.iter().map(|a| a.saturating_sub(1)).collect();
        if batch.is_empty() {
            let vector = Arc::clone(&group.vector);
            groups.push(Group { axes, vector });
        } else if rest.is_empty() {
            coefficient *= group.sum();
        } else {
            // the batch axis is the first of its group
            let batch = dims.first().copied().unwrap_or(1).max(1);
            let size = group.vector.len().checked_div(batch).unwrap_or(0);
            let mut vector = vec![F::zero(); size];
            for chunk in group.vector.chunks(size.max(1)) {
                vector.iter_mut().zip(chunk).for_each(|(v, w)| *v += w);
            }
            groups.push(Group::new(axes, vector));
        }
    }
    Term {
        coefficient,
        groups,
    }
}

/// The transpose of a view.
fn view(
    term: &Term,
    maps: &[Map],
    target: &[usize],
    source: &[usize],
    work: &mut Work,
) -> Option<Term> {
    let count = term.groups.len();
    work.step(maps.len())?;
    // members: the groups, then the source axes
    let mut links = Vec::with_capacity(maps.len());
    for (s, map) in maps.iter().enumerate() {
        let mut link = touching(term, &map.axes());
        link.push(count.saturating_add(s));
        links.push(link);
    }
    let mut coefficient = term.coefficient;
    let mut groups = Vec::new();
    for part in parts(count.saturating_add(maps.len()), &links) {
        let own: Vec<&Group> = part.iter().filter_map(|m| term.groups.get(*m)).collect();
        let axes: Vec<usize> = part.iter().filter_map(|m| m.checked_sub(count)).collect();
        let read = axes.iter().filter_map(|a| source.get(*a));
        work.product(read)?;
        let merged = merge_within(&own, target, work)?;
        if axes.is_empty() {
            coefficient *= merged.sum();
            continue;
        }
        let vector = scatter(&merged, &axes, maps, target, source)?;
        groups.push(Group::new(axes, vector));
    }
    Some(Term {
        coefficient,
        groups,
    })
}

/// Weights on the rows that a gather reads: one axis in place of the first `first` ones, row-major.
fn gather(term: &Term, first: usize, dims: &[usize], work: &mut Work) -> Option<Term> {
    let places: Vec<usize> = (0..first).collect();
    let reading = touching(term, &places);
    let own: Vec<&Group> = reading.iter().filter_map(|i| term.groups.get(*i)).collect();
    let merged = merge_within(&own, dims, work)?;
    let moved = |axis: &usize| axis.checked_sub(first).map(|a| a.saturating_add(1));
    let axes = std::iter::once(0).chain(merged.axes.iter().filter_map(moved));
    let mut groups = vec![Group {
        axes: axes.collect(),
        vector: merged.vector,
    }];
    let others = term.groups.iter().enumerate();
    let others = others.filter(|(i, _)| !reading.contains(i));
    groups.extend(others.map(|(_, group)| Group {
        axes: group.axes.iter().filter_map(moved).collect(),
        vector: Arc::clone(&group.vector),
    }));
    Some(Term {
        coefficient: term.coefficient,
        groups,
    })
}

/// The groups that have one of some axes.
fn touching(term: &Term, axes: &[usize]) -> Vec<usize> {
    let groups = term.groups.iter().enumerate();
    let found = groups.filter(|(_, g)| g.axes.iter().any(|a| axes.contains(a)));
    found.map(|(i, _)| i).collect()
}

/// One group of several, paid for before it is made; a single one is shared.
fn merge_within(groups: &[&Group], dims: &[usize], work: &mut Work) -> Option<Group> {
    if let [one] = groups {
        work.spend(one.vector.len())?;
    } else {
        let axes = groups.iter().flat_map(|g| &g.axes);
        work.product(axes.filter_map(|a| dims.get(*a)))?;
    }
    merge(groups, dims)
}

/// Adds each target weight to the source entry that it reads.
fn scatter(
    group: &Group,
    axes: &[usize],
    maps: &[Map],
    target: &[usize],
    source: &[usize],
) -> Option<Vec<F>> {
    let source_lengths = lengths(axes, source);
    let mut out = zeros(&source_lengths)?;
    let target_lengths = lengths(&group.axes, target);
    let own: Vec<&Map> = axes.iter().filter_map(|a| maps.get(*a)).collect();
    let mut index = Indices::new(&target_lengths);
    for weight in group.vector.iter() {
        let flat = read(&own, &source_lengths, &group.axes, index.at());
        if let Some(entry) = flat.and_then(|f| out.get_mut(f)) {
            *entry += weight;
        }
        index.advance();
    }
    Some(out)
}

/// The transpose of a reshape: the vectors stay, the axes get other names.
fn reshape(term: &Term, target: &[usize], source: &[usize], work: &mut Work) -> Option<Term> {
    work.step(source.len())?;
    let long = |dims: &[usize]| -> Vec<usize> {
        (0..dims.len())
            .filter(|a| dims.get(*a) != Some(&1))
            .collect()
    };
    let (to, from) = (long(target), long(source));
    let segments = segments(&to, target, &from, source);
    let count = term.groups.len();
    let mut links = Vec::with_capacity(segments.len());
    for (s, (axes, _)) in segments.iter().enumerate() {
        let mut link = touching(term, axes);
        link.push(count.saturating_add(s));
        links.push(link);
    }
    let mut coefficient = term.coefficient;
    let mut groups: Vec<Group> = Vec::new();
    for part in parts(count.saturating_add(segments.len()), &links) {
        let own: Vec<&Group> = part.iter().filter_map(|m| term.groups.get(*m)).collect();
        let merged = merge_within(&own, target, work)?;
        let mut axes: Vec<usize> = part
            .iter()
            .filter_map(|m| m.checked_sub(count))
            .filter_map(|s| segments.get(s))
            .flat_map(|s| s.1.clone())
            .collect();
        axes.sort_unstable();
        if axes.is_empty() {
            coefficient *= merged.sum(); // axes of one entry only
        } else {
            let vector = merged.vector;
            groups.push(Group { axes, vector });
        }
    }
    let ones = (0..source.len()).filter(|a| !from.contains(a));
    groups.extend(ones.map(|axis| Group::axis(axis, vec![F::one()])));
    Some(Term {
        coefficient,
        groups,
    })
}

/// The instance of a term on an einsum; `None` if a group mixes classes.
fn contraction(
    circuit: &Circuit,
    node: usize,
    (left, right): (usize, usize),
    [l, r, o]: &[String; 3],
    term: &Term,
) -> Option<Instance> {
    let (left_dims, out_dims) = (circuit.dims(left), circuit.dims(node));
    let shared = o.chars().filter(|x| l.contains(*x) && r.contains(*x));
    let summed = l.chars().filter(|x| !o.contains(*x));
    let cube: String = shared.chain(summed).collect();
    let axis = |letter| {
        let (left, right) = (l.find(letter)?, r.find(letter)?);
        let length = *left_dims.get(left)?;
        Some(CubeAxis {
            length,
            left,
            right,
        })
    };
    let mut instance = Instance {
        node,
        left,
        right,
        coefficient: term.coefficient,
        axes: cube.chars().map(axis).collect::<Option<_>>()?,
        shared: Vec::new(),
        left_groups: Vec::new(),
        right_groups: Vec::new(),
    };
    for group in &term.groups {
        let letter = |axis: usize| o.chars().nth(axis);
        let letters: Vec<char> = group.axes.iter().filter_map(|a| letter(*a)).collect();
        let within = |label: &str| letters.iter().all(|x| label.contains(*x));
        let apart = |label: &str| letters.iter().all(|x| !label.contains(*x));
        let (groups, label) = if within(l) && within(r) {
            (&mut instance.shared, &cube)
        } else if within(l) && apart(r) {
            (&mut instance.left_groups, l)
        } else if within(r) && apart(l) {
            (&mut instance.right_groups, r)
        } else {
            return None;
        };
        let name = |axis| letter(axis).and_then(|x| label.find(x)).unwrap_or_default();
        groups.push(relabel(group, out_dims, name));
    }
    Some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indices of which a part leaves 64 bits, or even wraps to the right remainder, while the whole
    /// is small: `docs/protocol.md` has integers, and so has the verifier in Python.
    #[test]
    fn indices_are_integers() {
        const FAR: i64 = 1 << 61;
        let dims = [9, 9];
        let vector: Vec<F> = (0..81u64).map(|i| F::from(1 + i * i)).collect();
        let term = Term {
            coefficient: F::one(),
            groups: vec![Group::new(vec![0, 1], vector.clone())],
        };
        // at 2^62 - 1 + (2^62 - 1) (i - j) lies entry 0 where j = i + 1, at 2^61 (i - j) where j = i
        for (offset, coefficient, above) in [(0, FAR, 0), (2 * FAR - 1, 2 * FAR - 1, 1)] {
            let map = Map::Affine {
                offset,
                terms: vec![(0, coefficient), (1, -coefficient)],
            };
            let read = (0..9 - above).map(|i| vector[9 * i + i + above]).sum();
            let pulled = view(&term, &[map], &dims, &[1], &mut Work::unlimited()).unwrap();
            assert_eq!(pulled.groups.len(), 1);
            assert_eq!(*pulled.groups[0].vector, [read]);
        }
    }
}
