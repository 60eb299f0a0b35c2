"""Claims: ``constant + <weights, committed vector> = 0`` (docs/protocol.md, Claims).

A :class:`Form` collects weights on nodes and on committed blocks. The *pullback* replaces the
weights on a node by weights on its operands: for ``y = 3 a - b``, weights u on y become 3 u on a
and -u on b. From the last node to the first, this leaves weights on blocks only, and the form can
be evaluated at a point of the address space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Final

from verifai.errors import InternalError, LimitError
from verifai.verifier.native.field import PART, STEP, P, Work, bits, cut, dot, eq_at, eq_range
from verifai.verifier.native.layout import Layout, Tile
from verifai.verifier.native.table import Committed, Gather, Linear, Reshape, Table, View, Weight
from verifai.verifier.native.weights import (
    Group,
    Term,
    merge,
    through_gather,
    through_reshape,
    through_view,
    without_axis_0,
)
from verifai.verifier.native.words import WORD_BITS, lane_bits, words_per_row

#: Terms that all claims together may split into on their way to the blocks.
MAX_TERMS: Final = 1 << 18


def linear_operands(table: Table, node: int, term: Term, work: Work) -> list[tuple[int, Term]]:
    """Weights on each operand of a linear node, in order (its offset is the caller's)."""
    operation, dims = table.nodes[node].operation, table.nodes[node].shape
    assert isinstance(operation, Linear)
    unbatched: Term | None = None
    pulled = []
    for coefficient, operand in operation.terms:
        work.spend(1)
        if len(table.nodes[operand].shape) == len(dims):
            pulled.append((operand, term.times(coefficient)))
            continue
        if unbatched is None:
            unbatched = without_axis_0(term, dims, work)
        pulled.append((operand, unbatched.times(coefficient)))
    return pulled


def view_source(table: Table, node: int, term: Term, work: Work) -> tuple[int, Term]:
    """Weights on the source of a view."""
    operation, dims = table.nodes[node].operation, table.nodes[node].shape
    assert isinstance(operation, View)
    source = operation.source
    return source, through_view(term, operation.axes, table.nodes[source].shape, dims, work)


class Form:
    """``constant + <weights on nodes> + <weights on blocks> + <weights on rows of blocks>``.

    ``ids`` are those of :func:`~verifai.verifier.native.words.gathered_ids`.
    """

    def __init__(
        self,
        table: Table,
        layout: Layout,
        work: Work,
        ids: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        self.table, self.layout, self.work = table, layout, work
        self.ids = ids or {}
        self.constant = self.terms = 0
        self.on_nodes: dict[int, list[Term]] = {}
        self.on_blocks: dict[int, list[Term]] = {}
        #: By gather node: entry t of a term's axis 0 is about row ids[t] of its source's block.
        self.on_rows: dict[int, list[Term]] = {}

    def add_constant(self, value: int) -> None:
        """Add a public number."""
        self.constant = (self.constant + value) % P

    def add_node(self, node: int, term: Term) -> None:
        """Add weights on a node that contains no einsum."""
        self._count()
        self.on_nodes.setdefault(node, []).append(term)

    def add_block(self, block: int, term: Term) -> None:
        """Add weights on a committed block."""
        self._count()
        self.on_blocks.setdefault(block, []).append(term)

    def _count(self) -> None:
        self.work.spend(4)
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise LimitError(f"The claims split into more terms than MAX_TERMS ({MAX_TERMS}).")

    def add_limbs(self, node: int, term: Term) -> None:
        """Add weights on a committed tensor *without* its offset."""
        operation = self.table.nodes[node].operation
        assert isinstance(operation, Committed)
        shift = 0
        for block, width in zip(
            self.layout.node_blocks[node], operation.limbs or (0,), strict=True
        ):
            self.add_block(block, term.times(1 << shift))
            shift += width

    def pull_back(self) -> None:
        """Move all weights on nodes to blocks, the last node first."""
        for node in reversed(range(len(self.table.nodes))):
            for term in self.on_nodes.pop(node, ()):
                self._pull(node, term)

    def _pull(self, node: int, term: Term) -> None:
        shape = self.table.nodes[node].shape
        match self.table.nodes[node].operation:
            case Weight():
                self.add_block(self.layout.node_blocks[node][0], term)
            case Committed(_, _, offset, _):
                if offset:
                    self.add_constant(offset * self._total(term))
                self.add_limbs(node, term)
            case View():
                self.add_node(*view_source(self.table, node, term, self.work))
            case Gather(_, ids):
                self._count()
                first = len(self.table.nodes[ids].shape)
                term = through_gather(term, first, shape, self.work)
                self.on_rows.setdefault(node, []).append(term)
            case Reshape(source):
                origin = self.table.nodes[source].shape
                self.add_node(source, through_reshape(term, origin, shape, self.work))
            case Linear(_, offset):
                if offset:
                    self.add_constant(offset * self._total(term))
                for operand, pulled in linear_operands(self.table, node, term, self.work):
                    self.add_node(operand, pulled)
            case _:
                raise InternalError("Weights reached an einsum outside of a contraction.")

    def _total(self, term: Term) -> int:
        self.work.spend(sum(len(group.values) for group in term.groups))
        return term.total()

    def at(self, point: Sequence[int]) -> int:
        """The multilinear extension of the weights on blocks at a point of the address space."""
        assert not self.on_nodes
        value = 0
        # The limbs of a tensor have the same groups, and differ in the high part of the point only.
        seen: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for block, terms in self.on_blocks.items():
            tile = self.layout.blocks[block]
            high, inner = split_point(tile, point, self.work)
            # A claim can reach a block on several ways, by terms with the same groups.
            coefficients: dict[int, int] = {}
            shared = {id(term.groups): term.groups for term in terms}
            for term in terms:
                name = id(term.groups)
                coefficients[name] = coefficients.get(name, 0) + term.coefficient
            for name, groups in shared.items():
                key = (name, tile.outer)
                if key not in seen:
                    seen[key] = self._outer_vector(groups, tile, inner)
                self.work.spend(tile.outer_size)
                value += coefficients[name] * dot(seen[key], high)
        return (value + self._rows_at(point)) % P

    def _rows_at(self, point: Sequence[int]) -> int:
        """The share of the weights that gathers have on their sources."""
        value = 0
        for node, terms in self.on_rows.items():
            operation = self.table.nodes[node].operation
            assert isinstance(operation, Gather)
            block, ids = self.layout.node_blocks[operation.source][0], self.ids[operation.ids]
            tile, high, inner = split_rows(self.layout.blocks[block], ids, point, self.work)
            for term in terms:
                self.work.spend(tile.outer_size)
                value += term.coefficient * dot(self._outer_vector(term.groups, tile, inner), high)
        return value

    def _outer_vector(
        self, groups: Sequence[Group], tile: Tile, inner: dict[int, list[int]]
    ) -> list[int]:
        """The inner axes summed out against ``inner``: a vector over the outer axes."""
        left = []
        for group in groups:
            self.work.spend(PART + 2 * len(group.values))
            axes, values = list(group.axes), group.values
            for axis in reversed(group.axes):
                if axis in inner:
                    at = axes.index(axis)
                    step = prod(tile.dims[a] for a in axes[at + 1 :])
                    values = _summed(values, inner[axis], step)
                    axes.remove(axis)
            left.append(Group(tuple(axes), values))
        return merge(left, tile.dims, self.work).values


def _summed(values: Sequence[int], vector: Sequence[int], step: int) -> list[int]:
    """Sum out one axis against ``vector``; ``step`` is the distance of its neighbours."""
    block = len(vector) * step
    return [
        dot(values[start + i : start + block : step], vector)
        for start in range(0, len(values), block)
        for i in range(step)
    ]


def split_point(
    tile: Tile, point: Sequence[int], work: Work
) -> tuple[list[int], dict[int, list[int]]]:
    """eq(point, .) on a tile: a vector over the outer axes together, and one for each inner axis.

    ``eq(point, address)`` is the product of their entries.
    """
    at = len(point) - tile.inner
    work.spend(STEP + 2 * tile.outer_size + 2 * len(point))
    high = eq_range(point[:at], tile.base >> tile.inner, tile.outer_size)
    inner = {}
    for axis, part in tile.cut(point).items():
        work.spend(STEP + 2 * tile.dims[axis])
        inner[axis] = eq_range(part, 0, tile.dims[axis])
    return high, inner


def split_rows(
    tile: Tile, ids: Sequence[int], point: Sequence[int], work: Work
) -> tuple[Tile, list[int], dict[int, list[int]]]:
    """:func:`split_point` for some rows of a tile: index t of axis 0 stands for index ids[t].

    Returns:
        A tile with as many rows as there are ids, of which dims and outer axes are of use only.
    """
    rows = replace(tile, dims=(len(ids), *tile.dims[1:]))
    at = len(point) - tile.inner
    inner, parts = {}, tile.cut(point)
    for axis, part in parts.items():
        if axis:
            work.spend(STEP + 2 * tile.dims[axis])
            inner[axis] = eq_range(part, 0, tile.dims[axis])
    if 0 in parts:
        work.spend(STEP + 2 * len(ids) * (1 + len(parts[0])) + 2 * (tile.outer_size + at))
        inner[0] = [eq_at(parts[0], index) for index in ids]
        return rows, eq_range(point[:at], tile.base >> tile.inner, tile.outer_size), inner
    start, step = tile.base >> tile.inner, tile.outer_size // tile.dims[0]
    work.spend(STEP + 2 * len(ids) * (step + at))
    high = [e for index in ids for e in eq_range(point[:at], start + index * step, step)]
    return rows, high, inner


def eq_on_tile(tile: Tile, point: Sequence[int], work: Work) -> Term:
    """The weights eq(point, address) on the real entries of a tile."""
    high, inner = split_point(tile, point, work)
    groups = [Group((axis,), vector) for axis, vector in inner.items()]
    if tile.outer:
        return Term(1, (Group(tile.outer, high), *groups))
    return Term(high[0], tuple(groups))


def eq_on_tensor(dims: Sequence[int], point: Sequence[int], work: Work) -> Term:
    """The weights eq(point, .) on a tensor: bits(d) coordinates per axis, first axis first."""
    assert len(point) == sum(map(bits, dims))
    groups = []
    for axis, (d, part) in enumerate(zip(dims, cut(point, map(bits, dims)), strict=True)):
        work.spend(STEP + 2 * d)
        groups.append(Group((axis,), eq_range(part, 0, d)))
    return Term(1, tuple(groups))


def add_words(
    form: Form, node: int, words: Sequence[int], point: Sequence[int], scale: int
) -> None:
    """The claim that the words of a public node hold its raw values, several in each.

    ``words`` are row after row; the point has bits(d) coordinates for each axis but the last, then
    those of the words of a row.
    """
    dims, operation = form.table.nodes[node].shape, form.table.nodes[node].operation
    assert isinstance(operation, Committed)
    last, lane = dims[-1] if dims else 1, lane_bits(operation.bits)
    per_row, each = words_per_row(dims, operation.bits), WORD_BITS // lane
    cut = len(point) - bits(per_row)
    rows = eq_on_tensor(dims[:-1], point[:cut], form.work)
    weight = merge(rows.groups, dims, form.work).values
    form.work.spend(len(words) + 2 * (per_row + last))
    e = eq_range(point[cut:], 0, per_row)
    total = sum(w * dot(e, words[i * per_row : (i + 1) * per_row]) for i, w in enumerate(weight))
    form.add_constant(scale * total)
    lanes = [e[t // each] * (1 << lane * (t % each)) % P for t in range(last)]
    if dims:
        form.add_limbs(node, Term(-scale % P, (*rows.groups, Group((len(dims) - 1,), lanes))))
    else:
        form.add_limbs(node, Term(-scale * lanes[0] % P, ()))
