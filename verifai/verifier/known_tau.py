"""Reference strings whose tau everybody knows: small ones, and those that programs publish.

Whoever knows tau can prove anything. No check can show that nobody knows it, but a tau that stands
in public code, or that a search finds in a moment, is known: such a string is refused wherever one
enters. ``snarkjs powersoftau new`` writes tau = 1, many examples of halo2 take 2 or 42.

The search is Shanks' (baby steps, giant steps) on the twist, up to sign: for tau = 2 b i + j with
|j| <= b, tau H2 - 2 b i H2 has the x-coordinate of |j| H2.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final, TypeAlias

from py_ecc.optimized_bn128 import G2, curve_order, field_modulus, multiply, normalize

from verifai.limits import MAX_KNOWN_TAU

_Q: Final = field_modulus
_Fq2: TypeAlias = tuple[int, int]
_Point: TypeAlias = tuple[_Fq2, _Fq2]

#: Half the giant step. Work: b baby steps once, MAX_KNOWN_TAU / 2 b giant ones for each string.
_BABY: Final = 1 << 10

#: Secrets that stand in public code, by where; each is refused with either sign.
PUBLISHED: Final = {
    "the development string of verifai: keccak256('verifai INSECURE development SRS v1') mod p": (
        0x11A9FFEAD6F48F45B9EE002AA2FD5DFECA0DCC36D0A5A96303816568CC6A747A
    ),
    "halo2's test setup from ChaCha20 with the all-zero seed (snark-verifier, halo2-lib)": (
        0x1C59A59B6CFF4308740943526ADE1D8C09F71B337A67269CC89586BCDD6DFCBA
    ),
    "the test setup of go-kzg and its descendants": 1927409816240961209460912649124,
    "a fourth root of unity": pow(5, (curve_order - 1) // 4, curve_order),
}


@lru_cache(maxsize=64)
def known_tau(x0: int, x1: int, y0: int, y1: int) -> str | None:
    """In words, what tau is, if it is one that everybody knows; else None.

    Args:
        x0, x1, y0, y1: tau H2 as x.c0, x.c1, y.c0, y.c1; a point of the group of prime order.
    """
    point = ((x0, x1), (y0, y1))
    if (small := _small(point)) is not None:
        return f"tau is {small}"
    for where, found in _published().items():
        if point[0] == found[0]:
            return f"tau is {'' if point == found else 'minus '}that of {where}"
    return None


def _small(tau: _Point) -> int | None:
    """tau, if its magnitude is at most MAX_KNOWN_TAU."""
    babies, giants = _steps()
    candidates: list[int] = []
    if (j := babies.get(tau[0])) is not None:
        candidates += [j]
    (x, y) = tau
    for index, (gx, gy) in enumerate(giants, 1):
        step = 2 * _BABY * index
        if gx == x:
            candidates += [step]
            break
        inverse = _inverse(_sub(gx, x))
        for other in (gy, _neg(gy)):  # tau + step and tau - step share the inversion
            slope = _mul(_sub(other, y), inverse)
            j = babies.get(_sub(_sub(_mul(slope, slope), x), gx))
            if j is not None:
                candidates += [step + j, step - j]
    for magnitude in candidates:
        for value in (magnitude, -magnitude):
            if abs(value) <= MAX_KNOWN_TAU and _multiple(value) == tau:
                return value
    return None


@cache
def _steps() -> tuple[dict[_Fq2, int], list[_Point]]:
    """x-coordinates of j H2 for 0 < j <= b, and the points 2 b i H2."""
    babies = _multiples(_multiple(1), _BABY)
    giants = _multiples(_multiple(2 * _BABY), MAX_KNOWN_TAU // (2 * _BABY))
    return {x: j for j, (x, _) in enumerate(babies, 1)}, giants


def _multiples(point: _Point, count: int) -> list[_Point]:
    """point, 2 point, ..., count point."""
    found = [point]
    (x, y) = point
    while len(found) < count:
        (a, b) = found[-1]
        if a == x:  # the first addition is a doubling
            square = _mul(x, x)
            slope = _mul((3 * square[0], 3 * square[1]), _inverse((2 * y[0], 2 * y[1])))
        else:
            slope = _mul(_sub(b, y), _inverse(_sub(a, x)))
        third = _sub(_sub(_mul(slope, slope), a), x)
        found.append((third, _sub(_mul(slope, _sub(x, third)), y)))
    return found


@cache
def _published() -> dict[str, _Point]:
    return {where: _multiple(secret) for where, secret in PUBLISHED.items()}


def _multiple(scalar: int) -> _Point:
    """scalar H2, affine; the scalar is no multiple of the order."""
    x, y = normalize(multiply(G2, scalar % curve_order))
    (x0, x1), (y0, y1) = x.coeffs, y.coeffs
    return (int(x0), int(x1)), (int(y0), int(y1))


def _sub(a: _Fq2, b: _Fq2) -> _Fq2:
    return (a[0] - b[0]) % _Q, (a[1] - b[1]) % _Q


def _neg(a: _Fq2) -> _Fq2:
    return -a[0] % _Q, -a[1] % _Q


def _mul(a: _Fq2, b: _Fq2) -> _Fq2:
    """In Fq[i] / (i^2 + 1)."""
    return (a[0] * b[0] - a[1] * b[1]) % _Q, (a[0] * b[1] + a[1] * b[0]) % _Q


def _inverse(a: _Fq2) -> _Fq2:
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, _Q)
    return a[0] * norm % _Q, -a[1] * norm % _Q
