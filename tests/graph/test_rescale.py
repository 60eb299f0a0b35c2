"""Requantisation of int8 models: the integer form is the rational one at every accumulator."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from verifai.errors import UnsupportedError
from verifai.graph.rescale import SHIFTS, Quotient, rescale, rescale_sum

ENDS = {"int8": (-128, 127), "uint8": (0, 255)}


def _stated(value: Fraction, zero: int, ends: tuple[int, int]) -> int:
    return min(max(round(value) + zero, ends[0]), ends[1])


def _made(
    how: tuple[Quotient, ...], values: tuple[int, ...], channel: int, ends: tuple[int, int]
) -> int:
    total = 0
    for each in how:
        channels = range(len(each.addends)) if each.channels is None else each.channels
        if channel in channels:
            at = channels.index(channel)
            products = (v * m[at] for v, m in zip(values, each.multipliers, strict=True))
            total += (sum(products) + each.addends[at]) >> each.shift
    return min(max(total, ends[0]), ends[1])


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("seed", range(12))
def test_every_accumulator_of_random_factors(kind, seed):
    rng = np.random.default_rng(seed)
    ends = ENDS[kind]
    zero = int(rng.integers(*ends))
    factors = [Fraction(float(np.float32(2.0 ** rng.uniform(-12, 0)))) for _ in range(3)]
    offsets = [Fraction(float(np.float32(rng.normal()))) for _ in range(3)]
    bounds = (-2500, 2500)
    how = rescale(factors, offsets, bounds, zero, ends)
    for channel, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
        for acc in range(bounds[0], bounds[1] + 1):
            wanted = _stated(acc * factor + offset, zero, ends)
            assert _made(how, (acc,), channel, ends) == wanted


@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(1, 4), Fraction(3, 8), Fraction(5, 2)])
def test_ties_go_to_the_even_side(factor):
    for zero in (0, 1, -7):
        how = rescale([factor], [Fraction(0)], (-600, 600), zero, (-128, 127))
        assert len(how) == 2
        for acc in range(-600, 601):
            wanted = _stated(acc * factor, zero, (-128, 127))
            assert _made(how, (acc,), 0, (-128, 127)) == wanted


@pytest.mark.parametrize("seed", range(6))
def test_every_sum_of_two(seed):
    rng = np.random.default_rng(seed)
    factors = [Fraction(float(np.float32(2.0 ** rng.uniform(-4, 1)))) for _ in range(2)]
    if seed == 0:  # ties
        factors = [Fraction(1, 2), Fraction(1, 4)]
    bounds = [(-40, 23), (-8, 55)]
    how = rescale_sum(factors, bounds, 3, (-128, 127))
    for a, b in product(*(range(low, high + 1) for low, high in bounds)):
        wanted = _stated(a * factors[0] + b * factors[1], 3, (-128, 127))
        assert _made(how, (a, b), 0, (-128, 127)) == wanted


def _steps_in_float32(factors, addends, bounds):
    """Results of all accumulators as a kernel in float32 has them, and exact ones; and the
    integer form's, of int8.
    """
    column = np.array(factors, dtype=np.float32)[:, np.newaxis]
    added = np.array(addends)[:, np.newaxis]
    exact = [Fraction(float(factor)) for factor in column[:, 0]]
    offsets = [addend * factor for addend, factor in zip(addends, exact, strict=True)]

    def single(acc: np.ndarray) -> np.ndarray:
        return (acc + added).astype(np.float32) * column

    how = rescale(exact, offsets, bounds, 3, (-128, 127), single)
    every = np.arange(bounds[0], bounds[1] + 1)
    real = (every + added) * column.astype(np.float64)  # 24 bits times 24: nothing is rounded
    made = np.zeros(real.shape, dtype=np.int64)
    for each in how:
        slopes = np.array(each.multipliers[0])[:, np.newaxis]
        total = every * slopes + np.array(each.addends)[:, np.newaxis]
        made[slice(None) if each.channels is None else list(each.channels)] += total >> each.shift
    clipped = [np.clip(np.rint(x) + 3, -128, 127) for x in (single(every[np.newaxis]), real)]
    return (*clipped, np.clip(made, -128, 127))


def test_steps_are_those_of_float32():
    rng = np.random.default_rng(0)
    differing, left = 0, 0
    for _ in range(12):
        factors = rng.uniform(1e-3, 2e-3, 3)
        addends = rng.integers(-500, 500, 3).tolist()
        rounded, exact, made = _steps_in_float32(factors, addends, (-130_000, 130_000))
        differing += (rounded != exact).sum()
        left += (made != rounded).sum()
    assert differing > 10
    assert left < differing / 4


def test_where_float32_fits_no_quotient_few_steps_are_exact():
    """Accumulators beyond 2^20 are so dense that float32 puts many of them on ties."""
    factors = np.random.default_rng(9).uniform(1e-4, 2e-4, 5)
    rounded, exact, made = _steps_in_float32(factors, [0] * 5, (-400_000, 400_000))
    assert (differ := (rounded != exact).sum()) > 5
    assert (made != rounded).sum() < differ / 3
    assert ((made == rounded) | (made == exact)).all()


def test_the_shift_is_no_longer_than_it_has_to_be():
    how = rescale([Fraction(1, 100)], [Fraction(0)], (-100, 100), 0, (-128, 127))
    assert [each.shift for each in how] == [SHIFTS[0]]


def test_steps_that_no_shift_tells_apart_are_refused():
    factors = [Fraction(1, 2**44 + 1)]
    with pytest.raises(UnsupportedError, match="steps no shift of 48 bits tells apart"):
        rescale(factors, [Fraction(0)], (-(2**53), 2**53), 0, (-128, 127))
