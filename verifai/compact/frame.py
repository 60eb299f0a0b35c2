"""What the contract knows of a circuit before it runs the operations: counts and slots.

All circuits have the same messages and challenges in the same order; only how many there are of
each differs. From these counts, which the header of a compact table has, the contract derives the
length of the proof and the *slot* of every scalar that it keeps. A circuit whose zerocheck has 10
variables has the challenges tau in the slots 14 to 23, z in 24 to 33, then the values that the
prover sends of the columns, and so on in the order of :class:`Slots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from verifai.compact.expressions import Node, Point
from verifai.verifier.native.circuit import Circuit, Circuits
from verifai.verifier.native.field import bits
from verifai.verifier.native.layout import Layout
from verifai.verifier.native.table import Table

#: Slots of the challenges that every circuit has, and of ``FACTOR``: the claim after the rounds of
#: the contraction is FACTOR times the first claim plus a known rest, and FACTOR has the power of
#: lambda in it with which claim 5 is combined.
ALPHA, BETA, GAMMA, ETA, X, FACTOR = range(8, 14)
#: A public word holds eight values of at most 16 bits, value t times 2^(16 t). These powers are an
#: eq table, up to a factor: with L64 = 2^64 / (1 + 2^64), L32 and L16 likewise, and LANES =
#: (1 + 2^64) (1 + 2^32) (1 + 2^16), 2^(16 t) = LANES eq((L64, L32, L16), t). For t = 5 = 101 in
#: binary: LANES L64 (1 - L32) L16 = 2^64 2^16. The slots hold L64, L32, L16 and LANES.
LANE_POINT: tuple[Node, ...] = (3, 4, 5)
LANES = 6
#: Four integers of 32 bits in a word, likewise: 2^(32 t) = WIDE_LANES eq((L64, L32), t).
WIDE_LANES = (1 + (1 << 64)) * (1 + (1 << 32))
MINUS_ONE = 7
#: The first slot of what differs in length from circuit to circuit.
FIRST = 14


@dataclass(frozen=True)
class Frame:
    """What is known of a verification before its operations.

    Attributes:
        circuit: the table for one batch; :attr:`table`, :attr:`layout`, :attr:`instances` (pairs of
            a zero node and an einsum under it) and :attr:`rounds` of the contraction are its own.
    """

    circuit: Circuit
    table: Table
    layout: Layout
    instances: list[tuple[int, int]]
    rounds: int

    @classmethod
    def read(cls, data: bytes, batch: int) -> Frame:
        """Of an operation table.

        Raises:
            MalformedError, LimitError: as the verifier does.
        """
        own = Circuits(data).of(batch)
        return cls(own, own.table, own.layout, own.instances, own.contraction_rounds)

    @property
    def hiding(self) -> bool:
        """Whether proofs hide."""
        return self.layout.hiding is not None

    @property
    def plain(self) -> list[int]:
        """Zero nodes whose claim is linear in what is committed: without einsums."""
        return [node for node in self.table.zero if not self.table.nodes[node].einsum]

    @property
    def entry_sizes(self) -> list[int]:
        """Coordinates of the point of each custom table."""
        return [bits(len(table.outputs)) for table in self.table.tables]

    @property
    def word_sizes(self) -> list[int]:
        """Coordinates of the word point of each public node."""
        return self.circuit.word_points

    @property
    def word_counts(self) -> list[int]:
        """Words of each public node."""
        return self.circuit.word_counts

    @property
    def zero_sizes(self) -> list[int]:
        """Coordinates of the point of each zero node."""
        return [sum(map(bits, self.table.nodes[node].shape)) for node in self.table.zero]

    @property
    def claims(self) -> int:
        """How many claims are combined: powers of lambda from 0."""
        count = 1 + self.layout.columns + 2 + len(self.table.tables) + len(self.table.public)
        count += len(self.plain) + bool(self.instances)
        return count + len(self.instances) * (5 if self.hiding else 2)

    def slots(self) -> Slots:
        """Where everything lies."""
        evaluations = 2 * len(self.instances)
        sizes = [
            self.layout.cube,
            self.layout.cube,
            self.layout.columns,
            9,
            sum(self.entry_sizes),
            sum(self.word_sizes),
            sum(self.zero_sizes),
            self.rounds,
            evaluations,
            evaluations if self.hiding else 0,
            self.claims,
            self.layout.variables,
        ]
        starts = list(accumulate(sizes, initial=FIRST))
        return Slots(starts[-1], *(tuple(range(a, b)) for a, b in pairwise(starts)))


@dataclass(frozen=True)
class Slots:
    """Runs of slots, in this order; ``end`` is the first free one.

    Attributes:
        tau, z: points of the zerocheck.
        columns: values that the prover sends of its columns at z.
        entry, table_entry, word_point, zero_point: random points at which the range tables, custom
            tables, public words and zero nodes are compared.
        kappa: challenges of the contraction's rounds; evaluations: of both operands of each
            instance there; sacrifice: what a hiding proof sends to check its triples.
        powers: of lambda, one for each claim.
        r: the point at which the committed vector is opened.
    """

    end: int
    tau: Point
    z: Point
    columns: Point
    entry: Point
    table_entry: Point
    word_point: Point
    zero_point: Point
    kappa: Point
    evaluations: Point
    sacrifice: Point
    powers: Point
    r: Point
