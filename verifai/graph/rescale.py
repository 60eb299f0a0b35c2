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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Final

from verifai.errors import UnsupportedError

#: Shifts that are tried, in this order: a remainder costs a lookup for each 8 bits.
SHIFTS: Final = (16, 24, 32, 40)
#: Most sums of two quantised numbers that are compared one by one.
MAX_SUMS: Final = 1 << 17


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


#: Of a result k: the least real that makes a quotient k or more, and whether it does so itself.
Step = Callable[[int], "tuple[Fraction, bool]"]


@dataclass(frozen=True)
class _Rounding:
    """One way to round: a result k stands for ``size * k`` results of the model."""

    size: int
    step: Step


_HALF_EVEN: Final = _Rounding(1, lambda k: (k - Fraction(1, 2), k % 2 == 0))
#: Whose sum is the same.
_HALVES: Final = (
    _Rounding(2, lambda k: (2 * k - Fraction(1, 2), True)),
    _Rounding(2, lambda k: (2 * k - Fraction(3, 2), False)),
)
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
    channels = list(zip(factors, offsets, strict=True))

    def quotient(way: _Rounding) -> Quotient | None:
        steps = [_steps(way, f, g, bounds, zero, ends) for f, g in channels]
        for shift in SHIFTS:
            multipliers = [half_even(f * (1 << shift) / way.size) for f in factors]
            fitted = [
                _addend(shift, _conditions(each, m, shift, bounds))
                for each, m in zip(steps, multipliers, strict=True)
            ]
            addends = [addend for addend in fitted if addend is not None]
            if len(addends) == len(channels):
                return Quotient(shift, (tuple(multipliers),), tuple(addends))
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
    one, and otherwise but for sums that are as near to a step as their factors' errors of 2^-32.
    Raises as :func:`rescale`.
    """
    if math.prod(high - low + 1 for low, high in bounds) > MAX_SUMS:
        multipliers = tuple((half_even(factor * (1 << SHIFTS[-1])),) for factor in factors)
        half = 1 << SHIFTS[-1] - 1
        return _with_zero((Quotient(SHIFTS[-1], multipliers, (half,)),), zero)

    def quotient(way: _Rounding) -> Quotient | None:
        for shift in SHIFTS:
            multipliers = [half_even(factor * (1 << shift) / way.size) for factor in factors]
            sums = _sums(way, factors, multipliers, bounds, shift, zero, ends)
            addend = _addend(shift, sums)
            if addend is not None:
                return Quotient(shift, tuple((each,) for each in multipliers), (addend,))
        return None

    return _first(quotient, zero)


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
) -> list[tuple[int, int]]:
    """``(k, first)``: the first accumulator of which ``acc * factor + offset`` rounds to k or more,
    for each k that matters.
    """
    low, high = bounds
    found = []
    for k in _results(way, zero, ends):
        least, itself = way.step(k)
        # acc >= (least - offset) / factor
        n = (least - offset).numerator * factor.denominator
        d = (least - offset).denominator * factor.numerator
        place, rest = divmod(n, d)
        first = place if not rest and itself else place + 1
        found.append((k, min(max(first, low), high + 1)))
    return found


def _conditions(
    steps: Iterable[tuple[int, int]], multiplier: int, shift: int, bounds: tuple[int, int]
) -> Iterator[tuple[int | None, int | None]]:
    """For each step the least and the most that an addend may be."""
    low, high = bounds
    for k, first in steps:
        # at `first` the quotient is k or more, and one before it is not
        least = (k << shift) - first * multiplier if first <= high else None
        most = (k << shift) - (first - 1) * multiplier - 1 if first > low else None
        yield least, most


def _sums(
    way: _Rounding,
    factors: Sequence[Fraction],
    multipliers: Sequence[int],
    bounds: Sequence[tuple[int, int]],
    shift: int,
    zero: int,
    ends: tuple[int, int],
) -> Iterator[tuple[int | None, int | None]]:
    """For each sum the least and the most that an addend may be."""
    common = math.lcm(*(factor.denominator for factor in factors))
    numerators = [int(factor * common) for factor in factors]
    results = _results(way, zero, ends)
    steps = [
        (math.ceil(least * common) if itself else math.floor(least * common) + 1)
        for least, itself in map(way.step, results)
    ]
    first = results.start - 1
    for values in product(*(range(low, high + 1) for low, high in bounds)):
        exact = sum(v * n for v, n in zip(values, numerators, strict=True))
        made = sum(v * m for v, m in zip(values, multipliers, strict=True))
        k = first + bisect_right(steps, exact)
        least = (k << shift) - made if k > first else None
        most = (k + 1 << shift) - made - 1 if k < results.stop - 1 else None
        yield least, most


def _addend(shift: int, conditions: Iterable[tuple[int | None, int | None]]) -> int | None:
    """An addend that meets all conditions, the half that rounds if it does; None if none does."""
    least, most = None, None
    for low, high in conditions:
        if low is not None:
            least = low if least is None else max(least, low)
        if high is not None:
            most = high if most is None else min(most, high)
    if least is not None and most is not None and least > most:
        return None
    half = 1 << shift - 1
    chosen = half if least is None else max(half, least)
    return chosen if most is None else min(chosen, most)
