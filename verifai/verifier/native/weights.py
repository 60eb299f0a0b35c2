"""Weights on the entries of a tensor, kept factored (docs/protocol.md, Claims).

A :class:`Term` is ``coefficient * product of its groups``; a group is a set of axes with one
vector, row-major over them. Every axis of the node is in one group. For a matrix with one group for
each axis the weight of entry (i, j) is ``c u[i] v[j]``: m + n numbers stand for m n. The pullback
through a linear map is its transpose, and a tensor that factors is never written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from operator import add, mul

from verifai.verifier.native.field import PART, STEP, P, Work
from verifai.verifier.native.table import Affine, Indices


@dataclass(frozen=True)
class Group:
    """One vector over some axes (ascending), row-major."""

    axes: tuple[int, ...]
    values: list[int]


@dataclass(frozen=True)
class Term:
    """``coefficient * product of groups``."""

    coefficient: int
    groups: tuple[Group, ...]

    def times(self, factor: int) -> Term:
        """The same weights, scaled; the groups are shared."""
        return Term(self.coefficient * factor % P, self.groups)

    def total(self) -> int:
        """The sum of all weights."""
        total = self.coefficient
        for group in self.groups:
            total = total * sum(group.values) % P
        return total


def merge(groups: Sequence[Group], dims: Sequence[int], work: Work) -> Group:
    """One group over the axes of all, which are disjoint; ``dims`` are the node's."""
    if len(groups) == 1:
        return groups[0]
    axes = [axis for group in groups for axis in group.axes]
    work.spend(2 * prod(dims[axis] for axis in axes))
    values = [1]
    for group in groups:
        values = [a * b % P for a in values for b in group.values]
    return sorted_group(axes, values, dims)


def sorted_group(axes: Sequence[int], values: list[int], dims: Sequence[int]) -> Group:
    """The group of a vector that is row-major over ``axes`` in any order."""
    order = tuple(sorted(axes))
    if order == tuple(axes):
        return Group(order, values)
    return Group(order, [values[p] for p in places(order, axes, dims)])


def row_major(dims: Sequence[int]) -> list[int]:
    """The stride of each axis."""
    return [prod(dims[i + 1 :]) for i in range(len(dims))]


def places(order: Sequence[int], axes: Sequence[int], dims: Sequence[int]) -> list[int]:
    """Where in a vector that is row-major over ``axes`` the entries lie of one over ``order``.

    Over axes 0 and 1 of lengths 2 and 3, the entries of the transposed are at 0, 3, 1, 4, 2, 5.
    """
    strides = dict(zip(axes, row_major([dims[axis] for axis in axes]), strict=True))
    found = [0]
    for axis in order:
        found = [p + i * strides[axis] for p in found for i in range(dims[axis])]
    return found


def components(count: int, links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Connected parts of 0, ..., count - 1, each ascending, in the order of their least member."""
    leader = list(range(count))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for a, b in links:
        a, b = find(a), find(b)
        leader[max(a, b)] = min(a, b)
    parts: dict[int, list[int]] = {}
    for i in range(count):
        parts.setdefault(find(i), []).append(i)
    return list(parts.values())


def without_axis_0(term: Term, dims: Sequence[int], work: Work) -> Term:
    """Weights on an operand that all inferences share (a bias): the batch axis summed out."""
    work.spend(STEP * (1 + len(term.groups)))
    coefficient, groups = term.coefficient, []
    for group in term.groups:
        axes, values = group.axes, group.values
        if 0 in axes:  # axes ascend: axis 0 is the slowest
            work.spend(len(values))
            axes, step = axes[1:], len(values) // dims[0]
            values = [sum(values[i::step]) % P for i in range(step)]
            if not axes:
                coefficient = coefficient * values[0] % P
                continue
        groups.append(Group(tuple(axis - 1 for axis in axes), values))
    return Term(coefficient, tuple(groups))


def through_view(
    term: Term,
    maps: Sequence[Affine | Indices],
    source: Sequence[int],
    target: Sequence[int],
    work: Work,
) -> Term:
    """Weights on the source of a view, from weights on the view.

    Groups and source axes that are connected by a map are handled together: every entry of the
    groups adds its weight to the source entry that it reads, if there is one.
    """
    count = len(term.groups)
    work.spend(PART * (1 + count + len(maps)))
    owner = {axis: g for g, group in enumerate(term.groups) for axis in group.axes}
    links = [(owner[axis], count + s) for s, m in enumerate(maps) for axis in m.targets()]
    coefficient, groups = term.coefficient, []
    for part in components(count + len(maps), links):
        members = [term.groups[i] for i in part if i < count]
        axes = tuple(i - count for i in part if i >= count)
        if not axes:  # no source axis reads it: a broadcast
            coefficient = coefficient * sum(members[0].values) % P
            continue
        moved = {tuple(maps[s].offset for s in axes): 1}
        for group in members:
            shares = _shares(group, [maps[s] for s in axes], target, work)
            work.spend(3 * len(moved) * len(shares))  # an entry under a tuple is dear
            summed: dict[tuple[int, ...], int] = {}
            for (at, a), (step, b) in product(moved.items(), shares.items()):
                key = tuple(map(add, at, step))
                summed[key] = (summed.get(key, 0) + a * b) % P
            moved = summed
        dims = [source[s] for s in axes]
        strides = row_major(dims)
        work.spend(prod(dims))
        values = [0] * prod(dims)
        for index, weight in moved.items():
            if all(0 <= i < d for i, d in zip(index, dims, strict=True)):
                values[sum(map(mul, index, strides))] = weight
        groups.append(Group(axes, values))
    return Term(coefficient, tuple(groups))


def _shares(
    group: Group, maps: Sequence[Affine | Indices], dims: Sequence[int], work: Work
) -> dict[tuple[int, ...], int]:
    """A group's weights, summed by what its axes add to the source indices.

    Target axes that no map reads add nothing: their weights are summed.
    """
    work.spend(2 * len(group.values))
    shares = [(0,) * len(maps)]
    for axis in group.axes:
        steps = [tuple(m.step(axis, i) for m in maps) for i in range(dims[axis])]
        shares = [tuple(map(add, at, step)) for at in shares for step in steps]
    summed: dict[tuple[int, ...], int] = {}
    for share, weight in zip(shares, group.values, strict=True):
        summed[share] = (summed.get(share, 0) + weight) % P
    return summed


def through_gather(term: Term, first: int, dims: Sequence[int], work: Work) -> Term:
    """Weights on the rows that a gather reads, from weights on its result.

    Args:
        first: how many axes the ids have; the result has one axis in their place, row-major.
        dims: of the gather.
    """
    work.spend(PART * (1 + len(term.groups)))
    reading = [group for group in term.groups if group.axes[:1] < (first,)]
    others = [group for group in term.groups if group.axes[:1] >= (first,)]
    merged = merge(reading, dims, work) if reading else Group((), [1])
    axes = (0, *(axis - first + 1 for axis in merged.axes if axis >= first))
    kept = [Group(tuple(a - first + 1 for a in group.axes), group.values) for group in others]
    return Term(term.coefficient, (Group(axes, merged.values), *kept))


def through_reshape(term: Term, source: Sequence[int], target: Sequence[int], work: Work) -> Term:
    """Weights on the source of a reshape: vectors stay, axes are renamed segment by segment.

    A segment is a shortest run of axes with one product in both shapes. Axes of size 1 carry no
    index and are left aside.
    """
    work.spend(PART * (1 + len(term.groups) + len(source)))
    coefficient, groups = term.coefficient, []
    for group in term.groups:
        axes = tuple(axis for axis in group.axes if target[axis] > 1)
        if axes:
            groups.append(Group(axes, group.values))
        else:
            coefficient = coefficient * group.values[0] % P
    segments = reshape_segments(source, target)
    count = len(groups)
    segment_of = {axis: s for s, (_, axes) in enumerate(segments) for axis in axes}
    links = [(g, count + segment_of[axis]) for g, group in enumerate(groups) for axis in group.axes]
    moved = [Group((axis,), [1]) for axis, size in enumerate(source) if size == 1]
    for part in components(count + len(segments), links):
        merged = merge([groups[i] for i in part if i < count], target, work)
        axes = tuple(axis for i in part if i >= count for axis in segments[i - count][0])
        moved.append(Group(axes, merged.values))
    return Term(coefficient, tuple(moved))


def reshape_segments(
    source: Sequence[int], target: Sequence[int]
) -> list[tuple[list[int], list[int]]]:
    """Source and target axes, of sizes above 1, of each segment."""
    left = [axis for axis, size in enumerate(source) if size > 1]
    right = [axis for axis, size in enumerate(target) if size > 1]
    segments = []
    while left:
        a, b = [left.pop(0)], [right.pop(0)]
        m, n = source[a[0]], target[b[0]]
        while m != n:
            if m < n:
                a.append(left.pop(0))
                m *= source[a[-1]]
            else:
                b.append(right.pop(0))
                n *= target[b[-1]]
        segments.append((a, b))
    return segments
