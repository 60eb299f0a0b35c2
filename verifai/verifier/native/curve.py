"""BN254: strict decoding, multi-scalar multiplication, the pairing check.

G1 points are affine pairs of integers, or None for infinity. The group law on G1 is written out
here, on Jacobian integers, because an opening sums hundreds of points; the pairing is py-ecc's.
Encodings are those of the EVM: ``x || y``, and ``x.c1 || x.c0 || y.c1 || y.c0`` for G2, each
coordinate big-endian below q; infinity is all zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from py_ecc.optimized_bn128 import (
    FQ,
    FQ2,
    FQ12,
    G2,
    b2,
    curve_order,
    field_modulus,
    final_exponentiate,
    is_inf,
    is_on_curve,
    multiply,
    pairing,
)

from verifai.verifier.native.field import P

#: The modulus of the coordinates.
Q: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
G1_BYTES: Final = 64
G2_BYTES: Final = 128

assert (curve_order, field_modulus) == (P, Q)

G1Point: TypeAlias = tuple[int, int] | None
_Jacobian: TypeAlias = tuple[int, int, int]

#: The generator of G1.
G: Final[G1Point] = (1, 2)
#: The generator of blindings, of unknown logarithm: ``hash_to_g1`` of the crate ``curve``.
H: Final[G1Point] = (
    0x26915B3008091A6391156E9CA55F8EF336B1ABE34F34609234BA2EF7E2348411,
    0x1460D080289580895371A991E72C962F64B7BCC03978DFF66A2EA66CD3AFDB98,
)
_INFINITY: Final = (1, 1, 0)


def decode_g1(data: bytes) -> G1Point:
    """A G1 point of 64 bytes; infinity is a point like any other (it commits to zero).

    Raises:
        ValueError: a coordinate is not below q, or the point is not on the curve.
    """
    x, y = _coordinates(data, 2)
    if x == y == 0:
        return None
    if (y * y - x * x * x - 3) % Q:
        raise ValueError("the point is not on the curve")
    return x, y


@lru_cache(maxsize=64)
def decode_g2(data: bytes) -> Any:
    """A G2 point of 128 bytes, other than infinity, as py-ecc has it.

    Remembered: keys share reference strings, and showing the order takes most of a reading's time.

    Raises:
        ValueError: not canonical, not on the twist, outside the subgroup, or infinity.
    """
    x1, x0, y1, y0 = _coordinates(data, 4)
    if x1 == x0 == y1 == y0 == 0:
        raise ValueError("infinity is not allowed here")
    point = (FQ2([x0, x1]), FQ2([y0, y1]), FQ2.one())
    if not is_on_curve(point, b2):
        raise ValueError("the point is not on the curve")
    if not is_inf(multiply(point, curve_order)):
        raise ValueError("the point is not in the subgroup of prime order")
    return point


def _coordinates(data: bytes, count: int) -> list[int]:
    if len(data) != 32 * count:
        raise ValueError(f"expected {32 * count} bytes, got {len(data)}")
    values = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    if any(v >= Q for v in values):
        raise ValueError("a coordinate is not below the modulus")
    return values


def _double(p: _Jacobian) -> _Jacobian:
    x, y, z = p  # y = 0 does not occur: the order is odd
    a, b = x * x % Q, y * y % Q
    c = b * b % Q
    d = 2 * ((x + b) * (x + b) - a - c) % Q
    e = 3 * a
    u = (e * e - 2 * d) % Q
    return u, (e * (d - u) - 8 * c) % Q, 2 * y * z % Q


def _add(p: _Jacobian, q: _Jacobian) -> _Jacobian:
    (x1, y1, z1), (x2, y2, z2) = p, q
    if z1 == 0:
        return q
    if z2 == 0:
        return p
    s1, u1, v1 = z1 * z1 % Q, x1, y1
    if z2 != 1:  # else q is affine
        s2 = z2 * z2 % Q
        u1, v1 = x1 * s2 % Q, y1 * z2 * s2 % Q
    h, r = (x2 * s1 - u1) % Q, (y2 * z1 * s1 - v1) % Q
    if h == 0:  # same x: the same point, or its negative
        return _double(p) if r == 0 else _INFINITY
    hh = h * h % Q
    hhh, w = h * hh % Q, u1 * hh % Q
    x = (r * r - hhh - 2 * w) % Q
    return x, (r * (w - x) - v1 * hhh) % Q, z1 * z2 * h % Q


def msm(points: Sequence[G1Point], scalars: Sequence[int], scalar_bits: int = 254) -> G1Point:
    """``sum scalar * point`` by buckets (Pippenger), for scalars in [0, P) of so many bits."""
    assert len(points) == len(scalars)
    pairs = [((*p, 1), s % P) for p, s in zip(points, scalars, strict=True) if p is not None]
    width = max(2, len(pairs).bit_length() - 4)
    mask = (1 << width) - 1
    total: _Jacobian = _INFINITY
    for shift in reversed(range(0, scalar_bits, width)):
        for _ in range(width if total[2] else 0):
            total = _double(total)
        buckets: list[_Jacobian] = [_INFINITY] * (mask + 1)
        for point, scalar in pairs:
            digit = scalar >> shift & mask
            if digit:
                buckets[digit] = _add(buckets[digit], point)
        running = window = _INFINITY
        for bucket in reversed(buckets[1:]):  # sum of digit * bucket, as a sum of running sums
            running = _add(running, bucket)
            window = _add(window, running)
        total = _add(total, window)
    x, y, z = total
    if z == 0:
        return None
    inverse = pow(z, -1, Q)
    square = inverse * inverse % Q
    return x * square % Q, y * square * inverse % Q


def pairing_equal(left: G1Point, right: G1Point, right_g2: Any) -> bool:
    """Whether ``e(left, H2) = e(right, right_g2)``, with H2 the generator of G2.

    One final exponentiation for ``e(left, H2) e(-right, right_g2)``.
    """
    product = FQ12.one()
    for point, other, sign in ((left, G2, 1), (right, right_g2, -1)):
        if point is not None:
            finite = (FQ(point[0]), FQ(sign * point[1]), FQ.one())
            product = product * pairing(other, finite, final_exponentiate=False)
    return bool(final_exponentiate(product) == FQ12.one())
