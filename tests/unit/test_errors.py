"""Each error is also the builtin that a Python user would catch, and refusals are none."""

from __future__ import annotations

import ast
import builtins
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifai import errors
from verifai.errors import VerifaiError

PACKAGE = Path(errors.__file__).parent
#: What each error is besides one of ours; None for a refusal, which no such block may swallow.
BUILTINS: dict[str, type[Exception] | None] = {
    "VerifaiError": None,
    "InternalError": RuntimeError,
    "UsageError": ValueError,
    "VerificationError": None,
    "ChainRejectedError": None,
    "MalformedError": ValueError,
    "InputError": ValueError,
    "LimitError": ValueError,
    "MissingFileError": FileNotFoundError,
    "PolicyError": None,
    "UnsupportedError": NotImplementedError,
    "SetupError": RuntimeError,
    "FileAccessError": OSError,
    "MissingExtraError": ImportError,
    "WorkerError": RuntimeError,
    "WorkerTimeoutError": TimeoutError,
    "NetworkError": ConnectionError,
    "NetworkTimeoutError": TimeoutError,
}
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, VerifaiError)
}


def test_every_error_is_in_the_table() -> None:
    assert set(KINDS) == set(BUILTINS)


@pytest.mark.parametrize("name", BUILTINS)
def test_an_error_is_its_builtin_and_says_the_same(name: str) -> None:
    kind, builtin = KINDS[name], BUILTINS[name]
    refusal = issubclass(kind, errors.VerificationError)
    error = kind("No.", hint="Do.", **({"check": 7} if refusal else {}))
    ours = {base for base in kind.__mro__ if base.__module__ == "builtins"}
    if builtin is None:
        assert ours == {Exception, BaseException, object}
    else:
        assert isinstance(error, builtin)
        assert f"{builtin.__name__} " in next(
            line for line in (errors.__doc__ or "").splitlines() if re.search(rf" {name} ", line)
        )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    for one in (error, again):
        assert (type(one), one.args, str(one)) == (kind, ("No.",), str(error))
        assert one.to_dict() == error.to_dict()
    assert "No. Hint: Do." in str(error)


def caught_here() -> Iterator[tuple[str, str, str]]:
    """Where an error of ours is raised inside a ``try`` whose ``except`` is for the builtin."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for block in ast.walk(ast.parse(file.read_text())):
            if not isinstance(block, ast.Try):
                continue
            raised = {
                node.exc.func.id
                for statement in block.body
                for node in ast.walk(statement)
                if isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Call)
                and isinstance(node.exc.func, ast.Name)
            }
            for handler in block.handlers:
                words = re.findall(r"\w+", ast.unparse(handler.type)) if handler.type else []
                caught = [getattr(errors, w, getattr(builtins, w, None)) for w in words]
                kinds = tuple(kind for kind in caught if isinstance(kind, type))
                if any(issubclass(kind, VerifaiError) for kind in kinds):
                    break  # ours come first
                narrow = tuple(kind for kind in kinds if not issubclass(Exception, kind))
                for name in raised & set(KINDS):
                    if issubclass(KINDS[name], narrow):
                        yield file.name, name, " ".join(words)


def test_no_block_for_a_builtin_swallows_an_error_that_is_raised_in_it() -> None:
    assert list(caught_here()) == []
