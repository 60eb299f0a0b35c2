"""Many points of BN254's twist at once, for searches: affine, with one inversion for a whole batch.

Points are ((x.c0, x.c1), (y.c0, y.c1)) of the group of prime order, never infinity. Nothing here is
used by a proof's checks, which have :mod:`verifai.verifier.native.curve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, TypeAlias

from py_ecc.optimized_bn128 import G2, curve_order, field_modulus

_Q: Final = field_modulus
Fq2: TypeAlias = tuple[int, int]
Point: TypeAlias = tuple[Fq2, Fq2]

#: H2, affine.
GENERATOR: Final[Point] = (
    (int(G2[0].coeffs[0]), int(G2[0].coeffs[1])),
    (int(G2[1].coeffs[0]), int(G2[1].coeffs[1])),
)
#: Bits of a signed digit of a scalar, and how many digits one has.
_BITS: Final = 8
_DIGITS: Final = 32


def negative(point: Point) -> Point:
    (y0, y1) = point[1]
    return point[0], (-y0 % _Q, -y1 % _Q)


def double(point: Point) -> Point:
    return add([(point, point)])[0]


def add(pairs: Sequence[tuple[Point, Point]]) -> list[Point]:
    """The sum of each pair, by chord or tangent; no pair is a point and its negative."""
    slopes: list[tuple[Fq2, Fq2]] = []  # numerator, denominator
    norms: list[int] = []
    for (p, (y0, y1)), (r, (s0, s1)) in pairs:
        if p == r:
            (x0, x1) = p
            top = (3 * (x0 - x1) * (x0 + x1), 6 * x0 * x1)
            bottom = (2 * y0, 2 * y1)
        else:
            top = (s0 - y0, s1 - y1)
            bottom = (r[0] - p[0], r[1] - p[1])
        slopes.append((top, bottom))
        norms.append((bottom[0] * bottom[0] + bottom[1] * bottom[1]) % _Q)
    sums: list[Point] = []
    for ((x0, x1), (y0, y1)), (other, _), ((t0, t1), (b0, b1)), norm in zip(
        (first for first, _ in pairs),
        (second for _, second in pairs),
        slopes,
        _inverses(norms),
        strict=True,
    ):
        u0, u1 = (t0 * b0 + t1 * b1) % _Q, (t1 * b0 - t0 * b1) % _Q
        m0, m1 = u0 * norm % _Q, u1 * norm % _Q
        z0 = ((m0 - m1) * (m0 + m1) - x0 - other[0]) % _Q
        z1 = (2 * m0 * m1 - x1 - other[1]) % _Q
        d0, d1 = x0 - z0, x1 - z1
        sums.append(((z0, z1), ((m0 * d0 - m1 * d1 - y0) % _Q, (m0 * d1 + m1 * d0 - y1) % _Q)))
    return sums


def multiples(points: Sequence[Point], count: int) -> list[list[Point]]:
    """For each point P: P, 2 P, ..., count P."""
    rows = [[point] for point in points]
    while (have := len(rows[0])) < count:
        more = min(have, count - have)
        sums = iter(add([(row[-1], step) for row in rows for step in row[:more]]))
        for row in rows:
            row.extend([next(sums) for _ in range(more)])
    return rows


def doublings(point: Point, count: int) -> list[Point]:
    """point, 2 point, 4 point, ..., 2^count point."""
    found = [point]
    for _ in range(count):
        found.append(double(found[-1]))
    return found


def multiple(point: Point, scalar: int) -> Point:
    """scalar point; the scalar is no multiple of the group's order."""
    scalar %= curve_order
    powers = doublings(point, scalar.bit_length() - 1)
    chosen = [power for bit, power in enumerate(powers) if scalar >> bit & 1]
    while len(chosen) > 1:
        pairs = list(zip(chosen[::2], chosen[1::2], strict=False))
        chosen = add(pairs) + chosen[2 * len(pairs) :]
    return chosen[0]


def of_generator(scalars: Sequence[int]) -> list[Point]:
    """scalar H2 for each scalar; none is a multiple of the group's order."""
    half = curve_order // 2
    centred = [(scalar + half) % curve_order - half for scalar in scalars]
    digits = [_signed_digits(abs(scalar)) for scalar in centred]
    sums: list[Point | None] = [None] * len(scalars)
    for place, table in enumerate(_table()):
        pairs: list[tuple[Point, Point]] = []
        where: list[int] = []
        for index, row in enumerate(digits):
            if digit := row[place]:
                step = table[abs(digit) - 1]
                step = step if digit > 0 else negative(step)
                if (before := sums[index]) is None:
                    sums[index] = step
                else:
                    where.append(index)
                    pairs.append((before, step))
        for index, total in zip(where, add(pairs), strict=True):
            sums[index] = total
    return [
        point if scalar > 0 else negative(point)
        for scalar, point in zip(centred, sums, strict=True)
        if point is not None
    ]


def _signed_digits(scalar: int) -> list[int]:
    """Digits from -2^7 + 1 to 2^7, lowest first."""
    digits = []
    for _ in range(_DIGITS):
        digit = scalar % (1 << _BITS)
        if digit > 1 << (_BITS - 1):
            digit -= 1 << _BITS
        digits.append(digit)
        scalar = (scalar - digit) >> _BITS
    return digits


@cache
def _table() -> list[list[Point]]:
    """For each place of a digit, 1 to 2^7 times 2^(8 place) H2."""
    places = doublings(GENERATOR, _BITS * (_DIGITS - 1))[::_BITS]
    return multiples(places, 1 << (_BITS - 1))


def _inverses(values: list[int]) -> list[int]:
    """Montgomery's trick: one inversion, three multiplications for each."""
    products = []
    product = 1
    for value in values:
        products.append(product)
        product = product * value % _Q
    inverse = pow(product, -1, _Q)
    found = [0] * len(values)
    for index in range(len(values) - 1, -1, -1):
        found[index] = inverse * products[index] % _Q
        inverse = inverse * values[index] % _Q
    return found
