"""``--shape`` and ``--fix``: what a model's file leaves open, for the commands that read one."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from verifai.errors import UsageError


def add_shapes(parser: argparse.ArgumentParser) -> None:
    """Both options, repeatable."""
    parser.add_argument(
        "--shape",
        action="append",
        metavar="NAME=DIMS",
        help="a length that the model's file leaves open, sequence=16, or a whole input, "
        "image=1,3,224,224; repeatable; an open batch axis is 1 by itself",
    )
    parser.add_argument(
        "--fix",
        action="append",
        metavar="NAME=VALUE",
        help="an input that becomes a constant of the model, such as what chooses a branch: "
        "sr=16000, or a list in JSON; repeatable",
    )


def fixed_of(words: list[str] | None) -> dict[str, Any]:
    """What ``--fix`` gives, as :func:`verifai.load` takes it.

    Raises:
        UsageError: a value that is no JSON, or a name that comes twice.
    """
    found: dict[str, Any] = {}
    for word in words or ():
        name, _, text = word.rpartition("=")  # values have no equals sign
        try:
            value = json.loads(text) if name else None
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, bool | int | float | list):
            raise UsageError(
                f"A fixed input is NAME=VALUE, found {word!r}.",
                hint="--fix sr=16000, --fix training=false, --fix 'sizes=[2, 3]'",
            )
        if name in found:
            raise UsageError(f"The value of {name!r} comes twice.")
        found[name] = value
    return found


def shapes_of(words: list[str] | None) -> dict[str, int | tuple[int, ...]]:
    """What ``--shape`` gives, as :func:`verifai.load` takes it.

    Raises:
        UsageError: dimensions that are no numbers, or a name that comes twice.
    """
    found: dict[str, int | tuple[int, ...]] = {}
    for word in words or ():
        # a symbol may be an expression with an equals sign in it; dimensions have none
        name, _, dims = word.rpartition("=")
        if not name or not re.fullmatch(r"[0-9]{1,18}([,x][0-9]{1,18})*", dims):
            raise UsageError(
                f"A shape is NAME=DIMS, found {word!r}.",
                hint="--shape sequence=16, --shape image=1,3,224,224",
            )
        if name in found:
            raise UsageError(f"The shape of {name!r} comes twice.")
        numbers = tuple(int(number) for number in re.split("[,x]", dims))
        found[name] = numbers[0] if len(numbers) == 1 else numbers
    return found
