"""A graph as an operation table, with what makes the table's witness from a run of the graph.

Each committed node of a table has one *step* that tells how its values follow from the values of
the graph's nodes. Three kinds suffice: they are a node's values, or the remainder of a division,
or the distance from a maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from verifai.graph.integer import Integers
from verifai.verifier.native.table import Table, View


@dataclass(frozen=True)
class NodeValues:
    """The values of graph node ``node``."""

    node: int


@dataclass(frozen=True)
class Remainder:
    """``(x + half) mod 2**shift`` of graph node ``source``, seen through ``views``.

    ``views`` are pairs of a view (whose source index is not used) and its shape.
    """

    source: int
    shift: int
    half: int
    views: tuple[tuple[View, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Difference:
    """Graph node ``maximum``, broadcast along ``axes``, minus graph node ``source``."""

    maximum: int
    source: int
    axes: tuple[int, ...]


WitnessStep: TypeAlias = NodeValues | Remainder | Difference


@dataclass(frozen=True, eq=False)
class LoweredCircuit:
    """A graph as an operation table.

    Attributes:
        operations: the table.
        table: its canonical encoding.
        weights: int64, one array per weight node, in table order.
        program: one step per committed node, in table order.
        names: for each table node the ONNX node it comes from. A product is named as its first
            factor, a lookup as its output.
        graph_batched: for each graph node whether its values have a batch axis.
    """

    operations: Table
    table: bytes = field(repr=False)
    weights: tuple[Integers, ...] = field(repr=False)
    program: tuple[WitnessStep, ...] = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    graph_batched: tuple[bool, ...] = field(repr=False)
