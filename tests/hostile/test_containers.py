"""The project's own files, damaged and forged: one row per attack, every kind of file."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hostile.route import CONTAINERS, KINDS, refused_everywhere
from verifai.errors import LimitError, MalformedError
from verifai.proof import codec

#: Magic, kind, version, length of the header.
PREFIX = 18


def boundaries(data: bytes) -> list[int]:
    """Where one part of a container ends and the next begins."""
    at = PREFIX + int.from_bytes(data[14:18], "big")
    found = [8, 12, 14, PREFIX, at]
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "big")
        found += [at + 8, at + 8 + length]
        at += 8 + length
    assert found[-1] == len(data)
    return [at for at in found if at < len(data)]  # a last section may be empty


def header(data: bytes) -> Any:
    return json.loads(data[PREFIX : boundaries(data)[4]])


def with_text(data: bytes, text: bytes) -> bytes:
    """The container with other bytes as its header."""
    return data[:14] + len(text).to_bytes(4, "big") + text + data[boundaries(data)[4] :]


def with_field(data: bytes, name: str, value: bytes) -> bytes:
    """One more field in front of the header's, as text."""
    text = data[PREFIX : boundaries(data)[4]]
    rest = b"}" if text == b"{}" else b"," + text[1:]
    return with_text(data, b'{"' + name.encode() + b'":' + value + rest)


def with_length(data: bytes, section: int, change: Callable[[int], int]) -> bytes:
    """Another length in front of a section."""
    at = boundaries(data)[4 + 2 * section]
    length = change(int.from_bytes(data[at : at + 8], "big")) % (1 << 64)
    return data[:at] + length.to_bytes(8, "big") + data[at + 8 :]


def archive(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("file", data)
    return held.getvalue()


def as_npz(data: bytes) -> bytes:
    held = io.BytesIO()
    np.savez(held, np.frombuffer(data, np.uint8))
    return held.getvalue()


ATTACKS: dict[str, Callable[[bytes], bytes]] = {
    "the magic only": lambda d: d[:8],
    "another magic": lambda d: b"\x88" + d[1:],
    "a transfer in text mode": lambda d: d.replace(b"\r\n", b"\n"),
    "another kind": lambda d: d[:8] + b"ELSE" + d[12:],
    "a kind that is no text": lambda d: d[:8] + b"\xff\0\r\n" + d[12:],
    "version 0": lambda d: d[:12] + b"\0\0" + d[14:],
    "a version from the future": lambda d: d[:12] + b"\0\2" + d[14:],
    "the last version": lambda d: d[:12] + b"\xff\xff" + d[14:],
    "a header of 4 GB": lambda d: d[:14] + b"\xff" * 4 + d[18:],
    "a header of 16 MiB": lambda d: d[:14] + (1 << 24).to_bytes(4, "big") + d[18:],
    "a header one byte longer": lambda d: (
        d[:14] + (int.from_bytes(d[14:18], "big") + 1).to_bytes(4, "big") + d[18:]
    ),
    "no header": lambda d: with_text(d, b""),
    "a list as header": lambda d: with_text(d, b"[]"),
    "null as header": lambda d: with_text(d, b"null"),
    "an empty object": lambda d: with_text(d, b'{"":0}'),
    "an unknown field": lambda d: with_field(d, "AA", b"0"),
    "a duplicate field": lambda d: with_field(d, next(iter(header(d)), "a"), b"0"),
    "spaces": lambda d: with_text(d, b" " + d[PREFIX : boundaries(d)[4]]),
    "a byte-order mark": lambda d: with_text(d, b"\xef\xbb\xbf" + d[PREFIX : boundaries(d)[4]]),
    "a NUL after the header": lambda d: with_text(d, d[PREFIX : boundaries(d)[4]] + b"\0"),
    "UTF-8": lambda d: with_field(d, "AA", '"\u00e9"'.encode()),
    "invalid UTF-8": lambda d: with_field(d, "AA", b'"\xff\xfe"'),
    "a raw NUL": lambda d: with_field(d, "AA", b'"\0"'),
    "an unpaired surrogate": lambda d: with_field(d, "AA", b'"\\ud800"'),
    "NaN": lambda d: with_field(d, "AA", b"NaN"),
    "Infinity": lambda d: with_field(d, "AA", b"-Infinity"),
    "a float": lambda d: with_field(d, "AA", b"1.5"),
    "an exponent": lambda d: with_field(d, "AA", b"1e400"),
    "5000 digits": lambda d: with_field(d, "AA", b"9" * 5000),
    "deep lists": lambda d: with_field(d, "AA", b"[" * 100_000 + b"]" * 100_000),
    "deep objects": lambda d: with_field(d, "AA", b'{"a":' * 100_000 + b"0" + b"}" * 100_000),
    "a million empty lists": lambda d: with_field(d, "AA", b"[" + b"[]," * (1 << 20) + b"[]]"),
    "a long unknown name": lambda d: with_field(d, "A" * (1 << 20), b"0"),
    "a section of 2^64 - 1 bytes": lambda d: with_length(d, 0, lambda n: -1),
    "a section of 2^63 bytes": lambda d: with_length(d, 0, lambda n: 1 << 63),
    "a section one byte longer": lambda d: with_length(d, 0, lambda n: n + 1),
    "a section one byte shorter": lambda d: with_length(d, 0, lambda n: n - 1),
    "one more section": lambda d: d + bytes(8),
    "one section less": lambda d: d[: boundaries(d)[-2]],
    "a NUL more": lambda d: d + b"\0",
    "a newline more": lambda d: d + b"\n",
    "a byte in front": lambda d: b"\n" + d,
    "twice itself": lambda d: d + d,
    "zeros of its length": lambda d: bytes(len(d)),
    "gzip": gzip.compress,
    "zip": archive,
    "npz": as_npz,
}


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_on_the_container(kind: str, attack: str, folder: Path) -> None:
    path = folder / KINDS[kind].file
    path.write_bytes(ATTACKS[attack](path.read_bytes()))
    assert isinstance(refused_everywhere(kind, path, folder), MalformedError)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_truncations_at_and_beside_every_boundary(kind: str, folder: Path) -> None:
    path = folder / KINDS[kind].file
    good = path.read_bytes()
    for at in boundaries(good):
        for length in (at - 1, at, at + 1):
            path.write_bytes(good[:length])
            with pytest.raises(MalformedError):
                KINDS[kind].read(path)
    refused_everywhere(kind, path, folder)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_one_kind_in_place_of_another(kind: str, folder: Path) -> None:
    for other in KINDS:
        if other != kind:
            path = folder / KINDS[other].file
            with pytest.raises(MalformedError):
                KINDS[kind].read(path)


Change = Callable[[Any], None]


def put(*way: Any) -> Change:
    """Sets the field at a path of names and positions; the last word is the value."""

    def act(value: Any) -> None:
        *path, last, new = way
        for name in path:
            value = value[name]
        value[last] = new

    return act


IN, OUT = ("statement", "inputs", 0), ("statement", "outputs", 0)
FORGED: dict[str, tuple[str, Change]] = {
    "a digest in capitals": ("bundle", put("statement", "model", "AB" * 32)),
    "a digest that is short": ("bundle", put("digests", "proof", "ab" * 31)),
    "a digest that is a number": ("bundle", put("digests", "statement", 7)),
    "no inputs": ("bundle", put("statement", "inputs", [])),
    "65 inputs": ("bundle", lambda h: h["statement"].update(inputs=h["statement"]["inputs"] * 65)),
    "an input twice": (
        "bundle",
        lambda h: h["statement"].update(inputs=h["statement"]["inputs"] * 2),
    ),
    "a negative axis": ("bundle", put(*IN, "shape", [-1, -4])),
    "an axis of 0": ("bundle", put(*IN, "shape", [0, 4])),
    "an axis of 2^63": ("bundle", put(*IN, "shape", [1 << 63, 4])),
    "an overflowing product": ("bundle", put(*IN, "shape", [1 << 22, 1 << 22])),
    "13 axes": ("bundle", put(*IN, "shape", [1] * 13)),
    "an axis that is true": ("bundle", put(*IN, "shape", [True, 4])),
    "an axis that is text": ("bundle", put(*IN, "shape", ["1", 4])),
    "a shape that is a number": ("bundle", put(*IN, "shape", 4)),
    "a scale below -64": ("bundle", put(*OUT, "scale", -65)),
    "a scale of 2^63": ("bundle", put(*OUT, "scale", 1 << 63)),
    "a scale that is null": ("bundle", put(*OUT, "scale", None)),
    "an unknown visibility": ("bundle", put(*OUT, "visibility", "secret")),
    "a long visibility": ("bundle", put(*OUT, "visibility", "x" * (1 << 20))),
    "public without values": ("bundle", put(*OUT, "integers", None)),
    "too few values": ("bundle", put(*OUT, "integers", [1])),
    "values of 2^127": ("bundle", put(*OUT, "integers", [1 << 127, 0])),
    "values that are text": ("bundle", put(*OUT, "integers", ["1", "2"])),
    "values that are true": ("bundle", put(*OUT, "integers", [True, False])),
    "values that are lists": ("bundle", put(*OUT, "integers", [[], []])),
    "a commitment too": ("bundle", put(*OUT, "commitment", "ab" * 32)),
    "a long name": ("bundle", put(*OUT, "name", "n" * 1025)),
    "a name that is null": ("bundle", put(*OUT, "name", None)),
    "an empty context": ("bundle", put("statement", "context", {})),
    "a context of 17": ("bundle", put("statement", "context", {str(i): i for i in range(17)})),
    "a nested context": ("bundle", put("statement", "context", {"a": {"b": 1}})),
    "a context beyond 256 bits": ("bundle", put("statement", "context", {"a": 1 << 256})),
    "a backend from the future": ("bundle", put("statement", "guarantees", "backend", "plonk")),
    "zero knowledge as a number": (
        "bundle",
        put("statement", "guarantees", "zero_knowledge", 1),
    ),
    "a key's proofs of no bytes": ("verifying key", put("proof_bytes", 0)),
    "a key's proofs of 2^63 bytes": ("verifying key", put("proof_bytes", 1 << 63)),
    "a key's shape": ("verifying key", put("inputs", 0, "shape", [1 << 30, 1 << 30])),
    "a key's outputs": ("verifying key", put("outputs", {})),
    "a key's guarantees": ("verifying key", put("guarantees", [])),
    "a circuit's backend": ("circuit", put("backend", "plonk")),
    "a circuit's version": ("circuit", put("version", 1)),
    "a circuit's facts": ("circuit", put("facts", [])),
    "a circuit's shape": ("circuit", put("inputs", 0, "shape", [0])),
    "a proving key's field": ("proving key", put("more", 0)),
    "a registration's key": ("registration", put("verifying_key", "ab")),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_headers(name: str, folder: Path) -> None:
    kind, change = FORGED[name]
    path = folder / KINDS[kind].file
    data = path.read_bytes()
    value = header(data)
    change(value)
    path.write_bytes(with_text(data, codec.canonical_json(value)))
    assert isinstance(refused_everywhere(kind, path, folder), MalformedError)


def test_limits_come_before_content(tmp_path: Path) -> None:
    path = tmp_path / "proof.vfb"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(LimitError, match="the limit is"):
        KINDS["bundle"].read(path)
