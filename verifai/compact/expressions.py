"""Expressions in the challenges of a proof, each of them kept once.

The verifier contract evaluates *scalars* and *vectors*. Here both are nodes of one acyclic graph,
named by their number: equal expressions are one node, so that what several claims share is computed
once. A *monomial* is an integer times a product of scalars, ``Monomial(-2, (x, y))`` = -2 x y; a
*point* is a tuple of scalars, the coordinates of an eq, that of the highest bit first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import Any, TypeAlias

Node: TypeAlias = int
Point: TypeAlias = tuple[Node, ...]

#: Scalars that every circuit has, by slot.
ZERO, ONE, HALF = 0, 1, 2


@dataclass(frozen=True)
class Monomial:
    """``constant * product of the factors``; factors ascend."""

    constant: int = 1
    factors: tuple[Node, ...] = ()

    def times(self, constant: int, *factors: Node) -> Monomial:
        """The product with an integer and further scalars."""
        return Monomial(self.constant * constant, tuple(sorted((*self.factors, *factors))))

    def of(self, other: Monomial) -> Monomial:
        """The product of two monomials."""
        return self.times(other.constant, *other.factors)


@dataclass
class Graph:
    """All expressions. ``kinds[i]`` is the operation of node i, then its operands.

    Nodes are scalars or vectors; ``lengths[i]`` is None for a scalar. The scalars 0 .. fixed - 1
    are the slots that the contract fills by itself.
    """

    fixed: int
    kinds: list[tuple[Any, ...]] = field(default_factory=list)
    lengths: list[int | None] = field(default_factory=list)
    _known: dict[tuple[Any, ...], Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for slot in range(self.fixed):
            self._node(("slot", slot))

    def _node(self, kind: tuple[Any, ...], length: int | None = None) -> Node:
        if kind not in self._known:
            self._known[kind] = len(self.kinds)
            self.kinds.append(kind)
            self.lengths.append(length)
        return self._known[kind]

    def length(self, vector: Node) -> int:
        """Entries of a vector."""
        length = self.lengths[vector]
        assert length is not None
        return length

    # scalars

    def constant(self, value: int) -> Node:
        """An integer."""
        return value if value in (ZERO, ONE) else self._node(("constant", value))

    def sum_of(self, terms: Iterable[Monomial]) -> Node:
        """A sum of products; like terms are joined."""
        kept = tuple(sorted(self._joined(terms).items()))
        if not kept:
            return ZERO
        if len(kept) == 1:
            factors, constant = kept[0]
            if not factors:
                return self.constant(constant)
            if constant == 1 and len(factors) == 1:
                return factors[0]
        return self._node(("sum_of", kept))

    def factored(self, terms: Iterable[Monomial]) -> Node:
        """The same sum with what terms share taken out, the most frequent factor first:
        ``a x + b x + c`` is computed as ``(a + b) x + c``.
        """
        left = [Monomial(c, f) for f, c in self._joined(terms).items()]
        while True:
            counts = Counter(factor for term in left for factor in set(term.factors))
            if not counts or max(counts.values()) < 2:
                return self.sum_of(left)
            best = max(counts, key=lambda factor: (counts[factor], factor))
            sharing = [term for term in left if best in term.factors]
            common = Counter(sharing[0].factors)
            for term in sharing:
                common &= Counter(term.factors)
            constant = sharing[0].constant if len({t.constant for t in sharing}) == 1 else 1
            inner = self.factored(
                Monomial(
                    term.constant // constant, tuple((Counter(term.factors) - common).elements())
                )
                for term in sharing
            )
            left = [term for term in left if best not in term.factors]
            left.append(Monomial(constant).times(1, inner, *common.elements()))

    def _joined(self, terms: Iterable[Monomial]) -> dict[tuple[Node, ...], int]:
        """Like terms added up, zeros and factors of 1 left out."""
        joined: dict[tuple[Node, ...], int] = {}
        for term in terms:
            factors = tuple(sorted(f for f in term.factors if f != ONE))
            if ZERO not in factors:
                joined[factors] = joined.get(factors, 0) + term.constant
        return {factors: constant for factors, constant in joined.items() if constant}

    def product(self, factors: Iterable[Node]) -> Node:
        """A product of scalars."""
        return self.sum_of([Monomial(1, tuple(sorted(factors)))])

    def eq_at(self, point: Point, index: int) -> Node:
        """``eq(point, index)``."""
        assert 0 <= index < 1 << len(point)
        return self._node(("eq_at", point, index)) if point else ONE

    def interval(self, points: Sequence[Point], start: int, end: int) -> Node:
        """The sum over start <= i < end of the product over the points of eq(point, i).

        A point of zeros and ones selects one index; the sum of one eq over all indices is 1.
        """
        n = len(points[0]) if points else 0
        assert 0 <= start < end <= 1 << n
        kept = []
        for point in points:
            index = unit_index(point)
            if index is None:
                kept.append(point)
            elif not start <= index < end:
                return ZERO
            else:
                start, end = index, index + 1
        if not kept:
            return self.constant(end - start)
        if end == start + 1:
            return self.product(self.eq_at(point, start) for point in kept)
        if len(kept) == 1 and (start, end) == (0, 1 << n):
            return ONE
        return self._node(("interval", tuple(sorted(kept)), start, end))

    def evaluate(self, vector: Node, point: Point) -> Node:
        """The inner product with eq(point, .), without a table of it."""
        if len(point) > 0:
            return self._node(("evaluate", vector, point))
        return self.total(vector)

    def dot(self, a: Node, b: Node) -> Node:
        """The inner product of two vectors of one length."""
        assert self.length(a) == self.length(b)
        for vector, other in ((a, b), (b, a)):
            if (found := self.scattered_dot(vector, other)) is not None:
                return found
        return self._node(("dot", *sorted((a, b))))

    def scattered_dot(self, vector: Node, e: Node) -> Node | None:
        """The inner product of a scatter of two vectors with ``e``, without writing it out:
        ``sum over i, j of a[i] b[j] e[offset + stride i + j]``. None if it has another form.
        """
        kind, *operands = self.kinds[vector]
        if kind != "scatter" or len(operands[2]) != 2:
            return None
        _, offset, parts = operands
        (a, step_a), (b, step_b) = parts
        if step_b != 1:
            (a, step_a), (b, step_b) = (b, step_b), (a, step_a)
        sizes = (self.length(a), self.length(b), self.length(e))
        if step_b != 1 or not 0 < step_a < 1 << 16 or max(sizes) >= 1 << 16:
            return None
        return self._node(("bilinear", a, b, e, offset, step_a))

    def total(self, vector: Node) -> Node:
        """The sum of a vector's entries."""
        kind, *operands = self.kinds[vector]
        if kind == "eq_range":
            point, start, count = operands
            return self.interval([point], start, start + count)
        if kind == "scatter":
            length, offset, parts = operands
            reach = [stride * (self.length(v) - 1) for v, stride in parts]
            low = offset + sum(min(r, 0) for r in reach)
            high = offset + sum(max(r, 0) for r in reach)
            if low >= 0 and high < length:  # nothing is dropped
                return self.product(self.total(v) for v, _ in parts)
        return self._node(("total", vector))

    def merged(self, factors: Iterable[Node]) -> list[Node]:
        """Sums over neighbouring coordinates as one.

        The sum of eq((a, b), i) over 1 <= i < 3, times that of eq((c,), j) over j < 2, is the sum
        of eq((a, b, c), 2 i + j) over 2 <= 2 i + j < 6.
        """
        left = [f for f in factors if f != ONE]
        for a, b in permutations(left, 2):
            if self.kinds[a][0] == self.kinds[b][0] == "interval":
                _, points, start, end = self.kinds[a]
                _, lower, zero, full = self.kinds[b]
                k = len(lower[0])
                follows = {p[0]: p for p in lower}
                pairs = [(p, follows.get(p[-1] + 1)) for p in points]
                one_run = all(q and _consecutive(p + q) for p, q in pairs)
                if len(points) == len(lower) and (zero, full) == (0, 1 << k) and one_run:
                    whole = [p + q for p, q in pairs if q]
                    left.remove(a)
                    left.remove(b)
                    return self.merged([*left, self.interval(whole, start << k, end << k)])
        return left

    # vectors

    def slice_of(self, vector: Node, first: int, length: int) -> Node:
        """A part of a vector."""
        assert 0 <= first <= first + length <= self.length(vector)
        if length == self.length(vector):
            return vector
        return self._node(("slice", vector, first, length), length)

    def eq_range(self, point: Point, start: int, count: int) -> Node:
        """``eq(point, start), ..., eq(point, start + count - 1)``."""
        assert 0 <= start <= (1 << len(point)) - count
        return self._node(("eq_range", point, start, count), count)

    def words(self, first: int, count: int) -> Node:
        """Public words."""
        return self._node(("words", first, count), count)

    def eq_rows(
        self, point: Point, start: int, step: int, ids: tuple[int, int, tuple[int, ...]]
    ) -> Node:
        """``eq(point, start + step * id + i)`` for each id of a statement and i < step.

        ``ids`` are how many rows there are, which each id is below; bits of a lane; and for each id
        its lane, counted from the first of all words.
        """
        return self._node(("eq_rows", point, start, step, ids), step * len(ids[2]))

    def scatter(self, length: int, offset: int, parts: Sequence[tuple[Node, int]]) -> Node:
        """out[offset + sum stride * index] += product of the parts at their indices.

        Parts are (vector, stride); what falls outside of ``length`` is dropped. A convolution is
        one: with u over positions and v over the kernel, out[2 i + j] += u[i] v[j] for stride 2.
        """
        alone = len(parts) == 1 and offset == 0 and parts[0][1] == 1
        if alone and self.length(parts[0][0]) == length:
            return parts[0][0]
        if len(parts) > 2 and offset == 0:  # the last ones first: others may share them
            tail = [(v, stride // parts[-1][1]) for v, stride in parts[1:]]
            reach = 1 + sum(stride * (self.length(v) - 1) for v, stride in tail)
            if all(stride % parts[-1][1] == 0 and stride > 0 for _, stride in parts[1:]):
                inner = self.scatter(reach, 0, tail)
                return self.scatter(length, 0, [parts[0], (inner, parts[-1][1])])
        parts = sorted(parts, key=lambda part: self.length(part[0]))  # the longest is innermost
        return self._node(("scatter", length, offset, tuple(parts)), length)

    def place(self, vector: Node, length: int, places: Sequence[int | None]) -> Node:
        """out[places[i]] += vector[i]; None drops the entry."""
        assert len(places) == self.length(vector)
        if list(places) == list(range(length)):
            return vector
        return self._node(("place", length, vector, tuple(places)), length)

    def zeros(self, length: int) -> Node:
        """A vector of zeros."""
        return self.scatter(length, length, [(self.eq_range((), 0, 1), 1)])

    def entrywise(self, a: Node, b: Node) -> Node:
        """The product entry by entry."""
        assert self.length(a) == self.length(b)
        return self._node(("entrywise", *sorted((a, b))), self.length(a))

    def contract(self, vector: Node, against: Node, step: int) -> Node:
        """Sum out one axis of a row-major vector; ``step`` is the distance of its neighbours."""
        outer, rest = divmod(self.length(vector), self.length(against) * step)
        assert rest == 0
        return self._node(("contract", vector, against, step), outer * step)

    def combine(self, parts: Sequence[tuple[Node, Node]]) -> Node:
        """The sum of scalar times vector."""
        if len(parts) == 1 and parts[0][0] == ONE:
            return parts[0][1]
        return self._node(("combine", tuple(parts)), self.length(parts[0][1]))


def _consecutive(point: Point) -> bool:
    return all(b == a + 1 for a, b in pairwise(point))


def unit_index(point: Point) -> int | None:
    """The only index where eq(point, .) is 1, if all coordinates are 0 or 1: (1, 0) gives 2."""
    if not all(x in (ZERO, ONE) for x in point):
        return None
    return sum(x << k for k, x in enumerate(reversed(point)))


def operands_of(kind: tuple[Any, ...]) -> list[Node]:
    """The nodes that a node is computed from."""
    match kind:
        case ("sum_of", terms):
            return [f for factors, _ in terms for f in factors]
        case ("eq_at", point, _) | ("eq_range", point, _, _) | ("eq_rows", point, _, _, _):
            return list(point)
        case ("interval", points, _, _):
            return [x for point in points for x in point]
        case ("dot", a, b) | ("entrywise", a, b) | ("contract", a, b, _):
            return [a, b]
        case ("evaluate", vector, point):
            return [vector, *point]
        case ("bilinear", a, b, e, _, _):
            return [a, b, e]
        case ("total", vector) | ("place", _, vector, _) | ("slice", vector, _, _):
            return [vector]
        case ("scatter", _, _, parts):
            return [vector for vector, _ in parts]
        case ("combine", parts):
            return [node for part in parts for node in part]
    return []
