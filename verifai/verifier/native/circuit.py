"""A key's operation table, read once, and its circuit for each batch, laid out once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from verifai.verifier.native.contraction import instance_nodes, variables_of
from verifai.verifier.native.curve import G1_BYTES
from verifai.verifier.native.field import Work, bits
from verifai.verifier.native.hiding import TAIL_SCALARS
from verifai.verifier.native.layout import (
    QUADRATIC,
    ZEROCHECK_DEGREE,
    Layout,
    layout_of,
    layout_work,
)
from verifai.verifier.native.opening import opening_elements
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Committed, Table, expand
from verifai.verifier.native.transcript import SCALAR_BYTES
from verifai.verifier.native.words import word_count, word_point_size

#: A permutation of Keccak, for each challenge and for every RATE bytes that are absorbed, and a row
#: in the opening, in field operations that take Python as long.
PERMUTATION: Final = 640
RATE: Final = 136
ROW: Final = 320
#: Batches whose circuits a table keeps; whoever asks for more has them made again.
MAX_KEPT_CIRCUITS: Final = 4


@dataclass(frozen=True)
class Circuit:
    """A table for one batch, with all that follows from it before a proof is seen.

    Attributes:
        batch: how many inferences.
        table: with the batch axis written out.
        layout: where everything lies.
        instances: the contractions, as :func:`~verifai.verifier.native.contraction.instance_nodes`
            lists them.
        spent: the work that it took. Every verification is charged for it, also where the circuit
            was kept: no budget grows by asking twice.
    """

    batch: int
    table: Table
    layout: Layout
    instances: list[tuple[int, int]]
    spent: int = 0

    @cached_property
    def contraction_rounds(self) -> int:
        return max((variables_of(self.table, node) for _, node in self.instances), default=0)

    @cached_property
    def word_counts(self) -> list[int]:
        """How many public words each public node has."""
        return [word_count(*shown) for shown in self._shown()]

    @property
    def word_count(self) -> int:
        """How many public words a proof is about."""
        return sum(self.word_counts)

    @cached_property
    def word_points(self) -> list[int]:
        """How many coordinates the word point of each public node has."""
        return [word_point_size(*shown) for shown in self._shown()]

    def _shown(self) -> list[tuple[tuple[int, ...], int]]:
        """Dims and bits of each public node."""
        found = []
        for node in (self.table.nodes[index] for index in self.table.public):
            assert isinstance(node.operation, Committed)
            found.append((node.shape, node.operation.bits))
        return found

    @cached_property
    def proof_bytes(self) -> int:
        """The exact length of every proof."""
        layout = self.layout
        points, scalars = opening_elements(layout.log_columns)
        points += len(layout.stage_1()) + len(layout.rows["helper"])
        scalars += ZEROCHECK_DEGREE * layout.cube + layout.columns
        scalars += QUADRATIC * (self.contraction_rounds + layout.variables)
        scalars += 2 * len(self.instances) + 1
        if layout.hiding:
            points += 2
            scalars += 2 * len(self.instances) + QUADRATIC * layout.variables + TAIL_SCALARS
        return G1_BYTES * points + SCALAR_BYTES * scalars

    def transcript_work(self) -> int:
        """What hashing, and multiplying the points of the rows, costs in field operations."""
        table, layout = self.table, self.layout
        shapes = [table.nodes[node].shape for node in table.zero]
        challenges = sum(bits(d) for shape in shapes for d in shape)
        challenges += sum(self.word_points)
        challenges += sum(bits(len(t.outputs)) for t in table.tables)
        absorbed = self.proof_bytes + SCALAR_BYTES * self.word_count
        rows = sum(map(len, (*layout.rows.values(), *layout.linked)))
        return PERMUTATION * (challenges + absorbed // RATE) + ROW * rows


class Circuits:
    """All circuits of one operation table: it is parsed here, and laid out once for each batch.

    Args:
        data: the table's canonical JSON.

    Raises:
        MalformedError, LimitError: the table breaks a rule of its format.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.table = parse_table(data)
        self._made: dict[int, Circuit] = {}

    def of(self, batch: int) -> Circuit:
        """The circuit for ``batch`` inferences.

        Raises:
            LimitError: it asks for more work than this verifier does, or is too large.
            UsageError: a batch below 1.
        """
        made = self._made.get(batch) if type(batch) is int else None  # True == 1, and is no batch
        if made is None:
            made = self._circuit(batch)
            kept = list(self._made.items())[1 - MAX_KEPT_CIRCUITS :]
            self._made = {**dict(kept), batch: made}
        return made

    def _circuit(self, batch: int) -> Circuit:
        work = Work()
        work.spend(len(self.data) // 2)
        table = expand(self.table, batch)
        work.spend(layout_work(table))
        circuit = Circuit(batch, table, layout_of(table), instance_nodes(table, work))
        work.spend(circuit.transcript_work())
        return replace(circuit, spent=work.spent)
