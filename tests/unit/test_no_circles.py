"""No circle of files, in Python or in Rust: each file can be read knowing only those under it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit import dependencies

ROOT = Path(__file__).parents[2]


def python() -> list[set[str]]:
    package = ROOT / "verifai"
    found = dependencies.circles(dependencies.of_python(package))
    return [{file.relative_to(package).as_posix() for file in circle} for circle in found]


def rust() -> list[set[str]]:
    crates = sorted((ROOT / "circuits" / "crates").iterdir())
    return [
        {f"{crate.name}/{file.relative_to(crate / 'src').as_posix()}" for file in circle}
        for crate in crates
        for circle in dependencies.circles(dependencies.of_rust(crate))
    ]


def test_no_circle_of_files() -> None:
    found = [sorted(circle) for circle in python() + rust()]
    assert not found, "files that need each other: let what both need be a file of its own"


@pytest.mark.parametrize(
    "line",
    [
        "import package.b",
        "from package import b",
        "from . import b",
        "from .b import name",
        "def later():\n    from package.b import name",
        "if TYPE_CHECKING:\n    from package.b import name",
    ],
)
def test_an_import_counts_wherever_it_stands(line: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    a, b = package / "a.py", package / "b.py"
    (package / "__init__.py").touch()
    a.write_text(line)
    b.write_text("from package.a import name")
    assert dependencies.circles(dependencies.of_python(package)) == [[a, b]]


@pytest.mark.parametrize(
    ("line", "circle"),
    [
        ("use crate::inner::b::Thing;", True),
        ("use crate::{inner::{self, b::{Thing as Other}}, c};", True),
        ("use super::inner::b;", True),
        ("use crate::Thing;", True),
        ("fn f(x: &crate::inner::b::Thing) {}", True),
        ("// use crate::inner::b::Thing;", False),
        ("#[cfg(test)]\nmod tests { use crate::inner::b::Thing; }", False),
    ],
)
def test_a_path_of_rust_counts(line: str, circle: bool, tmp_path: Path) -> None:
    source = tmp_path / "src"
    (source / "inner").mkdir(parents=True)
    a, b = source / "a.rs", source / "inner" / "b.rs"
    (source / "lib.rs").write_text("pub mod a;\npub mod inner;\npub use inner::b::Thing;")
    (source / "inner" / "mod.rs").write_text("pub mod b;")
    (source / "c.rs").touch()
    a.write_text(line)
    b.write_text("use crate::a::f;\npub struct Thing;")
    assert dependencies.circles(dependencies.of_rust(tmp_path)) == ([[a, b]] if circle else [])
