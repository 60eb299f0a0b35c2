"""Which constraints of an operation table a witness violates: the table's meaning, executed.

Exact and slow; a proof shows the same without the values. A witness may hold any integers, which
stand for field elements: zero means zero modulo p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.circuit.evaluate import einsum, linear
from verifai.errors import InputError, UsageError
from verifai.graph.view import view
from verifai.verifier.native.field import P
from verifai.verifier.native.table import (
    Committed,
    Einsum,
    Gather,
    Linear,
    Node,
    Reshape,
    Table,
    View,
)

_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Violation:
    """A constraint that does not hold.

    Attributes:
        kind: ``range``, ``ids``, ``zero``, ``product`` or ``lookup``.
        index: the node of a range or of ids; otherwise the constraint's number in its list.
        node: the table node to name: the node itself, the first factor, the lookup's output.
        positions: how many elements violate it.
    """

    kind: str
    index: int
    node: int
    positions: int


def unsatisfied(
    table: Table,
    weights: Sequence[_Array],
    witness: Sequence[_Array],
    batch: int,
) -> list[Violation]:
    """The violated constraints: ranges in node order, ids, then zero, product and lookup ones.

    Args:
        weights: integers, one array per weight node, in its shape.
        witness: integers (int64 or Python's), one array per committed node in table order,
            (batch, *shape) if it is batched, else its shape.

    Raises:
        UsageError: the batch is below 1, or there are too many or too few arrays.
        InputError: an array of another shape.
    """
    values = node_values(table, weights, witness, batch)
    found: list[Violation] = []
    for index in table.committed:
        operation = table.nodes[index].operation
        assert isinstance(operation, Committed)
        if operation.limbs:
            last = operation.offset + (1 << operation.bits) - 1
            outside = (values[index] < operation.offset) | (values[index] > last)
            _note(found, "range", index, index, outside)
    for index, node in enumerate(table.nodes):
        if isinstance(node.operation, Gather):
            ids, rows = _canonical(values[node.operation.ids]), len(values[node.operation.source])
            _note(found, "ids", index, index, (ids < 0) | (ids >= rows))
    for index, zero in enumerate(table.zero):
        _note(found, "zero", index, zero, _nonzero(values[zero]))
    for index, product in enumerate(table.product):
        # p is prime: a product is zero exactly if a factor is.
        nonzero = [_nonzero(values[factor]) for factor in product.factors]
        _note(found, "product", index, product.factors[0], np.logical_and.reduce(nonzero))
    for index, lookup in enumerate(table.lookup):
        entries = table.tables[lookup.table]
        x, y = _canonical(values[lookup.input]), _canonical(values[lookup.output])
        position = x - entries.first
        within = (position >= 0) & (position < len(entries.outputs))
        expected = np.array(entries.outputs)[np.where(within, position, 0).astype(np.int64)]
        _note(found, "lookup", index, lookup.output, ~within | (y != expected))
    return found


def node_values(
    table: Table,
    weights: Sequence[_Array],
    witness: Sequence[_Array],
    batch: int,
) -> list[_Array]:
    """The values of all nodes, (batch, *shape) where batched. Arguments as :func:`unsatisfied`."""
    if batch < 1:
        raise UsageError(f"A batch has at least one inference, found {batch}.")
    if len(weights) != len(table.weights) or len(witness) != len(table.committed):
        raise UsageError(
            f"Expected {len(table.weights)} weights and {len(table.committed)} committed tensors, "
            f"found {len(weights)} and {len(witness)}."
        )
    given = dict(zip(table.weights, weights, strict=True))
    given |= zip(table.committed, witness, strict=True)
    values: list[_Array] = []
    for index, node in enumerate(table.nodes):
        shape = (batch, *node.shape) if node.batched else node.shape
        if index not in given:
            values.append(_virtual(node, shape, table.nodes, values))
        elif given[index].shape != shape:
            raise InputError(f"Node {index} has the shape {shape}, found {given[index].shape}.")
        else:
            values.append(given[index])
    return values


def _note(
    found: list[Violation], kind: str, index: int, node: int, violated: npt.NDArray[np.bool_]
) -> None:
    if count := int(np.count_nonzero(violated)):
        found.append(Violation(kind, index, node, count))


def _virtual(
    node: Node, shape: tuple[int, ...], nodes: Sequence[Node], values: list[_Array]
) -> _Array:
    match operation := node.operation:
        case View():
            return view(values[operation.source], operation, node.shape, node.batched)
        case Reshape():
            return values[operation.source].reshape(shape)
        case Gather():
            rows, ids = values[operation.source], _canonical(values[operation.ids])
            inside = (ids >= 0) & (ids < len(rows))
            return rows[np.where(inside, ids, 0).astype(np.int64)]
        case Linear():
            terms = [values[source] for _, source in operation.terms]
            return linear(operation, terms, shape)
        case Einsum():
            left, right = operation.left, operation.right
            return einsum(
                operation,
                values[left],
                values[right],
                nodes[left].batched,
                nodes[right].batched,
            )
        case _:
            raise AssertionError(operation)


def _nonzero(values: _Array) -> npt.NDArray[np.bool_]:
    return np.asarray(_canonical(values) != 0, dtype=np.bool_)


def _canonical(values: _Array) -> _Array:
    """Integers modulo p, the small ones (of either sign) as they are."""
    if values.dtype != object:
        return values  # less than p in magnitude
    reduced = values % P
    return np.where(reduced > P // 2, reduced - P, reduced)
