"""The same integers in torch, on any device: bit for bit those of the numpy run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifai.extras import require
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
from verifai.graph.run import BATCH, check_shapes, overflow


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
            return _checked(node, inputs[operation.position].reshape(lead + node.shape))
        case Weight():
            return torch.as_tensor(operation.values.astype(np.int64), device=device)
        case View():
            return _view(torch, values[operation.source], operation, node, device)
        case Reshape():
            return values[operation.source].reshape(lead + node.shape)
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
            half = 0 if operation.floor or not operation.shift else 1 << operation.shift - 1
            return _checked(node, (values[operation.source] + half) >> operation.shift)
        case Maximum():
            source = values[operation.source]
            if operation.axes:
                source = source.amax(dim=tuple(axis + len(lead) for axis in operation.axes))
            return source if operation.floor is None else source.clamp(min=operation.floor)
        case Lookup():
            table = graph.tables[operation.table]
            place = values[operation.source] - table.first
            if place.numel() and (int(place.min()) < 0 or int(place.max()) >= len(table.outputs)):
                raise overflow(
                    node,
                    int(place.min()) + table.first,
                    int(place.max()) + table.first,
                    table.first,
                    table.first + len(table.outputs) - 1,
                )
            return torch.as_tensor(table.outputs, device=device)[place]


def _einsum(
    torch: Any, graph: IntegerGraph, operation: Einsum, node: Node, values: list[Any]
) -> Any:
    nodes = (graph.nodes[operation.left], graph.nodes[operation.right], node)
    left, right, out = (
        (BATCH if n.batched else "") + label
        for n, label in zip(nodes, operation.labels, strict=True)
    )
    a, b = values[operation.left], values[operation.right]
    dims = dict(zip(left + right, tuple(a.shape) + tuple(b.shape), strict=True))
    terms = 1
    for letter, length in dims.items():
        if letter not in out:
            terms *= length
    labels = f"{left},{right}->{out}"
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


def _checked(node: Node, values: Any) -> Any:
    if values.numel():
        low, high = int(values.min()), int(values.max())
        if low < node.low or high > node.high:
            raise overflow(node, low, high, node.low, node.high)
    return values
