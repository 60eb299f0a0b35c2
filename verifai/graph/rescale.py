"""Requantisation as int8 models define it, as one multiplication and one shift.

``y = clip(half_even(acc * factor) + zero, least, most)``, with a rational factor for each channel,
becomes ``y = clip((acc * multiplier + addend) >> shift, least, most)``. Both are monotone in
``acc`` and have one step for each value of y, so they are the same function where these steps are
at the same accumulators: that is what is solved for, step by step, in exact integers.

The standard leaves open how precisely ``acc * factor`` is computed. Where the kernels of
onnxruntime round it to float32, which is monotone too, the steps are theirs (:data:`Single`), so
that a proof has the integers that the model gives everywhere else.

Where accumulators lie half way between two results (with factors that are powers of two, say, or
where float32 rounds to that), ties that go to the even side make steps of two lengths. Then y is a
sum of two quotients, each with steps of one length; the second one is of those channels only::

    half_even(x) = floor(x / 2 + 1 / 4) + ceil(x / 2 - 1 / 4)
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from operator import mul
from typing import Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError

#: Shifts that are tried, in this order: a remainder costs a lookup for each 8 bits.
SHIFTS: Final = (16, 24, 32, 40, 48)
#: Most sums of two quantised numbers that are compared one by one.
MAX_SUMS: Final = 1 << 17
#: Integers, of each channel or of each channel and quotient.
Column = npt.NDArray[np.int64]
#: What is rounded to an integer, in float32, of accumulators of shape (channels or 1, n):
#: (channels, n). It does not fall where accumulators rise.
Single = Callable[[Column], npt.NDArray[np.float32]]
#: A channel that cannot have all steps of float32 has all but one of this many that differ from
#: the exact ones, or but these, or those of results below the first of these sizes that works.
MAX_TRIED: Final = 4
SINGLE_BELOW: Final = (96, 48, 24, 12)
#: What a channel with other steps counts for when a shift is chosen, in channels.
PRICE_OF_OTHERS: Final = 8
#: Channels that are tried first: a shift that is too short for all of them is for the others.
SAMPLE: Final = 8
#: The same of several accumulators, each of shape (n,): (n,).
SingleSum = Callable[[Sequence[Column]], npt.NDArray[np.float32]]
#: What accumulators times multipliers stay below.
MAX_PRODUCT: Final = 1 << 60
#: What no condition asks of an addend.
_NONE: Final = -(1 << 62)


@dataclass(frozen=True)
class Quotient:
    """``(sum of acc * multiplier + addend) >> shift``.

    Attributes:
        multipliers: for each term one integer for each channel.
        addends: one for each channel.
        channels: of which it is a quotient, in ascending order; None: of all.
    """

    shift: int
    multipliers: tuple[tuple[int, ...], ...]
    addends: tuple[int, ...]
    channels: tuple[int, ...] | None = None


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


def half_even(value: Fraction) -> int:
    """The nearest integer, of two the even one: how ONNX rounds."""
    return round(value)


def rescale(
    factors: Sequence[Fraction],
    offsets: Sequence[Fraction],
    bounds: tuple[int, int],
    zero: int,
    ends: tuple[int, int],
    single: Single | None = None,
    *,
    apart: bool = True,
) -> tuple[Quotient, ...]:
    """The integer form of one accumulator's requantisation: quotients, of all channels and of
    some, whose sum, clipped to ``ends``, is the result, whatever the accumulator.

    Args:
        factors: for each channel what an accumulator is multiplied with; positive.
        offsets: for each channel what is added to the product.
        bounds: the smallest and the largest accumulator.
        zero: the zero point of the result.
        ends: the smallest and the largest result.
        single: what is rounded instead of the exact number, as far as quotients can.
        apart: whether a second quotient may be of some channels only.

    Raises:
        UnsupportedError: no shift up to the last of :data:`SHIFTS` is fine enough.
    """
    every = np.arange(len(factors))
    wanted = {
        way: _wanted(way, factors, offsets, bounds, zero, ends, single)
        for way in (_HALF_EVEN, *_HALVES)
    }

    def fitted(way: _Rounding, shift: int, channels: Column, tries: int | None) -> _Fitted:
        slopes = [half_even(factors[c] * (1 << shift) / way.size) for c in channels]
        near = np.array(slopes, dtype=np.int64)
        results = np.array(_results(way, zero, ends), dtype=np.int64)
        made = _Fitted(near, np.full_like(near, 1 << shift - 1), np.arange(len(channels)))
        for number, firsts in enumerate(wanted[way][:tries]):
            left = made.left
            m, a, fits = _fit(shift, results, bounds, firsts[channels[left]], near[left])
            made.multipliers[left[fits]], made.addends[left[fits]] = m[fits], a[fits]
            made.left = left[~fits]
            made.others = made.others if number else len(made.left)
            if not made.left.size:
                break
        return made

    best: tuple[Quotient, ...] = ()
    least = math.inf
    for shift in SHIFTS:
        if max(factors) * (1 << shift) * max(-bounds[0], bounds[1]) >= MAX_PRODUCT:
            break
        sample = every[:: -(-len(every) // SAMPLE)]
        if fitted(_HALVES[0], shift, sample, None).left.size == len(sample):
            continue
        whole = fitted(_HALF_EVEN, shift, every, 1)
        twice = every if len(whole.left) and not apart else whole.left
        halves = [fitted(way, shift, twice, None) for way in _HALVES]
        if any(half.left.size for half in halves):
            continue
        others = max(half.others for half in halves)
        price = (len(every) + len(twice) + PRICE_OF_OTHERS * others) * (shift // 8 + 1)
        if price < least:
            first, second = halves
            whole.multipliers[twice], whole.addends[twice] = first.multipliers, first.addends
            some = None if len(twice) == len(every) else twice
            best, least = (whole.quotient(shift), second.quotient(shift, some)), price
            if not twice.size:
                best = best[:1]
        if not twice.size:
            break
    if not best:
        raise _too_fine()
    return _with_zero(best, zero)


@dataclass
class _Fitted:
    """Multipliers and addends of channels; which of them have none yet, and how many have not the
    steps that are wanted most.
    """

    multipliers: Column
    addends: Column
    left: Column
    others: int = 0

    def quotient(self, shift: int, channels: Column | None = None) -> Quotient:
        """Of these channels; None: of all."""
        which = None if channels is None else tuple(channels.tolist())
        made = (tuple(self.multipliers.tolist()),), tuple(self.addends.tolist())
        return Quotient(shift, *made, which)


def _wanted(
    way: _Rounding,
    factors: Sequence[Fraction],
    offsets: Sequence[Fraction],
    bounds: tuple[int, int],
    zero: int,
    ends: tuple[int, int],
    single: Single | None,
) -> list[Column]:
    """Where steps may be, what is best first: in float32, in part so, exact."""
    numbers = zip(factors, offsets, strict=True)
    exact = np.array([_steps(way, f, g, bounds, zero, ends) for f, g in numbers])
    if single is None:
        return [exact]
    rounded = _single_steps(way, single, len(factors), bounds, zero, ends)
    sizes = np.abs(way.size * np.array(_results(way, zero, ends)))
    return [rounded, *_mixed(rounded, exact, sizes), exact]


def _mixed(rounded: Column, exact: Column, sizes: Column) -> Iterator[Column]:
    """Steps of float32 but for a few, the rarest results first: one, or all beyond some size."""
    differ = rounded != exact
    order = np.argsort(-sizes, kind="stable")
    ranks = np.empty_like(rounded)
    ranks[:, order] = np.cumsum(differ[:, order], axis=1)
    for rank in range(1, MAX_TRIED + 1):
        yield np.where(differ & (ranks == rank), exact, rounded)
    for rank in range(2, MAX_TRIED + 1):
        yield np.where(differ & (ranks <= rank), exact, rounded)
    for size in SINGLE_BELOW:
        yield np.where(sizes < size, rounded, exact)


def _fit(
    shift: int, results: Column, bounds: tuple[int, int], firsts: Column, near: Column
) -> tuple[Column, Column, npt.NDArray[np.bool_]]:
    """For each channel a multiplier around ``near`` and an addend that put the steps of
    ``results`` at ``firsts``, and whether they do.
    """
    steps = results << shift
    least, most = _room(firsts, steps, bounds, near)
    multipliers = near.copy()
    if (tight := least > most).any():
        room = partial(_room, firsts[tight], steps, bounds)
        multipliers[tight] = _roomiest(room, near[tight])
        least[tight], most[tight] = room(multipliers[tight])
    addends = np.minimum(np.maximum(1 << shift - 1, least), most)
    return multipliers, addends, least <= most


def _room(
    firsts: Column, steps: Column, bounds: tuple[int, int], multipliers: Column
) -> tuple[Column, Column]:
    """The least and the largest addend of each channel; see :func:`_fit`."""
    low, high = bounds
    slopes = multipliers[:, np.newaxis]
    # at its first accumulator the quotient is k or more, and one before it is not
    least = np.where(firsts <= high, steps - firsts * slopes, _NONE).max(axis=1)
    most = np.where(firsts > low, steps - (firsts - 1) * slopes, -_NONE).min(axis=1) - 1
    return least, most


def _roomiest(room: Callable[[Column], tuple[Column, Column]], near: Column) -> Column:
    """The multipliers around ``near`` that leave addends the most room, which is concave."""
    below, above = near - (near >> 8) - 2, near + (near >> 8) + 2
    while (below < above).any():
        middle = (below + above) >> 1
        here, there = (most - least for least, most in map(room, (middle, middle + 1)))
        below, above = (
            np.where((here < there) & (below < above), middle + 1, below),
            np.where(here < there, above, middle),
        )
    return below


def rescale_sum(
    factors: Sequence[Fraction],
    bounds: Sequence[tuple[int, int]],
    zero: int,
    ends: tuple[int, int],
    single: SingleSum | None = None,
) -> tuple[Quotient, ...]:
    """The integer form of a sum's requantisation, each term with a factor of its own.

    It is the same function where there are at most :data:`MAX_SUMS` sums, which are compared one by
    one, and otherwise but for sums that are as near to a step as their factors' errors of 2^-49.
    Raises as :func:`rescale`.

    Args:
        single: what is rounded instead of the exact sum and zero point, as far as a quotient can.
    """
    if math.prod(high - low + 1 for low, high in bounds) > MAX_SUMS:
        multipliers = tuple((half_even(factor * (1 << SHIFTS[-1])),) for factor in factors)
        half = 1 << SHIFTS[-1] - 1
        return _with_zero((Quotient(SHIFTS[-1], multipliers, (half,)),), zero)

    places = np.indices([high - low + 1 for low, high in bounds], dtype=np.int64)
    values = [place.reshape(-1) + low for place, (low, _) in zip(places, bounds, strict=True)]
    # kernels add the zero point before they round
    added, left = (0, zero) if single is None else (zero, 0)

    def quotient(way: _Rounding) -> Quotient | None:
        results = _results(way, left, ends)
        exact = _reached(way, factors, values, added, results)
        wanted = exact
        if single is not None:
            wanted = _reached_singly(way, single(values), results)
        best: Quotient | None = None
        fewest = len(wanted) + 1
        for shift in SHIFTS:
            multipliers = [half_even(factor * (1 << shift) / way.size) for factor in factors]
            made = sum(v * m for v, m in zip(values, multipliers, strict=True))
            addend, others = _common_addend(shift, made, results, wanted, exact)
            if addend is not None and others < fewest:
                best = Quotient(shift, tuple((m,) for m in multipliers), (addend,))
                fewest = others
            if not fewest:
                break
        return best

    for ways in ((_HALF_EVEN,), _HALVES):
        found = [made for way in ways if (made := quotient(way)) is not None]
        if len(found) == len(ways):
            return _with_zero(tuple(found), left)
    raise _too_fine()


def _common_addend(
    shift: int, made: Column, results: range, wanted: Column, exact: Column
) -> tuple[int | None, int]:
    """What brings each of the products ``made`` to the quotient that is wanted, if anything does,
    and for how many it has to be the exact one instead.
    """
    wanted, others = wanted.copy(), 0
    while True:
        least = np.where(wanted >= results.start, (wanted << shift) - made, _NONE)
        most = np.where(wanted < results.stop - 1, (wanted + 1 << shift) - made, -_NONE) - 1
        lowest, highest = int(least.argmax()), int(most.argmin())
        if least[lowest] <= most[highest]:
            return int(min(max(1 << shift - 1, least[lowest]), most[highest])), others
        blocks = [at for at in (lowest, highest) if wanted[at] != exact[at]]
        if not blocks:
            return None, others
        wanted[blocks[0]] = exact[blocks[0]]
        others += 1


def _reached(
    way: _Rounding,
    factors: Sequence[Fraction],
    values: Sequence[Column],
    added: int,
    results: range,
) -> Column:
    """The quotient of each sum, as far as it matters."""
    common = 2 * math.lcm(*(factor.denominator for factor in factors))
    numerators = [int(factor * common) for factor in factors]
    halves = [(2 * way.size * k + way.start - 2 * added) * (common // 2) for k in results]
    steps = [half if way.ties(k) else half + 1 for k, half in zip(results, halves, strict=True)]
    sums = zip(*(v.tolist() for v in values), strict=True)
    found = [bisect_right(steps, sum(map(mul, each, numerators))) for each in sums]
    return np.array(found, dtype=np.int64) + (results.start - 1)


def _reached_singly(way: _Rounding, sums: npt.NDArray[np.float32], results: range) -> Column:
    """See :func:`_reached`, of what is computed in float32."""
    halves = np.array([way.size * k + way.start / 2 for k in results], dtype=np.float32)
    ties = np.array([*(way.ties(k) for k in results), False])
    found = np.searchsorted(halves, sums)
    on_a_tie = np.append(halves, np.float32(np.inf))[found] == sums
    reached: Column = found + (on_a_tie & ties[found]) + (results.start - 1)
    return reached


def _too_fine() -> UnsupportedError:
    return UnsupportedError(
        f"a requantisation whose steps no shift of {SHIFTS[-1]} bits tells apart"
    )


def _with_zero(quotients: tuple[Quotient, ...], zero: int) -> tuple[Quotient, ...]:
    """The zero point is added by the first quotient."""
    first, *rest = quotients
    addends = tuple(addend + (zero << first.shift) for addend in first.addends)
    return replace(first, addends=addends), *rest


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


def _single_steps(
    way: _Rounding,
    single: Single,
    channels: int,
    bounds: tuple[int, int],
    zero: int,
    ends: tuple[int, int],
) -> Column:
    """See :func:`_steps`, of what is computed in float32: found by bisection."""
    results = _results(way, zero, ends)
    halves = np.array([way.size * k + way.start / 2 for k in results], dtype=np.float32)
    ties = np.array([way.ties(k) for k in results], dtype=bool)
    first = np.full((channels, len(results)), bounds[0])
    last = np.full_like(first, bounds[1] + 1)
    while (first < last).any():
        middle = (first + last) // 2
        found = single(middle)
        reached = (found > halves) | (found == halves) & ties
        first, last = (
            np.where(reached | (first == last), first, middle + 1),
            np.where(reached, middle, last),
        )
    return first
