"""Writes vectors/bn254.txt with py-ecc: what the precompiles must answer, failures included.

Run: python circuits/vectors/make_bn254.py > circuits/vectors/bn254.txt
A line is: operation, input in hex ("-" for none), expected output in hex or "fail".
"""

import random

from py_ecc.bn128 import (
    FQ2,
    G1,
    G2,
    add,
    b2,
    curve_order,
    field_modulus,
    is_on_curve,
    multiply,
    neg,
)

rng = random.Random(20240601)
Q = field_modulus


def w(n):
    return int(n).to_bytes(32, "big")


def g1(p):
    return bytes(64) if p is None else w(p[0].n) + w(p[1].n)


def g2(p):
    if p is None:
        return bytes(128)
    return b"".join(w(c) for c in (p[0].coeffs[1], p[0].coeffs[0], p[1].coeffs[1], p[1].coeffs[0]))


def out(op, data, answer):
    print(op, data.hex() or "-", "fail" if answer is None else answer.hex() or "-")


def point():
    return multiply(G1, rng.randrange(1, curve_order))


for _ in range(8):
    a, b = point(), point()
    out("add", g1(a) + g1(b), g1(add(a, b)))
a = point()
out("add", g1(a) + g1(a), g1(add(a, a)))
out("add", g1(a) + g1(neg(a)), bytes(64))
out("add", g1(a), g1(a))
out("add", b"", bytes(64))
out("add", g1(a) + g1(None) + b"\xff" * 40, g1(a))
out("add", (g1(a) + g1(a))[:127], None)
out("add", w(1) + w(1), None)
out("add", w(Q + 1) + w(2), None)
out("add", w(0) + w(Q), None)
out("add", g1(a) + w(5) + w(5), None)

for _ in range(8):
    a, k = point(), rng.randrange(2**256)
    out("mul", g1(a) + w(k), g1(multiply(a, k % curve_order)))
for k in (0, 1, 2, curve_order - 1, curve_order, curve_order + 1, 2**256 - 1):
    out("mul", g1(a) + w(k), g1(multiply(a, k % curve_order)))
out("mul", g1(a) + w(7 << 248)[:1], g1(multiply(a, (7 << 248) % curve_order)))
out("mul", g1(a), bytes(64))
out("mul", g1(None) + w(9), bytes(64))
out("mul", g1(a) + w(3) + b"\x01", g1(multiply(a, 3)))
out("mul", w(1) + w(3) + w(1), None)
out("mul", w(Q) + w(0) + w(1), None)

one, zero = w(1), w(0)
out("pairing", b"", one)
x, y = rng.randrange(curve_order), rng.randrange(curve_order)
left = g1(multiply(G1, x)) + g2(multiply(G2, y))
out("pairing", left + g1(neg(multiply(G1, x * y % curve_order))) + g2(G2), one)
out("pairing", left + g1(neg(multiply(G1, x * y % curve_order + 1))) + g2(G2), zero)
out("pairing", left, zero)
out("pairing", g1(None) + g2(G2), one)
out("pairing", g1(G1) + g2(None), one)
out("pairing", left + g1(None) + g2(None), zero)
out("pairing", left[:-1], None)
out("pairing", left + b"\x00", None)
out("pairing", w(1) + w(1) + g2(G2), None)
out("pairing", g1(G1) + g2(G2)[:96] + w(1), None)
out("pairing", g1(G1) + w(Q) + g2(G2)[32:], None)
out("pairing", g1(None) + w(1) + w(1) + w(1) + w(1), None)


def sqrt2(c):
    """A square root in Fq2, or None (q = 3 mod 4)."""
    a1 = c ** ((Q - 3) // 4)
    x0 = a1 * c
    alpha = a1 * x0
    if alpha == FQ2([Q - 1, 0]):
        r = FQ2([0, 1]) * x0
    else:
        r = (FQ2([1, 0]) + alpha) ** ((Q - 1) // 2) * x0
    return r if r * r == c else None


n = 0
while n < 2:  # on the twist, outside the subgroup
    px = FQ2([rng.randrange(Q), rng.randrange(Q)])
    py = sqrt2(px * px * px + b2)
    if py is None:
        continue
    assert is_on_curve((px, py), b2)
    assert multiply((px, py), curve_order) is not None
    out("pairing", g1(G1) + g2((px, py)), None)
    out("pairing", g1(None) + g2((px, py)), None)
    n += 1
