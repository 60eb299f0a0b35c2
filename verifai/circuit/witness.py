"""The witness: values of the committed tensors, computed from a run of the integer graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from verifai.circuit.lowered import (
    Difference,
    LoweredCircuit,
    NodeValues,
    Remainder,
    WitnessStep,
)
from verifai.errors import InputError, InternalError
from verifai.graph.integer import Integers
from verifai.graph.view import view
from verifai.verifier.native.table import Committed

#: Bits of an entry of the committed vector, a signed integer.
ROW_BITS: Final = 32


def witness(lowered: LoweredCircuit, values: Sequence[Integers], batch: int) -> list[Integers]:
    """Values of the committed nodes of a table, in table order.

    Args:
        values: int64, one array for each graph node, (batch, *shape) if it is batched.

    Returns:
        int64 arrays, (batch, *shape) if the table node is batched, else its shape; C-contiguous.

    Raises:
        InputError: a value lies outside its range; the message names the ONNX node.
    """
    nodes = lowered.operations.nodes
    graph_batched = lowered.graph_batched
    found = []
    for index, step in zip(lowered.operations.committed, lowered.program, strict=True):
        node = nodes[index]
        operation = node.operation
        assert isinstance(operation, Committed)
        result = _compute(step, values, graph_batched)
        shape = (batch, *node.shape) if node.batched else node.shape
        if isinstance(step, NodeValues) and node.batched and not graph_batched[step.node]:
            result = np.broadcast_to(result.reshape(node.shape), shape)
        if result.size != np.prod(shape, dtype=object):
            raise InternalError(
                f"Node {lowered.names[index]!r}: {result.size} values for the shape {shape}."
            )
        result = np.ascontiguousarray(result, dtype=np.int64).reshape(shape)
        low, high = int(result.min()), int(result.max())
        first, last = _range(operation)
        if low < first or high > last:
            raise InputError(
                f"Node {lowered.names[index]!r}: the values {low} to {high} are not all within "
                f"the range {first} to {last} that a proof can hold.",
                hint="Calibrate the model with inputs like this one.",
                node=lowered.names[index],
                observed=[low, high],
                allowed=[first, last],
            )
        found.append(result)
    return found


def _range(operation: Committed) -> tuple[int, int]:
    """The values that fit into a committed node: what its limbs hold, or else an entry of a row."""
    bits, below = (operation.bits, 0) if operation.limbs else (ROW_BITS, 1 << ROW_BITS - 1)
    first = operation.offset - below
    return first, first + (1 << bits) - 1


def _compute(step: WitnessStep, values: Sequence[Integers], batched: tuple[bool, ...]) -> Integers:
    match step:
        case NodeValues():
            return values[step.node]
        case Remainder():
            # & with 2**shift - 1 is mod 2**shift, for negative numbers too.
            result = (values[step.source] + step.half) & ((1 << step.shift) - 1)
            for through, shape in step.views:
                result = view(result, through, shape, batched[step.source])
            return result
        case Difference():
            source, maximum = values[step.source], values[step.maximum]
            if step.axes:
                lead = int(batched[step.source])
                maximum = np.expand_dims(maximum, tuple(axis + lead for axis in step.axes))
            return maximum - source
