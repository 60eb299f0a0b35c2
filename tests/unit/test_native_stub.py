"""The typed stub of the Rust module names what the module has, arguments included."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import verifai
from verifai import _native

pytestmark = pytest.mark.unit

STUB = Path(verifai.__file__).with_name("_native.pyi")
#: For tests of soundness and hiding alone: the shipped module need not have them.
FOR_TESTS = {"Prover.prove_spoiled"}


def arguments(function: ast.FunctionDef) -> list[str]:
    found = function.args
    return [a.arg for a in (*found.posonlyargs, *found.args, *found.kwonlyargs)]


def of_the_stub() -> dict[str, list[str] | None]:
    """Arguments by name; None of a property."""
    names: dict[str, list[str] | None] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names[node.name] = arguments(node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    words = {d.id for d in inner.decorator_list if isinstance(d, ast.Name)}
                    own = arguments(inner)[0 if "staticmethod" in words else 1 :]
                    name = node.name if inner.name == "__new__" else f"{node.name}.{inner.name}"
                    names[name] = None if "property" in words else own
    return names


def of_the_module() -> dict[str, list[str] | None]:
    def signature(thing: Any) -> list[str]:
        return [name for name in inspect.signature(thing).parameters if name != "self"]

    names: dict[str, list[str] | None] = {}
    for name in _native.__all__:
        thing = inspect.unwrap(getattr(_native, name))  # a prover is watched in tests
        if not isinstance(thing, type):
            names[name] = signature(thing)
            continue
        if thing.__text_signature__:  # a class without one makes its instances otherwise
            names[name] = signature(thing)
        for inner, value in vars(thing).items():
            if not inner.startswith("__"):
                bound = getattr(thing, inner)
                names[f"{name}.{inner}"] = signature(bound) if callable(bound) else None
                assert callable(bound) or inspect.isdatadescriptor(value)
    return names


def test_the_stub_is_the_module() -> None:
    made = of_the_module()
    assert of_the_stub() == {name: made[name] for name in made if name not in FOR_TESTS}
