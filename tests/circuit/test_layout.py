"""Which axes stay unpadded: checked against an exhaustive search and the figures of LeNet-5."""

from __future__ import annotations

from itertools import combinations
from math import prod

import pytest

from verifai.circuit.layout import (
    LARGE_WEIGHT_SLOTS,
    MAX_OUTER,
    MAX_OUTER_WEIGHT,
    SLOTS_PER_OUTER,
    log_columns_for,
    outer_axes,
)
from verifai.verifier.native.layout import Tile


@pytest.mark.parametrize(
    ("shape", "outer", "size"),
    [
        ((1,), (), 1),
        ((), (), 1),
        ((64, 128), (), 64 * 128),  # nothing to gain
        ((120, 16, 25), (2,), 25 * 16 * 128),  # fc1 of the review: 25 blocks of 16 x 128
        ((120, 400), (), 128 * 512),  # 120 blocks would save 6 %
        ((100, 400), (0,), 100 * 512),
        ((400, 100), (1,), 100 * 512),
        ((84,), (), 128),  # 44 slots do not pay for 84 positions
        ((1, 28, 28), (1,), 28 * 32),
        ((6, 14, 2, 14, 2), (0, 1), 84 * 2 * 16 * 2),
        ((16, 5, 2, 5, 2), (1, 3), 25 * 16 * 4),
        ((60, 60), (), 64 * 64),  # as above
    ],
)
def test_outer_axes_of_known_shapes(shape, outer, size):
    found = outer_axes(shape, MAX_OUTER)
    assert (found, Tile(shape, found).size) == (outer, size)


SHAPES = [
    (3, 5, 7),
    (10, 84),
    (84, 120),
    (6, 1, 5, 5),
    (16, 6, 5, 5),
    (300, 17),
    (33, 33, 33),
    (9, 1, 9),
]


@pytest.mark.parametrize("limit", [MAX_OUTER, MAX_OUTER_WEIGHT])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_admissible_choice_is_a_tenth_smaller(shape, limit):
    chosen = outer_axes(shape, limit)
    padded = Tile(shape, ()).size
    size = Tile(shape, chosen).size
    assert prod(shape[axis] for axis in chosen) <= limit
    for count in range(len(shape) + 1):
        for outer in combinations(range(len(shape)), count):
            positions = prod(shape[axis] for axis in outer)
            other = Tile(shape, outer).size
            if positions <= limit and padded - other >= SLOTS_PER_OUTER * positions:
                assert other * 10 >= size * 9, outer


def test_weights_have_blocks_enough_for_a_flattened_layer():
    found = outer_axes((120, 400), MAX_OUTER_WEIGHT)
    tile = Tile((120, 400), found)
    assert (found, tile.outer_size, tile.inner) == ((1,), 400, 7)


def test_weights_may_have_more_outer_positions():
    assert outer_axes((300, 520), MAX_OUTER) == ()
    assert outer_axes((300, 520), MAX_OUTER_WEIGHT) != ()


def test_a_batch_is_outside():
    tile = Tile((4, 3, 5), (0, 2))
    assert (tile.outer_size, tile.inner) == (20, 2)


def test_columns_grow_with_the_weights():
    half = Tile((LARGE_WEIGHT_SLOTS // 2,), ())
    assert log_columns_for([]) == 12
    assert log_columns_for([half, half]) == 12
    assert log_columns_for([half, half, Tile((1,), ())]) == 14
