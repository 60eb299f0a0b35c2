"""How much a campaign tries: everything in ``make campaign``, a seeded part of it in CI.

The part is the same in every run, so a test of it passes or fails for good. What only the whole
finds is found before a release, which reports its figures (``docs/security.md``).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Final, TypeVar

from hypothesis import settings

T = TypeVar("T")

#: Whether everything is tried.
FULL: Final = os.environ.get("VERIFAI_CAMPAIGN") == "1"


def size(full: int, in_ci: int) -> int:
    """How many to try."""
    return full if FULL else in_ci


def part(things: Iterable[T], in_ci: int, seed: object = 0) -> list[T]:
    """All of ``things``, or as many of them, drawn by the seed, in their order."""
    every = list(things)
    if FULL or len(every) <= in_ci:
        return every
    chosen = random.Random(f"part {seed}").sample(range(len(every)), in_ci)
    return [every[place] for place in sorted(chosen)]


def examples(full: int, in_ci: int) -> settings:
    """How many examples hypothesis tries: in CI the same ones in every run."""
    return settings(max_examples=size(full, in_ci), deadline=None, derandomize=not FULL)
