"""Reference strings of a known tau, as halo2 and .ptau files, honest and not."""

from __future__ import annotations

from functools import cache
from typing import Any

from py_ecc import optimized_bn128 as bn

Q = bn.field_modulus
TAU = 0x1234567
#: Points that no honest string has.
G1_AT_INFINITY = bytes(64)
G2_AT_INFINITY = bytes(128)


def raw(*coordinates: int) -> bytes:
    """Montgomery form, little-endian."""
    return b"".join((c * (1 << 256) % Q).to_bytes(32, "little") for c in coordinates)


def g1(point: Any) -> bytes:
    return raw(*map(int, bn.normalize(point)))


def g2(point: Any) -> bytes:
    x, y = bn.normalize(point)
    return raw(*map(int, (*x.coeffs, *y.coeffs)))


@cache
def powers(count: int, tau: int = TAU) -> bytes:
    """``tau^i G1``."""
    points, scalar = [], 1
    for _ in range(count):
        points.append(g1(bn.multiply(bn.G1, scalar)))
        scalar = scalar * tau % bn.curve_order
    return b"".join(points)


@cache
def powers_g2(count: int, tau: int = TAU) -> bytes:
    """``tau^i G2``."""
    return b"".join(g2(bn.multiply(bn.G2, pow(tau, i, bn.curve_order))) for i in range(count))


def halo2(
    log2: int, *, tau: int = TAU, g2s: bytes | None = None, g1s: bytes | None = None
) -> bytes:
    """halo2's raw form; the Lagrange basis, which nobody reads, is the powers again."""
    first = powers(1 << log2, tau) if g1s is None else g1s
    return log2.to_bytes(4, "little") + 2 * first + (powers_g2(2, tau) if g2s is None else g2s)


def section(kind: int, payload: bytes, length: int | None = None) -> bytes:
    """A section of a .ptau file; ``length`` is what its header says."""
    said = len(payload) if length is None else length
    return kind.to_bytes(4, "little") + said.to_bytes(8, "little") + payload


def header(log2: int, prime: int = Q, ceremony: int | None = None) -> bytes:
    """Section 1's content."""
    numbers = (log2, log2 if ceremony is None else ceremony)
    return (
        (32).to_bytes(4, "little")
        + prime.to_bytes(32, "little")
        + b"".join(n.to_bytes(4, "little") for n in numbers)
    )


def sections(log2: int, tau: int = TAU) -> list[bytes]:
    """Sections 1 to 3: header, powers in G1, powers in G2."""
    count = 1 << log2
    return [
        section(1, header(log2)),
        section(2, powers(2 * count - 1, tau)),
        section(3, powers_g2(count, tau)),
    ]


def ptau(parts: list[bytes], *, version: int = 1, count: int | None = None) -> bytes:
    """A .ptau file of these sections."""
    number = len(parts) if count is None else count
    return b"ptau" + version.to_bytes(4, "little") + number.to_bytes(4, "little") + b"".join(parts)


def outside_subgroup() -> bytes:
    """A point of the twist that is not in the subgroup of order p: powers of one small x."""
    for x0 in range(1, 100):
        x = bn.FQ2([x0, 0])
        y = _root(x * x * x + bn.b2)
        if y is not None:
            point = (x, y, bn.FQ2.one())
            assert bn.is_on_curve(point, bn.b2)
            assert not bn.is_inf(bn.multiply(point, bn.curve_order))
            return g2(point)
    raise AssertionError("no point found")


def _root(value: Any) -> Any:
    """A square root in the quadratic field, Q = 3 mod 4 (Adj and Rodriguez-Henriquez, 2012)."""
    one = bn.FQ2.one()
    a1 = value ** ((Q - 3) // 4)
    alpha, x = a1 * a1 * value, a1 * value
    root = bn.FQ2([0, 1]) * x if alpha == -one else (one + alpha) ** ((Q - 1) // 2) * x
    return root if root * root == value else None
