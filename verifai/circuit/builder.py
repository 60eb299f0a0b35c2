"""Writing an operation table node by node, within the limits of the format."""

from __future__ import annotations

from math import prod

from verifai.circuit.layout import (
    MAX_OUTER,
    MAX_OUTER_WEIGHT,
    log_columns_for,
    outer_axes,
)
from verifai.circuit.lowered import WitnessStep
from verifai.errors import UnsupportedError
from verifai.graph.integer import Table as LookupTable
from verifai.proof.tensor import MAX_TENSORS
from verifai.verifier.native.layout import FACTORS, MAX_LIMB, Tile
from verifai.verifier.native.parse import (
    MAX_AXES,
    MAX_ELEMENTS,
    MAX_ENTRIES,
    MAX_ENTRY,
    MAX_INTEGER,
    MAX_LIMB_BITS,
    MAX_NODES,
    MAX_TABLE_BYTES,
    MAX_TABLES,
)
from verifai.verifier.native.table import (
    Affine,
    Committed,
    CustomTable,
    Einsum,
    Linear,
    Lookup,
    Node,
    Operation,
    Product,
    Table,
    Tensor,
    View,
    Weight,
    operands,
)


class TableBuilder:
    """An operation table under construction.

    Attributes:
        name: the ONNX node that is being lowered, for messages.
        names: one for each table node.
        steps: how the values of each committed node are computed.
        outer_axes: whether tensors may have outer axes (:mod:`verifai.circuit.layout`); without
            them they take more slots, and a contract computes more in closed form.
    """

    def __init__(self, outer_axes: bool = True) -> None:
        self.name = ""
        self.outer_axes = outer_axes
        self.names: list[str] = []
        self.steps: list[WitnessStep] = []
        self._nodes: list[Node] = []
        self._tables: list[CustomTable] = []
        self._table_at: dict[tuple[int, bytes], int] = {}
        self._zero: list[int] = []
        self._product: list[Product] = []
        self._lookup: list[Lookup] = []

    def _outer(self, shape: tuple[int, ...], limit: int = MAX_OUTER) -> tuple[int, ...]:
        return outer_axes(shape, limit) if self.outer_axes else ()

    def weight(self, shape: tuple[int, ...]) -> int:
        """A weight node."""
        outer = self._outer(shape, MAX_OUTER_WEIGHT)
        return self._append(Node(Weight(outer), shape, False))

    def ranged(
        self,
        step: WitnessStep,
        shape: tuple[int, ...],
        low: int,
        high: int,
        batched: bool,
        region: str,
    ) -> int:
        """A committed node with limbs for low to high (and up to the next power of two)."""
        needed = (high - low).bit_length()
        self._require(
            needed <= MAX_LIMB_BITS, f"a range of {needed} bits; {MAX_LIMB_BITS} are possible"
        )
        committed = Committed(region, self._outer(shape), low, limbs_of(needed))
        return self._committed(step, committed, shape, batched)

    def hint(self, step: WitnessStep, shape: tuple[int, ...], batched: bool) -> int:
        """A committed node without a range: other constraints determine it."""
        committed = Committed("witness", self._outer(shape), 0, ())
        return self._committed(step, committed, shape, batched)

    def add(self, operation: Operation, shape: tuple[int, ...]) -> int:
        """A virtual node."""
        read = [self._nodes[node] for node in operands(operation)]
        einsum = isinstance(operation, Einsum) or any(node.einsum for node in read)
        return self._append(Node(operation, shape, any(node.batched for node in read), einsum))

    def einsum(
        self, left: int, right: int, labels: tuple[str, str, str], shape: tuple[int, ...]
    ) -> int:
        """An einsum; letters are renamed to a, b, ... in order of appearance."""
        letters = dict.fromkeys("".join(labels))
        self._require(len(letters) <= 26, f"an einsum of {len(letters)} letters; 26 are possible")
        rename = {ord(old): chr(ord("a") + i) for i, old in enumerate(letters)}
        a, b, out = (label.translate(rename) for label in labels)
        return self.add(Einsum(left, right, (a, b, out)), shape)

    def require_zero(
        self, terms: tuple[tuple[int, int], ...], offset: int, shape: tuple[int, ...]
    ) -> None:
        """``offset + sum coefficient * node = 0``."""
        self._zero.append(self.add(Linear(terms, offset), shape))

    def require_product(self, factors: tuple[int, ...], shape: tuple[int, ...]) -> None:
        """The product of nodes of ``shape`` is zero."""
        self._require(
            2 <= len(factors) <= FACTORS,
            f"a product of {len(factors)} factors; 2 to {FACTORS} are possible",
        )
        self._product.append(Product(factors, self._outer(shape)))

    def require_lookup(
        self, table: LookupTable, source: int, output: int, shape: tuple[int, ...]
    ) -> None:
        """``(source, output)`` is an entry of ``table``."""
        key = (table.first, table.outputs.astype("<i8").tobytes())
        if key not in self._table_at:
            entries = table.outputs
            self._require(
                1 <= entries.size <= MAX_ENTRIES,
                f"a table of {entries.size} entries; 1 to {MAX_ENTRIES} are possible",
            )
            largest = max(abs(int(entries.min())), abs(int(entries.max())))
            self._require(largest < MAX_ENTRY, f"a table entry of {largest}; 2^31 is too large")
            self._require(abs(table.first) < MAX_INTEGER, "a table outside 2^62")
            self._require(
                len(self._tables) < MAX_TABLES, f"more than {MAX_TABLES} different tables"
            )
            self._table_at[key] = len(self._tables)
            self._tables.append(CustomTable(table.first, tuple(entries.tolist())))
        outer = self._outer(shape)
        self._lookup.append(Lookup(self._table_at[key], source, output, outer))

    def finish(
        self,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        log_columns: int | None,
        hiding: bool,
    ) -> tuple[Table, bytes]:
        """The table and its encoding."""
        for role, tensors in (("inputs", inputs), ("outputs", outputs)):
            if len(tensors) > MAX_TENSORS:
                raise UnsupportedError(
                    f"The model has {len(tensors)} {role}; {MAX_TENSORS} are possible.",
                    hint="Join them along an axis.",
                )
        if log_columns is None:
            log_columns = log_columns_for(
                [
                    Tile(node.shape, node.operation.outer)
                    for node in self._nodes
                    if isinstance(node.operation, Weight)
                ]
            )
        table = Table(
            log_columns,
            tuple(self._nodes),
            tuple(self._tables),
            tuple(self._zero),
            tuple(self._product),
            tuple(self._lookup),
            inputs,
            outputs,
            hiding,
        )
        encoded = table.to_bytes()
        if len(encoded) > MAX_TABLE_BYTES:
            raise UnsupportedError(
                f"The model's operation table has {len(encoded):,} bytes; "
                f"{MAX_TABLE_BYTES:,} are possible."
            )
        return table, encoded

    def _committed(
        self, step: WitnessStep, committed: Committed, shape: tuple[int, ...], batched: bool
    ) -> int:
        self.steps.append(step)
        return self._append(Node(committed, shape, batched))

    def _append(self, node: Node) -> int:
        self._require(len(node.shape) <= MAX_AXES, f"{len(node.shape)} axes; 12 are possible")
        elements = prod(node.shape)
        self._require(
            all(length >= 1 for length in node.shape) and elements <= MAX_ELEMENTS,
            f"the shape {list(node.shape)}; 1 to 2^24 elements are possible",
        )
        self._require(
            len(self._nodes) < MAX_NODES, f"more than {MAX_NODES} tensors in the model's proof"
        )
        self._require(
            all(abs(integer) < MAX_INTEGER for integer in _integers(node.operation)),
            "a coefficient of 2^62 or more",
        )
        self._nodes.append(node)
        self.names.append(self.name)
        return len(self._nodes) - 1

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise UnsupportedError(
                f"Node {self.name!r} exceeds the native proof system: {problem}.",
                nodes=[self.name],
            )


def _integers(operation: Operation) -> list[int]:
    """The integers of an operation that the format bounds."""
    match operation:
        case Committed():
            return [operation.offset]
        case Linear():
            return [operation.offset, *(coefficient for coefficient, _ in operation.terms)]
        case View():
            affine = [axis for axis in operation.axes if isinstance(axis, Affine)]
            return [axis.offset for axis in affine] + [c for axis in affine for _, c in axis.terms]
        case _:
            return []


def limbs_of(bits: int) -> tuple[int, ...]:
    """Limbs of 8 bits, then the rest: 16 -> (8, 8), 12 -> (8, 4).

    No bits become one: a node without limbs would be a hint of any field element.
    """
    full, rest = divmod(max(1, bits), MAX_LIMB)
    return (MAX_LIMB,) * full + ((rest,) if rest else ())
