"""Reading arrays and writing artefacts on behalf of a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from verifai.errors import MalformedError, UsageError
from verifai.limits import MIB
from verifai.proof import Opening
from verifai.proof.codec import check_json_depth

#: Inputs and calibration data come as files; this bounds a wrong path, not a real batch.
MAX_DATA_BYTES: Final = 1024 * MIB


def read_arrays(path: str) -> Any:
    """An input from ``.npy`` (one array), ``.json`` (nested lists, or an object by name) or
    ``.opening`` (another proof's output, to be linked).

    Raises:
        MalformedError: another kind of file, a pickle inside, or not numbers.
    """
    file = Path(path)
    if not file.is_file():
        raise MalformedError(f"No such file: {path}.")
    if file.stat().st_size > MAX_DATA_BYTES:
        raise MalformedError(f"{path} is larger than MAX_DATA_BYTES ({MAX_DATA_BYTES}).")
    try:
        if file.suffix == ".opening":
            return Opening.load(file)
        if file.suffix == ".npy":
            return np.load(file, allow_pickle=False)
        if file.suffix == ".json":
            data = file.read_bytes()
            check_json_depth(data)
            value = json.loads(data.decode("utf-8"), parse_constant=_refuse)
            if isinstance(value, dict):
                return {name: np.asarray(item) for name, item in value.items()}
            return np.asarray(value)
    except (ValueError, EOFError, OSError, RecursionError) as error:
        raise MalformedError(f"{path}: {error}.") from None
    raise MalformedError(
        f"{path}: data files end in .npy, .json or .opening.", hint="np.save(path, array)"
    )


def target(path: str, force: bool) -> Path:
    """``path`` if it may be written."""
    file = Path(path)
    if file.exists() and not force:
        raise UsageError(f"{path} exists.", hint="--force overwrites it.")
    return file


def pairs(items: list[str] | None, what: str) -> dict[str, str | int] | None:
    """``NAME=VALUE`` words as a dict; digits become integers."""
    if not items:
        return None
    result: dict[str, str | int] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise UsageError(f"{what} is NAME=VALUE, found {item!r}.")
        result[name] = int(value) if value.isdecimal() and value.isascii() else value
    return result


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number here")
