"""The exact integer semantics: the reference run in numpy int64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from verifai.errors import InputError
from verifai.graph.exact import einsum, is_exact, magnitudes, summed
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import (
    Einsum,
    Gather,
    Input,
    Integers,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    View,
    Weight,
)
from verifai.graph.view import view
from verifai.verifier.native.table import origins_of

#: The batch axis in einsums; graphs use lower-case letters.
BATCH: str = "B"
#: Of one node, in numpy or torch.
Values = TypeVar("Values", bound=Any)


def quantise_inputs(
    graph: IntegerGraph, arrays: Sequence[npt.NDArray[np.generic]]
) -> list[Integers]:
    """Float inputs as int64: ``floor(x * 2**scale + 1/2)``.

    Args:
        arrays: one per input, shape (batch, *shape).

    Raises:
        InputError: another number of inputs or another shape, NaN, infinity, an id that is no row
            of its table, or a value beyond the calibrated range; the message names the input, what
            was found and what is allowed.
    """
    if len(arrays) != len(graph.inputs):
        raise InputError(f"The model has {len(graph.inputs)} inputs, found {len(arrays)}.")
    found: list[Integers] = []
    ids = _id_inputs(graph)
    for node_index, name, array in zip(graph.inputs, graph.input_names, arrays, strict=True):
        node = graph.nodes[node_index]
        values = np.asarray(array, dtype=np.float64)
        if not values.ndim or values.shape[1:] != node.shape or not len(values):
            raise InputError(
                f"Input {name!r} has shape {list(values.shape)}, expected a batch of "
                f"{list(node.shape)}."
            )
        unit = 2.0**-node.scale
        allowed = [node.low * unit, node.high * unit]
        if not np.isfinite(values).all():
            raise InputError(
                f"Input {name!r} holds NaN or infinity; the circuit was calibrated for "
                f"{allowed[0]:.6g} to {allowed[1]:.6g}.",
                input=name,
                allowed=allowed,
            )
        if node_index in ids:
            _check_ids(name, values, ids[node_index])
        scaled = np.floor(values * 2.0**node.scale + 0.5)
        others = values[~np.isin(values, (0, 1))]
        if (node.low, node.high, node.scale) == (0, 1, 0) and others.size:
            raise InputError(
                f"Input {name!r} holds zeros and ones only in this circuit: it is a truth, or a "
                f"mask. Found {others[0]:.6g}.",
                input=name,
                allowed=allowed,
            )
        if scaled.min() < node.low or scaled.max() > node.high:
            observed = [float(values.min()), float(values.max())]
            raise InputError(
                f"Input {name!r} has values from {observed[0]:.6g} to {observed[1]:.6g}; the "
                f"circuit was calibrated for {allowed[0]:.6g} to {allowed[1]:.6g}.",
                hint="Calibrate with inputs like this one, or prove numpy.clip(input, "
                f"{allowed[0]:.6g}, {allowed[1]:.6g}): statements show the input as it was proved.",
                input=name,
                observed=observed,
                allowed=allowed,
            )
        found.append(scaled.astype(np.int64))
    return found


def _id_inputs(graph: IntegerGraph) -> dict[int, int]:
    """The inputs that hold ids, and below what number these are."""
    found: dict[int, int] = {}
    origins = origins_of(graph.nodes)
    for node in graph.nodes:
        if isinstance(operation := node.operation, Gather):
            origin = origins[operation.ids]
            assert origin is not None  # a rule of graphs
            below = graph.nodes[origin].high + 1
            if operation.ids == origin:
                below = min(below, graph.nodes[operation.source].shape[0])
            found[origin] = min(below, found.get(origin, below))
    return found


def _check_ids(name: str, values: npt.NDArray[np.float64], below: int) -> None:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= below:
        raise InputError(
            f"Input {name!r} holds ids from {low} to {high}; the model's table has those from 0 to "
            f"{below - 1}.",
            input=name,
            observed=[low, high],
            allowed=[0, below - 1],
        )


def dequantise(graph: IntegerGraph, node: int, values: Integers) -> npt.NDArray[np.float64]:
    """The reals that a node's integers stand for."""
    return np.asarray(values * 2.0 ** -graph.nodes[node].scale, dtype=np.float64)


def run(graph: IntegerGraph, inputs: Sequence[Integers], *, batch: bool = False) -> list[Integers]:
    """All nodes' values.

    Args:
        inputs: int64, one per input, of the node's shape, with a leading batch axis if ``batch``.

    Returns:
        One array per node; batched nodes have the leading axis if ``batch``.

    Raises:
        InputError: inputs of another number or shape; or a value leaves the range that the circuit
            checks, and the message names the ONNX node, what was found and what is allowed.
    """
    arrays = [np.asarray(x, dtype=np.int64) for x in inputs]
    if not batch:
        arrays = [x[np.newaxis] for x in arrays]
    check_shapes(graph, arrays)
    values = evaluate(graph, arrays)
    if batch:
        return values
    return [x[0] if node.batched else x for x, node in zip(values, graph.nodes, strict=True)]


def check_shapes(graph: IntegerGraph, inputs: Sequence[Integers]) -> None:
    """Refuses integers that are not a batch of the graph's inputs.

    Raises:
        InputError: another number of inputs, another shape, or batches of different size.
    """
    if len(inputs) != len(graph.inputs):
        raise InputError(f"The model has {len(graph.inputs)} inputs, found {len(inputs)}.")
    for at, name, array in zip(graph.inputs, graph.input_names, inputs, strict=True):
        wanted = (inputs[0].shape[:1] or (1,)) + graph.nodes[at].shape
        if array.shape != wanted or not len(array):
            raise InputError(
                f"Input {name!r} has shape {list(array.shape)}, expected {list(wanted)} with the "
                "batch."
            )


@dataclass
class _Prepared:
    """What all runs of a graph share.

    Attributes:
        exact: for each node whether it is a product that float64 computes exactly.
        constants: the values of the nodes that depend on no input.
    """

    exact: list[bool]
    constants: dict[int, Integers] = field(default_factory=dict)


_PREPARED: Final[WeakKeyDictionary[IntegerGraph, _Prepared]] = WeakKeyDictionary()


def _prepared(graph: IntegerGraph) -> _Prepared:
    if graph not in _PREPARED:
        found = magnitudes(graph)
        exact = [
            isinstance(op, Einsum)
            and is_exact(summed(op, graph.nodes), found[op.left], found[op.right])
            for op in (node.operation for node in graph.nodes)
        ]
        _PREPARED[graph] = _Prepared(exact)
    return _PREPARED[graph]


def evaluate(graph: IntegerGraph, inputs: Sequence[Integers]) -> list[Integers]:
    """All nodes' values for inputs with a batch axis."""
    ready = _prepared(graph)
    values: list[Integers] = []
    size = len(inputs[0]) if inputs else 1
    for index, node in enumerate(graph.nodes):
        result = ready.constants.get(index)
        if result is None:
            result = _compute(graph, node, values, inputs, size, ready.exact[index])
            if not node.batched:
                ready.constants[index] = result
        values.append(result)
    return values


def _compute(
    graph: IntegerGraph,
    node: Node,
    values: list[Integers],
    inputs: Sequence[Integers],
    size: int,
    exact: bool,
) -> Integers:
    operation = node.operation
    lead = (size,) if node.batched else ()
    match operation:
        case Input():
            given = inputs[operation.position].reshape(lead + node.shape)
            return checked(given, node, node.low, node.high)
        case Weight():
            return operation.values
        case View():
            return view(values[operation.source], operation, node.shape, node.batched)
        case Reshape():
            return values[operation.source].reshape(lead + node.shape)
        case Gather():
            rows, ids = values[operation.source], values[operation.ids]
            return rows[rows_within(ids, node, len(rows))]
        case Linear():
            total: Integers = np.full(lead + node.shape, operation.offset, dtype=np.int64)
            for coefficient, source in operation.terms:
                total += coefficient * _wide(values[source])
            return total
        case Einsum():
            product = einsum if exact else _integer_einsum
            left, right = values[operation.left], values[operation.right]
            return product(batched_labels(graph, node, operation), left, right)
        case Requantise():
            shifted = (_wide(values[operation.source]) + operation.half) >> operation.shift
            return checked(shifted, node, node.low, node.high)
        case Maximum():
            largest = _wide(values[operation.source])
            if operation.axes:
                axes = tuple(axis + len(lead) for axis in operation.axes)
                largest = np.asarray(largest.max(axis=axes))
            return largest if operation.floor is None else np.maximum(largest, operation.floor)
        case Lookup():
            table = graph.tables[operation.table]
            place = checked(_wide(values[operation.source]), node, table.first, table.last)
            return table.outputs[place - table.first]


def batched_labels(graph: IntegerGraph, node: Node, operation: Einsum) -> str:
    """An einsum's labels for operands and a result that may have the batch axis."""
    nodes = (graph.nodes[operation.left], graph.nodes[operation.right], node)
    left, right, out = (
        BATCH + letters if each.batched else letters
        for each, letters in zip(nodes, operation.labels, strict=True)
    )
    return f"{left},{right}->{out}"


def _wide(values: Integers) -> Integers:
    """Weights are kept in the narrowest dtype that holds them; sums need int64."""
    return values.astype(np.int64, copy=False)


def _integer_einsum(labels: str, left: Integers, right: Integers) -> Integers:
    return np.asarray(np.einsum(labels, _wide(left), _wide(right)), dtype=np.int64)


def rows_within(ids: Values, node: Node, count: int) -> Values:
    """``ids``, in numpy or torch, all of them rows of a table of ``count``.

    Raises:
        InputError: some are not; the message names the node, what was found and what is allowed.
    """
    low, high = int(ids.min()), int(ids.max())
    if low >= 0 and high < count:
        return ids
    raise InputError(
        f"Node {node.name!r} looks up ids from {low} to {high}; its table has {count} rows, of the "
        f"ids 0 to {count - 1}.",
        node=node.name,
        observed=[low, high],
        allowed=[0, count - 1],
    )


def checked(values: Values, node: Node, first: int, last: int) -> Values:
    """``values``, in numpy or torch, all within ``first`` to ``last``.

    Raises:
        InputError: some are not; the message names the node, what was found and what is allowed.
    """
    low, high = int(values.min()), int(values.max())
    if first <= low and high <= last:
        return values
    unit = 2.0**-node.scale
    raise InputError(
        f"Node {node.name!r} overflows its calibrated range on this input: found {low} to {high} "
        f"({low * unit:.6g} to {high * unit:.6g}), allowed {first} to {last}.",
        hint="Calibrate with inputs like this one, or compile with NativeOptions(saturate=True), "
        "which clips what nodes compute.",
        node=node.name,
        observed=[low, high],
        allowed=[first, last],
    )
