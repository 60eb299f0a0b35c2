"""The same integers in torch, on any device: bit for bit those of the numpy run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifai.extras import require
from verifai.graph.exact import summed
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import (
    Affine,
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
from verifai.graph.run import batched_labels, check_shapes, checked, rows_within


def torch_run(
    graph: IntegerGraph, inputs: Sequence[Integers], *, device: str = "cpu"
) -> list[Integers]:
    """All nodes' values, for inputs with a leading batch axis; see :func:`verifai.graph.run`.

    Products run in float64 where no partial sum can reach 2^53, in int64 elsewhere: exact both
    ways, whatever the order of summation.

    Raises:
        InputError: as the numpy run.
        MissingExtraError: torch is not installed.
    """
    torch = require("torch", "torch", "running an integer graph in torch")
    check_shapes(graph, [np.asarray(array) for array in inputs])
    arrays = [torch.as_tensor(array, dtype=torch.int64, device=device) for array in inputs]
    size = len(arrays[0]) if arrays else 1
    values: list[Any] = []
    for node in graph.nodes:
        values.append(_compute(torch, graph, node, values, arrays, size, device))
    return [value.cpu().numpy() for value in values]


def _compute(
    torch: Any,
    graph: IntegerGraph,
    node: Node,
    values: list[Any],
    inputs: list[Any],
    size: int,
    device: str,
) -> Any:
    operation = node.operation
    lead = (size,) if node.batched else ()
    match operation:
        case Input():
            given = inputs[operation.position].reshape(lead + node.shape)
            return checked(given, node, node.low, node.high)
        case Weight():
            return torch.as_tensor(operation.values.astype(np.int64), device=device)
        case View():
            return _view(torch, values[operation.source], operation, node, device)
        case Reshape():
            return values[operation.source].reshape(lead + node.shape)
        case Gather():
            rows, ids = values[operation.source], values[operation.ids]
            return rows[rows_within(ids, node, len(rows))]
        case Linear():
            result = torch.full(
                lead + node.shape, operation.offset, dtype=torch.int64, device=device
            )
            for coefficient, source in operation.terms:
                result = result + coefficient * values[source]
            return result
        case Einsum():
            return _einsum(torch, graph, operation, node, values)
        case Requantise():
            shifted = (values[operation.source] + operation.half) >> operation.shift
            return checked(shifted, node, node.low, node.high)
        case Maximum():
            source = values[operation.source]
            if operation.axes:
                source = source.amax(dim=tuple(axis + len(lead) for axis in operation.axes))
            return source if operation.floor is None else source.clamp(min=operation.floor)
        case Lookup():
            table = graph.tables[operation.table]
            place = checked(values[operation.source], node, table.first, table.last) - table.first
            return torch.as_tensor(table.outputs, device=device)[place]


def _einsum(
    torch: Any, graph: IntegerGraph, operation: Einsum, node: Node, values: list[Any]
) -> Any:
    a, b = values[operation.left], values[operation.right]
    labels = batched_labels(graph, node, operation)
    terms = summed(operation, graph.nodes)
    if terms * int(a.abs().max()) * int(b.abs().max()) < 1 << 53:
        return torch.einsum(labels, a.double(), b.double()).to(torch.int64)
    # torch multiplies integer matrices on the CPU only
    return torch.einsum(labels, a.cpu(), b.cpu()).to(a.device)


def _view(torch: Any, source: Any, operation: View, node: Node, device: str) -> Any:
    lead = 1 if node.batched else 0
    rank = len(node.shape)
    outside = torch.zeros((1,) * rank, dtype=torch.bool, device=device)
    flat = torch.zeros((1,) * rank, dtype=torch.int64, device=device)
    for axis, length in zip(operation.axes, tuple(source.shape)[lead:], strict=True):
        index = torch.zeros((1,) * rank, dtype=torch.int64, device=device)
        if isinstance(axis, Affine):
            index = index + axis.offset
            for target, coefficient in axis.terms:
                steps = coefficient * torch.arange(node.shape[target], device=device)
                index = index + _along(steps, target, rank)
            outside = outside | (index < 0) | (index >= length)
            index = index.clamp(0, length - 1)
        else:
            steps = torch.as_tensor(axis.indices, dtype=torch.int64, device=device)
            index = index + _along(steps, axis.axis, rank)
        flat = flat * length + index
    flat = flat.expand(node.shape)
    whole = source.reshape(*source.shape[:lead], -1)
    result = whole[..., flat]
    return torch.where(outside.expand(node.shape), torch.zeros_like(result), result)


def _along(values: Any, axis: int, rank: int) -> Any:
    shape = [1] * rank
    shape[axis] = len(values)
    return values.reshape(shape)
