"""The vectors in this folder, checked by a second implementation: pure Python and py-ecc.

Run: python -m pytest circuits/vectors. The formulas are those on the front pages of the crates
`transcript`, `curve`, `srs` and `commitment`; nothing here is shared with the Rust code.
"""

import json
from pathlib import Path

import pytest
from py_ecc.optimized_bn128 import (
    FQ,
    FQ2,
    FQ12,
    G1,
    G2,
    Z1,
    add,
    curve_order,
    field_modulus,
    multiply,
    neg,
    normalize,
    pairing,
)

keccak = pytest.importorskip("eth_hash.auto").keccak

HERE = Path(__file__).parent
P, Q = curve_order, field_modulus


def word(n):
    return int(n).to_bytes(32, "big")


def number(text):
    return int(text, 16)


def g1(data):
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    return Z1 if x == y == 0 else (FQ(x), FQ(y), FQ(1))


def g2(data):
    x1, x0, y1, y0 = (int.from_bytes(data[i : i + 32], "big") for i in range(0, 128, 32))
    return (FQ2([x0, x1]), FQ2([y0, y1]), FQ2([1, 0]))


def inverse(a):
    return pow(a, -1, P)


class Transcript:
    def __init__(self, domain):
        self.state = keccak(domain.encode())

    @staticmethod
    def header(operation, kind, length, label):
        return (
            bytes([operation, kind]) + length.to_bytes(8, "big") + label.encode().ljust(22, b"\0")
        )

    def absorb(self, label, kind, payload):
        self.state = keccak(self.state + self.header(1, kind, len(payload), label) + payload)

    def challenge(self, label):
        self.state = keccak(self.state + self.header(2, 0, 0, label))
        return int.from_bytes(self.state, "big") % P


def test_transcript():
    vector = json.loads((HERE / "transcript.json").read_text())
    t = Transcript(vector["domain"])
    assert t.state.hex() == vector["start"]
    for step in vector["steps"]:
        if "absorb" in step:
            t.absorb(step["absorb"], step["kind"], bytes.fromhex(step["payload"]))
        else:
            assert t.challenge(step["challenge"]) == number(step["value"])
        assert t.state.hex() == step["state"]


def blinding_generator():
    for counter in range(1000):
        seed = b"verifai/bn254/blinding-generator/v1" + counter.to_bytes(4, "big")
        x = int.from_bytes(keccak(seed), "big")
        y = pow(x**3 + 3, (Q + 1) // 4, Q)
        if x < Q and y * y % Q == (x**3 + 3) % Q:
            return word(x) + word(Q - y if y & 1 else y)
    raise AssertionError


def test_blinding_generator():
    assert blinding_generator().hex() == (HERE / "blinding_generator.txt").read_text().strip()


def test_development_srs():
    tau = int.from_bytes(keccak(b"verifai INSECURE development SRS v1"), "big") % P
    a, b = normalize(multiply(G1, tau)), normalize(multiply(G2, tau))
    points = word(a[0].n) + word(a[1].n)
    points += b"".join(word(c) for k in (0, 1) for c in reversed(b[k].coeffs))
    digest = keccak(b"verifai/srs/v1" + points).hex()
    assert digest == (HERE / "development_srs_id.txt").read_text().strip()
    assert points[64:].hex() == json.loads((HERE / "opening.json").read_text())["tau_g2"]


def eq_at(point, index):
    value = 1
    for k, x in enumerate(reversed(point)):
        value = value * (x if index >> k & 1 else 1 - x) % P
    return value


def verify(v, proof):
    """The opening, as on the front page of the crate `commitment`."""
    n = v["log_columns"]
    rows = [(i, bytes.fromhex(c)) for i, c in v["rows"]]
    public = v["public_row"]
    coefficients = [number(c) for c in public["coefficients"]]
    t = Transcript(v["domain"])
    t.absorb("rows", 2, b"".join(c for _, c in rows))
    t.absorb("public row", 2, bytes.fromhex(public["commitment"]))
    point = [t.challenge("x") for _ in range(v["log_rows"] + n)]
    assert point == [number(x) for x in v["point"]]
    t.absorb("y", 1, bytes.fromhex(v["value"]))
    t.absorb("public row", 1, b"".join(word(c) for c in coefficients))
    t.absorb("public row", 1, bytes.fromhex(public["blinding"]))

    def read(label, kind, size):
        nonlocal proof
        assert len(proof) >= size
        payload, proof = proof[:size], proof[size:]
        t.absorb(label, kind, payload)
        return [payload[i : i + (32, 64)[kind - 1]] for i in range(0, size, (32, 64)[kind - 1])]

    (rho,) = read("opening blinding", 1, 32)
    folds = read("opening folds", 2, 64 * (n - 1))
    r = t.challenge("opening r")
    first, *negatives = [
        int.from_bytes(e, "big") for e in read("opening evaluations", 1, 32 * (n + 1))
    ]
    nu = t.challenge("opening nu")
    (w,) = read("opening W", 2, 64)
    z = t.challenge("opening z")
    (w2,) = read("opening W'", 2, 64)
    assert not proof

    claims, at, plus = [], r, first
    for minus, x in zip(negatives, reversed(point), strict=False):
        claims.append((at, plus, minus))
        even, odd = (plus + minus) * inverse(2), (plus - minus) * inverse(2 * at)
        plus, at = ((1 - x) * even + x * odd) % P, at * at % P
    if plus != number(v["value"]):
        return "folding"

    total, power, constant, blind = add(g1(w), multiply(g1(w2), z)), 1, 0, 0
    for k, (at, plus, minus) in enumerate(claims):
        a, b = power * inverse(z - at), power * nu * inverse(z + at)
        power = power * nu * nu % P
        constant += a * plus + b * minus
        if k:
            total = add(total, multiply(g1(folds[k - 1]), -(a + b) % P))
            continue
        blind += (a + b) * int.from_bytes(rho, "big")
        for i, c in rows:
            weight = eq_at(point[: v["log_rows"]], i)
            total = add(total, multiply(g1(c), -(a + b) * weight % P))
    a = power * inverse(z - r)
    constant += a * sum(c * pow(r, k, P) for k, c in enumerate(coefficients))
    blind += a * number(public["blinding"])
    total = add(total, multiply(g1(bytes.fromhex(public["commitment"])), -a % P))
    total = add(total, multiply(G1, constant % P))
    total = add(total, multiply(g1(blinding_generator()), blind % P))
    product = pairing(G2, total) * pairing(g2(bytes.fromhex(v["tau_g2"])), neg(g1(w2)))
    if product != FQ12.one():
        return "pairing"
    assert t.state.hex() == v["end_state"]
    return None


def test_opening():
    vector = json.loads((HERE / "opening.json").read_text())
    proof = bytearray.fromhex(vector["proof"])
    assert verify(vector, bytes(proof)) is None
    proof[-64:] = word(1) + word(2)  # another W'
    assert verify(vector, bytes(proof)) == "pairing"
    proof[31] ^= 1  # the combined blinding, and with it r
    assert verify(vector, bytes(proof)) == "folding"
