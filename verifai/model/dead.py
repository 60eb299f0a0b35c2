"""What no output needs: nodes, weights, and the class names that ZipMap gives to columns."""

from __future__ import annotations

from typing import Any

from verifai.model.structure import ML, every_graph, subgraphs_of


def read_by(graph: Any) -> set[str]:
    """All names that the nodes and outputs of a ``GraphProto`` read, in subgraphs too."""
    graphs = list(every_graph(graph))
    found = {name for each in graphs for node in each.node for name in node.input}
    return found | {value.name for each in graphs for value in each.output}


def drop_dead(graph: Any) -> None:
    """Drop nodes and initialisers that no output needs; inputs stay."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
            for inner in subgraphs_of([node]):
                needed.update(name for each in inner.node for name in each.input)
                needed.update(value.name for value in inner.output)
    if len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(reversed(kept))
    used = read_by(graph)
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in used:
            del graph.initializer[index]


def maps_are_tensors(graph: Any) -> None:
    """ZipMap gives the columns of a tensor the names of classes: the tensor stays as it is."""
    names = set()
    for node in graph.node:
        if node.op_type == "ZipMap" and node.domain == ML:
            names.update(node.output)
            node.op_type, node.domain = "Identity", ""
            del node.attribute[:]
    for value in graph.output:
        if value.name in names:
            value.ClearField("type")
