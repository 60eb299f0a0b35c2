"""One encoding per value, and nothing else is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifai.errors import LimitError, MalformedError
from verifai.limits import MAX_ARTEFACT_BYTES, MAX_JSON_DEPTH, MAX_PROOF_BYTES
from verifai.proof import codec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_canonical_json_round_trips(value: object) -> None:
    assert codec.parse_canonical_json(codec.canonical_json(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":01}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'"\\u0041"',
        b'"\\/"',
        b'"\xc3\xa9"',
        b'"\\uD800',
        b"\xef\xbb\xbf{}",
        b"{}\n",
        b"{} {}",
        b"",
        b"'a'",
        b"[1,]",
        b"9" * 5000,
    ],
)
def test_other_spellings_are_refused(text: bytes) -> None:
    with pytest.raises(MalformedError):
        codec.parse_canonical_json(text)


def test_depth_is_limited_before_parsing() -> None:
    deep = MAX_JSON_DEPTH + 1
    with pytest.raises(LimitError, match="MAX_JSON_DEPTH"):
        codec.parse_canonical_json(b"[" * deep + b"]" * deep)
    with pytest.raises(LimitError):
        codec.parse_canonical_json(b"[" * 1_000_000)


def test_floats_have_no_canonical_form() -> None:
    with pytest.raises(MalformedError, match="float"):
        codec.canonical_json({"a": 0.5})


PACKED = codec.pack(b"TEST", 1, {"a": 1}, (b"first", b""))


def unpack(data: bytes, **changes: object) -> object:
    arguments = {"kind": b"TEST", "version": 1, "section_count": 2, "limit": 1000, **changes}
    return codec.unpack(data, **arguments)  # type: ignore[arg-type]


def test_container_round_trips() -> None:
    header, sections = codec.unpack(PACKED, b"TEST", 1, 2, limit=1000)
    assert header == {"a": 1}
    assert [bytes(section) for section in sections] == [b"first", b""]


@pytest.mark.parametrize("length", range(len(PACKED)))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(MalformedError):
        unpack(PACKED[:length])


@pytest.mark.parametrize("tail", [b"\0", b"\n", PACKED])
def test_trailing_bytes_are_refused(tail: bytes) -> None:
    with pytest.raises(MalformedError):
        unpack(PACKED + tail)


def test_lengths_are_not_trusted() -> None:
    start = PACKED.index(b"first") - 8
    for length in (6, 1 << 32, (1 << 64) - 1):
        damaged = PACKED[:start] + length.to_bytes(8, "big") + PACKED[start + 8 :]
        with pytest.raises(MalformedError):
            unpack(damaged)


@pytest.mark.parametrize(
    "changes", [{"kind": b"ELSE"}, {"version": 2}, {"section_count": 1}, {"section_count": 3}]
)
def test_another_kind_version_or_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        unpack(PACKED, **changes)


def test_kinds_are_named_in_words() -> None:
    """What people read holds no four letters, and no bytes of Python."""
    proof = codec.pack(b"PROF", 1, {}, [])
    with pytest.raises(MalformedError, match=r"Expected a verifying key, found a proof\.$"):
        codec.unpack(proof, b"VKEY", 1, 0, limit=1000)
    with pytest.raises(MalformedError, match=r"Expected a proof, found a file of an unknown"):
        codec.unpack(codec.pack(b"\x00'\xff\n", 1, {}, []), b"PROF", 1, 0, limit=1000)


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, ["a"], b"a", 10**5000, ("a",), None],
    ids=lambda value: type(value).__name__,
)
def test_wrong_values_are_shown_as_json(value: object) -> None:
    with pytest.raises(MalformedError) as caught:
        codec.one_of(value, ("x",), "A word")
    assert "found " in caught.value.message
    assert "'a'" not in caught.value.message.partition("found")[2]


def test_size_limit_names_both_numbers() -> None:
    with pytest.raises(LimitError, match=f"{len(PACKED)} bytes; the limit is 10"):
        unpack(PACKED, limit=10)


@pytest.mark.parametrize("limit", [10, MAX_PROOF_BYTES, MAX_ARTEFACT_BYTES])
@pytest.mark.parametrize("data", [b"", b"garbage" * 9, PACKED[:-1], PACKED + b"\0", PACKED[:9]])
def test_errors_name_the_file(tmp_path: Path, data: bytes, limit: int) -> None:
    path = tmp_path / "some.file"
    path.write_bytes(data)
    with pytest.raises(MalformedError, match=r"some\.file") as caught:
        codec.read(path, b"TEST", 1, 2, limit=limit)
    assert str(caught.value).count("some.file") == 1


def test_a_limit_of_ours_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.file"
    with path.open("wb") as file:
        file.truncate(MAX_PROOF_BYTES + 1)
    with pytest.raises(LimitError, match=r"the limit is MAX_PROOF_BYTES \(67108864\)"):
        codec.read(path, b"TEST", 1, 2, limit=MAX_PROOF_BYTES)


def test_digest_separates_domains_and_parts() -> None:
    assert codec.digest("a", b"x") != codec.digest("b", b"x")
    assert codec.digest("a", b"xy") != codec.digest("a", b"x", b"y")
    assert codec.digest("a") != codec.digest("a", b"")


def test_write_is_atomic_and_leaves_nothing_behind(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "artefact"
    codec.write(path, b"TEST", 1, {}, ())
    before = path.read_bytes()
    with pytest.raises(MalformedError):
        codec.write(path, b"TEST", 1, {"a": 0.5}, ())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["artefact"]
