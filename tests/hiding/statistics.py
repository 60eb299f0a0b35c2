"""Tests of uniformity with thresholds that are proved, not fitted.

The Dvoretzky-Kiefer-Wolfowitz inequality (with Massart's constant) bounds the distance of an
empirical distribution from the true one for every sample size: P(sup > e) <= 2 exp(-2 n e^2).
Divided among all tests of a run, the false alarms of a run stay below :data:`FALSE_ALARM`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tests.verifier.reference_algebra import P

#: Probability that a run of one suspicion raises an alarm about uniform values.
FALSE_ALARM = 1e-8
#: Bits of the low view of a scalar: mod 2^64 the bias of a uniform scalar is below 2^-189.
LOW = 64


def distance(sample: Sequence[float]) -> float:
    """From the uniform distribution on [0, 1)."""
    x = np.sort(np.asarray(sample))
    n = len(x)
    steps = np.arange(n + 1) / n
    return float(max(np.max(steps[1:] - x), np.max(x - steps[:-1])))


def threshold(count: int, tests: int) -> float:
    """What the distance of ``count`` uniform values exceeds in one of ``tests`` too rarely."""
    return math.sqrt(math.log(2 * tests / FALSE_ALARM) / (2 * count))


def views(value: int) -> tuple[float, float]:
    """A scalar seen from above and from below."""
    return value / P, (value % (1 << LOW)) / (1 << LOW)


def suspicious(samples: Mapping[object, Sequence[int]]) -> list[object]:
    """The names whose scalars are not uniform in F."""
    found = []
    for name, values in samples.items():
        limit = threshold(len(values), 2 * len(samples))
        if any(distance(view) > limit for view in zip(*map(views, values), strict=True)):
            found.append(name)
    return found


def binomial_bound(count: int) -> float:
    """How far from 1/2 the share of right answers of ``count`` coin flips is too rarely."""
    return math.sqrt(math.log(2 / FALSE_ALARM) / (2 * count))


def two_sample_threshold(first: int, second: int, tests: int) -> float:
    """For the distance of two empirical distributions, by DKW for each half."""
    return threshold(first, 2 * tests) + threshold(second, 2 * tests)


def two_sample_distance(first: Sequence[float], second: Sequence[float]) -> float:
    a, b = np.sort(np.asarray(first)), np.sort(np.asarray(second))
    at = np.concatenate([a, b])
    return float(
        np.max(
            np.abs(
                np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
            )
        )
    )
