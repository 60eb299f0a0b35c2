"""Reference strings whose tau everybody knows: found by search, or listed by name.

Whoever knows tau can prove anything. No check can show that nobody knows it, but a tau that stands
in public code, or that a search finds in a moment, is known: such a string is refused wherever one
enters. ``snarkjs powersoftau new`` writes tau = 1, many examples of halo2 take 2 or 42.

Every comparison is of x-coordinates, hence up to sign. With b = 1024, small multiples of H2 and of
tau H2 are compared with one another and with giant steps (Shanks), and tau H2 is doubled from
2^-512 tau H2 on:

==================================  =================================
n, 1/n                              1 <= n <= MAX_KNOWN_TAU
n/d                                 1 <= n, d <= b
n 2^k                               1 <= n <= b, -512 <= k <= 512
c times a repeated byte 01          1 <= c <= 255, of each length in REPEATED
those of ``known_secrets``          listed there
==================================  =================================
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from py_ecc.optimized_bn128 import curve_order

from verifai.errors import VerificationError
from verifai.limits import MAX_KNOWN_TAU
from verifai.verifier.known_secrets import secrets
from verifai.verifier.twist import (
    GENERATOR,
    Fq2,
    Point,
    add,
    double,
    multiple,
    multiples,
    negative,
    of_generator,
)

_R: Final = curve_order
#: Half the giant step. Work: b baby steps and MAX_KNOWN_TAU / 2 b giant ones.
BABY: Final = 1 << 10
#: Largest magnitude of the exponent of two.
MAX_EXPONENT: Final = 512
#: Bytes of a literal like 0x4242..42.
REPEATED: Final = (4, 8, 16, 20, 31, 32)

#: x-coordinates of j P for 0 < j <= b, and the points 2 b i P.
_Steps = tuple[dict[Fq2, int], list[Point]]


@lru_cache(maxsize=64)
def known_tau(x0: int, x1: int, y0: int, y1: int) -> str | None:
    """In words, what tau is, if it is one that everybody knows; else None.

    Args:
        x0, x1, y0, y1: tau H2 as x.c0, x.c1, y.c0, y.c1; a point of the group of prime order.
    """
    tau = ((x0, x1), (y0, y1))
    generator = _generator_steps()
    for n in _logarithm(tau, generator):
        if n <= MAX_KNOWN_TAU and (sign := _sign(n, tau)) is not None:
            return f"tau is {sign}{n}"
    if found := _disguises().get(tau[0]):
        secret, what = found
        if (sign := _sign(secret, tau)) is not None:
            return f"tau is {'minus ' if sign else ''}{what}"
    steps = _steps(tau)
    for d in _logarithm(GENERATOR, steps):
        if d <= MAX_KNOWN_TAU and (sign := _sign(pow(d, -1, _R), tau)) is not None:
            return f"tau is {sign}1/{d}"
    common = generator[0].keys() & steps[0].keys()
    for d, n in sorted((steps[0][x], generator[0][x]) for x in common)[:1]:
        if (sign := _sign(n * pow(d, -1, _R), tau)) is not None:
            return f"tau is {sign}{n}/{d}"
    return _shifted(tau, generator[0])


def check_tau(x0: int, x1: int, y0: int, y1: int) -> None:
    """Check 4 of a key whose reference string has this tau H2; arguments as :func:`known_tau`.

    Raises:
        VerificationError: everybody knows tau.
    """
    if known := known_tau(x0, x1, y0, y1):
        raise VerificationError(
            f"{known}: everybody knows the secret of the key's reference string, and can forge",
            check=4,
            hint="Use a key under a public ceremony's string.",
        )


def _logarithm(target: Point, steps: _Steps) -> list[int]:
    """Candidates for the magnitude of the logarithm of ``target``."""
    babies, giants = steps
    if (j := babies.get(target[0])) is not None:
        return [j]
    candidates: list[int] = []
    for index, giant in enumerate(giants, 1):
        if giant[0] == target[0]:
            return [2 * BABY * index]
    for others in (giants, [negative(giant) for giant in giants]):
        for index, total in enumerate(add([(target, other) for other in others]), 1):
            if (j := babies.get(total[0])) is not None:  # +-target = 2 b index +- j
                candidates += [2 * BABY * index + j, 2 * BABY * index - j]
    return candidates


def _shifted(tau: Point, babies: dict[Fq2, int]) -> str | None:
    """Whether tau is n 2^k: one of 2^-512 tau, ..., 2^512 tau is n."""
    point = multiple(tau, pow(2, -MAX_EXPONENT, _R))
    for exponent in range(MAX_EXPONENT, -MAX_EXPONENT - 1, -1):
        if (n := babies.get(point[0])) is not None:
            sign = _sign(n * pow(2, exponent, _R), tau)
            if sign is not None:
                return f"tau is {sign}{f'{n} * ' if n > 1 else ''}2^{exponent}"
        point = double(point)
    return None


def _sign(magnitude: int, tau: Point) -> str | None:
    """The empty string if tau is ``magnitude``, a minus if it is its negative, else None."""
    point = multiple(GENERATOR, magnitude)
    if point[0] != tau[0]:
        return None
    return "" if point == tau else "-"


@cache
def _generator_steps() -> _Steps:
    return _steps(GENERATOR)


def _steps(point: Point) -> _Steps:
    (babies,) = multiples([point], BABY)
    (giants,) = multiples([double(babies[-1])], MAX_KNOWN_TAU // (2 * BABY))
    return {x: j for j, (x, _) in enumerate(babies, 1)}, giants


@cache
def _disguises() -> dict[Fq2, tuple[int, str]]:
    """x-coordinates of the listed secrets and of the repeated bytes."""
    listed = secrets()
    points = of_generator(list(listed))
    found = {point[0]: pair for point, pair in zip(points, listed.items(), strict=True)}
    ones = [int.from_bytes(b"\1" * count, "big") for count in REPEATED]
    for count, one, row in zip(REPEATED, ones, multiples(of_generator(ones), 255), strict=True):
        for byte, (x, _) in enumerate(row, 1):
            found.setdefault(x, (byte * one, f"0x{byte:02x} repeated, {count} bytes"))
    return found
