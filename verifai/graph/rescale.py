"""Requantisation as int8 models define it, as one multiplication and one shift.

``y = clip(half_even(acc * factor) + zero, least, most)``, with a rational factor for each channel,
becomes ``y = clip((acc * multiplier + addend) >> shift, least, most)``. Both are monotone in
``acc`` and have one step for each value of y, so they are the same function where these steps are
at the same accumulators: that is what is solved for, step by step, in exact integers.

Where accumulators lie half way between two results (with factors that are powers of two, say), ties
that go to the even side make steps of two lengths. Then y is a sum of two quotients, each with
steps of one length::

    half_even(x) = floor(x / 2 + 1 / 4) + ceil(x / 2 - 1 / 4)
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError

#: Shifts that are tried, in this order: a remainder costs a lookup for each 8 bits.
SHIFTS: Final = (16, 24, 32, 40, 48)
#: Most sums of two quantised numbers that are compared one by one.
MAX_SUMS: Final = 1 << 17
#: What no condition asks of an addend.
_NONE: Final = -(1 << 62)


@dataclass(frozen=True)
class Quotient:
    """``(sum of acc * multiplier + addend) >> shift``.

    Attributes:
        multipliers: for each term one integer for each channel.
        addends: one for each channel.
    """

    shift: int
    multipliers: tuple[tuple[int, ...], ...]
    addends: tuple[int, ...]


@dataclass(frozen=True)
class _Rounding:
    """One way to round: a quotient k stands for ``size * k`` results of the model.

    It is k or more from ``size * k + start / 2`` on, which belongs to k where ``ties(k)``.
    """

    size: int
    start: int
    ties: Callable[[int], bool]


_HALF_EVEN: Final = _Rounding(1, -1, lambda k: k % 2 == 0)
#: Whose sum is the same.
_HALVES: Final = (_Rounding(2, -1, lambda k: True), _Rounding(2, -3, lambda k: False))
_WAYS: Final = ((_HALF_EVEN,), _HALVES)


def half_even(value: Fraction) -> int:
    """The nearest integer, of two the even one: how ONNX rounds."""
    return round(value)


def rescale(
    factors: Sequence[Fraction],
    offsets: Sequence[Fraction],
    bounds: tuple[int, int],
    zero: int,
    ends: tuple[int, int],
) -> tuple[Quotient, ...]:
    """The integer form of one accumulator's requantisation: quotients whose sum, clipped to
    ``ends``, is the result, whatever the accumulator.

    Args:
        factors: for each channel what an accumulator is multiplied with; positive.
        offsets: for each channel what is added to the product.
        bounds: the smallest and the largest accumulator.
        zero: the zero point of the result.
        ends: the smallest and the largest result.

    Raises:
        UnsupportedError: no shift up to the last of :data:`SHIFTS` is fine enough.
    """
    low, high = bounds

    def quotient(way: _Rounding) -> Quotient | None:
        results = np.array(_results(way, zero, ends), dtype=np.int64)
        each = [
            _steps(way, f, g, bounds, zero, ends) for f, g in zip(factors, offsets, strict=True)
        ]
        firsts = np.array(each, dtype=np.int64)
        for shift in SHIFTS:
            multipliers = [half_even(f * (1 << shift) / way.size) for f in factors]
            if max(multipliers) >= -_NONE >> 16:
                return None
            slopes = np.array(multipliers, dtype=np.int64)[:, np.newaxis]
            # at its first accumulator the quotient is k or more, and one before it is not
            ends_ = results << shift
            least = np.where(firsts <= high, ends_ - firsts * slopes, _NONE).max(axis=1)
            most = np.where(firsts > low, ends_ - (firsts - 1) * slopes, -_NONE).min(axis=1) - 1
            if (least <= most).all():
                half = np.full(len(most), 1 << shift - 1)
                addends = np.minimum(np.maximum(half, least), most)
                return Quotient(shift, (tuple(multipliers),), tuple(addends.tolist()))
        return None

    return _first(quotient, zero)


def rescale_sum(
    factors: Sequence[Fraction],
    bounds: Sequence[tuple[int, int]],
    zero: int,
    ends: tuple[int, int],
) -> tuple[Quotient, ...]:
    """The integer form of a sum's requantisation, each term with a factor of its own.

    It is the same function where there are at most :data:`MAX_SUMS` sums, which are compared one by
    one, and otherwise but for sums that are as near to a step as their factors' errors of 2^-49.
    Raises as :func:`rescale`.
    """
    if math.prod(high - low + 1 for low, high in bounds) > MAX_SUMS:
        multipliers = tuple((half_even(factor * (1 << SHIFTS[-1])),) for factor in factors)
        half = 1 << SHIFTS[-1] - 1
        return _with_zero((Quotient(SHIFTS[-1], multipliers, (half,)),), zero)

    places = np.indices([high - low + 1 for low, high in bounds], dtype=np.int64)
    values = [place.reshape(-1) + low for place, (low, _) in zip(places, bounds, strict=True)]

    def quotient(way: _Rounding) -> Quotient | None:
        results = _results(way, zero, ends)
        first, last = results.start - 1, results.stop - 1
        reached = np.array(_reached(way, factors, values, results), dtype=np.int64)
        for shift in SHIFTS:
            multipliers = [half_even(factor * (1 << shift) / way.size) for factor in factors]
            made = sum(v * m for v, m in zip(values, multipliers, strict=True))
            least = int(np.where(reached > first, (reached << shift) - made, _NONE).max())
            most = int(np.where(reached < last, (reached + 1 << shift) - made, -_NONE).min()) - 1
            if least <= most:
                addend = min(max(1 << shift - 1, least), most)
                return Quotient(shift, tuple((each,) for each in multipliers), (addend,))
        return None

    return _first(quotient, zero)


def _reached(
    way: _Rounding, factors: Sequence[Fraction], values: Sequence[Any], results: range
) -> list[int]:
    """The quotient of each sum, as far as it matters."""
    common = 2 * math.lcm(*(factor.denominator for factor in factors))
    numerators = [int(factor * common) for factor in factors]
    halves = [(2 * way.size * k + way.start) * (common // 2) for k in results]
    steps = [half if way.ties(k) else half + 1 for k, half in zip(results, halves, strict=True)]
    sums = zip(*(v.tolist() for v in values), strict=True)
    return [
        results.start - 1 + bisect_right(steps, sum(map(mul, each, numerators))) for each in sums
    ]


def _first(quotient: Callable[[_Rounding], Quotient | None], zero: int) -> tuple[Quotient, ...]:
    """The first way to round all of whose quotients exist."""
    for ways in _WAYS:
        found = [made for way in ways if (made := quotient(way)) is not None]
        if len(found) == len(ways):
            return _with_zero(tuple(found), zero)
    raise UnsupportedError(
        f"a requantisation whose steps no shift of {SHIFTS[-1]} bits tells apart"
    )


def _with_zero(quotients: tuple[Quotient, ...], zero: int) -> tuple[Quotient, ...]:
    """The zero point is added by the first quotient."""
    first, *rest = quotients
    addends = tuple(addend + (zero << first.shift) for addend in first.addends)
    return Quotient(first.shift, first.multipliers, addends), *rest


def _results(way: _Rounding, zero: int, ends: tuple[int, int]) -> range:
    """The results of which a step matters: what is clipped has none."""
    return range((ends[0] - zero) // way.size + 1, -(-(ends[1] - zero) // way.size) + 1)


def _steps(
    way: _Rounding,
    factor: Fraction,
    offset: Fraction,
    bounds: tuple[int, int],
    zero: int,
    ends: tuple[int, int],
) -> list[int]:
    """For each quotient that matters the first accumulator of which ``acc * factor + offset``
    reaches it, within bounds or one beyond them.
    """
    low, high = bounds
    g, h = offset.numerator, offset.denominator
    over, under = factor.denominator, 2 * h * factor.numerator
    found = []
    for k in _results(way, zero, ends):
        # acc >= (size k + start / 2 - offset) / factor
        place, rest = divmod(((2 * way.size * k + way.start) * h - 2 * g) * over, under)
        first = place if not rest and way.ties(k) else place + 1
        found.append(min(max(first, low), high + 1))
    return found
