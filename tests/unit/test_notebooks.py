"""What notebooks show of a statement, a circuit and a report, whatever strangers call things."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.unit.test_statement import D, statement
from verifai.audit import Entry, Report
from verifai.circuit import Circuit
from verifai.printable import html_table

pytestmark = pytest.mark.unit

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m"
SHOWN = "<script>alert(1)</script>\"'&\\u202e\\u001b[31m"


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.add(tag)
        assert all(name == "style" for name, _ in attributes)

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def hostile_statement() -> Any:
    said = statement({HOSTILE: HOSTILE})
    named = replace(said.inputs[0], spec=replace(said.inputs[0].spec, name=HOSTILE))
    return replace(said, inputs=(named, *said.inputs[1:]), weights_ranged=True)


def hostile_circuit() -> Circuit:
    said = hostile_statement()
    specs = [tuple(claim.spec for claim in claims) for claims in (said.inputs, said.outputs)]
    return Circuit(D, "native", HOSTILE, "private", *specs, {HOSTILE: HOSTILE}, b"", b"", b"")


def hostile_report() -> Report:
    entry = Entry("false", HOSTILE, (), {}, None, 1)
    return Report({}, None, (entry,) * 12, (), 0, "0")


SHOWN_OF = {
    "statement": (hostile_statement, ["zero-knowledge", "0.0078125, -0.015625", D[:16], "checked"]),
    "circuit": (hostile_circuit, ["2x2, public", "private"]),
    "report": (hostile_report, ["proof 10", "and 2 more"]),
}


@pytest.mark.parametrize("kind", SHOWN_OF)
def test_names_of_strangers_are_text(kind: str) -> None:
    make, words = SHOWN_OF[kind]
    page = make()._repr_html_()
    reader = Reader()
    reader.feed(page)
    assert reader.tags == {"table", "caption", "tr", "th", "td"}
    assert SHOWN in reader.text
    assert all(word in reader.text for word in words)
    assert len(page) < 4000
    assert not {"<script", "\u202e", "\x1b"} & {
        page[i : i + n] for i in range(len(page)) for n in (1, 7)
    }


def test_long_text_is_cut() -> None:
    page = html_table("t", [("n" * 10**6, "v" * 10**6)])
    assert len(page) < 1000
    assert "(1000000 characters)" in page
