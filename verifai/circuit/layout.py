"""Tiles: how tensors are placed in power-of-two blocks, and which axes stay unpadded.

A tile has *outer* axes, unpadded and row-major, above *inner* axes, each padded to a power of two
(``docs/protocol.md``, "Layout"). Outer axes save slots; a verifier pays for each of their
positions, so they are bounded, and taken only where they pay.
"""

from __future__ import annotations

from itertools import combinations
from math import prod
from typing import Final

from verifai.verifier.native.field import bits
from verifai.verifier.native.layout import Tile

#: Most outer positions of a tile, the batch not counted.
MAX_OUTER_WEIGHT: Final = 1024
MAX_OUTER: Final = 256
#: An outer position costs a verifier an evaluation of eq: it must save this many slots.
SLOTS_PER_OUTER: Final = 4
#: Tiles up to a tenth larger than the smallest are as good, if they have fewer outer positions.
TOLERANCE: Final = 10

#: Columns of the commitment, log2: short rows prove faster, long rows make smaller keys and smaller
#: proofs of batches. It may depend on the weights only: one model has one commitment in all its
#: circuits. There are two values and no more, since a tensor passes from one model to the next
#: under one commitment only where both have the same.
LOG_COLUMNS: Final = 12
LOG_COLUMNS_LARGE: Final = 14
LARGE_WEIGHT_SLOTS: Final = 1 << 21


def outer_axes(shape: tuple[int, ...], limit: int = MAX_OUTER) -> tuple[int, ...]:
    """The outer axes of a tensor: a function of its shape and ``limit`` only.

    The fewest outer positions whose tile is within a tenth of the smallest; ties go to the smaller
    tile, then to the earlier axes.
    """
    largest = Tile(shape, ()).size
    # An axis that is a power of two gains nothing by being outer.
    useful = [axis for axis, length in enumerate(shape) if length != 1 << bits(length)]
    choices: list[tuple[int, int, tuple[int, ...]]] = [(1, largest, ())]
    choices += [
        (blocks, size, outer)
        for count in range(1, len(useful) + 1)
        for outer in combinations(useful, count)
        if (blocks := prod(shape[axis] for axis in outer)) <= limit
        and largest - (size := Tile(shape, outer).size) >= SLOTS_PER_OUTER * blocks
    ]
    smallest = min(size for _, size, _ in choices)
    return min(choice for choice in choices if choice[1] * (TOLERANCE - 1) <= smallest * TOLERANCE)[
        2
    ]


def log_columns_for(weights: list[Tile]) -> int:
    """log2 of the columns for a model with these weights."""
    slots = sum(weight.size for weight in weights)
    return LOG_COLUMNS if slots <= LARGE_WEIGHT_SLOTS else LOG_COLUMNS_LARGE
