"""The pages for newcomers name what is there: every path, every room, every layer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = ("verifai/", "tests/", "circuits/", "docs/", "benchmarks/", "examples/")


@pytest.mark.parametrize("page", ["change.md", "architecture.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    text = (DOCS / page).read_text()
    paths = [word for word in re.findall(r"`([^`\s]+)`", text) if word.startswith(TOP)]
    assert len(paths) > 10
    for path in paths:
        if not re.search(r"[/](name|Name)\b", path):  # what the reader is about to add
            assert (ROOT / path).exists(), f"{page} names {path}"


def test_change_answers_for_what_a_newcomer_adds() -> None:
    headings = re.findall(r"^## A new (.+)$", (DOCS / "change.md").read_text(), re.M)
    wanted = ["operator", "check", "contract", "command", "backend", "chain standard"]
    assert headings == wanted
    for section in (DOCS / "change.md").read_text().split("\n## A new ")[1:]:
        assert "*Smallest example*: `" in section.partition("\n## ")[0]


def test_the_architecture_shows_every_room() -> None:
    page = (DOCS / "architecture.md").read_text()
    for room in (ROOT / "verifai").iterdir():
        if (room / "__init__.py").exists():
            assert f"`verifai/{room.name}`" in page, room.name


def test_the_core_has_a_row_for_each_crate() -> None:
    page = (ROOT / "circuits" / "README.md").read_text()
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert {crate.name for crate in (ROOT / "circuits" / "crates").iterdir()} <= named


def test_the_layers_are_import_linters() -> None:
    settings = (ROOT / "pyproject.toml").read_text().partition("layers = [")[2].partition("]")[0]
    layers = [
        [name.strip().removeprefix("verifai.") for name in re.split(r"[|:]", line)]
        for line in re.findall(r'"([^"]+)"', settings)
    ]
    page = (DOCS / "architecture.md").read_text().partition("```text\n")[2].partition("```")[0]
    assert [sorted(line.split()) for line in page.splitlines()] == [sorted(one) for one in layers]


def test_what_the_code_cites_is_in_the_repository() -> None:
    """Pages by their path, sections of the protocol by their name."""
    protocol = (DOCS / "protocol.md").read_text()
    sections = re.findall(r"^#+ (?:\d+\. )?(.+)$|^\*\*(.+?)[.*,]", protocol, re.M)
    names = {" ".join(one or other for one, other in [pair]) for pair in sections}
    files = [file for top in ("verifai", "circuits", "tests", "benchmarks") for file in code(top)]
    assert len(files) > 300
    for file in files:
        if "sumcheck" in file.parts:
            continue  # being rewritten
        text = re.sub(r"\s*\n\s*(?://[/!]|#)?:? *", " ", file.read_text())
        assert not re.search(r"`[\w/-]*(?<!docs/)protocol\.md`|\bsections? \d+ of", text), file
        for cited in re.findall(r"\b((?:docs|research|specs)/[\w/-]+\.md)\b", text):
            assert (ROOT / cited).exists(), f"{file} cites {cited}"
        for named in re.findall(r"docs/protocol\.md`*, \"([^\"]+)\"", text):
            assert named in names, f"{file} cites the section {named!r}"


def code(top: str) -> list[Path]:
    found = [*(ROOT / top).rglob("*.py"), *(ROOT / top).rglob("*.rs")]
    return [file for file in found if "target" not in file.parts and file.name != "test_pages.py"]
