"""What of a graph is lowered, and how: dead nodes, fusions, outputs, and where einsums must end.

Three facts shape a plan. A reshape merges the axes of a claim, which an einsum needs apart (a view
does not: each of its axes belongs to one source axis), so an einsum under a reshape is committed.
A requantisation is elementwise, so a reshape under it moves above it. And a maximum's differences
can stand for the requantised values it reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from verifai.graph.integer import (
    Einsum,
    Indices,
    Linear,
    Lookup,
    Maximum,
    Node,
    Operation,
    Requantise,
    Reshape,
    View,
    sources,
)

if TYPE_CHECKING:
    from verifai.graph.graph import IntegerGraph


@dataclass(frozen=True)
class Fusion:
    """A maximum that takes over the requantisation it reads.

    Attributes:
        requantise: the graph node that is not committed.
        views: the views between the two, from the requantisation up.
        shape: of the differences.
    """

    requantise: int
    views: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """How a graph is lowered.

    Attributes:
        operations: one per graph node; a maximum of one element is a reshape.
        needed: the graph nodes to lower, in order.
        open_einsum: graph nodes whose virtual value contains an einsum.
        fused: by maximum.
        outputs: for each model output the graph node (reshapes stripped) whose elements it has.
        backed: graph node -> the model output that its committed tensor is.
        looked_up: requantisations that only lookups read, in tables within their range: being an
            entry's input is all the range that their values need.
    """

    operations: tuple[Operation, ...]
    needed: tuple[int, ...]
    open_einsum: frozenset[int]
    fused: dict[int, Fusion]
    outputs: tuple[int, ...]
    backed: dict[int, int]
    looked_up: frozenset[int]

    def stripped(self, node: int) -> int:
        """The node below all reshapes: the same elements in the same order."""
        return strip(self.operations, node)


def plan(graph: IntegerGraph, *, fuse: bool = True) -> Plan:
    """Plan the lowering of ``graph``; without ``fuse`` every requantised value is committed."""
    nodes = graph.nodes
    operations = tuple(_normal(node, nodes) for node in nodes)
    outputs = tuple(strip(operations, node) for node in graph.outputs)
    open_einsum = _open_einsums(operations)
    backed: dict[int, int] = {}
    for position, node in enumerate(outputs):
        # A copy has a batch axis even where the value depends on no input.
        if nodes[node].batched and isinstance(operations[node], (Requantise, Maximum, Lookup)):
            backed.setdefault(node, position)  # a second output of one node is a copy
    reached = _reached(outputs, lambda node: sources(operations[node]))
    uses = Counter(operand for node in reached for operand in sources(operations[node]))
    uses.update(outputs)
    fused: dict[int, Fusion] = {}
    if fuse:
        for node in reached:
            fusion = _fusion(node, operations, nodes, uses)
            if fusion is not None:
                fused[node] = fusion

    def needs(node: int) -> tuple[int, ...]:
        match operation := operations[node]:
            case Maximum() if node in fused:
                return (_accumulator(operations, fused[node].requantise),)
            case Maximum() if operation.axes == ():
                return (strip(operations, operation.source),)
            case Requantise():
                return (_accumulator(operations, node),)
            case _:
                return sources(operation)

    # An input stays even if nothing reads it: it is part of the statement.
    needed = _reached((*outputs, *graph.inputs), needs)
    looked_up = _looked_up(graph, operations, reached, {*outputs, *backed})
    return Plan(operations, tuple(needed), open_einsum, fused, outputs, backed, looked_up)


def _looked_up(
    graph: IntegerGraph,
    operations: tuple[Operation, ...],
    reached: Iterable[int],
    visible: set[int],
) -> frozenset[int]:
    found = {at for at in reached if isinstance(operations[at], Requantise)} - visible
    for at in reached:
        operation = operations[at]
        if isinstance(operation, Lookup):
            node, table = graph.nodes[operation.source], graph.tables[operation.table]
            if node.low <= table.first and table.last <= node.high:
                continue
        found.difference_update(sources(operation))
    return frozenset(found)


def strip(operations: tuple[Operation, ...], node: int) -> int:
    """The node below all reshapes."""
    while isinstance(operation := operations[node], Reshape):
        node = operation.source
    return node


def window(operation: Maximum, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Lengths of the axes that a maximum reduces; ``shape`` is its source's."""
    return tuple(shape[axis] for axis in operation.axes)


def _normal(node: Node, nodes: tuple[Node, ...]) -> Operation:
    operation = node.operation
    if isinstance(operation, Maximum) and operation.floor is None:
        lengths = window(operation, nodes[operation.source].shape)
        if all(length == 1 for length in lengths):
            return Reshape(operation.source)
    return operation


def _accumulator(operations: tuple[Operation, ...], node: int) -> int:
    operation = operations[node]
    assert isinstance(operation, Requantise)
    return strip(operations, operation.source)


def _reached(roots: Iterable[int], step: Callable[[int], Iterable[int]]) -> list[int]:
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += step(node)
    return sorted(seen)


def _open_einsums(operations: tuple[Operation, ...]) -> frozenset[int]:
    found: set[int] = set()
    for index, operation in enumerate(operations):
        match operation:
            case Einsum():
                found.add(index)
            case Linear() if any(source in found for _, source in operation.terms):
                found.add(index)
            case View() if operation.source in found:
                found.add(index)
    return frozenset(found)


def _fusion(
    node: int,
    operations: tuple[Operation, ...],
    nodes: tuple[Node, ...],
    uses: Counter[int],
) -> Fusion | None:
    """How the maximum ``node`` takes over a requantisation, or None where it cannot."""
    operation = operations[node]
    if not isinstance(operation, Maximum):
        return None
    chain: list[int] = []
    index = operation.source
    while isinstance(between := operations[index], (View, Reshape)) and uses[index] == 1:
        chain.insert(0, index)
        index = between.source
    below = operations[index]
    if not isinstance(below, Requantise) or uses[index] != 1:
        return None
    if operation.axes == () and all(isinstance(operations[step], Reshape) for step in chain):
        # Elementwise throughout: lowered in the accumulator's shape.
        return Fusion(index, (), nodes[_accumulator(operations, index)].shape)
    if isinstance(operations[below.source], Reshape):
        return None
    for step in chain:
        view = operations[step]
        if not isinstance(view, View):
            return None
        if not reads_once(view, nodes[view.source].shape, nodes[step].shape):
            return None
    return Fusion(index, tuple(chain), nodes[operation.source].shape)


def reads_once(view: View, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a view reads no source element twice and never reads outside its source."""
    used: set[int] = set()
    for length, axis in zip(source, view.axes, strict=True):
        if isinstance(axis, Indices):
            used.add(axis.axis)
            indices = list(axis.indices)
        else:
            used.update(t for t, _ in axis.terms)
            if prod(target[t] for t, _ in axis.terms) > length:
                return False  # and no need to list them
            indices = [axis.offset]
            for t, coefficient in axis.terms:
                indices = [i + coefficient * step for i in indices for step in range(target[t])]
        if min(indices) < 0 or max(indices) >= length or len(set(indices)) < len(indices):
            return False
    return all(length == 1 for axis, length in enumerate(target) if axis not in used)
