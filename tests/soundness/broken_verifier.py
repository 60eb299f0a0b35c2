"""The Python verifier with one thing left out.

A claim is left out by giving it the scale 0 instead of its power of lambda; a check by compiling
the module without the statement that refuses.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from verifai.verifier.native.field import P

Verifier = Callable[..., None]
#: The rooms of the verifier that refuse proofs. (The package exports a function called verify.)
MODULES = {
    name: import_module(f"verifai.verifier.native.{name}")
    for name in ("verify", "opening", "transcript", "hiding")
}
#: What the module verify takes from the others.
TAKEN = (
    ("opening", "check_opening"),
    ("transcript", "ProofReader"),
    ("transcript", "Transcript"),
    ("hiding", "check_tail"),
)


def without_claims(left_out: set[int], counted: list[int] | None = None) -> Verifier:
    """The verifier without the claims of these numbers, in the order of "Claims".

    ``counted``, if given, receives the number of every claim that was asked for.
    """

    def powers(base: int) -> Iterator[int]:
        power, number = 1, 0
        while True:
            if counted is not None:
                counted.append(number)
            yield 0 if number in left_out else power
            power, number = power * base % P, number + 1

    return assembled({"verify": compiled("verify", {"_powers": powers})})


def without_checks(*steps: str) -> Verifier:
    """The verifier without any ``raise refused(step, ...)`` for these steps."""
    unknown = set(steps).difference(*map(steps_that_refuse, MODULES))
    assert not unknown, f"no check is called {unknown}"
    return assembled({name: compiled(name, {}, steps) for name in MODULES})


def with_decoders(**decoders: Callable[[bytes], Any]) -> Verifier:
    """The verifier with other readers of elements."""
    return assembled({"transcript": compiled("transcript", decoders)})


def with_challenge(**known: int) -> Verifier:
    """The verifier that does not draw these challenges, but takes numbers known to everyone."""
    real = MODULES["transcript"].Transcript

    class Known(real):  # type: ignore[misc, valid-type]
        def challenge(self, label: str) -> int:
            drawn: int = super().challenge(label)
            return known.get(label.replace(" ", "_"), drawn)

    return assembled({"verify": compiled("verify", {"Transcript": Known})})


def assembled(copies: dict[str, Any]) -> Verifier:
    """``verify`` of these modules, the missing ones being the real ones."""
    verify = copies.get("verify") or compiled("verify", {})
    for name, taken in TAKEN:
        if name in copies:
            setattr(verify, taken, getattr(copies[name], taken))
    entry: Verifier = verify.verify
    return entry


class _Remove(ast.NodeTransformer):
    def __init__(self, steps: tuple[str, ...]) -> None:
        self.steps = steps

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        call = node.exc
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "refused"
            and isinstance(call.args[0], ast.Constant)
            and call.args[0].value in self.steps
        ):
            return ast.Pass()
        return node


def steps_that_refuse(name: str) -> set[str]:
    """The names of the checks in a module."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(inspect.getsource(MODULES[name])))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "refused"
        and isinstance(node.args[0], ast.Constant)
    }


def compiled(name: str, changes: dict[str, Any], steps: tuple[str, ...] = ()) -> Any:
    """A copy of a module with other globals, and without some checks."""
    module = MODULES[name]
    tree = ast.fix_missing_locations(_Remove(steps).visit(ast.parse(inspect.getsource(module))))
    copy = ModuleType(module.__name__)
    copy.__dict__["__package__"] = module.__package__
    sys.modules[module.__name__] = copy  # dataclasses look their module up by name
    try:
        exec(compile(tree, f"<{name}, broken>", "exec"), copy.__dict__)
    finally:
        sys.modules[module.__name__] = module
    missing = [key for key in changes if not hasattr(copy, key)]
    assert not missing, f"{name} has no {missing}"
    copy.__dict__.update(changes)
    return copy
