"""The scalar field F of BN254, eq tables, and sumcheck rounds.

Elements are Python integers in ``[0, P)``. Points have the variable of the most significant bit
first; ``eq(x, i)`` is the product over the bits of i of ``x`` or ``1 - x``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from operator import mul
from typing import Final, TypeVar

from verifai.errors import LimitError

T = TypeVar("T")

#: The order of F.
P: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617

#: The most field operations that one verification may do: about 10 s of Python. Everything else is
#: counted in the same unit, of half a microsecond: a permutation of Keccak that takes 320
#: microseconds counts as 640 operations.
MAX_WORK: Final = 20_000_000
#: What one step on a tensor costs besides its entries, and what each axis or group of it costs.
STEP: Final = 16
PART: Final = 32


class Work:
    """Counts field operations, so that a hostile table ends in an error and not in a long wait."""

    def __init__(self, spent: int = 0) -> None:
        self.spent = spent

    def spend(self, count: int) -> None:
        """Call this *before* the work.

        Raises:
            LimitError: more than MAX_WORK in all.
        """
        self.spent += count
        if self.spent > MAX_WORK:
            raise LimitError(
                f"The operation table asks for more than MAX_WORK ({MAX_WORK}) field operations."
            )


def inverse(a: int) -> int:
    """``1 / a``.

    Raises:
        ZeroDivisionError: a is 0.
    """
    if a % P == 0:
        raise ZeroDivisionError("0 has no inverse")
    return pow(a, -1, P)


def bits(n: int) -> int:
    """``ceil(log2 n)``: variables of an axis of ``n >= 1`` entries."""
    return (n - 1).bit_length()


def cut(point: Sequence[T], counts: Iterable[int]) -> list[tuple[T, ...]]:
    """A point's coordinates in runs of these lengths: those of each axis, the first axis first."""
    return [tuple(point[a:b]) for a, b in pairwise(accumulate(counts, initial=0))]


def dot(a: Iterable[int], b: Iterable[int]) -> int:
    """``sum a_i b_i``; stops with the shorter one."""
    total: int = sum(map(mul, a, b))
    return total % P


def eq_range(point: Sequence[int], start: int, count: int) -> list[int]:
    """``[eq(point, start), ..., eq(point, start + count - 1)]`` in about ``2 count`` operations.

    Level by level: only the prefixes of the addresses asked for are kept.
    """
    n = len(point)
    assert count >= 1
    assert 0 <= start <= (1 << n) - count
    values, first = [1], 0
    for level, x in enumerate(point, 1):
        low, high = start >> (n - level), (start + count - 1) >> (n - level)
        sides = ((1 - x) % P, x)
        values = [values[(p >> 1) - first] * sides[p & 1] % P for p in range(low, high + 1)]
        first = low
    return values


def eq_at(point: Sequence[int], index: int) -> int:
    """``eq(point, index)`` at one address."""
    return eq_range(point, index, 1)[0]


def lagrange(degree: int, t: int) -> list[int]:
    """The Lagrange basis on the nodes 0, ..., degree, at ``t``."""
    basis = []
    for i in range(degree + 1):
        numerator = denominator = 1
        for j in range(degree + 1):
            if j != i:
                numerator = numerator * (t - j) % P
                denominator = denominator * (i - j) % P
        basis.append(numerator * inverse(denominator) % P)
    return basis


def next_claim(claim: int, message: Sequence[int], t: int) -> int:
    """s(t) for a round with ``s(0) + s(1) = claim`` and the message s(0), s(2), ..., s(d)."""
    basis = lagrange(len(message), t)
    values = [message[0], claim - message[0], *message[1:]]
    return dot(values, basis)
