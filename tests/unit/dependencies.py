"""Which file needs which, read from the sources; and the circles in that.

A circle is a strongly connected component of more than one file: none of its files can be read,
tested or replaced without the others.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

#: For each file those it needs.
Needs = dict[Path, set[Path]]


def circles(needs: Needs) -> list[list[Path]]:
    """The strongly connected components of more than one file (Tarjan's algorithm)."""
    index: dict[Path, int] = {}
    low: dict[Path, int] = {}
    stack: list[Path] = []
    found: list[list[Path]] = []

    def visit(file: Path) -> None:
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in sorted(needs[file]):
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            start = stack.index(file)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1:
                found.append(sorted(component))

    for file in sorted(needs):
        if file not in index:
            visit(file)
    return sorted(found)


def of_python(package: Path) -> Needs:
    """Imports of a package's files among themselves, wherever they stand: at the top, under
    ``TYPE_CHECKING`` or in a function."""
    modules = {_dotted(file, package.parent): file for file in package.rglob("*.py")}
    return {
        file: {
            modules[target]
            for node in ast.walk(ast.parse(file.read_text()))
            for target in _imported(node, name, file, modules)
        }
        - {file}
        for name, file in modules.items()
    }


def _dotted(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(node: ast.AST, name: str, file: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Modules that one statement of module ``name`` imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = name.split(".")
            above = above[: len(above) - node.level + (file.stem == "__init__")]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            if inner in modules or base in modules:
                yield inner if inner in modules else base


def of_rust(crate: Path) -> Needs:
    """Paths ``crate::…`` and ``super::…`` of a crate's files. What a file hands on by ``pub use``
    is of the file that it lies in: to use a crate's facade is not to need it."""
    source = crate / "src"
    files = {_module(file, source): file for file in source.rglob("*.rs")}
    texts = {name: _code(file.read_text()) for name, file in files.items()}
    handed_on = {
        (name, alias): target
        for name, text in texts.items()
        for target, alias in _paths(re.findall(r"\bpub(?:\([^)]*\))? use ([^;]+);", text), name)
    }

    def owner(path: tuple[str, ...]) -> tuple[str, ...]:
        """The module that the item at ``path`` lies in."""
        module: tuple[str, ...] = ()
        for depth, part in enumerate(path):
            if (*module, part) in files:
                module = (*module, part)
            elif (target := handed_on.get((module, part))) and target != path:
                return owner((*target, *path[depth + 1 :]))
            else:
                break
        return module

    needs: Needs = {}
    for name, text in texts.items():
        private = re.sub(r"\bpub(?:\([^)]*\))? use [^;]+;", "", text)
        uses = re.findall(r"\buse ([^;]+);", private)
        inline = re.findall(r"\b(?:crate|super)(?:::\w+)+", re.sub(r"\buse [^;]+;", "", private))
        targets = {owner(path) for path, _ in _paths([*uses, *inline], name)}
        needs[files[name]] = {files[target] for target in targets if target != name}
    return needs


def _module(file: Path, source: Path) -> tuple[str, ...]:
    parts = file.relative_to(source).with_suffix("").parts
    return parts[:-1] if parts[-1] in ("lib", "mod", "main") else parts


def _code(text: str) -> str:
    """Without comments and without the modules of tests inside a file."""
    text = re.sub(r"//[^\n]*", "", text)
    return text.split("#[cfg(test)]\nmod ")[0]


def _paths(uses: list[str], module: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths from the crate's root, and the names they go by, of the trees after ``use``."""
    for use in uses:
        for path in _flat(re.sub(r"\s+", " ", use).strip()):
            *parts, last = path.split("::")
            last, _, alias = last.partition(" as ")
            parts = [*parts, last] if last != "self" else parts
            alias = alias or parts[-1]
            base = list(module)
            if parts[0] == "crate":
                base, parts = [], parts[1:]
            elif parts[0] in ("self", "super"):
                while parts and parts[0] in ("self", "super"):
                    base = base[:-1] if parts[0] == "super" else base
                    parts = parts[1:]
            yield (*base, *parts), alias


def _flat(tree: str) -> Iterator[str]:
    """``a::{b, c::{d}}`` as ``a::b`` and ``a::c::d``."""
    head, brace, rest = tree.partition("{")
    if not brace:
        yield tree.strip()
        return
    depth, start = 1, 0
    for at, letter in enumerate(rest):
        depth += (letter == "{") - (letter == "}")
        if (letter == "," and depth == 1) or depth == 0:
            if part := rest[start:at].strip():
                yield from _flat(f"{head.strip()}{part}")
            start = at + 1
        if depth == 0:
            return
