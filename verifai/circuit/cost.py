"""What a proof will cost, from the operation table alone.

Sizes are exact: they follow from the layout and the messages (``docs/protocol.md``, "Transcript and
order"). Time and memory are estimates for one machine class, good to a factor of two or three: they
are there to choose between circuits, and to refuse a hopeless one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final

from verifai.errors import LimitError
from verifai.verifier.native.circuit import Circuit
from verifai.verifier.native.contraction import instance_nodes, variables_of
from verifai.verifier.native.field import Work
from verifai.verifier.native.layout import layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Committed, Einsum, Node, expand

#: Widths of the commitment that :func:`cost` compares.
LOG_COLUMNS_RANGE: Final = range(11, 17)

#: Two cores of a 2024 server: seconds per field multiplication, per point times a small scalar, and
#: per point times a full one.
_MULTIPLICATION: Final = 12.7e-9
_SMALL_POINT: Final = 75e-9
_FULL_POINT: Final = 3e-6
#: Field multiplications per position of the cube and of the address space, and per multiplication
#: of an einsum, over all rounds.
_CUBE_WORK: Final = 150
_ADDRESS_WORK: Final = 12
_EINSUM_WORK: Final = 2
#: Bytes: per address, per cube position and column, per position of a contraction, per column (the
#: reference string with its window tables).
_ADDRESS_BYTES: Final = 64
_CUBE_BYTES: Final = 32
_CONTRACTION_BYTES: Final = 64
_COLUMN_BYTES: Final = 1344

_CLASSES: Final = ((1, "under a second"), (60, "seconds"), (3600, "minutes"))


@dataclass(frozen=True)
class WidthCost:
    """What depends on the number of columns.

    Attributes:
        log_columns: log2 of the columns.
        rows: of the commitment by region.
        address_bits: variables of the address space.
        proof_bytes: of the proof, public words not counted.
        memory_bytes, seconds: estimates for the prover.
    """

    log_columns: int
    rows: dict[str, int]
    address_bits: int
    proof_bytes: int
    memory_bytes: int
    seconds: float


@dataclass(frozen=True, repr=False)
class Cost:
    """The cost of one proof.

    Attributes:
        batch: inferences in the proof.
        chosen: for the table's own number of columns.
        widths: for each of ``LOG_COLUMNS_RANGE`` that the model fits, to compare.
        weight_slots: addresses of all weights, padding included.
        lookups: values looked up, limbs included.
        limbs: of them, limbs.
        lookup_groups: blocks of helpers.
        cube_bits: variables of the zerocheck.
        products: values of all product constraints.
        contractions: einsums that claims meet, once per path.
        contraction_bits: rounds of the contraction sumcheck.
        words: public 128-bit words.
    """

    batch: int
    chosen: WidthCost
    widths: tuple[WidthCost, ...]
    weight_slots: int
    lookups: int
    limbs: int
    lookup_groups: int
    cube_bits: int
    products: int
    contractions: int
    contraction_bits: int
    words: int

    @property
    def time_class(self) -> str:
        """``under a second``, ``seconds``, ``minutes`` or ``hours``: how long proving takes."""
        for limit, name in _CLASSES:
            if self.chosen.seconds < limit:
                return name
        return "hours"

    def __repr__(self) -> str:
        rows = " + ".join(f"{count} {name}" for name, count in self.chosen.rows.items() if count)
        return (
            f"Cost(batch {self.batch}: {self.lookups:,} lookups, {self.weight_slots:,} weight "
            f"slots; 2^{self.chosen.log_columns} columns x ({rows}) rows = "
            f"2^{self.chosen.address_bits} addresses, cube 2^{self.cube_bits}; "
            f"{self.contractions} contractions of up to 2^{self.contraction_bits}; proof "
            f"{self.chosen.proof_bytes:,} bytes, about {self.chosen.memory_bytes / 1e6:,.0f} MB, "
            f"{self.time_class})"
        )


def cost(table: bytes, batch: int = 1) -> Cost:
    """The cost of proving ``batch`` inferences of an operation table.

    Args:
        table: the canonical encoding.

    Raises:
        MalformedError: not a valid table.
        LimitError: larger than the proof system's limits at its own number of columns, or more
            einsums than it allows.
    """
    parsed = expand(parse_table(table), batch)
    layout = layout_of(parsed)
    own = Circuit(batch, parsed, layout, instance_nodes(parsed, Work()))
    limbs = sum(
        prod(node.shape) * len(node.operation.limbs)
        for node in parsed.nodes
        if isinstance(node.operation, Committed)
    )
    pairs = sum(prod(parsed.nodes[lookup.input].shape) for lookup in parsed.lookup)
    variables = [variables_of(parsed, einsum) for _, einsum in own.instances]

    def at(log_columns: int) -> WidthCost | None:
        try:
            placed = layout_of(replace(parsed, log_columns=log_columns))
        except LimitError:  # more rows than there may be: no width to choose
            return None
        return _width_cost(replace(own, layout=placed), variables, limbs)

    return Cost(
        batch=batch,
        chosen=_width_cost(own, variables, limbs),
        widths=tuple(width for log_columns in LOG_COLUMNS_RANGE if (width := at(log_columns))),
        weight_slots=sum(
            layout.blocks[layout.node_blocks[node][0]].size for node in parsed.weights
        ),
        lookups=limbs + pairs,
        limbs=limbs,
        lookup_groups=len(layout.groups),
        cube_bits=layout.cube,
        products=sum(prod(parsed.nodes[p.factors[0]].shape) for p in parsed.product),
        contractions=len(own.instances),
        contraction_bits=max(variables, default=0),
        words=own.word_count,
    )


def _width_cost(circuit: Circuit, variables: Sequence[int], limbs: int) -> WidthCost:
    layout = circuit.layout
    rows = {region: len(found) for region, found in layout.rows.items()}
    rows["linked"] = sum(map(len, layout.linked))
    helpers = sum(group.place.size for group in layout.groups)
    multiplications = (
        (_CUBE_WORK << layout.cube)
        + (_ADDRESS_WORK << layout.variables)
        + _EINSUM_WORK
        * sum(_multiplications(circuit.table.nodes, node) for _, node in circuit.instances)
    )
    seconds = (
        _MULTIPLICATION * multiplications
        + _SMALL_POINT * limbs
        + _FULL_POINT * (helpers + (4 << layout.log_columns))
    )
    memory = (
        (_ADDRESS_BYTES << layout.variables)
        + (_CUBE_BYTES * layout.columns << layout.cube)
        + sum(_CONTRACTION_BYTES << bits for bits in variables)
        + (_COLUMN_BYTES << layout.log_columns)
    )
    return WidthCost(
        log_columns=layout.log_columns,
        rows=rows,
        address_bits=layout.variables,
        proof_bytes=circuit.proof_bytes,
        memory_bytes=memory,
        seconds=seconds,
    )


def _multiplications(nodes: Sequence[Node], index: int) -> int:
    """What folding both operands of an instance costs."""
    einsum = nodes[index].operation
    assert isinstance(einsum, Einsum)
    return prod(nodes[einsum.left].shape) + prod(nodes[einsum.right].shape)
