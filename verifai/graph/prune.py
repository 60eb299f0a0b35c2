"""Drops what no output needs: a ReLU that a pooling took over, a flattening that a weight did."""

from __future__ import annotations

from dataclasses import replace

from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import (
    Einsum,
    Gather,
    Input,
    Linear,
    Lookup,
    Operation,
    Weight,
    sources,
)


def pruned(graph: IntegerGraph) -> IntegerGraph:
    """The same function without dead nodes and tables; inputs stay, whether used or not."""
    alive = {*graph.outputs, *graph.inputs}
    for index in reversed(range(len(graph.nodes))):
        if index in alive:
            alive.update(sources(graph.nodes[index].operation))
    kept = sorted(alive)
    place = {old: new for new, old in enumerate(kept)}
    used = sorted(
        {
            operation.table
            for index in kept
            if isinstance(operation := graph.nodes[index].operation, Lookup)
        }
    )
    table = {old: new for new, old in enumerate(used)}
    return replace(
        graph,
        nodes=tuple(
            replace(
                graph.nodes[index], operation=_moved(graph.nodes[index].operation, place, table)
            )
            for index in kept
        ),
        inputs=tuple(place[index] for index in graph.inputs),
        outputs=tuple(place[index] for index in graph.outputs),
        tables=tuple(graph.tables[index] for index in used),
    )


def _moved(operation: Operation, place: dict[int, int], table: dict[int, int]) -> Operation:
    """The operation with its operands' new numbers."""
    match operation:
        case Input() | Weight():
            return operation
        case Linear():
            return replace(operation, terms=tuple((c, place[s]) for c, s in operation.terms))
        case Einsum():
            return replace(operation, left=place[operation.left], right=place[operation.right])
        case Gather():
            return Gather(place[operation.source], place[operation.ids])
        case Lookup():
            return Lookup(place[operation.source], table[operation.table])
        case _:
            return replace(operation, source=place[operation.source])
