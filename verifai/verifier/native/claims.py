"""Claims: ``constant + <weights, committed vector> = 0`` (docs/protocol.md, Claims).

A :class:`Form` collects weights on nodes and on committed blocks. The *pullback* replaces the
weights on a node by weights on its operands: for ``y = 3 a - b``, weights u on y become 3 u on a
and -u on b. From the last node to the first, this leaves weights on blocks only, and the form can
be evaluated at a point of the address space.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from verifai.errors import InternalError, LimitError
from verifai.verifier.native.field import PART, STEP, P, Work, bits, cut, dot, eq_range
from verifai.verifier.native.layout import Layout, Tile
from verifai.verifier.native.table import Committed, Linear, Reshape, Table, View, Weight
from verifai.verifier.native.weights import (
    Group,
    Term,
    merge,
    through_reshape,
    through_view,
    without_axis_0,
)

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
    """``constant + <weights on nodes> + <weights on blocks>``."""

    def __init__(self, table: Table, layout: Layout, work: Work) -> None:
        self.table, self.layout, self.work = table, layout, work
        self.constant = self.terms = 0
        self.on_nodes: dict[int, list[Term]] = {}
        self.on_blocks: dict[int, list[Term]] = {}

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
        return value % P

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
    """The claim that the words of a public node hold its raw values, eight in each.

    ``words`` are row after row; the point has bits(d) coordinates for each axis but the last, then
    those of the words of a row.
    """
    dims = form.table.nodes[node].shape
    last = dims[-1] if dims else 1
    per_row = words_per_row(dims)
    cut = len(point) - bits(per_row)
    rows = eq_on_tensor(dims[:-1], point[:cut], form.work)
    weight = merge(rows.groups, dims, form.work).values
    form.work.spend(len(words) + 2 * (per_row + last))
    e = eq_range(point[cut:], 0, per_row)
    total = sum(w * dot(e, words[i * per_row : (i + 1) * per_row]) for i, w in enumerate(weight))
    form.add_constant(scale * total)
    lanes = [e[t >> 3] * (1 << 16 * (t & 7)) % P for t in range(last)]
    if dims:
        form.add_limbs(node, Term(-scale % P, (*rows.groups, Group((len(dims) - 1,), lanes))))
    else:
        form.add_limbs(node, Term(-scale * lanes[0] % P, ()))


def words_per_row(dims: Sequence[int]) -> int:
    """Words of one innermost row."""
    return -(-(dims[-1] if dims else 1) // 8)


def word_count(dims: Sequence[int]) -> int:
    """Words of a public node."""
    return prod(dims[:-1]) * words_per_row(dims)


def word_point_size(dims: Sequence[int]) -> int:
    """Coordinates of the point at which the words are compared."""
    return sum(map(bits, dims[:-1])) + bits(words_per_row(dims))
