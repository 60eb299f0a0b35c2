"""Keccak, transcript, curve and opening against known and shared vectors."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from py_ecc.optimized_bn128 import FQ, FQ2, Z1, add, multiply, normalize

from verifai.errors import VerificationError
from verifai.verifier.native import curve
from verifai.verifier.native.curve import G, H, Q, decode_g1, decode_g2, msm
from verifai.verifier.native.field import (
    P,
    eq_at,
    eq_range,
    inverse,
    lagrange,
    next_claim,
)
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.opening import PublicRow, check_opening
from verifai.verifier.native.transcript import Kind, ProofReader, Transcript, TranscriptStep

VECTORS = Path(__file__).parents[2] / "circuits" / "vectors"


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"transfer(address,uint256)",
            "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b",
        ),
    ],
)
def test_keccak_of_known_strings(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


def test_keccak_around_the_rate() -> None:
    keccak = pytest.importorskip("eth_hash.auto").keccak
    for length in (1, 134, 135, 136, 137, 271, 272, 273, 1000):
        data = random.Random(length).randbytes(length)
        assert keccak256(data) == keccak(data)


def test_transcript_vector() -> None:
    vector = json.loads((VECTORS / "transcript.json").read_text())
    record: list[TranscriptStep] = []
    transcript = Transcript(vector["domain"], record)
    assert transcript.state.hex() == vector["start"]
    for step in vector["steps"]:
        if "absorb" in step:
            payload = bytes.fromhex(step["payload"])
            transcript.absorb(step["absorb"], Kind(step["kind"]), payload)
        else:
            assert transcript.challenge(step["challenge"]) == int(step["value"], 16)
        assert transcript.state.hex() == step["state"]
    assert [s.state.hex() for s in record] == [s["state"] for s in vector["steps"]]
    assert [s.kind is None for s in record] == ["challenge" in s for s in vector["steps"]]


def opening(proof: bytes, value: int | None = None) -> bytes:
    """Run the shared vector with another proof or value; the last state of the transcript."""
    v: dict[str, Any] = json.loads((VECTORS / "opening.json").read_text())
    public = v["public_row"]
    transcript = Transcript(v["domain"])
    rows = [(i, bytes.fromhex(c)) for i, c in v["rows"]]
    transcript.absorb("rows", Kind.G1, b"".join(c for _, c in rows))
    transcript.absorb("public row", Kind.G1, bytes.fromhex(public["commitment"]))
    point = transcript.challenges("x", v["log_rows"] + v["log_columns"])
    transcript.absorb("y", Kind.SCALARS, bytes.fromhex(v["value"]))
    for scalars in ("".join(public["coefficients"]), public["blinding"]):
        transcript.absorb("public row", Kind.SCALARS, bytes.fromhex(scalars))
    known = PublicRow(
        decode_g1(bytes.fromhex(public["commitment"])),
        int(public["blinding"], 16),
        [int(c, 16) for c in public["coefficients"]],
    )
    reader = ProofReader(transcript, proof)
    check_opening(
        reader,
        decode_g2(bytes.fromhex(v["tau_g2"])),
        [(i, decode_g1(c)) for i, c in rows],
        point[: v["log_rows"]],
        point[v["log_rows"] :],
        int(v["value"], 16) if value is None else value,
        [known],
    )
    reader.finish()
    assert transcript.state.hex() == v["end_state"]
    return transcript.state


def test_opening_vector() -> None:
    proof = bytes.fromhex(json.loads((VECTORS / "opening.json").read_text())["proof"])
    opening(proof)
    with pytest.raises(VerificationError, match="opening folding"):
        opening(proof, value=5)
    other_witness = proof[:-64] + (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
    with pytest.raises(VerificationError, match="opening pairing"):
        opening(other_witness)
    with pytest.raises(VerificationError, match="opening folding"):
        opening(bytes([proof[0] ^ 1]) + proof[1:])
    with pytest.raises(VerificationError, match="1 bytes follow"):
        opening(proof + b"\0")
    with pytest.raises(VerificationError, match=r"W'.*too early"):
        opening(proof[:-1])


def test_blinding_generator() -> None:
    """The constant is what the public string gives, and what the other verifiers use."""
    for counter in range(1000):
        seed = b"verifai/bn254/blinding-generator/v1" + counter.to_bytes(4, "big")
        x = int.from_bytes(keccak256(seed), "big")
        y = pow(x**3 + 3, (Q + 1) // 4, Q)
        if x < Q and y * y % Q == (x**3 + 3) % Q:
            break
    assert (x, y if y % 2 == 0 else Q - y) == H
    text = (VECTORS / "blinding_generator.txt").read_text().strip()
    assert decode_g1(bytes.fromhex(text)) == H


def test_sum_of_multiples_is_that_of_py_ecc() -> None:
    rng = random.Random(0)
    points = [msm([G], [rng.randrange(P)]) for _ in range(6)] + [G, None, G, H]
    scalars = [rng.randrange(P) for _ in range(6)] + [P - 1, 5, 1, 0]
    total = Z1
    for point, scalar in zip(points, scalars, strict=True):
        if point is not None:
            total = add(total, multiply((FQ(point[0]), FQ(point[1]), FQ(1)), scalar))
    x, y = normalize(total)
    assert msm(points, scalars) == (x.n, y.n)


def test_sum_of_multiples_at_the_edges() -> None:
    assert msm([], []) is None
    assert msm([None], [3]) is None
    assert msm([G, G], [7, P - 7]) is None
    assert msm([G, G, G], [5, 5, 5]) == msm([G], [15])
    minus = (G[0], Q - G[1]) if G else None
    assert msm([G, minus], [9, 4]) == msm([G], [5])


def coordinates(*values: int) -> bytes:
    return b"".join(v.to_bytes(32, "big") for v in values)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (coordinates(1, 3), "not on the curve"),
        (coordinates(0, 1), "not on the curve"),
        (coordinates(1, 2 + Q), "modulus"),
        (coordinates(1 + Q, 2), "modulus"),
        (coordinates(Q, Q), "modulus"),
        (coordinates(1, 2) + b"\0", "expected 64 bytes"),
        (b"", "expected 64 bytes"),
    ],
    ids=["y", "x = 0", "y + q", "x + q", "infinity + q", "long", "empty"],
)
def test_points_that_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode_g1(data)


def test_points_that_are_read() -> None:
    assert decode_g1(bytes(64)) is None
    assert decode_g1(coordinates(1, 2)) == G


def off_the_subgroup() -> bytes:
    """A point of the twist outside of G2: the twist's order is a multiple of P, not P."""
    for x in range(1, 100):
        right = FQ2([x, 0]) ** 3 + curve.b2
        root = right ** ((Q * Q + 15) // 32)
        for k in range(32):
            y = root * ROOT_OF_UNITY**k
            if y * y == right:
                return coordinates(0, x, int(y.coeffs[1]), int(y.coeffs[0]))
    raise AssertionError


#: Of order 32 in the multiplicative group of F_q^2.
ROOT_OF_UNITY = FQ2([9, 1]) ** ((Q * Q - 1) // 32)


def test_points_of_the_twist() -> None:
    generator = bytes.fromhex(json.loads((VECTORS / "opening.json").read_text())["tau_g2"])
    decode_g2(generator)
    swapped = generator[32:64] + generator[:32] + generator[64:]
    with pytest.raises(ValueError, match="not on the curve"):
        decode_g2(swapped)
    with pytest.raises(ValueError, match="infinity"):
        decode_g2(bytes(128))
    with pytest.raises(ValueError, match="subgroup"):
        decode_g2(off_the_subgroup())


def test_eq_tables() -> None:
    rng = random.Random(1)
    point = [rng.randrange(P) for _ in range(5)]
    table = []
    for i in range(32):
        value = 1
        for k, x in enumerate(point):
            value = value * (x if i >> (4 - k) & 1 else 1 - x) % P
        table.append(value)
    for start, count in ((0, 32), (0, 1), (31, 1), (5, 9), (16, 16), (15, 2)):
        assert eq_range(point, start, count) == table[start : start + count]
    assert [eq_at(point, i) for i in range(32)] == table
    assert eq_range([], 0, 1) == [1]


def test_rounds() -> None:
    coefficients = [3, 1, 4, 1, 5, 9, 2]

    def s(x: int) -> int:
        return sum(c * pow(x, k, P) for k, c in enumerate(coefficients)) % P

    t = 123456789
    message = [s(0), *(s(i) for i in range(2, 7))]
    assert next_claim(s(0) + s(1), message, t) == s(t)
    assert sum(c * s(i) for i, c in enumerate(lagrange(6, t))) % P == s(t)
    with pytest.raises(ZeroDivisionError):
        inverse(P)
