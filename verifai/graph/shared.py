"""One scale for what is one tensor of a recurrence, in all of its steps.

A recurrence is written out step by step before calibration. Tensors of equal meaning would come to
slightly different ranges, and so to other scales, tables of their own, and shifts between steps. A
node that is written once for each step is noted as such (:mod:`verifai.graph.notes`); calibration
then gives its outputs one range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from verifai.graph.notes import SCALE, noted

#: A tensor whose largest value is more than so many times below the others' keeps its own scale:
#: what grows from step to step would have no bits left in the first ones.
MAX_RATIO: Final = 16.0

Range = tuple[float, float]


def united(proto: Any, ranges: Mapping[str, Range]) -> tuple[dict[str, Range], dict[str, int]]:
    """Ranges with one for all steps, and how many tensors have each, for those that share."""
    groups: dict[tuple[str, int], list[str]] = {}
    for node in proto.graph.node:
        if (name := noted(node, SCALE)) is not None:
            for position, output in enumerate(node.output):
                if output in ranges:
                    groups.setdefault((name, position), []).append(output)
    wider, count = dict(ranges), {}
    for members in groups.values():
        most = max(_largest(ranges[name]) for name in members)
        near = [name for name in members if MAX_RATIO * _largest(ranges[name]) >= most]
        hull = min(ranges[name][0] for name in near), max(ranges[name][1] for name in near)
        wider.update(dict.fromkeys(near, hull))
        if len(near) > 1:
            count.update(dict.fromkeys(near, len(near)))
    return wider, count


def _largest(span: Range) -> float:
    return max(map(abs, span))
