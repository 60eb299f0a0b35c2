//! The positions of a term in a block, in the order of addresses.

use std::ops::Range;
use verifai_field::{One, Zero, F};
use verifai_table::{Group, Term, Tile};

/// An axis of more than one entry.
#[derive(Debug)]
struct Level {
    /// Addresses from one index to the next: all lower levels lie within.
    stride: usize,
    dim: usize,
    /// Whether it lies in the part whose strides are powers of two.
    inner: bool,
    /// The group that the axis is in.
    group: usize,
    /// Entries of the group's vector from one index to the next.
    along: usize,
    /// Whether no lower level is in the group.
    ends: bool,
}

/// A term on the tile that it has weights on.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    levels: Vec<Level>,
    vectors: Vec<&'a [F]>,
    coefficient: F,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(term: &'a Term, shape: &Tile) -> Self {
        Self::over(term, shape, shape.dims(), |weights| &weights.vector)
    }

    /// Entry `t` of the term's axis 0, which has `count` of them, on one row of the tile: positions are
    /// counted from where the row begins.
    pub(crate) fn row(term: &'a Term, shape: &Tile, t: usize, count: usize) -> Self {
        let one = shape.clone().with_rows(1);
        Self::over(term, shape, one.dims(), |weights| {
            if weights.axes.first() != Some(&0) {
                return &weights.vector;
            }
            let length = weights.vector.len() / count;
            &weights.vector[t * length..][..length]
        })
    }

    /// A part of each group's vector on a tensor of these dims, which lies as the tile says.
    fn over(
        term: &'a Term,
        shape: &Tile,
        dims: &[usize],
        part: impl Fn(&'a Group) -> &'a [F],
    ) -> Self {
        let (strides, outer) = (shape.strides(), shape.outer_axes());
        let mut levels = Vec::with_capacity(dims.len());
        let mut vectors = Vec::with_capacity(term.groups.len());
        let mut coefficient = term.coefficient;
        for (group, weights) in term.groups.iter().enumerate() {
            vectors.push(part(weights));
            let mut along = 1;
            for axis in weights.axes.iter().rev().filter(|a| dims[**a] > 1) {
                levels.push(Level {
                    stride: strides[*axis],
                    dim: dims[*axis],
                    inner: !outer.contains(axis),
                    group,
                    along,
                    ends: false,
                });
                along *= dims[*axis];
            }
            if along == 1 {
                coefficient *= vectors[group][0];
            }
        }
        levels.sort_by_key(|l| std::cmp::Reverse(l.stride));
        for group in 0..term.groups.len() {
            if let Some(last) = levels.iter_mut().rev().find(|l| l.group == group) {
                last.ends = true;
            }
        }
        Self {
            levels,
            vectors,
            coefficient,
        }
    }

    /// Positions that have a weight.
    pub(crate) fn positions(&self) -> usize {
        self.levels.iter().map(|l| l.dim).product()
    }

    /// Addresses from the first position to the last.
    pub(crate) fn width(&self) -> usize {
        width(&self.levels)
    }

    /// Calls `f` with each position in the range, counted from the block's base, and its weight.
    pub(crate) fn each(&self, range: &Range<usize>, f: &mut impl FnMut(usize, F)) {
        let mut index = vec![0; self.vectors.len()];
        self.visit(&self.levels, 0, self.coefficient, &mut index, range, f);
    }

    fn visit(
        &self,
        levels: &[Level],
        at: usize,
        weight: F,
        index: &mut [usize],
        range: &Range<usize>,
        f: &mut impl FnMut(usize, F),
    ) {
        let Some((level, lower)) = levels.split_first() else {
            return f(at, weight);
        };
        let before = range.start.saturating_sub(at);
        // what lies lower may reach into the range from an index ahead of it
        let first = if lower.is_empty() {
            before.div_ceil(level.stride)
        } else {
            before / level.stride
        };
        let end = level
            .dim
            .min(range.end.saturating_sub(at).div_ceil(level.stride));
        let (vector, start) = (self.vectors[level.group], index[level.group]);
        for i in first..end {
            let (at, entry) = (at + i * level.stride, start + i * level.along);
            let weight = if level.ends {
                weight * vector[entry]
            } else {
                weight
            };
            if lower.is_empty() {
                f(at, weight);
            } else {
                index[level.group] = entry;
                self.visit(lower, at, weight, index, range, f);
            }
        }
        index[level.group] = start;
    }

    /// The uppermost level from which on all levels lie within an aligned run of `columns` addresses and
    /// share no group with the levels above.
    fn cut(&self, columns: usize) -> usize {
        let fits = |from: &usize| {
            let (upper, lower) = self.levels.split_at(*from);
            let within = |l: &Level| l.inner && l.stride * l.dim.next_power_of_two() <= columns;
            let apart = |u: &Level| lower.iter().all(|l| l.group != u.group);
            lower.first().is_none_or(within) && upper.iter().all(apart)
        };
        let all = self.levels.len();
        (0..all).find(fits).unwrap_or(all)
    }

    /// How many runs of at most `columns` addresses the term has the same weights on, up to a factor, and
    /// how long they are.
    pub(crate) fn runs(&self, columns: usize) -> (usize, usize) {
        let (upper, lower) = self.levels.split_at(self.cut(columns));
        (upper.iter().map(|l| l.dim).product(), width(lower))
    }

    /// These runs: where each begins with its factor, and the weights within.
    pub(crate) fn split(&self, columns: usize) -> (Vec<(usize, F)>, Vec<F>) {
        let (upper, lower) = self.levels.split_at(self.cut(columns));
        let mut index = vec![0; self.vectors.len()];
        let all = 0..usize::MAX;
        let mut runs = Vec::new();
        let mut keep = |at, weight| runs.push((at, weight));
        self.visit(upper, 0, self.coefficient, &mut index, &all, &mut keep);
        let mut weights = vec![F::zero(); width(lower)];
        let mut put = |at: usize, weight| weights[at] = weight;
        self.visit(lower, 0, F::one(), &mut index, &all, &mut put);
        (runs, weights)
    }
}

/// Addresses from the first position of some levels to the last.
fn width(levels: &[Level]) -> usize {
    levels.iter().map(|l| l.stride * (l.dim - 1)).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `coefficient prod vector[index]` at each position, from the indices of all axes.
    fn expected(term: &Term, shape: &Tile) -> Vec<(usize, F)> {
        let dims = shape.dims();
        let mut out: Vec<(usize, F)> = (0..shape.real())
            .map(|mut rest| {
                let mut at = vec![0; dims.len()];
                for (i, d) in at.iter_mut().zip(dims).rev() {
                    (*i, rest) = (rest % d, rest / d);
                }
                let position = at.iter().zip(shape.strides()).map(|(i, s)| i * s).sum();
                let weight = term.groups.iter().fold(term.coefficient, |product, group| {
                    let index = group.axes.iter().fold(0, |n, a| n * dims[*a] + at[*a]);
                    product * group.vector[index]
                });
                (position, weight)
            })
            .collect();
        out.sort_by_key(|entry| entry.0);
        out
    }

    #[test]
    fn rows_of_a_tile_have_the_weights_of_their_entries() {
        for (dims, outer) in [
            (vec![8, 6], vec![]),
            (vec![8, 6], vec![1]),
            (vec![5, 3, 4], vec![1]),
        ] {
            let (shape, count) = (Tile::new(&dims, &outer), 3);
            let mut axes: Vec<usize> = (0..dims.len()).collect();
            let lengths = [count].into_iter().chain(dims[1..].iter().copied());
            let groups = lengths.map(|length| {
                let vector: Vec<F> = (0..length as u64).map(|n| F::from(n + 2)).collect();
                Group::new(vec![axes.remove(0)], vector)
            });
            let term = Term {
                groups: groups.collect(),
                coefficient: F::from(3u64),
            };
            let one = shape.clone().with_rows(1);
            for t in 0..count {
                let walk = Walk::row(&term, &shape, t, count);
                let mut row = term.clone();
                row.groups[0].vector = vec![term.groups[0].vector[t]].into();
                let whole: Vec<(usize, F)> = (0..one.real())
                    .map(|mut rest| {
                        let (mut at, mut weight) = (0, row.coefficient * row.groups[0].vector[0]);
                        for axis in (1..dims.len()).rev() {
                            let i = rest % dims[axis];
                            rest /= dims[axis];
                            at += i * shape.strides()[axis];
                            weight *= row.groups[axis].vector[i];
                        }
                        (at, weight)
                    })
                    .collect();
                for part in [0..usize::MAX, 0..1, 5..6, 3..40, 9..33] {
                    let mut found = Vec::new();
                    walk.each(&part, &mut |at, weight| found.push((at, weight)));
                    found.sort_by_key(|entry| entry.0);
                    let mut within = whole.clone();
                    within.retain(|entry| part.contains(&entry.0));
                    within.sort_by_key(|entry| entry.0);
                    assert_eq!(found, within, "{dims:?} {outer:?} {part:?}");
                }
            }
        }
    }

    #[test]
    fn walks_and_runs_have_the_weights_of_their_term() {
        let mut next = 0u64;
        for (dims, outer, groups) in [
            (vec![3, 5, 6], vec![], vec![vec![0], vec![1], vec![2]]),
            (vec![3, 5, 6], vec![0], vec![vec![0, 2], vec![1]]),
            (vec![5, 1, 6, 3], vec![2, 0], vec![vec![0, 2], vec![1, 3]]),
            (vec![7, 9], vec![1], vec![vec![0, 1]]),
            (vec![1, 1], vec![], vec![vec![0], vec![1]]),
            (vec![], vec![], vec![]),
        ] {
            let shape = Tile::new(&dims, &outer);
            let groups = groups.into_iter().map(|axes: Vec<usize>| {
                let length = axes.iter().map(|a| dims[*a]).product::<usize>() as u64;
                next += length;
                Group::new(
                    axes,
                    (next - length..next).map(|n| F::from(n + 2)).collect(),
                )
            });
            let term = Term {
                groups: groups.collect(),
                coefficient: F::from(3u64),
            };
            let expected = expected(&term, &shape);
            let walk = Walk::new(&term, &shape);
            for part in [0..usize::MAX, 5..6, 3..40, 17..32] {
                let mut found = Vec::new();
                walk.each(&part, &mut |at, weight| found.push((at, weight)));
                let within = expected
                    .iter()
                    .filter(|e| dims.len() < 2 || part.contains(&e.0));
                let within: Vec<(usize, F)> = within.copied().collect();
                if dims.iter().any(|d| *d > 1) {
                    assert_eq!(found, within, "{dims:?} {part:?}");
                }
            }
            for columns in [1, 4, 8, 64, 256] {
                let (runs, weights) = walk.split(columns);
                assert_eq!((runs.len(), weights.len()), walk.runs(columns));
                let mut found: Vec<(usize, F)> = runs
                    .iter()
                    .flat_map(|(at, a)| {
                        let entries = weights.iter().enumerate();
                        entries.map(move |(i, b)| (at + i, *a * b))
                    })
                    .filter(|entry| entry.1 != F::zero())
                    .collect();
                found.sort_by_key(|entry| entry.0);
                assert_eq!(found, expected, "{dims:?} {columns}");
                let size = weights.len().next_power_of_two();
                assert!(size <= columns && runs.iter().all(|(at, _)| at % size == 0));
            }
        }
    }
}
