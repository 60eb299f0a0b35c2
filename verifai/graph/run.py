"""The exact integer semantics: the reference run in numpy int64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from verifai.errors import InputError
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import (
    Affine,
    Einsum,
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

#: The batch axis in einsums; graphs use lower-case letters.
BATCH: str = "B"

EinsumRun = Callable[[str, Integers, Integers, Node], Integers]


def quantise_inputs(
    graph: IntegerGraph, arrays: Sequence[npt.NDArray[np.generic]]
) -> list[Integers]:
    """Float inputs as int64: ``floor(x * 2**scale + 1/2)``.

    Args:
        arrays: one per input, shape (batch, *shape).

    Raises:
        InputError: another number of inputs or another shape, NaN, infinity, or a value beyond the
            calibrated range; the message names the input, what was found and what is allowed.
    """
    if len(arrays) != len(graph.inputs):
        raise InputError(f"The model has {len(graph.inputs)} inputs, found {len(arrays)}.")
    found = []
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
        scaled = np.floor(values * 2.0**node.scale + 0.5)
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
    given = [np.asarray(x, dtype=np.int64) for x in inputs]
    if not batch:
        given = [x[np.newaxis] for x in given]
    check_shapes(graph, given)
    values = evaluate(graph, given, _einsum)
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


def evaluate(graph: IntegerGraph, inputs: Sequence[Integers], einsum: EinsumRun) -> list[Integers]:
    """All nodes' values for inputs with a batch axis; ``einsum`` does the heavy products."""
    values: list[Integers] = []
    size = len(inputs[0]) if inputs else 1
    for node in graph.nodes:
        values.append(_compute(graph, node, values, inputs, size, einsum))
    return values


def _compute(
    graph: IntegerGraph,
    node: Node,
    values: list[Integers],
    inputs: Sequence[Integers],
    size: int,
    einsum: EinsumRun,
) -> Integers:
    operation = node.operation
    lead = (size,) if node.batched else ()
    match operation:
        case Input():
            result = inputs[operation.position].reshape(lead + node.shape)
            _check(node, result)
            return result
        case Weight():
            return operation.values
        case View():
            return view(values[operation.source], operation, node)
        case Reshape():
            return values[operation.source].reshape(lead + node.shape)
        case Linear():
            total: Integers = np.full(lead + node.shape, operation.offset, dtype=np.int64)
            for coefficient, source in operation.terms:
                total += coefficient * values[source]
            return total
        case Einsum():
            left, right, out = (
                (BATCH if batched else "") + label
                for label, batched in zip(
                    operation.labels,
                    (
                        graph.nodes[operation.left].batched,
                        graph.nodes[operation.right].batched,
                        node.batched,
                    ),
                    strict=True,
                )
            )
            return einsum(
                f"{left},{right}->{out}", values[operation.left], values[operation.right], node
            )
        case Requantise():
            half = 0 if operation.floor or not operation.shift else 1 << operation.shift - 1
            result = (values[operation.source] + half) >> operation.shift
            _check(node, result)
            return result
        case Maximum():
            largest = values[operation.source]
            if operation.axes:
                axes = tuple(axis + len(lead) for axis in operation.axes)
                largest = np.asarray(largest.max(axis=axes))
            return largest if operation.floor is None else np.maximum(largest, operation.floor)
        case Lookup():
            table = graph.tables[operation.table]
            place = values[operation.source] - table.first
            if place.size and (place.min() < 0 or place.max() >= len(table.outputs)):
                low, high = int(place.min()) + table.first, int(place.max()) + table.first
                raise overflow(node, low, high, table.first, table.first + len(table.outputs) - 1)
            return table.outputs[place]


def view(source: Integers, operation: View, node: Node) -> Integers:
    """A view's values; an index outside the source reads zero."""
    lead = 1 if node.batched else 0
    shape = node.shape
    outside: npt.NDArray[np.bool_] = np.zeros((1,) * len(shape), dtype=np.bool_)
    indices: list[Integers] = []
    for axis, length in zip(operation.axes, source.shape[lead:], strict=True):
        index: Integers = np.zeros((1,) * len(shape), dtype=np.int64)
        if isinstance(axis, Affine):
            index = index + axis.offset
            for target, coefficient in axis.terms:
                index = index + coefficient * _along(np.arange(shape[target]), target, len(shape))
            outside = outside | (index < 0) | (index >= length)
            index = np.clip(index, 0, length - 1)
        else:
            index = index + _along(np.array(axis.indices), axis.axis, len(shape))
        indices.append(index)
    whole = (slice(None),) * lead
    result: Integers = source[whole + tuple(indices)] if indices else source
    result = np.broadcast_to(
        result.reshape(source.shape[:lead] + _ones(result, lead, len(shape))),
        source.shape[:lead] + shape,
    )
    if outside.any():
        result = np.where(np.broadcast_to(outside, shape), 0, result)
    return np.ascontiguousarray(result)


def _ones(result: Integers, lead: int, rank: int) -> tuple[int, ...]:
    """The shape of an indexed array without the batch axis: of full rank, or of a scalar source."""
    shape = result.shape[lead:]
    return shape if len(shape) == rank else (1,) * rank


def _along(values: npt.NDArray[np.int64], axis: int, rank: int) -> Integers:
    shape = [1] * rank
    shape[axis] = len(values)
    return values.astype(np.int64).reshape(shape)


def _einsum(labels: str, left: Integers, right: Integers, node: Node) -> Integers:
    # float64 is exact below 2^53 and runs on the BLAS; int64 einsum does not
    if max(-node.low, node.high) < 1 << 53 and _partial_sums_fit(labels, left, right):
        reals = np.einsum(labels, left.astype(np.float64), right.astype(np.float64), optimize=True)
        return np.asarray(reals, dtype=np.int64)
    return np.asarray(np.einsum(labels, left, right), dtype=np.int64)


def _partial_sums_fit(labels: str, left: Integers, right: Integers) -> bool:
    """Whether every partial sum stays below 2^53 in absolute value, whatever the order."""
    if not left.size or not right.size:
        return True
    operands, out = labels.split("->")
    a, b = operands.split(",")
    dims = dict(zip(a + b, left.shape + right.shape, strict=True))
    terms = 1
    for letter, length in dims.items():
        if letter not in out:
            terms *= length
    largest = int(np.abs(left).max()) * int(np.abs(right).max())
    return terms * largest < 1 << 53


def _check(node: Node, values: Integers) -> None:
    if not values.size:
        return
    low, high = int(values.min()), int(values.max())
    if low < node.low or high > node.high:
        raise overflow(node, low, high, node.low, node.high)


def overflow(node: Node, low: int, high: int, first: int, last: int) -> InputError:
    """The error of a value that leaves its range: node, what was found, what is allowed."""
    unit = 2.0**-node.scale
    return InputError(
        f"Node {node.name!r} overflows its calibrated range on this input: found {low} to {high} "
        f"({low * unit:.6g} to {high * unit:.6g}), allowed {first} to {last}.",
        hint="Calibrate with inputs like this one, or compile with NativeOptions(saturate=True), "
        "which clips what nodes compute.",
        node=node.name,
        observed=[low, high],
        allowed=[first, last],
    )
