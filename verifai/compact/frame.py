"""What the contract knows of a circuit before it reads the operations: counts, and its slots.

The order of messages and challenges is the contract's own; from the numbers here it derives how
many of each there are, hence the length of the proof and the slot of every scalar that it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from verifai.compact.expressions import Node, Point
from verifai.verifier.native.claims import word_count, word_point_size
from verifai.verifier.native.contraction import instance_nodes, variables_of
from verifai.verifier.native.field import Work, bits
from verifai.verifier.native.layout import Layout, layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Table, expand

#: Scalars at fixed slots; ``FACTOR`` is lambda^(claim 5) times the first claim's factor after the
#: contraction's rounds.
ALPHA, BETA, GAMMA, ETA, X, FACTOR = range(8, 14)
#: Coordinates of the lanes of a word, highest first, and the factor of lane weights:
#: eq((L64, L32, L16), t) LANES = 2^(16 t).
LANE_POINT: tuple[Node, ...] = (3, 4, 5)
LANES = 6
MINUS_ONE = 7
#: The first slot of the vectors of scalars.
FIRST = 14


@dataclass(frozen=True)
class Frame:
    """A table for one batch, its layout, and where its scalars lie."""

    table: Table
    layout: Layout
    instances: tuple[tuple[int, int], ...]
    rounds: int

    @classmethod
    def read(cls, data: bytes, batch: int) -> Frame:
        """Of an operation table.

        Raises:
            MalformedError, LimitError: as the verifier does.
        """
        return cls.of(parse_table(data), batch)

    @classmethod
    def of(cls, table: Table, batch: int) -> Frame:
        """Of a table that was parsed. Raises LimitError."""
        table = expand(table, batch)
        instances = instance_nodes(table, Work())
        rounds = max((variables_of(table, node) for _, node in instances), default=0)
        return cls(table, layout_of(table), tuple(instances), rounds)

    @property
    def hiding(self) -> bool:
        """Whether proofs hide."""
        return self.layout.hiding is not None

    @property
    def plain(self) -> list[int]:
        """Zero nodes without einsums."""
        return [node for node in self.table.zero if not self.table.nodes[node].einsum]

    @property
    def contracted(self) -> list[int]:
        """Zero nodes with einsums."""
        return [node for node in self.table.zero if self.table.nodes[node].einsum]

    @property
    def entry_sizes(self) -> list[int]:
        """Coordinates of the point of each custom table."""
        return [bits(len(table.outputs)) for table in self.table.tables]

    @property
    def word_sizes(self) -> list[int]:
        """Coordinates of the word point of each public node."""
        return [word_point_size(self.table.nodes[node].shape) for node in self.table.public]

    @property
    def word_counts(self) -> list[int]:
        """Words of each public node."""
        return [word_count(self.table.nodes[node].shape) for node in self.table.public]

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
        ends = 2 * len(self.instances)
        sizes = [
            self.layout.cube,
            self.layout.cube,
            self.layout.columns,
            9,
            sum(self.entry_sizes),
            sum(self.word_sizes),
            sum(self.zero_sizes),
            self.rounds,
            ends,
            ends if self.hiding else 0,
            self.claims,
            self.layout.variables,
        ]
        starts = list(accumulate(sizes, initial=FIRST))
        return Slots(starts[-1], *(tuple(range(a, b)) for a, b in pairwise(starts)))


@dataclass(frozen=True)
class Slots:
    """Runs of slots in this order; ``end`` is the first free one."""

    end: int
    tau: Point
    z: Point
    columns: Point
    entry: Point
    table_entry: Point
    word_point: Point
    zero_point: Point
    kappa: Point
    ends: Point
    sacrifice: Point
    powers: Point
    r: Point
