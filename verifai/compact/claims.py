"""The claims of a circuit as expressions: the part of verification that depends on the model.

At the end of a proof there is one equation: the combination of all claims, each with a power of
lambda, is the value L(r) y of a linear form L of the committed vector. The contract knows its share
of both sides that all circuits have alike: rounds, values sent, pads, tables. The rest is here:

- a *constant*: what is public in the claims;
- *weights on blocks*: each claim is pulled back from the node that it is about to what is committed
  (of ``y = 2 a + b``, to a with twice the weights and to b), and what the weights on a block are
  worth at the point r is one number, their share of L(r).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from verifai.compact.expressions import HALF, ONE, ZERO, Graph, Monomial, Node, Point
from verifai.compact.frame import BETA, ETA, FACTOR, LANE_POINT, LANES, WIDE_LANES, Frame
from verifai.compact.weights import (
    ONE_ENTRY,
    Bits,
    Dense,
    Group,
    Pullback,
    Term,
    Value,
    eq_axis,
)
from verifai.errors import InternalError
from verifai.verifier.native.contraction import axes_of, variables_of
from verifai.verifier.native.field import Work, bits, cut
from verifai.verifier.native.layout import GROUP, LimbLookup, Tile
from verifai.verifier.native.table import (
    Committed,
    Einsum,
    Gather,
    Linear,
    Reshape,
    View,
    Weight,
    origins_of,
)
from verifai.verifier.native.weights import places
from verifai.verifier.native.words import WORD_BITS, lane_bits, places_of, words_per_row


@dataclass(frozen=True)
class Outputs:
    """The results that the operations leave for the contract.

    Attributes:
        enabled, numerators, tags, gate: which positions of the cube hold a lookup or a product,
            at z.
        constant: the public part of the claims, each times its power of lambda.
        value: of the claims' weights at r, likewise.
        coefficients: for each instance the weight of its product, eta^e c_j / 2^(n_c - m_j): an
            instance of m_j variables takes part in n_c rounds, and each round too many halves it.
        checks: what reads the ids of each gather, and refuses a statement where one is no row.
    """

    enabled: Node
    numerators: tuple[Node, ...]
    tags: tuple[Node, ...]
    gate: Node
    constant: Node
    value: Node
    coefficients: tuple[Node, ...]
    checks: tuple[Node, ...] = ()

    def nodes(self) -> list[Node]:
        """In the order of the compact table."""
        head = [self.enabled, *self.numerators, *self.tags, self.gate]
        return [*head, self.constant, self.value, *self.coefficients]


#: Blocks with one weight vector in common, each times a power of two: the limbs of a node. A value
#: of 16 bits, ``low + 256 high``, gives ((block of low, 1), (block of high, 256)).
Target = tuple[tuple[int, int], ...]


class Claims:
    """Collects what the claims put on nodes, and in the end on blocks; see :func:`claims_of`."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.slots = frame, frame.slots()
        self.table, self.layout = frame.table, frame.layout
        self.graph = Graph(self.slots.end)
        self.pullback = Pullback(self.graph)
        self.constants: list[Monomial] = []
        self.on_nodes: dict[int, list[Term]] = {}
        self.levels = Counter(
            (block.inner, bits(block.outer_size))
            for block in self.layout.blocks
            if block.outer_size > 1
        )
        self.on_blocks: list[Monomial] = []
        self.origins = origins_of(self.table.nodes)
        self.ids = {
            index: self._ids(node.operation)
            for index, node in enumerate(self.table.nodes)
            if isinstance(node.operation, Gather)
        }

    # weights on blocks

    def at_blocks(self, target: Target, term: Term) -> None:
        """Add weights on blocks of one shape, each times its factor, evaluated at r."""
        if not term.coefficient.constant or ZERO in term.coefficient.factors:
            return
        tile = self.layout.blocks[target[0][0]]
        high, inner = _cut(tile, self.slots.r)
        common, vector_value = self._inner_summed(tile, term, inner)
        for dot in self._against_high(target, vector_value, high):
            self.on_blocks.append(common.of(dot))

    def at_rows(self, gather: int, term: Term) -> None:
        """Add weights on rows of a weight, evaluated at r: axis 0 of the term counts the ids."""
        block = self._source(gather)
        tile, eq = self.layout.blocks[block], self.eq_rows(gather)
        high, inner = _cut(tile, self.slots.r)
        if 0 in inner:
            del inner[0]
            common, value = self._inner_summed(tile, term, inner, eq)
            dots = self._against_high(((block, 1),), value, high)
        else:
            rows = replace(tile, dims=(len(self.ids[gather][2]), *tile.dims[1:]))
            common, value = self._inner_summed(rows, term, inner)
            dots = [Monomial(1, (self.graph.dot(self.pullback.dense(value), eq),))]
        self.on_blocks += [common.of(dot) for dot in dots]

    def eq_rows(self, gather: int) -> Node:
        """eq at r for the rows that a gather reads: along axis 0, or over all outer axes if that is
        one of them.
        """
        tile = self.layout.blocks[self._source(gather)]
        high, inner = _cut(tile, self.slots.r)
        if 0 in inner:
            return self.graph.eq_rows(inner[0], 0, 1, self.ids[gather])
        step = tile.outer_size // tile.dims[0]
        return self.graph.eq_rows(high, tile.base >> tile.inner, step, self.ids[gather])

    def _source(self, gather: int) -> int:
        """The block of the weight that a gather reads."""
        operation = self.table.nodes[gather].operation
        assert isinstance(operation, Gather)
        return self.layout.node_blocks[operation.source][0]

    def _ids(self, operation: Gather) -> tuple[int, int, tuple[int, ...]]:
        """The rows of a gather's source, bits of a lane, and the lane of each of its ids."""
        nodes, public = self.table.nodes, self.table.public
        origin = self.origins[operation.ids]
        assert origin is not None  # a rule of the table
        node = nodes[origin]
        assert isinstance(node.operation, Committed)
        row = node.shape[-1] if node.shape else 1
        lane = lane_bits(node.operation.bits)
        per_row = words_per_row(node.shape, node.operation.bits) * (WORD_BITS // lane)
        first = sum(self.frame.word_counts[: public.index(origin)]) * (WORD_BITS // lane)
        found = places_of(self.table, operation.ids, Work())
        lanes = (first + place // row * per_row + place % row for place in found)
        return nodes[operation.source].shape[0], lane, tuple(lanes)

    def _inner_summed(
        self, tile: Tile, term: Term, inner: dict[int, Point], rows: Node | None = None
    ) -> tuple[Monomial, Value]:
        """The weights of a term with the inner axes of its tile summed out, by outer position.

        ``rows``: what axis 0 is summed out against, where it counts ids.
        """
        factors: list[Node] = []
        outer: list[Group] = []
        for group in term.groups:
            axes, value = list(group.axes), group.value
            if rows is not None and 0 in axes:
                axes, vector = axes[1:], self.pullback.dense(value)
                if not axes:
                    factors.append(self.graph.dot(vector, rows))
                    continue
                step = value.length // self.graph.length(rows)
                value = Dense(self.graph.contract(vector, rows, step), step)
            if len(axes) == 1 and axes[0] in inner:
                factors.append(self.pullback.against(value, inner[axes[0]]))
                continue
            if any(axis in inner for axis in axes):
                vector = self.pullback.dense(value)
                for axis in reversed(axes.copy()):
                    if axis in inner and tile.dims[axis] > 1:
                        step = prod(tile.dims[a] for a in axes[axes.index(axis) + 1 :])
                        eq = self.graph.eq_range(inner[axis], 0, tile.dims[axis])
                        vector = self.graph.contract(vector, eq, step)
                    if axis in inner:
                        axes.remove(axis)
                value = Dense(vector, self.graph.length(vector))
                if not axes:
                    factors.append(self.graph.total(vector))
                    continue
            outer.append(Group(tuple(axes), value))
        _, value = self.pullback.merged(outer, tile.dims) if outer else ((), ONE_ENTRY)
        return term.coefficient.times(1, *self.graph.merged(factors)), value

    def _against_high(self, target: Target, value: Value, high: Point) -> list[Monomial]:
        """The inner product of weights over outer axes with eq(high, .), summed over the blocks.

        A block's outer positions lie one behind the other from its start: eq(high, start + i).
        """
        graph, k = self.graph, bits(value.length)
        cut = len(high) - k
        starts = [(f, self._start(block)) for block, f in target]
        aligned = isinstance(value, Bits) and all(start % (1 << k) == 0 for _, start in starts)
        if value.length == 1 or aligned:
            if isinstance(value, Dense):
                low = graph.total(value.vector)
            else:
                low = graph.interval([*value.points, high[cut:]], 0, value.end) if k else ONE
            tops = [Monomial(f, (graph.eq_at(high[:cut], start >> k),)) for f, start in starts]
            return [Monomial(1).times(1, low, graph.sum_of(tops))]
        vector, found = self.pullback.dense(value), []
        for f, start in starts:
            if self.levels[len(self.slots.r) - len(high), k] < 2:
                found.append(
                    Monomial(f, (graph.dot(vector, graph.eq_range(high, start, value.length)),))
                )
                continue
            # a window of 2^k entries that all blocks of this level share, and the next one
            window = graph.eq_range(high[cut:], 0, 1 << k)
            top, first = divmod(start, 1 << k)
            split = min(value.length, (1 << k) - first)
            parts = [(top, first, 0, split), (top + 1, 0, split, value.length - split)]
            sums = [
                Monomial().times(
                    1,
                    graph.eq_at(high[:cut], t),
                    graph.dot(graph.slice_of(vector, i, n), graph.slice_of(window, at, n)),
                )
                for t, at, i, n in parts
                if n
            ]
            found.append(Monomial(f, (graph.sum_of(sums),)))
        return [Monomial(1, (graph.sum_of(found),))]

    def _start(self, block: int) -> int:
        tile = self.layout.blocks[block]
        return tile.base >> tile.inner

    # weights on nodes

    def add_constant(self, term: Monomial) -> None:
        """Add a public number."""
        self.constants.append(term)

    def add_node(self, node: int, term: Term) -> None:
        """Add weights on a node that contains no einsum."""
        if term.coefficient.constant:
            self.on_nodes.setdefault(node, []).append(term)

    def add_limbs(self, node: int, term: Term) -> None:
        """Add weights on a committed tensor without its offset."""
        operation = self.table.nodes[node].operation
        assert isinstance(operation, Committed)
        shifts = [sum(operation.limbs[:i]) for i in range(max(1, len(operation.limbs)))]
        blocks = self.layout.node_blocks[node]
        target = tuple((b, 1 << s) for b, s in zip(blocks, shifts, strict=True))
        self.at_blocks(target, term)

    def pull_back(self) -> None:
        """Move all weights on nodes to blocks, the last node first."""
        for node in reversed(range(len(self.table.nodes))):
            for term in self.on_nodes.pop(node, ()):
                self._pull(node, term)

    def _pull(self, node: int, term: Term) -> None:
        shape = self.table.nodes[node].shape
        match self.table.nodes[node].operation:
            case Weight():
                self.at_blocks(((self.layout.node_blocks[node][0], 1),), term)
            case Committed(_, _, offset, _):
                if offset:
                    self.add_constant(self.pullback.term_total(term).times(offset))
                self.add_limbs(node, term)
            case Gather(_, ids):
                first = len(self.table.nodes[ids].shape)
                self.at_rows(node, self.pullback.through_gather(term, first, shape))
            case View(source, maps):
                dims = self.table.nodes[source].shape
                self.add_node(source, self.pullback.through_view(term, maps, dims, shape))
            case Reshape(source):
                dims = self.table.nodes[source].shape
                self.add_node(source, self.pullback.through_reshape(term, dims, shape))
            case Linear(_, offset):
                if offset:
                    self.add_constant(self.pullback.term_total(term).times(offset))
                for operand, pulled in self._operands(node, term):
                    self.add_node(operand, pulled)
            case _:
                raise InternalError("Weights reached an einsum outside of a contraction.")

    def _operands(self, node: int, term: Term) -> list[tuple[int, Term]]:
        operation, dims = self.table.nodes[node].operation, self.table.nodes[node].shape
        assert isinstance(operation, Linear)
        pulled = []
        for coefficient, operand in operation.terms:
            mine = term
            if len(self.table.nodes[operand].shape) != len(dims):
                mine = self.pullback.without_axis_0(term, dims)
            pulled.append((operand, mine.times(Monomial(coefficient))))
        return pulled

    # the claims

    def on_tensor(self, dims: Sequence[int], point: Point) -> list[Group]:
        """eq(point, .) on a tensor: bits(d) coordinates for each axis."""
        parts = zip(dims, cut(point, map(bits, dims)), strict=True)
        return [Group((axis,), eq_axis(x, d)) for axis, (d, x) in enumerate(parts)]

    def on_tile(self, tile: Tile, point: Point) -> Term:
        """eq(point, address) on the real entries of a tile."""
        high, inner = _cut(tile, point)
        groups = [Group((a,), eq_axis(x, tile.dims[a])) for a, x in inner.items()]
        start, count = tile.base >> tile.inner, tile.outer_size
        k = bits(count)
        cut = len(high) - k
        if start % (1 << k):
            value: Value = Dense(self.graph.eq_range(high, start, count), count)
            factor = Monomial()
        else:  # the low coordinates are those of the index
            value = Bits(count, count, (high[cut:],) if k else ())
            factor = Monomial(1, (self.graph.eq_at(high[:cut], start >> k),))
        if tile.outer:
            groups += self.pullback.split(tile.outer, value, tile.dims)
        return Term(factor, tuple(groups))

    def tile_sum(self, tile: Tile, *points: Point) -> Node:
        """The sum, over the positions of a tile without its padding, of the product of eq(x, .)
        over the points x.
        """
        cuts = [_cut(tile, point) for point in points]
        start = tile.base >> tile.inner
        highs = [high for high, _ in cuts]
        factors = [ONE]
        if highs[0]:
            factors.append(self.graph.interval(highs, start, start + tile.outer_size))
        for axis in tile.inner_axes:
            if tile.dims[axis] > 1:
                inner = [parts[axis] for _, parts in cuts]
                factors.append(self.graph.interval(inner, 0, tile.dims[axis]))
        return self.graph.product(self.graph.merged(factors))

    def add_columns(self, scales: Sequence[Node]) -> None:
        """Claims 1: columns have the values sent at z. Those values are the contract's to add."""
        z = self.slots.z
        for group in self.layout.groups:
            eq = self.on_tile(group.place, z)
            for scale, lookup in zip(scales, group.lookups, strict=False):
                term = eq.times(Monomial(1, (scale,)))
                if isinstance(lookup, LimbLookup):
                    self.at_blocks(((lookup.block, 1),), term)
                else:
                    self.add_node(lookup.input, term)
                    self.add_node(lookup.output, term.times(Monomial(1, (BETA, BETA))))
            self.at_blocks(((group.helper, 1),), eq.times(Monomial(1, (scales[GROUP],))))
        for product in self.layout.products:
            eq = self.on_tile(product.place, z)
            for i, scale in enumerate(scales[GROUP + 1 :]):
                term = eq.times(Monomial(1, (scale,)))
                if i < len(product.factors):
                    self.add_node(product.factors[i], term)
                else:
                    self.add_constant(self.pullback.term_total(term))

    def add_total(self, scale: Node) -> None:
        """Claim 2: the sum of all helpers is that of the tables, which the contract adds."""
        for group in self.layout.groups:
            at_r = self.tile_sum(self.layout.blocks[group.helper], self.slots.r)
            self.on_blocks.append(Monomial(1).times(1, scale, at_r))

    def add_words(self, node: int, first: int, point: Point, scale: Node) -> None:
        """Claim 3: one public node holds its words, which start at ``first``."""
        dims, graph = self.table.nodes[node].shape, self.graph
        last = dims[-1] if dims else 1
        operation = self.table.nodes[node].operation
        assert isinstance(operation, Committed)
        per_row = words_per_row(dims, operation.bits)
        cut = len(point) - bits(per_row)
        rows = self.on_tensor(dims[:-1], point[:cut])
        _, weight = self.pullback.merged(rows, dims) if rows else ((), ONE_ENTRY)
        words = graph.words(first, weight.length * per_row)
        if isinstance(weight, Bits) and per_row & (per_row - 1) == 0:
            at = graph.evaluate(words, (*(weight.points or ((),))[0], *point[cut:]))
        else:
            if per_row > 1:
                words = graph.contract(words, graph.eq_range(point[cut:], 0, per_row), 1)
            at = graph.dot(words, self.pullback.dense(weight))
        self.add_constant(Monomial(1, (scale, at)))
        term = Term(Monomial(-1, (scale,)), tuple(rows))
        if dims:
            # the factors 2^(16 t) of the values in a word are an eq table too (see LANES)
            n = bits(last)
            wide = lane_bits(operation.bits) == 32
            lane_point = LANE_POINT[:2] if wide else LANE_POINT
            lanes = (*point[cut:], *lane_point)[-n:] if n else ()
            skipped = lane_point[: max(0, len(lane_point) - n)]
            unit = graph.constant(WIDE_LANES) if wide else LANES
            factors = [unit] + [graph.sum_of([Monomial(), Monomial(-1, (x,))]) for x in skipped]
            axis = Group((len(dims) - 1,), eq_axis(lanes, last))
            term = Term(term.coefficient.times(1, *factors), (*rows, axis))
        self.add_limbs(node, term)

    def add_contractions(
        self, points: Sequence[tuple[int, Point]], scales: Iterator[Node]
    ) -> tuple[Node, ...]:
        """Claims 5 and 6, of einsums, without the products that the contract adds; the
        coefficients of all instances.
        """
        coefficients: list[Node] = []
        power = ONE
        for number, (root, point) in enumerate(points):
            dims = self.table.nodes[root].shape
            power = self.graph.product([power, ETA]) if number else ONE
            term = Term(Monomial(1, (power,)), tuple(self.on_tensor(dims, point)))
            for node, weights in self._open(root, term):
                spare = self.frame.rounds - variables_of(self.table, node)
                halved = weights.coefficient.times(1, *(HALF,) * spare)
                coefficients.append(self.graph.sum_of([halved]))
                self._add_evaluations(node, weights.groups, self.slots.kappa[spare:], scales)
                if self.frame.hiding:
                    for _ in range(3):
                        next(scales)
        return tuple(coefficients)

    def _open(self, root: int, term: Term) -> list[tuple[int, Term]]:
        """The einsums under a zero node with their weights; what else is under it is added.

        Of ``x w - y`` the einsum ``x w`` is returned, and y gets its weights here.
        """
        found = []
        waiting = [(root, term)]
        while waiting:
            node, term = waiting.pop()
            at = self.table.nodes[node]
            match at.operation:
                case _ if not at.einsum:
                    self.add_node(node, term.times(Monomial(-1, (FACTOR,))))
                case Einsum():
                    found.append((node, term))
                case View(source, maps):
                    dims = self.table.nodes[source].shape
                    pulled = self.pullback.through_view(term, maps, dims, at.shape)
                    waiting.append((source, pulled))
                case Linear(_, offset):
                    if offset:
                        total = self.pullback.term_total(term)
                        self.add_constant(total.times(-offset, FACTOR))
                    waiting += reversed(self._operands(node, term))
                case _:
                    raise InternalError("An einsum under an operation that is not linear or view.")
        return found

    def _add_evaluations(
        self, node: int, weights: Sequence[Group], kappa: Point, scales: Iterator[Node]
    ) -> None:
        einsum = self.table.nodes[node].operation
        assert isinstance(einsum, Einsum)
        axes = axes_of(einsum)
        left_dims = self.table.nodes[einsum.left].shape
        right_dims = self.table.nodes[einsum.right].shape
        shared = axes.g + axes.k
        parts = cut(kappa, (bits(left_dims[axes.left[letter]]) for letter in shared))
        eq = dict(zip(shared, parts, strict=True))

        def weight(letter: str) -> Value:
            return eq_axis(eq[letter], left_dims[axes.left[letter]])

        left = [Group((axes.left[x],), weight(x)) for x in axes.k]
        right = [Group((axes.right[x],), weight(x)) for x in axes.g + axes.k]
        for group in weights:
            letters = [einsum.labels[2][axis] for axis in group.axes]
            if set(letters) <= set(axes.n):
                right.append(self._renamed(group, [axes.right[x] for x in letters], right_dims))
                continue
            if set(letters) <= set(axes.g):
                value = group.value
                if len(letters) == 1:
                    value = self.pullback.multiplied(value, eq[letters[0]])
                else:
                    kernel = [Group((i,), weight(x)) for i, x in enumerate(letters)]
                    sizes = [left_dims[axes.left[x]] for x in letters]
                    _, other = self.pullback.merged(kernel, sizes)
                    product = self.graph.entrywise(
                        self.pullback.dense(value), self.pullback.dense(other)
                    )
                    value = Dense(product, value.length)
                group = Group(group.axes, value)
            elif not set(letters) <= set(axes.m):
                raise InternalError("Weights on an einsum that do not factor by class of axes.")
            left.append(self._renamed(group, [axes.left[x] for x in letters], left_dims))
        for operand, groups in ((einsum.left, left), (einsum.right, right)):
            self.add_node(operand, Term(Monomial(1, (next(scales),)), tuple(groups)))

    def _renamed(self, group: Group, axes: Sequence[int], dims: Sequence[int]) -> Group:
        """A group with its axes renamed; entries move where the new axes do not ascend."""
        order = sorted(axes)
        if order == list(axes):
            return Group(tuple(axes), group.value)
        length = group.value.length
        written = self.pullback.dense(group.value)
        vector = self.graph.place(written, length, places(axes, order, dims))
        return Group(tuple(order), Dense(vector, length))

    def value(self) -> Node:
        """The weights on blocks at r."""
        return self.graph.factored(self.on_blocks)


def _cut(tile: Tile, point: Point) -> tuple[Point, dict[int, Point]]:
    """The part of a point above a tile, and the coordinates of each inner axis."""
    return point[: len(point) - tile.inner], tile.cut(point)


def claims_of(frame: Frame) -> tuple[Graph, Outputs]:
    """All expressions of a circuit, in the order of its claims."""
    claims, slots = Claims(frame), frame.slots()
    table, layout = frame.table, frame.layout
    graph = claims.graph

    enabled = [claims.tile_sum(g.place, slots.tau, slots.z) for g in layout.groups]
    numerators, tags = [], []
    for i in range(GROUP):
        used = [(n, g) for n, g in enumerate(layout.groups) if i < len(g.lookups)]
        numerators.append(graph.sum_of(Monomial(1, (enabled[n],)) for n, _ in used))
        real = [Monomial(g.lookups[i].tag, (claims.tile_sum(g.place, slots.z),)) for _, g in used]
        tags.append(graph.factored(real))
    gates = [claims.tile_sum(p.place, slots.tau, slots.z) for p in layout.products]

    scales = iter(slots.powers)
    next(scales)
    claims.add_columns([next(scales) for _ in range(layout.columns)])
    next(scales)
    claims.add_total(next(scales))
    for _ in table.tables:
        next(scales)
    first = 0
    word_points = cut(slots.word_point, frame.word_sizes)
    for node, point, count in zip(table.public, word_points, frame.word_counts, strict=True):
        claims.add_words(node, first, point, next(scales))
        first += count
    contracted = []
    for node, point in zip(table.zero, cut(slots.zero_point, frame.zero_sizes), strict=True):
        if table.nodes[node].einsum:
            contracted.append((node, point))
            continue
        groups = claims.on_tensor(table.nodes[node].shape, point)
        claims.add_node(node, Term(Monomial(1, (next(scales),)), tuple(groups)))
    if contracted:
        next(scales)
    coefficients = claims.add_contractions(contracted, scales)
    claims.pull_back()
    outputs = Outputs(
        enabled=graph.sum_of(Monomial(1, (node,)) for node in enabled),
        numerators=tuple(numerators),
        tags=tuple(tags),
        gate=graph.sum_of(Monomial(1, (node,)) for node in gates),
        constant=graph.factored(claims.constants),
        value=claims.value(),
        coefficients=coefficients,
        checks=tuple(map(claims.eq_rows, claims.ids)),
    )
    return graph, outputs
