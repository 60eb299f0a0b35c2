"""Dataclasses as JSON values: they come back as they went, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from verifai.errors import MalformedError
from verifai.proof.plain import from_plain, to_plain


@dataclass(frozen=True)
class Part:
    number: int
    data: bytes


@dataclass(frozen=True)
class Whole:
    name: str
    done: bool
    block: int | None
    parts: tuple[Part, ...]
    last: Mapping[str, int]


WHOLE = Whole("a", True, None, (Part(1, b"\x01\xff"), Part(2, b"")), {"b": 3})
PLAIN = {
    "name": "a",
    "done": True,
    "block": None,
    "parts": [{"number": 1, "data": "01ff"}, {"number": 2, "data": ""}],
    "last": {"b": 3},
}


def test_there_and_back() -> None:
    assert to_plain(WHOLE) == PLAIN
    assert from_plain(Whole, PLAIN, "A whole") == WHOLE
    assert from_plain(Whole, PLAIN | {"block": 7}, "A whole").block == 7


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1},
        {"name": None},
        {"done": 1},
        {"block": True},
        {"block": "7"},
        {"parts": {}},
        {"parts": [{"number": 1}]},
        {"parts": [{"number": 1, "data": "0"}]},
        {"parts": [{"number": 1, "data": "FF"}]},
        {"parts": [{"number": 1, "data": " 01"}]},
        {"parts": [{"number": 1.0, "data": ""}]},
        {"last": {"b": None}},
        {"last": []},
        {"more": 1},
    ],
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match="A whole"):
        from_plain(Whole, PLAIN | change, "A whole")
    for value in (None, [], "a", 1):
        with pytest.raises(MalformedError):
            from_plain(Whole, value, "A whole")
