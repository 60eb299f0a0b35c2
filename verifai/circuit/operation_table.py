"""The operation table: what a proof of one circuit is about, as canonical JSON.

The format is in ``docs/protocol.md``, "The operation table". A node's operation is one of the two
that hold data (:class:`WeightBlock`, :class:`Committed`) or one of the four virtual ones of the
integer graph (``View``, ``Reshape``, ``Linear``, ``Einsum``), whose meaning is the same here and
there; operands are indices of earlier table nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from verifai.graph.integer import Affine, Einsum, Integers, Linear, Reshape, View
from verifai.proof.codec import canonical_json
from verifai.verifier.native.parse import VERSION
from verifai.verifier.native.table import Tensor

#: Widest limb: the range tables have 1 to 8 bits.
LIMB_BITS: Final = 8


@dataclass(frozen=True)
class WeightBlock:
    """Integers of the model: one block of any field elements."""

    outer: tuple[int, ...]


@dataclass(frozen=True)
class Committed:
    """``offset + sum of limbs``, or ``offset`` + one block of any field elements (no limbs)."""

    region: str
    offset: int
    limbs: tuple[int, ...]
    outer: tuple[int, ...]

    @property
    def bits(self) -> int:
        """Bits of the range ``[offset, offset + 2**bits)``; 0 where there is none."""
        return sum(self.limbs)


TableOperation: TypeAlias = WeightBlock | Committed | View | Reshape | Linear | Einsum


@dataclass(frozen=True)
class TableNode:
    """A tensor of the table; ``shape`` is without the batch axis, which comes first if batched."""

    operation: TableOperation
    shape: tuple[int, ...]
    batched: bool

    def to_json(self) -> dict[str, Any]:
        """The node as the table writes it."""
        operation, shape = self.operation, list(self.shape)
        match operation:
            case WeightBlock():
                return {"kind": "weight", "shape": shape, "outer": list(operation.outer)}
            case Committed():
                return {
                    "kind": "committed",
                    "region": operation.region,
                    "batched": self.batched,
                    "shape": shape,
                    "outer": list(operation.outer),
                    "offset": operation.offset,
                    "limbs": list(operation.limbs),
                }
            case View():
                axes: list[dict[str, Any]] = [
                    {"offset": axis.offset, "terms": [list(term) for term in axis.terms]}
                    if isinstance(axis, Affine)
                    else {"axis": axis.axis, "indices": list(axis.indices)}
                    for axis in operation.axes
                ]
                return {"kind": "view", "source": operation.source, "shape": shape, "axes": axes}
            case Reshape():
                return {"kind": "reshape", "source": operation.source, "shape": shape}
            case Linear():
                return {
                    "kind": "linear",
                    "shape": shape,
                    "terms": [list(term) for term in operation.terms],
                    "offset": operation.offset,
                }
            case Einsum():
                return {
                    "kind": "einsum",
                    "left": operation.left,
                    "right": operation.right,
                    "labels": list(operation.labels),
                }


@dataclass(frozen=True, eq=False)
class EntryTable:
    """Outputs of a function on ``first <= x < first + len(outputs)``, int64."""

    first: int
    outputs: Integers


@dataclass(frozen=True)
class Product:
    """The elementwise product of 2 to 5 nodes of one shape is zero."""

    factors: tuple[int, ...]
    outer: tuple[int, ...]


@dataclass(frozen=True)
class LookupEntry:
    """Elementwise, ``(input, output)`` is an entry of a table."""

    table: int
    input: int
    output: int
    outer: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class OperationTable:
    """Nodes and constraints of one circuit; see ``docs/protocol.md``, "The operation table"."""

    log_columns: int
    nodes: tuple[TableNode, ...]
    tables: tuple[EntryTable, ...]
    zero: tuple[int, ...]
    product: tuple[Product, ...]
    lookup: tuple[LookupEntry, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    hiding: bool = False

    @property
    def weights(self) -> tuple[int, ...]:
        """Indices of the weight nodes."""
        return self._indices(WeightBlock)

    @property
    def committed(self) -> tuple[int, ...]:
        """Indices of the committed nodes."""
        return self._indices(Committed)

    @property
    def public(self) -> tuple[int, ...]:
        """Indices of the nodes whose values a statement shows, inputs first."""
        return tuple(t.node for t in self.inputs + self.outputs if t.visibility == "public")

    def _indices(self, kind: type) -> tuple[int, ...]:
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node.operation, kind))

    def to_bytes(self) -> bytes:
        """The canonical encoding; its Keccak digest is part of the verifying key."""
        return canonical_json(
            {
                "version": VERSION,
                "log_columns": self.log_columns,
                "nodes": [node.to_json() for node in self.nodes],
                "tables": [
                    {"first": table.first, "outputs": table.outputs.tolist()}
                    for table in self.tables
                ],
                "zero": list(self.zero),
                "product": [
                    {"factors": list(product.factors), "outer": list(product.outer)}
                    for product in self.product
                ],
                "lookup": [
                    {
                        "table": lookup.table,
                        "input": lookup.input,
                        "output": lookup.output,
                        "outer": list(lookup.outer),
                    }
                    for lookup in self.lookup
                ],
                "inputs": [_tensor_json(tensor) for tensor in self.inputs],
                "outputs": [_tensor_json(tensor) for tensor in self.outputs],
                **({"hiding": True} if self.hiding else {}),
            }
        )


def _tensor_json(tensor: Tensor) -> dict[str, Any]:
    return {
        "node": tensor.node,
        "shape": list(tensor.shape),
        "visibility": tensor.visibility,
    }


def is_batched(operation: TableOperation, nodes: list[TableNode]) -> bool:
    """Whether a virtual operation on ``nodes`` has the batch axis: if one of its operands has."""
    return any(nodes[operand].batched for operand in operands(operation))


def operands(operation: TableOperation) -> tuple[int, ...]:
    """Indices of the nodes that an operation reads, in order, repetitions included."""
    match operation:
        case View() | Reshape():
            return (operation.source,)
        case Linear():
            return tuple(source for _, source in operation.terms)
        case Einsum():
            return (operation.left, operation.right)
        case _:
            return ()


def limbs_of(bits: int) -> tuple[int, ...]:
    """Limbs of 8 bits, then the rest: 16 -> (8, 8), 12 -> (8, 4).

    No bits become one: a node without limbs would be a hint of any field element.
    """
    full, rest = divmod(max(1, bits), LIMB_BITS)
    return (LIMB_BITS,) * full + ((rest,) if rest else ())
