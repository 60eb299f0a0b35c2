"""From expressions to operations: order, slots, memory, bytes.

Scalars are appended, one slot each, so that no operation can write over what the contract keeps;
vectors lie in a memory of their own that begins with the public words and is reused when nobody
reads a vector any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from verifai.compact.expressions import ONE, Graph, Node, Point, operands_of
from verifai.errors import UnsupportedError

#: The contract keeps slot 0 at this word of its memory; operations name words.
FIRST_WORD = 96
#: Highest word of a scalar, highest address in the memory of vectors.
MAX_WORD = 0xFFFF
MAX_ADDRESS = (1 << 24) - 1
#: eq(x, 8) and eq(x, 11) are computed together, with those between, if they are no further apart
#: than this: an entry more costs less than another operation.
MAX_GAP = 5
#: As a place: this entry goes nowhere.
DROPPED = (1 << 24) - 1


class Op(IntEnum):
    """Operations; docs/specs/evm-verifier.md says what each does."""

    END = 0
    PAIRS = 1
    INTERVAL = 2
    PRODUCT = 3
    DOT = 4
    EQ_SLOTS = 5
    EQ_RANGE = 6
    COMBINE = 7
    SCATTER = 8
    TOTAL = 9
    CONTRACT = 10
    ENTRYWISE = 11
    PLACE = 12
    POINT = 13
    BILINEAR = 14
    PREFIX = 15
    EQ_AT = 16
    BETWEEN = 17
    EVALUATE = 18
    EQ_ROWS = 19


#: A value, and in how many bytes it is written.
Field: TypeAlias = tuple[int, int]
#: An operation and the values of its fields.
Step: TypeAlias = tuple[Op, tuple[int, ...]]


@dataclass(frozen=True)
class Program:
    """Operations as bytes, and what they need.

    Attributes:
        steps: the operations with their fields, as ``code`` encodes them.
        narrow, wide: constants of at most 63 bits, and all others.
        scalars: slots in all.
        memory: entries of the memory of vectors.
        outputs: slots.
    """

    code: bytes
    steps: tuple[Step, ...]
    narrow: tuple[int, ...]
    wide: tuple[int, ...]
    scalars: int
    memory: int
    outputs: tuple[int, ...]


def program_of(
    graph: Graph, outputs: Sequence[Node], words: int, checks: Sequence[Node] = ()
) -> Program:
    """The operations that compute ``outputs``, and ``checks``, which refuse some statements.

    Raises:
        UnsupportedError: more scalars or vectors than the contract can address.
    """
    return _Emitter(graph, words).run(outputs, checks)


class _Emitter:
    def __init__(self, graph: Graph, words: int) -> None:
        self.graph, self.words = graph, words
        self.code = bytearray()
        self.steps: list[Step] = []
        self.slot: dict[Node, int] = {node: node for node in range(graph.fixed)}
        self.point: dict[tuple[int, ...], int] = {}
        self.products: dict[tuple[int, ...], int] = {}
        self.runs: dict[Node, tuple[Point, int, int]] = {}
        self.address: dict[Node, int] = {}
        self.free: list[tuple[int, int]] = [(words, MAX_ADDRESS + 1)]
        self.memory = words

    def run(self, outputs: Sequence[Node], checks: Sequence[Node]) -> Program:
        order = self._order([*outputs, *checks])
        narrow, wide = self._constants(order)
        self._find_runs(order)
        self.next = self.graph.fixed
        for value in (*narrow, *wide):
            self.constant_slot[value] = self.next
            self.next += 1
        last = {vector: i for i, node in enumerate(order) for vector in self._reads(node)}
        for i, node in enumerate(order):
            if node not in self.slot:
                self._emit(node)
            for vector in self._reads(node):
                if last[vector] == i:
                    self._release(vector)
        if self.next + FIRST_WORD > MAX_WORD:
            raise UnsupportedError(
                f"The claims of this circuit take {self.next} scalars on the EVM, more than "
                f"{MAX_WORD - FIRST_WORD}.",
                hint="Fewer operators, or a smaller model.",
            )
        slots = tuple(self.slot[node] + FIRST_WORD for node in outputs)
        return Program(
            code=bytes(self.code) + bytes([Op.END]),
            steps=tuple(self.steps),
            narrow=narrow,
            wide=wide,
            scalars=self.next,
            memory=self.memory,
            outputs=slots,
        )

    def _reads(self, node: Node) -> set[Node]:
        """The vectors that have to be there for a node; parts of one stand for the whole."""
        found = set()
        for operand in operands_of(self.graph.kinds[node]):
            while self.graph.kinds[operand][0] == "slice":
                operand = self.graph.kinds[operand][1]
            if self.graph.lengths[operand] is not None:
                found.add(operand)
        return found

    def _order(self, outputs: Sequence[Node]) -> list[Node]:
        """Operands first; what an output needs alone comes right before it."""
        order: list[Node] = []
        done: set[Node] = set(range(self.graph.fixed))
        for output in outputs:
            waiting = [(output, False)]
            while waiting:
                node, ready = waiting.pop()
                if node in done:
                    continue
                if ready:
                    done.add(node)
                    order.append(node)
                    continue
                waiting.append((node, True))
                operands = operands_of(self.graph.kinds[node])
                waiting += [(operand, False) for operand in reversed(operands)]
        return order

    def _constants(self, order: Sequence[Node]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        found: dict[int, None] = {}
        for node in order:
            kind = self.graph.kinds[node]
            if kind[0] == "constant":
                found[kind[1]] = None
            elif kind[0] == "sum_of":
                for factors, c in kind[1]:
                    if c != 1 or not factors:
                        found[c] = None
        self.constant_slot: dict[int, int] = {0: 0, 1: 1, -1: 7}
        values = [c for c in found if c not in self.constant_slot]
        narrow = tuple(c for c in values if -(1 << 63) <= c < 1 << 63)
        return narrow, tuple(c for c in values if c not in set(narrow))

    def _find_runs(self, order: Sequence[Node]) -> None:
        """Single eqs of one point that lie close are one run: for each its point, start, count."""
        by_point: dict[Point, list[tuple[int, Node]]] = {}
        for node in order:
            kind = self.graph.kinds[node]
            if kind[0] == "eq_at":
                by_point.setdefault(kind[1], []).append((kind[2], node))
        for point, wanted in by_point.items():
            run: list[tuple[int, Node]] = []
            for index, node in [*sorted(wanted), (1 << 40, -1)]:
                if run and index - run[-1][0] > MAX_GAP:
                    start, count = _window(run[0][0], run[-1][0])
                    for _, member in run:
                        self.runs[member] = (point, start, count)
                    run = []
                run.append((index, node))

    # memory

    def _allocate(self, node: Node) -> int:
        length = self.graph.length(node)
        for i, (start, end) in enumerate(self.free):
            if end - start >= length:
                self.free[i] = (start + length, end)
                self.address[node] = start
                self.memory = max(self.memory, start + length)
                return start
        raise UnsupportedError(
            f"The claims of this circuit take more than {MAX_ADDRESS} words of memory on the EVM.",
            hint="A smaller batch.",
        )

    def _release(self, node: Node) -> None:
        start = self.address[node]
        if start < self.words:
            return
        self.free.append((start, start + self.graph.length(node)))
        self.free.sort()
        joined: list[tuple[int, int]] = []
        for a, b in self.free:
            if joined and joined[-1][1] == a:
                joined[-1] = (joined[-1][0], b)
            elif a < b:
                joined.append((a, b))
        self.free = joined

    # operations

    def _put(self, op: Op, *fields: Field) -> None:
        """Append an operation."""
        self.code.append(op)
        self.steps.append((op, tuple(value for value, _ in fields)))
        for value, size in fields:
            if value >= 1 << 8 * size:
                raise UnsupportedError(
                    f"The claims of this circuit need the number {value} where the verifier "
                    f"contract has {size} byte(s).",
                    hint="Fewer operators, or a smaller model.",
                )
            self.code += value.to_bytes(size, "big")

    def _point(self, point: Point) -> int:
        """The first of consecutive slots that hold a point."""
        slots = tuple(self.slot[x] for x in point)
        if not slots:
            return 0
        if slots == tuple(range(slots[0], slots[0] + len(slots))):
            return slots[0]
        if slots not in self.point:
            self.point[slots] = self.next
            self.next += len(slots)
            self._put(Op.POINT, (len(slots), 1), *map(_slot, slots))
        return self.point[slots]

    def _product(self, slots: Sequence[int]) -> int:
        """The slot of a product."""
        factors = tuple(slots)
        if len(factors) == 1:
            return factors[0]
        if factors not in self.products:
            self.products[factors] = self.next
            self.next += 1
            self._put(Op.PRODUCT, (len(factors), 1), *map(_slot, factors))
        return self.products[factors]

    def _name(self, point: Point) -> Field:
        """A point as operations name it."""
        return _slot(self._point(point))

    def _at(self, vector: Node) -> Field:
        """Where a vector lies."""
        return self.address[vector], 3

    def _sized(self, vector: Node, size: int = 3) -> tuple[Field, Field]:
        """Where a vector lies and its length, in ``size`` bytes."""
        return self._at(vector), (self.graph.length(vector), size)

    def _emit(self, node: Node) -> None:
        match kind := self.graph.kinds[node]:
            case ("constant", value):
                self.slot[node] = self.constant_slot[value]
            case ("words", first, _):
                self.address[node] = first
            case ("slice", vector, first, _):
                self.address[node] = self.address[vector] + first
            case ("eq_at", _, _):
                self._eq_at(node)
            case ("sum_of", terms):
                self.slot[node] = self._sum_of(terms)
            case _ if self.graph.lengths[node] is None:
                self._put(*self._scalar(kind))
                self.slot[node] = self.next
                self.next += 1
            case _:
                self._put(*self._vector(kind, (self._allocate(node), 3), self.graph.length(node)))

    def _eq_at(self, node: Node) -> None:
        point, start, count = self.runs[node]
        first = self._point(point)
        if count == 1:
            self._put(Op.EQ_AT, (len(point), 1), _slot(first), (start, 4))
        else:
            fields = _slot(first), (len(point), 1), (start, 4), (count, 2)
            self._put(Op.EQ_SLOTS, *fields)
        for other, run in self.runs.items():
            if run == (point, start, count):
                self.slot[other] = self.next + self.graph.kinds[other][2] - start
        self.next += count

    def _sum_of(self, terms: Sequence[tuple[tuple[Node, ...], int]]) -> int:
        products = []
        for nodes, constant in terms:
            slots = [self.slot[x] for x in nodes]
            if constant != 1 or not slots:
                slots.insert(0, self.constant_slot[constant])
            products.append(slots)
        if len(products) == 1:
            return self._product(products[0])
        pairs = [(self._product(p[:-1]) if p[1:] else ONE, p[-1]) for p in products]
        self._put(Op.PAIRS, (len(pairs), 2), *(_slot(x) for pair in pairs for x in pair))
        self.next += 1
        return self.next - 1

    def _scalar(self, kind: tuple[Any, ...]) -> tuple[Any, ...]:
        """The operation with this result, and its fields."""
        match kind:
            case ("interval", points, start, end):
                at = [self._name(point) for point in points]
                n = (len(points[0]), 1)
                if len(points) > 2 or end >= 1 << 32:
                    return Op.INTERVAL, (len(points), 1), n, (start, 4), (end, 5), *at
                x, y = (*at, (0, 2))[:2]  # 0 for a second point: there is one only
                below = n, y, x, (end, 4)
                return (Op.BETWEEN, *below, (start, 4)) if start else (Op.PREFIX, *below)
            case ("bilinear", *vectors, offset, stride):
                sized = [field for vector in vectors for field in self._sized(vector, 2)]
                return Op.BILINEAR, *sized, _signed(offset), (stride, 2)
            case ("evaluate", vector, point):
                name = self._name(point)
                return Op.EVALUATE, *self._sized(vector), name, (len(point), 1)
            case ("dot", a, b):
                return Op.DOT, self._at(a), *self._sized(b)
            case _:
                return Op.TOTAL, *self._sized(kind[1])

    def _vector(self, kind: tuple[Any, ...], to: Field, length: int) -> tuple[Any, ...]:
        """The operation with this result of ``length`` entries, and its fields."""
        result = (to, (length, 3))
        match kind:
            case ("eq_range", point, start, count):
                name = self._name(point)
                return Op.EQ_RANGE, to, name, (len(point), 1), (start, 4), (count, 3)
            case ("eq_rows", point, start, step, (rows, lane, places)):
                head = (len(places), 3), (lane, 1), (rows - 1, 3), (start, 4), (step, 3)
                at = [(place, 3) for place in places]
                return Op.EQ_ROWS, to, *head, self._name(point), (len(point), 1), *at
            case ("combine", parts):
                named = [x for s, v in parts for x in (_slot(self.slot[s]), self._at(v))]
                return Op.COMBINE, *result, (len(parts), 1), *named
            case ("scatter", _, offset, parts):
                factors = [x for v, stride in parts for x in (*self._sized(v), _signed(stride))]
                return Op.SCATTER, *result, _signed(offset), (len(parts), 1), *factors
            case ("contract", vector, other, step):
                inner = self.graph.length(other)
                outer = self.graph.length(vector) // (inner * step)
                sizes = (outer, 3), (inner, 3), (step, 3)
                return Op.CONTRACT, to, self._at(vector), self._at(other), *sizes
            case ("entrywise", a, b):
                return Op.ENTRYWISE, to, self._at(a), self._at(b), (length, 3)
            case _:
                _, _, vector, places = kind
                entries = [(DROPPED if place is None else place, 3) for place in places]
                return Op.PLACE, *result, *self._sized(vector), *entries


def _window(first: int, last: int) -> tuple[int, int]:
    """Addresses from first to last as start and count, or the aligned window around them: aligned
    entries are computed by doubling, and that is cheaper if the window is hardly larger. 9 to 14
    become (8, 8), which is 8 to 15.
    """
    count = last - first + 1
    level = (first ^ last).bit_length()
    if count > 1 and 1 << level <= max(8, 2 * count):
        return first >> level << level, 1 << level
    return first, count


def _signed(value: int) -> Field:
    """An offset or a stride as a field of four bytes, two's complement: -1 is 0xffffffff.

    Raises:
        UnsupportedError: it does not fit. Cut to four bytes it would be another circuit's.
    """
    if not -(1 << 31) <= value < 1 << 31:
        raise UnsupportedError(
            f"A view of this circuit reads {value} entries away from its tensor."
        )
    return value & 0xFFFFFFFF, 4


def _slot(slot: int) -> Field:
    """A slot as the contract names it, with the bytes of the field."""
    return slot + FIRST_WORD, 2
