"""Properties of the decoders: any bytes are refused with an error of ours, or read canonically."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign import examples
from verifai.circuit import SRS
from verifai.errors import LimitError, MalformedError, UsageError, VerificationError
from verifai.graph import IntegerGraph
from verifai.proof import Proof, Registration, VerifyingKey, codec
from verifai.verifier.native import proof_bytes, verify
from verifai.verifier.native.curve import decode_g1, decode_g2
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.transcript import ProofReader, Transcript

HONEST = Path(__file__).parents[2] / "circuits/crates/fuzzing/honest"
#: Digest of the header of its keys: ``circuits/crates/fuzzing/src/honest.rs``.
HEADER = bytes([3]) * 32
CASES = ("plain", "hiding")
RUNS = examples(200, 60)
#: Numbers at and beside the bounds of the formats.
NUMBERS = st.sampled_from(
    [-1, 0, 1, 2, 3, 4, 7, 8, 12, 13, 16, 17, 62, 63, 1 << 16, 1 << 24, (1 << 62) - 1, 1 << 63]
)


def table(name: str) -> Any:
    return json.loads((HONEST / f"{name}.table").read_bytes())


def part(name: str, what: str) -> bytes:
    return (HONEST / f"{name}.{what}").read_bytes()


@st.composite
def containers(draw: st.DrawFn, kind: bytes, sections: int) -> bytes:
    """Bytes, a container of any header, or an honest prefix with damage."""
    held = [draw(st.binary(max_size=40)) for _ in range(sections)]
    names = st.sampled_from(["statement", "digests", "model", "inputs", "verifying_key", "nodes"])
    value = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=8,
    )
    data = codec.pack(kind, 1, draw(st.dictionaries(names, value, max_size=4)), held)
    at = draw(st.integers(0, len(data)))
    return draw(
        st.sampled_from([data, data[:at], data[:at] + draw(st.binary(max_size=9)) + data[at:]])
        | st.binary(max_size=200)
    )


READERS: dict[str, tuple[bytes, int, Any]] = {
    "bundle": (b"PROF", 1, Proof),
    "verifying key": (b"VKEY", 3, VerifyingKey),
    "registration": (b"REGI", 1, Registration),
    "integer graph": (b"IGRF", 1, IntegerGraph),
}


@pytest.mark.parametrize("name", READERS)
@RUNS
@given(data=st.data())
def test_containers(name: str, data: st.DataObject) -> None:
    kind, sections, reader = READERS[name]
    raw = data.draw(containers(kind, sections))
    try:
        value = reader.from_bytes(raw)
    except MalformedError:
        return
    assert value.to_bytes() == raw


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """An honest table after some edits of its values."""
    value = table(draw(st.sampled_from(CASES)))
    for _ in range(draw(st.integers(0, 4))):
        edit(draw, value)
    return codec.canonical_json(value)


def edit(draw: st.DrawFn, value: Any) -> None:
    """Replaces, removes or doubles something somewhere in the document."""
    while True:
        names = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not names:
            return
        name = draw(st.sampled_from(names))
        inner = value[name]
        if isinstance(inner, (dict, list)) and inner and draw(st.integers(0, 9)):
            value = inner
            continue
        if isinstance(value, list) and draw(st.booleans()):
            if draw(st.booleans()):
                value.insert(name, inner)
            else:
                del value[name]
        else:
            value[name] = draw(NUMBERS | st.sampled_from([[], {}, "mk", "k", True, None, [0], [1]]))
        return


def length(data: bytes, batch: int) -> int | None:
    """Bytes of a table's proofs; None for what is refused.

    Raises:
        LimitError: too many rows for the verifier in Python.
    """
    try:
        return proof_bytes(data, batch)
    except LimitError:
        raise
    except (MalformedError, UsageError):
        return None


@examples(600, 150)
@given(data=st.binary(max_size=300) | tables(), batch=st.sampled_from([1, 2, 3, 1 << 10, 1 << 22]))
def test_both_verifiers_read_the_same_tables(data: bytes, batch: int) -> None:
    """What one reads the other reads, and the proofs have one length."""
    native = pytest.importorskip("verifai._native")
    found: int | None
    try:
        found = native.native_proof_bytes(data, batch)
    except ValueError:
        found = None
    try:
        assert found == length(data, batch)
    except LimitError:
        parse_table(data)  # well-formed, and only too large


@RUNS
@given(
    proof=st.binary(max_size=400),
    script=st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=8),
)
def test_what_a_reader_reads_is_canonical(proof: bytes, script: list[tuple[bool, int]]) -> None:
    reader = ProofReader(Transcript("fuzzing"), proof)
    sizes = [count * (64 if points else 32) for points, count in script]
    try:
        for points, count in script:
            values = (reader.points if points else reader.scalars)("message", count)
            assert len(values) == count
        reader.finish()
    except VerificationError:
        return
    assert sum(sizes) == len(proof)


@RUNS
@given(
    name=st.sampled_from(CASES),
    edits=st.lists(
        st.tuples(st.integers(0, 1 << 16), st.binary(max_size=64), st.integers(0, 64)),
        min_size=1,
        max_size=3,
    ),
)
def test_no_other_proof_is_accepted(name: str, edits: list[tuple[int, bytes, int]]) -> None:
    """As the target ``proof`` of ``circuits/fuzz``, for the verifier in Python."""
    good = part(name, "proof")
    proof = good
    for at, new, removed in edits:
        at %= len(proof) + 1
        proof = proof[:at] + new + proof[at + removed :]
    words = part(name, "words")
    values = [int.from_bytes(words[i : i + 32], "big") for i in range(0, len(words), 32)]
    key = (part(name, "table"), part(name, "commitments"), (HONEST / "tau_g2").read_bytes())
    try:
        verify(HEADER, *key, 1, bytes([7]) * 32, values, proof)
    except VerificationError:
        assert proof != good
    else:
        assert proof == good


@RUNS
@given(st.binary(max_size=130))
def test_points(data: bytes) -> None:
    for decode in (decode_g1, decode_g2):
        try:
            decode(data)
        except ValueError:
            continue
        assert len(data) in (64, 128)


@RUNS
@given(st.binary(max_size=600).map(lambda data: b"\1\0\0\0" + data))
def test_a_verifiers_part_of_a_string(data: bytes) -> None:
    with pytest.raises((MalformedError, LimitError)):
        SRS.from_verifier_part(data[:516])
