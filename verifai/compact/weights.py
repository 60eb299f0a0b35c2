"""Weights on the entries of a tensor, as expressions, and how they move to the tensor's source.

A claim says what ``sum over i of weight[i] * tensor[i]`` is. If the tensor is a view, a reshape or
a sum of others, the same sum is one over *their* entries with other weights: the pullback
(docs/protocol.md, "Claims"). If a view repeats an entry three times, for example, the entry's
weight is the sum of the three. This is ``verifai.verifier.native.weights`` once more, but the
weights are expressions in challenges that are not drawn yet.

A weight vector is a product over groups of axes, and each factor one of two kinds. :class:`Bits`
are products over the bits of the index, as eq is: eq((a, b), 2) = a (1 - b). The contract computes
the inner product of two of them with some ten operations for each *bit* of the index, however many
entries there are. :class:`Dense` vectors are written out, at a cost for each entry. So Bits are
kept as long as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

from verifai.compact.expressions import ONE, ZERO, Graph, Monomial, Node, Point
from verifai.verifier.native.field import bits, cut
from verifai.verifier.native.table import Affine, Indices
from verifai.verifier.native.weights import components, places, reshape_segments, row_major


@dataclass(frozen=True)
class Bits:
    """``product over points of eq(point, i)`` for i < end, and 0 from there up to ``length``.

    ``Bits(6, 4, (x, y))``, for example, is eq(x, i) eq(y, i) for i = 0, 1, 2, 3, then two zeros;
    x and y have ``bits(6)`` = 3 coordinates. Without points all entries before ``end`` are 1.
    """

    length: int
    end: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Dense:
    """A vector that is written out."""

    vector: Node
    length: int


Value: TypeAlias = Bits | Dense
ONE_ENTRY = Bits(1, 1, ())


@dataclass(frozen=True)
class Group:
    """One vector over some axes (ascending), row-major."""

    axes: tuple[int, ...]
    value: Value


@dataclass(frozen=True)
class Term:
    """``coefficient * product of groups``; each axis of the node is in one group.

    On a node of dims (2, 3), ``Term(c, (Group((0,), u), Group((1,), v)))`` has the weight
    c u[i] v[j] at (i, j).
    """

    coefficient: Monomial
    groups: tuple[Group, ...]

    def times(self, factor: Monomial) -> Term:
        """The same weights, scaled."""
        return Term(self.coefficient.of(factor), self.groups)


def eq_axis(point: Point, size: int) -> Value:
    """eq(point, .) on an axis; ``point`` has bits(size) coordinates."""
    assert len(point) == bits(size)
    return Bits(size, size, (point,) if point else ())


def unit(index: int, size: int) -> Bits:
    """1 at one index of an axis."""
    n = bits(size)
    point = tuple(ONE if index >> (n - 1 - k) & 1 else ZERO for k in range(n))
    return Bits(size, size, (point,) if n else ())


def concatenated(values: Sequence[Value], length: int) -> Bits | None:
    """The row-major product of vectors as one of ``length`` entries, if that is one over bits.

    eq(a, i) on two entries and eq((b, c), j) on four are eq((a, b, c), 4 i + j) on eight. With
    three entries in place of the four there is no such point, since 3 i + j has no bits of its own
    for j: None.
    """
    parts = [v for v in values if v.length > 1]
    if not all(isinstance(v, Bits) for v in values):
        return None
    end = 1
    for number, v in reversed(list(enumerate(parts))):
        assert isinstance(v, Bits)
        if end & (end - 1) or (len(parts) > 1 and len(v.points) > 1):
            return None
        if number and v.end != v.length:
            return None
        end *= v.end
    if end > length:
        return None
    if len(parts) == 1 and isinstance(parts[0], Bits):
        points = parts[0].points
    else:
        points = (tuple(x for v in parts if isinstance(v, Bits) for x in v.points[0]),)
    n = bits(length)
    if any(x != ZERO for point in points for x in point[: max(0, len(point) - n)]):
        return None
    fitted = tuple((ZERO,) * (n - len(point)) + point[max(0, len(point) - n) :] for point in points)
    return Bits(length, end, fitted if n else ())


class Pullback:
    """Moves weights from a node to what it is computed from, and sums them up."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def dense(self, value: Value) -> Node:
        """The vector, written out."""
        if isinstance(value, Dense):
            return value.vector
        graph, n = self.graph, bits(value.end)
        vector = None
        for point in value.points or ((),):
            cut = len(point) - n
            if any(x != ZERO for x in point[:cut]):
                cut = 0
            one = graph.eq_range(point[cut:], 0, value.end)
            vector = one if vector is None else graph.entrywise(vector, one)
        assert vector is not None
        return graph.scatter(value.length, 0, [(vector, 1)])

    def total(self, value: Value) -> Node:
        """The sum of all entries."""
        if isinstance(value, Bits):
            return self.graph.interval(value.points, 0, value.end) if value.points else ONE
        return self.graph.total(value.vector)

    def term_total(self, term: Term) -> Monomial:
        """The sum of all weights."""
        return term.coefficient.times(1, *(self.total(g.value) for g in term.groups))

    def against(self, value: Value, point: Point) -> Node:
        """The inner product with eq(point, .)."""
        if isinstance(value, Bits):
            return self.graph.interval([*value.points, point], 0, value.end) if point else ONE
        if value.length == 1:
            return self.graph.total(value.vector)
        return self.graph.dot(value.vector, self.graph.eq_range(point, 0, value.length))

    def multiplied(self, value: Value, point: Point) -> Value:
        """Entry by entry with eq(point, .)."""
        if isinstance(value, Bits):
            if not point:
                return value
            return Bits(value.length, value.end, tuple(sorted((*value.points, point))))
        other = self.graph.eq_range(point, 0, value.length)
        return Dense(self.graph.entrywise(value.vector, other), value.length)

    def merged(self, groups: Sequence[Group], dims: Sequence[int]) -> tuple[tuple[int, ...], Value]:
        """One vector over the axes of all groups, row-major over them ascending."""
        axes = tuple(sorted(axis for group in groups for axis in group.axes))
        large = [group for group in groups if group.value.length > 1]
        value = self._merged(large, axes, dims) if large else ONE_ENTRY
        single = [v for g in groups if isinstance(v := g.value, Dense) and v.length == 1]
        if single:
            factor = self.graph.product(self.graph.total(v.vector) for v in single)
            value = Dense(self.graph.combine([(factor, self.dense(value))]), value.length)
        return axes, value

    def _merged(self, large: Sequence[Group], axes: Sequence[int], dims: Sequence[int]) -> Value:
        """The same for groups of more than one entry."""
        if len(large) == 1:
            return large[0].value
        sizes = [dims[axis] for axis in axes]
        ordered = sorted(large, key=lambda group: group.axes)
        flat = [axis for group in ordered for axis in group.axes if dims[axis] > 1]
        strides = dict(zip(axes, row_major(sizes), strict=True))
        if flat == sorted(flat):
            joined = concatenated([group.value for group in ordered], prod(sizes))
            if joined is not None:
                return joined
        length, graph = prod(sizes), self.graph
        if all(_consecutive(group, dims, axes) for group in large):
            parts = [(self.dense(g.value), min(strides[a] for a in g.axes)) for g in ordered]
            return Dense(graph.scatter(length, 0, parts), length)
        vector, order = self.row_major(ordered, dims)
        return Dense(graph.place(vector, length, places(order, axes, dims)), length)

    def row_major(self, groups: Sequence[Group], dims: Sequence[int]) -> tuple[Node, list[int]]:
        """The product of the groups written out, and its axes, in the groups' order."""
        lengths = [group.value.length for group in groups]
        parts = zip((self.dense(g.value) for g in groups), row_major(lengths), strict=True)
        order = [axis for group in groups for axis in group.axes]
        return self.graph.scatter(prod(lengths), 0, list(parts)), order

    def split(self, axes: Sequence[int], value: Value, dims: Sequence[int]) -> list[Group]:
        """A vector over several axes as groups, one for each axis where possible.

        eq((a, b, c), 4 i + j) over axes of 2 and 4 splits into eq(a, i) and eq((b, c), j).
        """
        trivial = [Group((axis,), ONE_ENTRY) for axis in axes if dims[axis] == 1]
        large = [axis for axis in axes if dims[axis] > 1]
        if not large:
            return [Group((axes[0],), value), *trivial[1:]] if axes else []
        tail = [dims[axis] for axis in large[1:]]
        powers = all(d & (d - 1) == 0 for d in tail)
        whole = isinstance(value, Bits) and value.end % prod(tail) == 0 and len(large) > 1
        if not (isinstance(value, Bits) and whole and powers):
            return [*trivial, Group(tuple(large), value)]
        counts = [bits(dims[axis]) for axis in large]
        parts = [cut(point, counts) for point in value.points]
        groups = []
        for i, axis in enumerate(large):
            end = dims[axis] if i else value.end // prod(tail)
            points = tuple(part[i] for part in parts)
            groups.append(Group((axis,), Bits(dims[axis], end, points)))
        return [*trivial, *groups]

    def without_axis_0(self, term: Term, dims: Sequence[int]) -> Term:
        """The batch axis summed out: weights on an unbatched operand of a batched node."""
        coefficient, groups = term.coefficient, []
        for group in term.groups:
            axes, value = group.axes, group.value
            if axes == (0,):
                coefficient = coefficient.times(1, self.total(value))
                continue
            if 0 in axes:
                axes, step = axes[1:], value.length // dims[0]
                ones = self.graph.combine([(ONE, self._ones(dims[0]))])
                vector = self.graph.contract(self.dense(value), ones, step)
                value = Dense(vector, step)
            groups.append(Group(tuple(axis - 1 for axis in axes), value))
        return Term(coefficient, tuple(groups))

    def _ones(self, count: int) -> Node:
        n = bits(count)
        scale = self.graph.constant(1 << n)
        return self.graph.combine([(scale, self.graph.eq_range((2,) * n, 0, count))])

    def through_view(
        self,
        term: Term,
        maps: Sequence[Affine | Indices],
        source: Sequence[int],
        target: Sequence[int],
    ) -> Term:
        """Weights on the source of a view, from weights on the view."""
        count = len(term.groups)
        owner = {axis: g for g, group in enumerate(term.groups) for axis in group.axes}
        links = [(owner[a], count + s) for s, m in enumerate(maps) for a in m.targets()]
        coefficient, groups = term.coefficient, []
        for part in components(count + len(maps), links):
            members = [term.groups[i] for i in part if i < count]
            axes = tuple(i - count for i in part if i >= count)
            if not axes:
                coefficient = coefficient.times(1, self.total(members[0].value))
                continue
            value = self._moved(members, [maps[s] for s in axes], [source[s] for s in axes], target)
            if value is None:
                # the coefficient of an einsum above is not 0: its ends are sent all the same
                length = prod(source[s] for s in axes)
                value = Dense(self.graph.zeros(length), length)
            groups += self.split(axes, value, source)
        return Term(coefficient, tuple(groups))

    def _moved(
        self,
        groups: Sequence[Group],
        maps: Sequence[Affine | Indices],
        source: Sequence[int],
        target: Sequence[int],
    ) -> Value | None:
        """Weights on source axes that share target axes; None if nothing is read.

        ``maps`` are those of the source axes, of lengths ``source``.
        """
        length = prod(source)
        if not groups:  # a map without terms
            return unit(maps[0].offset, length) if 0 <= maps[0].offset < length else None
        single = all(len(group.axes) == 1 for group in groups)
        if len(maps) == 1 and isinstance(maps[0], Affine) and single:
            ordered = sorted(groups, key=lambda g: -maps[0].step(g.axes[0], 1))
            steps = [maps[0].step(group.axes[0], 1) for group in ordered]
            sizes = [group.value.length for group in ordered]
            large = [step for step, size in zip(steps, sizes, strict=True) if size > 1]
            if maps[0].offset == 0 and large == row_major([s for s in sizes if s > 1]):
                joined = concatenated([group.value for group in ordered], length)
                if joined is not None:
                    return joined
            parts = [(self.dense(g.value), s) for g, s in zip(ordered, steps, strict=True)]
            return Dense(self.graph.scatter(length, maps[0].offset, parts), length)
        if len(groups) == 1 and _identity(groups[0].axes, maps, source, target):
            return groups[0].value
        vector, order = self.row_major(groups, target)
        strides, at_source = row_major(source), []
        for index in product(*(range(target[axis]) for axis in order)):
            at = [m.offset + sum(map(m.step, order, index)) for m in maps]
            inside = all(0 <= i < d for i, d in zip(at, source, strict=True))
            at_source.append(
                sum(i * s for i, s in zip(at, strides, strict=True)) if inside else None
            )
        return Dense(self.graph.place(vector, length, at_source), length)

    def through_gather(self, term: Term, first: int, dims: Sequence[int]) -> Term:
        """Weights on the rows that a gather reads: one axis in place of the ``first`` ones."""
        reading = [group for group in term.groups if group.axes[0] < first]
        others = [group for group in term.groups if group.axes[0] >= first]
        axes, value = self.merged(reading, dims) if reading else ((), ONE_ENTRY)
        groups = [Group((0, *(a - first + 1 for a in axes if a >= first)), value)]
        groups += [Group(tuple(a - first + 1 for a in g.axes), g.value) for g in others]
        return Term(term.coefficient, tuple(groups))

    def through_reshape(self, term: Term, source: Sequence[int], target: Sequence[int]) -> Term:
        """Weights on the source of a reshape: vectors stay, axes are renamed."""
        coefficient, groups = term.coefficient, []
        for group in term.groups:
            axes = tuple(axis for axis in group.axes if target[axis] > 1)
            if axes:
                groups.append(Group(axes, group.value))
            elif isinstance(group.value, Dense):
                coefficient = coefficient.times(1, self.graph.total(group.value.vector))
        runs = reshape_segments(source, target)
        count = len(groups)
        run_of = {axis: s for s, (_, axes) in enumerate(runs) for axis in axes}
        links = [(g, count + run_of[axis]) for g, group in enumerate(groups) for axis in group.axes]
        moved = [Group((axis,), ONE_ENTRY) for axis, size in enumerate(source) if size == 1]
        for part in components(count + len(runs), links):
            _, value = self.merged([groups[i] for i in part if i < count], target)
            axes = tuple(axis for i in part if i >= count for axis in runs[i - count][0])
            moved += self.split(axes, value, source)
        return Term(coefficient, tuple(moved))


def _consecutive(group: Group, dims: Sequence[int], axes: Sequence[int]) -> bool:
    """Whether no axis longer than 1 lies between those of the group."""
    large = [axis for axis in axes if dims[axis] > 1]
    mine = [large.index(axis) for axis in group.axes if dims[axis] > 1]
    return mine == list(range(mine[0], mine[0] + len(mine)))


def _identity(
    axes: Sequence[int],
    maps: Sequence[Affine | Indices],
    source: Sequence[int],
    target: Sequence[int],
) -> bool:
    """Whether the maps read these target axes one by one, in order and whole."""
    if [target[axis] for axis in axes] != list(source):
        return False
    return all(m == Affine(0, ((axis, 1),)) for m, axis in zip(maps, axes, strict=True))
