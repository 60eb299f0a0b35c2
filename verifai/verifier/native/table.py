"""The operation table, and its expansion for a batch (docs/protocol.md, The operation table).

A table says which tensors are committed, how all others follow from them, and which constraints
hold. Nodes refer to earlier nodes by index. Everything here is immutable. View, reshape, linear and
einsum nodes mean the same in an integer graph (:mod:`verifai.graph.integer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from verifai.errors import LimitError, UsageError
from verifai.proof.codec import canonical_json

#: Of the format.
VERSION: Final = 2
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

    @property
    def bits(self) -> int:
        """Bits of the range ``[offset, offset + 2**bits)``; 0 where there is none."""
        return sum(self.limbs)


@dataclass(frozen=True)
class Affine:
    """Source index along one axis: ``offset + sum coefficient * (index of target axis)``.

    An index outside the source reads zero. No terms: the constant index ``offset``.
    """

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
    """Source index along one axis: ``indices[index of target axis]``, each within the source."""

    axis: int
    indices: tuple[int, ...]
    #: As an :class:`Affine` map has it: what is read does not depend on a target axis.
    offset: ClassVar[int] = 0

    def targets(self) -> tuple[int, ...]:
        """The target axes that this source axis reads."""
        return (self.axis,)

    def step(self, axis: int, index: int) -> int:
        """The share of one target axis in the source index."""
        return self.indices[index] if axis == self.axis else 0


@dataclass(frozen=True)
class View:
    """``out[t] = source[i_0(t), i_1(t), ...]``, one map per source axis.

    A target axis belongs to at most one source axis; one that belongs to none is a broadcast.
    """

    source: int
    axes: tuple[Affine | Indices, ...]


@dataclass(frozen=True)
class Reshape:
    """The same elements in row-major order."""

    source: int


@dataclass(frozen=True)
class Linear:
    """``offset + sum coefficient * node``, all of one shape. No terms: a constant."""

    terms: tuple[tuple[int, int], ...]  # (coefficient, node)
    offset: int = 0


@dataclass(frozen=True)
class Einsum:
    """``out = einsum(f"{left},{right}->{out}")`` with one letter per axis.

    Each letter comes at most once in each of the three; a letter of ``out`` is in ``left`` or
    ``right``; a letter that is only in one operand must be in ``out``. What an operand is computed
    from holds no einsum, unless that was requantised.
    """

    left: int
    right: int
    labels: tuple[str, str, str]


@dataclass(frozen=True)
class Gather:
    """``out[t, ..] = source[ids[t], ..]``: rows of a weight, by integers that a statement shows.

    ``ids`` is the node of a public input, or reshapes and views of one that read nothing outside
    of it. Its shape comes first in the result's, then the source's without its first axis.
    """

    source: int
    ids: int


Operation: TypeAlias = Weight | Committed | View | Reshape | Linear | Einsum | Gather


def operands(operation: Operation) -> tuple[int, ...]:
    """The nodes that an operation reads, in order, repetitions included."""
    match operation:
        case View(source) | Reshape(source):
            return (source,)
        case Linear(terms):
            return tuple(source for _, source in terms)
        case Einsum(left, right):
            return (left, right)
        case Gather(source, ids):
            return (source, ids)
    return ()


@dataclass(frozen=True)
class Node:
    """One tensor. ``einsum``: whether an einsum is among what it is computed from."""

    operation: Operation
    shape: tuple[int, ...]
    batched: bool
    einsum: bool = False

    def to_json(self) -> dict[str, Any]:
        """The node as a table writes it."""
        operation = self.operation
        fields = {"kind": type(operation).__name__.lower(), "shape": self.shape, **vars(operation)}
        match operation:
            case Committed():
                fields["batched"] = self.batched
            case View(_, axes):
                fields["axes"] = [vars(axis) for axis in axes]
            case Einsum() | Gather():  # its operands say it
                del fields["shape"]
        return fields


class _Tensor(Protocol):
    @property
    def operation(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


def origins_of(nodes: Sequence[_Tensor]) -> list[int | None]:
    """For each node the one whose elements it has, only moved by reshapes and views.

    None where a view on the way reads outside of its source.
    """
    found: list[int | None] = []
    for index, node in enumerate(nodes):
        match node.operation:
            case View(source) as view if not reads_within(view, nodes[source].shape, node.shape):
                found.append(None)
            case View(source) | Reshape(source):
                found.append(found[source])
            case _:
                found.append(index)
    return found


def reads_within(view: View, source: Sequence[int], target: Sequence[int]) -> bool:
    """Whether a view of shape ``target`` reads nothing outside of its source."""
    for axis, length in zip(view.axes, source, strict=True):
        if isinstance(axis, Affine):
            reach = [factor * (target[a] - 1) for a, factor in axis.terms]
            low = axis.offset + sum(min(r, 0) for r in reach)
            high = axis.offset + sum(max(r, 0) for r in reach)
            if low < 0 or high >= length:
                return False
    return True


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

    def to_bytes(self) -> bytes:
        """The canonical encoding, which :func:`verifai.verifier.native.parse.parse_table` reads."""
        lists = {
            name: [vars(entry) for entry in getattr(self, name)]
            for name in ("tables", "product", "lookup", "inputs", "outputs")
        }
        return canonical_json(
            {
                "version": VERSION,
                "log_columns": self.log_columns,
                "nodes": [node.to_json() for node in self.nodes],
                "zero": self.zero,
                **lists,
                **({"hiding": True} if self.hiding else {}),
            }
        )

    @property
    def weights(self) -> tuple[int, ...]:
        """The weight nodes."""
        return self._of(Weight)

    @property
    def committed(self) -> tuple[int, ...]:
        """The committed nodes."""
        return self._of(Committed)

    def _of(self, kind: type) -> tuple[int, ...]:
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node.operation, kind))

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
