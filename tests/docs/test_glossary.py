"""One name for one thing: the glossary's words are used, and words that were given up are not."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("verifai", "circuits", "docs", "README.md")
ENDINGS = {".py", ".pyi", ".rs", ".sol", ".md", ".toml"}
#: Words that were given up, and where they may still occur: only ever fewer.
RETIRED: Final = {
    r"skeleton": ("verifai/contracts",),
    r"relower": (),
    r"[\"']padded[\"']": (),
    r"stage_2": ("circuits",),
    r"\bboxes\b|(class|struct) Box\b": ("verifai/circuit/layout.py",),
    r"\bpull\(|\bpull\.rs|mod pull\b": (),
    r"EnvironmentFault|MissingExtra\b|ChainRejected\b|EzklError\b": (),
    r"specs/native": (),
    r"\bverifai\.register\(": (),
    r"verifai/chain/contracts|verifai\.chain\.(node|transactions|market|artefacts)": (),
}


@cache
def texts() -> dict[str, str]:
    files = [file for top in FOLDERS for file in [ROOT / top, *(ROOT / top).rglob("*")]]
    return {
        str(file.relative_to(ROOT)): file.read_text()
        for file in files
        if file.suffix in ENDINGS and not {"target", "_build"} & set(file.parts)
    }


def terms() -> list[str]:
    return re.findall(r"^(\S.*)\n: ", texts()["docs/glossary.md"], re.M)


def test_the_glossary_has_each_term_once() -> None:
    assert len(terms()) > 60
    assert len(set(terms())) == len(terms())


def test_each_term_is_used() -> None:
    everything = "\n".join(text for name, text in texts().items() if name != "docs/glossary.md")
    everything = re.sub(r"[\s_]+", " ", everything).lower()
    assert not [term for term in terms() if not re.search(rf"\b{term.lower()}", everything)]


@pytest.mark.parametrize("word", RETIRED)
def test_no_word_that_was_given_up_comes_back(word: str) -> None:
    left = {name for name, text in texts().items() if re.search(word, text)}
    left -= {"docs/glossary.md"}
    assert not [name for name in left if not name.startswith(RETIRED[word])]
