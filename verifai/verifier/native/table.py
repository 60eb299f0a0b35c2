"""The operation table, and its expansion for a batch (docs/protocol.md, The operation table).

A table says which tensors are committed, how all others follow from them, and which constraints
hold. Nodes refer to earlier nodes by index. Everything here is immutable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final, TypeAlias

from verifai.errors import LimitError, UsageError

#: Elements of one tensor with its batch axis.
MAX_BATCH_ELEMENTS: Final = 1 << 28
#: The batch axis in the labels of an expanded einsum; tables use lower-case letters.
BATCH_LABEL: Final = "B"


@dataclass(frozen=True)
class Weight:
    """Integers of the model: one block of any field elements."""

    outer: tuple[int, ...]


@dataclass(frozen=True)
class Committed:
    """``offset + sum_i 2^(b_0 + .. + b_(i-1)) limb_i``; without limbs ``offset + block``."""

    region: str
    outer: tuple[int, ...]
    offset: int
    limbs: tuple[int, ...]


@dataclass(frozen=True)
class Affine:
    """Source index ``offset + sum coefficient * (index of target axis)``; outside reads zero."""

    offset: int
    terms: tuple[tuple[int, int], ...]  # (target axis, coefficient)

    def targets(self) -> tuple[int, ...]:
        """The target axes that this source axis reads."""
        return tuple(axis for axis, _ in self.terms)

    def step(self, axis: int, index: int) -> int:
        """The share of one target axis in the source index."""
        return sum(c * index for a, c in self.terms if a == axis)


@dataclass(frozen=True)
class Indices:
    """Source index ``indices[index of target axis]``, each within the source."""

    axis: int
    indices: tuple[int, ...]
    offset: int = 0

    def targets(self) -> tuple[int, ...]:
        """The target axes that this source axis reads."""
        return (self.axis,)

    def step(self, axis: int, index: int) -> int:
        """The share of one target axis in the source index."""
        return self.indices[index] if axis == self.axis else 0


@dataclass(frozen=True)
class View:
    """A static index map, one per source axis."""

    source: int
    axes: tuple[Affine | Indices, ...]


@dataclass(frozen=True)
class Reshape:
    """The same elements in row-major order."""

    source: int


@dataclass(frozen=True)
class Linear:
    """``offset + sum coefficient * node``."""

    terms: tuple[tuple[int, int], ...]  # (coefficient, node)
    offset: int


@dataclass(frozen=True)
class Einsum:
    """``sum of left * right`` over the letters that are not in the output."""

    left: int
    right: int
    labels: tuple[str, str, str]


Operation: TypeAlias = Weight | Committed | View | Reshape | Linear | Einsum


@dataclass(frozen=True)
class Node:
    """One tensor. ``einsum``: whether an einsum is among what it is computed from."""

    operation: Operation
    shape: tuple[int, ...]
    batched: bool
    einsum: bool = False


@dataclass(frozen=True)
class CustomTable:
    """A function on ``first <= x < first + len(outputs)``."""

    first: int
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """The product of the factors is zero everywhere."""

    factors: tuple[int, ...]
    outer: tuple[int, ...]


@dataclass(frozen=True)
class Lookup:
    """``output = table[input]`` everywhere."""

    table: int
    input: int
    output: int
    outer: tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """An input or output of the model: where it is, how the model shapes it, who sees it."""

    node: int
    shape: tuple[int, ...]
    visibility: str


@dataclass(frozen=True)
class Table:
    """A validated operation table, of one inference or expanded for a batch."""

    log_columns: int
    nodes: tuple[Node, ...]
    tables: tuple[CustomTable, ...]
    zero: tuple[int, ...]
    product: tuple[Product, ...]
    lookup: tuple[Lookup, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    hiding: bool = False

    @property
    def public(self) -> tuple[int, ...]:
        """The nodes whose values a statement shows, inputs first."""
        return self._shown("public")

    @property
    def linked(self) -> tuple[int, ...]:
        """The nodes with rows, and so commitments, of their own, inputs first."""
        return self._shown("committed")

    def _shown(self, visibility: str) -> tuple[int, ...]:
        return tuple(t.node for t in self.inputs + self.outputs if t.visibility == visibility)


def expand(table: Table, batch: int) -> Table:
    """The table with an explicit leading axis of size ``batch`` on every batched node.

    Raises:
        UsageError: the batch is not a positive integer.
        LimitError: a tensor gets more than MAX_BATCH_ELEMENTS elements.
    """
    if type(batch) is not int or batch < 1:
        raise UsageError(f"A batch is an integer of at least 1, not {batch!r}.")
    nodes = []
    for index, node in enumerate(table.nodes):
        if node.batched:
            shape = (batch, *node.shape)
            node = replace(node, shape=shape, operation=_batched(node.operation, table))
        if prod(node.shape) > MAX_BATCH_ELEMENTS:
            raise LimitError(
                f"Node {index} has the shape {node.shape}, more elements than "
                f"MAX_BATCH_ELEMENTS ({MAX_BATCH_ELEMENTS})."
            )
        nodes.append(node)
    product = tuple(
        replace(p, outer=_shifted(p.outer)) if table.nodes[p.factors[0]].batched else p
        for p in table.product
    )
    lookup = tuple(
        replace(x, outer=_shifted(x.outer)) if table.nodes[x.input].batched else x
        for x in table.lookup
    )
    return replace(table, nodes=tuple(nodes), product=product, lookup=lookup)


def _shifted(outer: tuple[int, ...]) -> tuple[int, ...]:
    return (0, *(axis + 1 for axis in outer))


def _batched(operation: Operation, table: Table) -> Operation:
    """The operation with the batch axis; an unbatched operand of a linear node stays as it is."""
    match operation:
        case Committed():
            return replace(operation, outer=_shifted(operation.outer))
        case View(source, maps):
            moved: list[Affine | Indices] = [Affine(0, ((0, 1),))]
            for m in maps:
                if isinstance(m, Indices):
                    moved.append(replace(m, axis=m.axis + 1))
                else:
                    moved.append(Affine(m.offset, tuple((a + 1, c) for a, c in m.terms)))
            return View(source, tuple(moved))
        case Einsum(left, right, (a, b, out)):
            a = BATCH_LABEL + a if table.nodes[left].batched else a
            b = BATCH_LABEL + b if table.nodes[right].batched else b
            return Einsum(left, right, (a, b, BATCH_LABEL + out))
        case _:
            return operation
