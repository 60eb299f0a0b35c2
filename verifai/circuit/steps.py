"""How the values of a committed node follow from those of the graph's nodes: one *step* for each.

Three kinds suffice: a node's values, the remainder of a division, the distance from a maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from verifai.graph.integer import View


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


Step: TypeAlias = NodeValues | Remainder | Difference
