"""Every rule that :mod:`verifai.graph.integer` states, checked on a whole graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.errors import InternalError, UnsupportedError
from verifai.graph.integer import (
    MAX_ABSOLUTE,
    MAX_MAXIMUM,
    MAX_RANGED_BITS,
    MAX_SHIFT,
    MAX_TABLE,
    Affine,
    Einsum,
    Gather,
    Graph,
    Input,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    View,
    Weight,
    sources,
)
from verifai.verifier.native.table import origins_of


def validate(graph: Graph) -> None:
    """Checks all nodes, tables, inputs and outputs.

    Raises:
        InternalError: a rule is broken; the message names the node.
        UnsupportedError: a tensor may leave 62 bits; the message names the node.
    """
    for number, table in enumerate(graph.tables):
        outputs = table.outputs
        if outputs.ndim != 1 or not 1 <= len(outputs) <= MAX_TABLE:
            raise InternalError(f"Table {number} has one axis of 1 to {MAX_TABLE} entries.")
    unsettled: list[bool] = []
    for index, node in enumerate(graph.nodes):
        problem = _problem(graph, index, node, unsettled)
        if problem:
            raise InternalError(f"Node {node.name!r} of the integer graph: {problem}.")
        if max(abs(node.low), abs(node.high)) >= MAX_ABSOLUTE:
            raise UnsupportedError(
                f"Node {node.name!r} can reach {max(-node.low, node.high):.3g}, which is beyond "
                "2^62.",
                hint="Scale the model's weights, or compile with fewer activation_bits.",
            )
    _ids(graph)
    _ends(graph, unsettled)


def _ids(graph: Graph) -> None:
    """What gathers read their ids from."""
    origins = origins_of(graph.nodes)
    for node in graph.nodes:
        if isinstance(node.operation, Gather):
            at = origins[node.operation.ids]
            origin = None if at is None else graph.nodes[at]
            if (
                origin is None
                or not isinstance(origin.operation, Input)
                or (origin.low, origin.scale) != (0, 0)
            ):
                raise InternalError(
                    f"Node {node.name!r} of the integer graph: ids are integers of an input, from "
                    "0 on, which views and reshapes alone have moved."
                )


def _ends(graph: Graph, unsettled: Sequence[bool]) -> None:
    """Inputs and outputs."""
    for role, nodes, names, shapes in (
        ("input", graph.inputs, graph.input_names, graph.input_shapes),
        ("output", graph.outputs, graph.output_names, graph.output_shapes),
    ):
        if not len(nodes) == len(names) == len(shapes):
            raise InternalError(f"Each {role} of the integer graph has a node, a name and a shape.")
        for at, name, shape in zip(nodes, names, shapes, strict=True):
            if not 0 <= at < len(graph.nodes):
                raise InternalError(f"The {role} {name!r} is no node of the integer graph.")
            if math.prod(shape) != math.prod(graph.nodes[at].shape):
                raise InternalError(f"The {role} {name!r} has not as many elements as its node.")
    positions = {
        index: node.operation.position
        for index, node in enumerate(graph.nodes)
        if isinstance(node.operation, Input)
    }
    if [positions.get(at) for at in graph.inputs] != list(range(len(positions))):
        raise InternalError("The integer graph's inputs are its input nodes, in order.")
    for at, name in zip(graph.outputs, graph.output_names, strict=True):
        if unsettled[at]:
            raise InternalError(f"The output {name!r} is an einsum that was not requantised.")


def _problem(graph: Graph, index: int, node: Node, unsettled: list[bool]) -> str | None:
    """What is wrong with a node, or None; appends whether it contains an open einsum."""
    operation = node.operation
    if any(not 0 <= source < index for source in sources(operation)):
        return "an operand that is no earlier node"
    if any(length < 1 for length in node.shape):
        return "an axis without elements"
    if node.low > node.high:
        return "bounds in the wrong order"
    open_ = any(unsettled[source] for source in sources(operation))
    if open_ and not isinstance(operation, (Linear, View, Requantise)):
        return "an einsum is requantised before anything else is done with it"
    unsettled.append(
        isinstance(operation, Einsum) or (open_ and not isinstance(operation, Requantise))
    )
    batched = isinstance(operation, Input) or any(
        graph.nodes[source].batched for source in sources(operation)
    )
    if node.batched != batched:
        return "batched where it depends on an input, and only there"
    if isinstance(operation, (Input, Requantise)):
        span = node.high - node.low + 1
        if span & (span - 1) or span.bit_length() - 1 > MAX_RANGED_BITS:
            return f"bounds span 2**bits values, bits <= {MAX_RANGED_BITS}"
    return _shape_problem(graph, node)


def _shape_problem(graph: Graph, node: Node) -> str | None:
    operation = node.operation
    shapes = [graph.nodes[source].shape for source in sources(operation)]
    match operation:
        case Input():
            return None
        case Weight():
            if operation.values.shape != node.shape:
                return "a weight of another shape"
            if not np.issubdtype(operation.values.dtype, np.signedinteger):
                return "a weight that is not of signed integers"
            return None
        case View():
            return _view_problem(operation, node, shapes[0])
        case Reshape():
            if math.prod(shapes[0]) != math.prod(node.shape):
                return "a reshape keeps the number of elements"
            return None
        case Gather():
            return _gather_problem(graph, operation, node)
        case Linear():
            if any(abs(coefficient) >= MAX_ABSOLUTE for coefficient, _ in operation.terms):
                return "a coefficient beyond 2^62"
            return "operands of another shape" if any(s != node.shape for s in shapes) else None
        case Einsum():
            return _einsum_problem(operation, node, shapes)
        case Requantise():
            if operation.shift < 0:
                return "a negative shift"
            if operation.shift >= MAX_SHIFT:
                return f"a shift of {MAX_SHIFT} bits or more"
            return None if shapes[0] == node.shape else "an operand of another shape"
        case Maximum():
            return _maximum_problem(operation, node, shapes[0])
        case Lookup():
            if not 0 <= operation.table < len(graph.tables):
                return "a table that does not exist"
            return None if shapes[0] == node.shape else "an operand of another shape"


def _view_problem(operation: View, node: Node, source: tuple[int, ...]) -> str | None:
    if len(operation.axes) != len(source):
        return "one map per source axis"
    used: list[int] = []
    for axis, length in zip(operation.axes, source, strict=True):
        if isinstance(axis, Affine):
            used += [target for target, _ in axis.terms]
            if any(coefficient == 0 for _, coefficient in axis.terms):
                return "a map with a coefficient of zero"
            continue
        used.append(axis.axis)
        if not all(0 <= place < length for place in axis.indices):
            return "an index outside the source"
        if axis.axis < len(node.shape) and len(axis.indices) != node.shape[axis.axis]:
            return "as many indices as the target axis is long"
    if len(set(used)) != len(used) or not all(0 <= axis < len(node.shape) for axis in used):
        return "a target axis belongs to at most one source axis"
    return None


def _gather_problem(graph: Graph, operation: Gather, node: Node) -> str | None:
    table, ids = graph.nodes[operation.source], graph.nodes[operation.ids]
    if not isinstance(table.operation, Weight) or not table.shape:
        return "a gather reads rows of a weight"
    return None if node.shape == ids.shape + table.shape[1:] else "an operand of another shape"


def _einsum_problem(operation: Einsum, node: Node, shapes: Sequence[tuple[int, ...]]) -> str | None:
    left, right, out = operation.labels
    lengths: dict[str, int] = {}
    for labels, shape in zip(operation.labels, (*shapes, node.shape), strict=True):
        if len(labels) != len(shape) or len(set(labels)) != len(labels):
            return "one letter per axis, once each"
        if not (labels.isascii() and labels.islower() and labels.isalpha()) and labels:
            return "letters are lower-case ASCII"
        for letter, length in zip(labels, shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                return f"axes {letter!r} of different lengths"
    if not set(out) <= set(left) | set(right):
        return "a letter of the output that no operand has"
    if not set(left) ^ set(right) <= set(out):
        return "a letter of one operand only is in the output"
    return None


def _maximum_problem(operation: Maximum, node: Node, source: tuple[int, ...]) -> str | None:
    axes = operation.axes
    if len(set(axes)) != len(axes) or not all(0 <= axis < len(source) for axis in axes):
        return "axes of a maximum are distinct axes of its operand"
    if math.prod(source[axis] for axis in axes) > MAX_MAXIMUM:
        return f"a maximum of more than {MAX_MAXIMUM} elements"
    if node.shape != tuple(length for axis, length in enumerate(source) if axis not in axes):
        return "a maximum drops its axes"
    return None
