"""No circle of files in the proving core: what a file uses does not use it in turn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CRATES = sorted((Path(__file__).parents[2] / "circuits/crates").glob("*/src"))
#: `use crate::name` or a path in the middle of code; `use crate::{a::.., b}` names several.
ONE = re.compile(r"\bcrate::(\w+)")
SEVERAL = re.compile(r"\bcrate::\{((?:[^{}]|\{[^{}]*\})*)\}")


def named(text: str) -> set[str]:
    """The modules of its crate that a file names, tests and comments aside."""
    code = re.sub(r"//.*", "", text.split("#[cfg(test)]\nmod tests", maxsplit=1)[0])
    several = (re.sub(r"\{[^{}]*\}", "", inner) for inner in SEVERAL.findall(code))
    return {
        *ONE.findall(code),
        *(name for inner in several for name in re.findall(r"(?:^|,)\s*(\w+)", inner)),
    }


def uses(source: Path) -> dict[str, set[str]]:
    """Each file of a crate with those it uses; what `lib.rs` re-exports is its module's."""
    files = {file.stem: file.read_text() for file in source.glob("*.rs")}
    root = files.pop("lib", "") + files.pop("main", "")
    exported: dict[str, str] = {}
    for module, names in re.findall(r"pub use (\w+)::(\w+|\{[^{}]*\})", root):
        exported |= dict.fromkeys(re.findall(r"\w+", names), module)
    return {
        name: {exported.get(used, used) for used in named(text)} & files.keys() - {name}
        for name, text in files.items()
    }


def circle(graph: dict[str, set[str]]) -> set[str]:
    """What is left when files that use nothing else are taken away, over and over."""
    left = {name: set(used) for name, used in graph.items()}
    while free := {name for name, used in left.items() if not used}:
        left = {name: used - free for name, used in left.items() if name not in free}
    return set(left)


@pytest.mark.parametrize("source", CRATES, ids=lambda source: source.parent.name)
def test_no_circle_of_files(source: Path) -> None:
    graph = uses(source)
    assert not circle(graph), {name: graph[name] for name in circle(graph)}


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a", "b", "c"}
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    text = "use crate::{one::A, two::{B, C}, three};\nlet x = crate::four::D;\n// crate::five\n"
    assert named(text) == {"one", "two", "three", "four"}
