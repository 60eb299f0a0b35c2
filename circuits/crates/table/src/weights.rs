//! Weights on a tensor: a sum of terms, each a product over groups of axes.

use crate::limits::MAX_GROUP;
use crate::tiles::Tile;
use std::collections::BTreeSet;
use std::sync::Arc;
use verifai_field::{One, Zero, F};
use verifai_poly::{eq_at, eq_table_real, variables};

/// A vector over some axes, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// A weight for each tuple of indices. Shared: a term that reaches a block in many ways has one.
    pub vector: Arc<Vec<F>>,
}

/// `coefficient * product of the groups`; the groups partition the axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The coefficient.
    pub coefficient: F,
    /// The groups.
    pub groups: Vec<Group>,
}

impl Group {
    /// A group of one axis.
    pub fn axis(axis: usize, vector: Vec<F>) -> Self {
        Self::new(vec![axis], vector)
    }

    /// A group of ascending axes.
    pub fn new(axes: Vec<usize>, vector: Vec<F>) -> Self {
        Self {
            axes,
            vector: Arc::new(vector),
        }
    }

    /// The sum of its weights.
    pub fn sum(&self) -> F {
        self.vector.iter().sum()
    }
}

impl Term {
    /// A product of groups.
    pub fn of(groups: Vec<Group>) -> Self {
        Self {
            coefficient: F::one(),
            groups,
        }
    }

    /// eq at a point with bits(d) coordinates per axis, on real indices.
    pub fn eq(dims: &[usize], point: &[F]) -> Self {
        let mut rest = point;
        let groups = dims.iter().enumerate().map(|(axis, d)| {
            let (own, after) = rest.split_at_checked(variables(*d)).unwrap_or((rest, &[]));
            rest = after;
            Group::axis(axis, eq_table_real(own, *d))
        });
        Self::of(groups.collect())
    }

    /// eq at a point of the space that a tile lies in, on the tile's real positions: outer axes in one
    /// group, inner axes one group each.
    pub fn eq_tile(shape: &Tile, base: usize, point: &[F]) -> Self {
        let inner = shape.inner();
        let (high, mut low) = point
            .split_at_checked(point.len().saturating_sub(inner))
            .unwrap_or((point, &[]));
        let first = shift_right(base, inner);
        let outer = shape.outer_axes();
        let mut groups = Vec::new();
        let mut coefficient = F::one();
        if outer.is_empty() {
            coefficient = eq_at(high, first);
        } else {
            let vector = eq_range(high, first, shape.outer_size());
            groups.push(Group::new(outer, vector));
        }
        for (axis, bits) in shape.inner_axes() {
            let (own, after) = low.split_at_checked(bits).unwrap_or((low, &[]));
            low = after;
            let real = shape.dims().get(axis).copied().unwrap_or(1);
            groups.push(Group::axis(axis, eq_table_real(own, real)));
        }
        Self {
            coefficient,
            groups,
        }
    }

    /// The sum of all weights.
    pub fn sum(&self) -> F {
        self.groups
            .iter()
            .fold(self.coefficient, |product, g| product * g.sum())
    }

    /// Entries of all its groups.
    pub fn entries(&self) -> usize {
        let lengths = self.groups.iter().map(|g| g.vector.len());
        lengths.fold(0, usize::saturating_add)
    }

    /// The same term, scaled.
    #[must_use]
    pub fn scaled(mut self, factor: F) -> Self {
        self.coefficient *= factor;
        self
    }
}

/// `position >> bits`, zero when all bits are gone.
pub(crate) fn shift_right(position: usize, bits: usize) -> usize {
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
    position.checked_shr(bits).unwrap_or(0)
}

/// eq(point, first + i) for i < count.
pub(crate) fn eq_range(point: &[F], first: usize, count: usize) -> Vec<F> {
    // one table over the low variables that the range spans, and eq of what lies above
    let span = variables(count).min(point.len());
    let (high, low) = point
        .split_at_checked(point.len().saturating_sub(span))
        .unwrap_or((&[], point));
    let table = eq_table_real(low, usize::MAX);
    let size = table.len().max(1);
    let mut out = Vec::with_capacity(count.min(MAX_GROUP));
    let mut chunk = usize::MAX;
    let mut above = F::zero();
    for i in 0..count {
        let at = first.saturating_add(i);
        let (q, r) = (
            at.checked_div(size).unwrap_or(0),
            at.checked_rem(size).unwrap_or(0),
        );
        if q != chunk {
            chunk = q;
            above = eq_at(high, q);
        }
        out.push(above * table.get(r).copied().unwrap_or_default());
    }
    out
}

/// The lengths of some axes.
pub(crate) fn lengths(axes: &[usize], dims: &[usize]) -> Vec<usize> {
    let length = |axis: &usize| dims.get(*axis).copied().unwrap_or(1);
    axes.iter().map(length).collect()
}

/// The strides of a row-major tensor.
pub fn strides(lengths: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; lengths.len()];
    let mut stride = 1usize;
    for (own, length) in strides.iter_mut().zip(lengths).rev() {
        *own = stride;
        stride = stride.saturating_mul(*length);
    }
    strides
}

/// Zeros for a tensor of these lengths; `None` if it is too large.
pub(crate) fn zeros(lengths: &[usize]) -> Option<Vec<F>> {
    let size = lengths.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    let size = size.filter(|n| *n <= MAX_GROUP)?;
    Some(vec![F::zero(); size])
}

/// The outer product of groups over distinct axes, as one group; `None` if it is too large.
pub fn merge(groups: &[&Group], dims: &[usize]) -> Option<Group> {
    if let [one] = groups {
        return Some((*one).clone());
    }
    let axes: BTreeSet<usize> = groups.iter().flat_map(|g| g.axes.iter().copied()).collect();
    let axes: Vec<usize> = axes.into_iter().collect();
    let all = lengths(&axes, dims);
    let mut vector = zeros(&all)?;
    vector.fill(F::one());
    for group in groups {
        let own = strides(&lengths(&group.axes, dims));
        // the stride of this group along each merged axis
        let along = axes.iter().map(|a| {
            let place = group.axes.iter().position(|b| b == a);
            place.and_then(|p| own.get(p)).copied().unwrap_or(0)
        });
        let along: Vec<usize> = along.collect();
        for (value, at) in vector.iter_mut().zip(offsets(&all, &along)) {
            *value *= group.vector.get(at).copied().unwrap_or_default();
        }
    }
    Some(Group::new(axes, vector))
}

/// A row-major counter.
pub(crate) struct Indices<'a> {
    lengths: &'a [usize],
    at: Vec<usize>,
}

impl<'a> Indices<'a> {
    pub(crate) fn new(lengths: &'a [usize]) -> Self {
        Self {
            lengths,
            at: vec![0; lengths.len()],
        }
    }

    pub(crate) fn at(&self) -> &[usize] {
        &self.at
    }

    pub(crate) fn dot(&self, strides: &[usize]) -> usize {
        let pairs = self.at.iter().zip(strides);
        pairs.fold(0, |sum, (i, s)| sum.saturating_add(i.saturating_mul(*s)))
    }

    pub(crate) fn advance(&mut self) {
        for (i, length) in self.at.iter_mut().zip(self.lengths).rev() {
            *i = i.saturating_add(1);
            if *i < *length {
                return;
            }
            *i = 0;
        }
    }
}

/// Where the entries of a tensor lie under some strides, row-major; begins anew at the end.
pub(crate) fn offsets<'a>(
    lengths: &'a [usize],
    strides: &'a [usize],
) -> impl Iterator<Item = usize> + 'a {
    let mut index = Indices::new(lengths);
    std::iter::repeat_with(move || {
        let at = index.dot(strides);
        index.advance();
        at
    })
}

/// The partition that joins whatever shares a member: `links` are sets of members below `count`.
/// Returns the members of each part, ascending; parts are ordered by their least member.
pub(crate) fn parts(count: usize, links: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut label: Vec<usize> = (0..count).collect();
    for link in links {
        let labels: BTreeSet<usize> = link.iter().filter_map(|m| label.get(*m)).copied().collect();
        if let Some(least) = labels.first().copied() {
            for l in &mut label {
                if labels.contains(l) {
                    *l = least;
                }
            }
        }
    }
    let mut out: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    for (member, l) in label.into_iter().enumerate() {
        out.entry(l).or_default().push(member);
    }
    out.into_values().collect()
}

/// The finest runs of target and source axes with equal numbers of elements; axes of one entry are
/// left out.
pub(crate) fn segments(
    to: &[usize],
    target: &[usize],
    from: &[usize],
    source: &[usize],
) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut out = Vec::new();
    let (mut to, mut from) = (
        to.iter().copied().peekable(),
        from.iter().copied().peekable(),
    );
    while to.peek().is_some() || from.peek().is_some() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let (mut p, mut q) = (1usize, 1usize);
        loop {
            if p <= q && to.peek().is_some() && (p < q || a.is_empty()) {
                let axis = to.next().unwrap_or_default();
                p = p.saturating_mul(target.get(axis).copied().unwrap_or(1));
                a.push(axis);
            } else if q < p && from.peek().is_some() {
                let axis = from.next().unwrap_or_default();
                q = q.saturating_mul(source.get(axis).copied().unwrap_or(1));
                b.push(axis);
            } else {
                break;
            }
        }
        if a.is_empty() && b.is_empty() {
            break; // cannot happen: both shapes have the same number of elements
        }
        out.push((a, b));
    }
    out
}
