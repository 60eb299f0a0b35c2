"""Random operation tables, valid and meaningless, with messages that have the right form.

What claims mean at a point, the constant and L(r), is defined for any messages, true or not: no
honest proof is needed to compare two computations of it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tests.verifier.circuits import Circuit, canonical
from verifai.compact.frame import Frame
from verifai.verifier.native.curve import G
from verifai.verifier.native.field import P
from verifai.verifier.native.table import Committed, Gather, origins_of
from verifai.verifier.native.words import lane_bits

#: Entries of a tensor, at most; the verifiers write vectors out.
MAX_SIZE = 400
GENERATOR = b"".join(x.to_bytes(32, "big") for x in G)
Shape = tuple[int, ...]


class RandomTable(Circuit):
    """Grows a table node by node; all values are zero, and nobody looks at them."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng.choice((1, 1, 2, 3, 4, 8)), rng.randint(4, 8))
        self.rng = rng
        self.hiding = rng.random() < 0.5
        if self.hiding:
            self.log_columns = max(7, self.log_columns)
        self.einsums: set[int] = set()  # nodes that contain one
        self.ids: set[int] = set()  # nodes that gathers read

    def zero(self, node: int) -> None:
        self.constraints["zero"].append(node)

    # shapes

    def any_shape(self) -> Shape:
        """Axes of 1 and of powers of two more often than chance has them."""
        while True:
            axes = self.rng.randrange(4)
            shape = tuple(self.rng.choice((1, 1, 2, 3, 4, 4, 5, 6, 8, 16)) for _ in range(axes))
            if prod(shape) <= MAX_SIZE:
                return shape

    def some_axes(self, shape: Shape) -> Shape:
        return tuple(axis for axis in range(len(shape)) if self.rng.random() < 0.35)

    # nodes

    def any_committed(self, shape: Shape | None = None) -> int:
        rng = self.rng
        shape = self.any_shape() if shape is None else shape
        batched = rng.random() < 0.7
        widths = [rng.randint(1, 8) for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5)))]
        values = np.zeros((self.batch, *shape) if batched else shape, dtype=object)
        region, offset = rng.choice(("input", "output", "witness")), rng.choice((0, -3, 7, -128))
        return self.committed(region, values, widths, offset, self.some_axes(shape), batched)

    def any_weight(self, shape: Shape | None = None) -> int:
        shape = self.any_shape() if shape is None else shape
        return self.weight(np.zeros(shape, dtype=object), self.some_axes(shape))

    def any_map(self, size: int, first: int) -> tuple[dict[str, Any], list[int]]:
        """How a view reads one axis: the map, and the sizes of its axes from ``first`` on."""
        rng = self.rng
        match rng.choice(("indices", "fixed", "pairs", "window", "line", "line", "line")):
            case "indices":
                count = rng.choice((1, 2, 3, 4, size, 8))
                step = rng.choice((1, 0, -1))
                return {"axis": first, "indices": [step * i % size for i in range(count)]}, [count]
            case "fixed":
                return {"offset": rng.choice((0, size - 1, size, -1)), "terms": []}, []
            case "pairs":
                inner = rng.choice((1, 2, 3, 4))
                outer = rng.choice((1, max(1, size // inner), -(-size // inner)))
                terms = [[first, inner], [first + 1, 1]]
                return {"offset": rng.choice((0, 0, -1, 1)), "terms": terms}, [outer, inner]
            case "window":
                reach = rng.choice((1, 2, 3))
                terms = [[first, rng.choice((1, 2))], [first + 1, 1]]
                return {"offset": -rng.randrange(reach), "terms": terms}, [size, reach]
            case _:
                offset = rng.choice((0, 0, 0, 0, -1, 1, size // 2, -size, 1 << 20))
                terms = [[first, rng.choice((1, 1, 1, 1, 2, -1))]]
                count = rng.choice((size, size, size + 1, 2 * size, max(1, size // 2), 1, 2, 4, 8))
                return {"offset": offset, "terms": terms}, [count]

    def any_view(self, source: int) -> None:
        target: list[int] = []
        maps = []
        for size in self.shape(source):
            one, sizes = self.any_map(size, len(target))
            maps.append(one)
            target += sizes
        if self.rng.random() < 0.2:  # a broadcast
            target.append(self.rng.randint(1, 4))
        if prod(target) > MAX_SIZE or len(target) > 6:
            return
        order = list(range(len(target)))
        if self.rng.random() < 0.4:
            self.rng.shuffle(order)
        shape = [0] * len(target)
        for axis, size in zip(order, target, strict=True):
            shape[axis] = size
        for one in maps:
            if "axis" in one:
                one["axis"] = order[one["axis"]]
            else:
                one["terms"] = [[order[axis], step] for axis, step in one["terms"]]
        self._over(source, self.view(source, tuple(shape), maps))

    def any_reshape(self, source: int) -> None:
        if source in self.einsums:
            return
        left, shape = prod(self.shape(source)), []
        while left > 1:
            shape.append(self.rng.choice([d for d in range(2, left + 1) if left % d == 0]))
            left //= shape[-1]
        for _ in range(self.rng.randrange(3)):
            shape.insert(self.rng.randint(0, len(shape)), 1)
        self.reshape(source, tuple(shape))

    def any_linear(self, source: int) -> None:
        alike = [n for n in range(len(self.nodes)) if self.shape(n) == self.shape(source)]
        factors = (0, 1, -1, 2, -7, 1 << 40)
        more = [(self.rng.choice(factors), self.rng.choice(alike)) for _ in range(3)]
        terms = [(1, source), *more[: self.rng.randrange(4)]]
        made = self.linear(*terms, offset=self.rng.choice((0, 0, 5, -9)))
        if any(node in self.einsums for _, node in terms):
            self.einsums.add(made)

    def any_gather(self, source: int) -> None:
        """Rows of a weight by a new tensor of ids, as it is, reshaped or turned round."""
        rng = self.rng
        weights = [n for n, node in enumerate(self.nodes) if node["kind"] == "weight"]
        weights = [n for n in weights if self.shape(n)]
        while (shape := self.any_shape()) and prod(shape) > 8:
            pass
        if not weights:
            return
        batched = rng.random() < 0.7
        values = np.zeros((self.batch, *shape) if batched else shape, dtype=object)
        widths = [rng.randint(1, 8) for _ in range(rng.randint(1, 4))]
        ids = self.committed("input", values, widths, 0, self.some_axes(shape), batched)
        self.ids.add(ids)
        if shape and rng.random() < 0.3:
            ids = self.reshape(ids, (prod(shape),))
        elif shape and rng.random() < 0.5:
            last = [{"offset": 0, "terms": [[axis, 1]]} for axis in range(len(shape) - 1)]
            last.append({"offset": shape[-1] - 1, "terms": [[len(shape) - 1, -1]]})
            ids = self.view(ids, shape, last)
        for weight in rng.sample(weights, min(len(weights), 2)):
            if prod(shape) * prod(self.shape(weight)[1:]) <= MAX_SIZE:
                self.gather(weight, ids)

    def any_einsum(self) -> None:
        rng = self.rng
        left = rng.choice(self.plain())
        label = "abcdefg"[: len(self.shape(left))]
        sizes = dict(zip(label, self.shape(left), strict=True))
        shared = [letter for letter in label if rng.random() < 0.6]
        own = list("xyz"[: rng.randrange(3)])
        sizes |= {letter: rng.randint(1, 5) for letter in own}
        other = shared + own
        rng.shuffle(other)
        out = [x for x in label if x not in shared or rng.random() < 0.4] + own
        rng.shuffle(out)
        shape = tuple(sizes[x] for x in other)
        if max(prod(shape), prod(sizes[x] for x in out)) > MAX_SIZE or len(out) > 5:
            return
        right = rng.choice((self.any_weight, self.any_committed))(shape)
        self.einsums.add(self.einsum(left, right, (label, "".join(other), "".join(out))))

    def _over(self, source: int, node: int) -> None:
        if source in self.einsums:
            self.einsums.add(node)

    def plain(self) -> list[int]:
        """Nodes without einsums."""
        return [node for node in range(len(self.nodes)) if node not in self.einsums]

    # constraints

    def constrain(self) -> None:
        rng = self.rng
        for node in range(len(self.nodes)):
            if rng.random() < (0.5 if node in self.einsums else 0.25):
                self.zero(node)
        for _ in range(rng.randrange(3)):
            first, alike = self._alike()
            factors = [rng.choice(alike) for _ in range(rng.randint(2, 5))]
            self.product(*factors, outer=self.some_axes(self.shape(first)))
        for table in range(rng.randrange(3)):
            outputs = [rng.randint(-300, 300) for _ in range(1 + 7 * table)]
            self.add_table(rng.randint(-9, 9), outputs)
            first, alike = self._alike()
            self.lookup(table, first, rng.choice(alike), self.some_axes(self.shape(first)))
        words = [
            number
            for number, node in enumerate(self.nodes)
            if node["kind"] == "committed" and 1 <= sum(node["limbs"]) <= 32
        ]
        shown = ["public", "committed", "private"] if self.hiding else ["public", "private"]
        for number in words:
            kind = rng.choice(shown)
            narrow = sum(self.nodes[number]["limbs"]) <= 16
            if number not in self.ids and (narrow or kind == "private") and kind != "public":
                self.visibility[number] = kind
        cut = rng.randint(0, len(words))
        self.inputs = [n for i, n in enumerate(words) if i < cut or n in self.ids]
        self.outputs = [n for n in words if n not in self.inputs]

    def _alike(self) -> tuple[int, list[int]]:
        first = self.rng.choice(self.plain())
        kind = (self.shape(first), self.batched[first])
        return first, [n for n in self.plain() if (self.shape(n), self.batched[n]) == kind]


def random_table(seed: int) -> tuple[bytes, int]:
    """A table and a batch."""
    rng = random.Random(seed)
    circuit = RandomTable(rng)
    for _ in range(rng.randint(1, 3)):
        circuit.any_committed()
    circuit.any_weight()
    for _ in range(rng.randint(2, 14)):
        last = len(circuit.nodes)
        source = rng.randrange(max(0, last - 3), last)  # chains more often than chance
        steps = ("view", "view", "view", "reshape", "linear", "einsum", "committed", "gather")
        step = rng.choice(steps)
        if step == "einsum":
            circuit.any_einsum()
        elif step == "committed":
            circuit.any_committed()
        else:
            getattr(circuit, f"any_{step}")(source)
    circuit.constrain()
    return canonical(circuit.table()), circuit.batch


@dataclass(frozen=True)
class Messages:
    """What goes with a table: canonical, and otherwise random."""

    commitments: bytes
    words: list[int]
    proof: bytes


def random_messages(table: bytes, batch: int, rng: random.Random) -> Messages:
    """Messages in the order of docs/protocol.md, "Length" and "Hiding tables"."""
    frame = Frame.read(table, batch)
    layout, instances = frame.layout, len(frame.instances)
    n, columns, hiding = layout.variables, layout.log_columns, layout.hiding is not None

    def scalars(count: int) -> bytes:
        return b"".join(
            rng.choice((0, 1, P - 1, *(rng.randrange(P) for _ in range(5)))).to_bytes(32, "big")
            for _ in range(count)
        )

    def points(count: int) -> bytes:
        return b"".join(rng.choice((GENERATOR, bytes(64))) for _ in range(count))

    proof = points(len(layout.stage_1()) + 2 * hiding + len(layout.rows["helper"]))
    proof += scalars(6 * layout.cube + layout.columns + 2 * frame.rounds)
    proof += scalars((2 + 2 * hiding) * instances + 2 * n + 1 + hiding * (2 * n + 2))
    proof += scalars(1) + points(columns - 1) + scalars(columns + 1) + points(2)
    nodes = frame.table.nodes
    rows: dict[int, int] = {}  # of ids, whose words have to be valid
    for node in nodes:
        if isinstance(gather := node.operation, Gather):
            origin = origins_of(nodes)[gather.ids]
            assert origin is not None
            most = nodes[gather.source].shape[0]
            rows[origin] = min(most, rows.get(origin, most))
    words = []
    for node, count in zip(frame.table.public, frame.word_counts, strict=True):
        operation = nodes[node].operation
        assert isinstance(operation, Committed)
        lane = lane_bits(operation.bits)
        for _ in range(count):
            if node in rows:
                lanes = (rng.randrange(rows[node]) << at for at in range(0, 128, lane))
                words.append(sum(lanes))
            else:
                words.append(rng.choice((0, (1 << 128) - 1, rng.getrandbits(128))))
    return Messages(points(len(layout.rows["weight"])), words, proof)
