"""Reading arrays and writing artefacts on behalf of a command."""

from __future__ import annotations

import io
import json
import math
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.lib.format as npy

from verifai.errors import FileAccessError, MalformedError, UsageError, VerifaiError
from verifai.limits import MIB, Bound
from verifai.proof import Opening
from verifai.proof.codec import check_json_depth
from verifai.proof.files import read_regular

#: Inputs and calibration data come as files; this bounds a wrong path, not a real batch.
MAX_DATA_BYTES: Final = Bound("MAX_DATA_BYTES", 1024 * MIB)
#: JSON takes twenty times its length in memory once it is parsed.
MAX_JSON_BYTES: Final = Bound("MAX_JSON_BYTES", 64 * MIB)
#: Of 2^256 - 1, the largest number in a context; Python refuses to read far longer ones.
_MAX_DIGITS: Final = 78


def read_arrays(path: str) -> Any:
    """An input from ``.npy`` (one array), ``.json`` (nested lists, an object by name, or a list of
    such objects) or ``.opening`` (another proof's output, to be linked).

    Raises:
        MalformedError: another kind of file, a pickle inside, or not numbers.
    """
    if Path(path).suffix == ".opening":
        return Opening.load(path)
    reader = {".npy": _npy, ".json": _json}.get(Path(path).suffix)
    if reader is None:
        raise MalformedError(
            f"{path}: data files end in .npy, .json or .opening.", hint="np.save(path, array)"
        )
    data = read_regular(path, MAX_DATA_BYTES if reader is _npy else MAX_JSON_BYTES)
    try:
        return reader(data)
    except VerifaiError:
        raise
    except (ValueError, EOFError, OverflowError, RecursionError) as error:
        raise MalformedError(f"{path}: {error}.") from None


def _npy(data: bytes) -> Any:
    """numpy's own reader allocates what the header declares; here the header must be true."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the .npy format is not read here")
    shape, fortran, dtype = readers[version](stream)
    if dtype.kind not in "fiub":
        raise ValueError(f"the file holds {dtype}, not numbers")
    held = len(data) - stream.tell()
    if any(axis < 0 for axis in shape) or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"shape {shape!r:.80} of {dtype} does not take the file's {held} bytes")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    # a copy in this machine's byte order: what lies in the file is read-only
    return flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="))


def _json(data: bytes) -> Any:
    check_json_depth(data)
    value = json.loads(data.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_distinct)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [_named(item) for item in value]
    return _named(value) if isinstance(value, dict) else _numbers(value)


def _named(value: dict[str, Any]) -> dict[str, Any]:
    return {name: _numbers(item) for name, item in value.items()}


def _numbers(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError("expected nested lists of numbers")
    return array


def target(path: str, force: bool) -> Path:
    """``path`` if it may be written, found out before the work.

    Raises:
        UsageError: it exists and is not to be replaced, or is a folder, pipe or device.
        FileAccessError: its folder does not let us write.
    """
    file = Path(path)
    try:
        above = Path(os.path.realpath(file)).parent
        while not above.exists():
            above = above.parent
        if file.exists() and not file.is_file():
            raise UsageError(f"{path} is not a regular file.", hint="Choose another path.")
        if file.exists() and not force:
            raise UsageError(f"{path} exists.", hint="--force overwrites it.")
    except VerifaiError:
        raise
    except ValueError:  # a NUL
        raise UsageError(f"Not a path: {path!r}.") from None
    except OSError as error:
        raise FileAccessError(f"Cannot write {path}: {error.strerror}.") from None
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise FileAccessError(f"Cannot write {path}: {above} is no folder that can be written.")
    return file


def pairs(words: list[str] | None, what: str) -> dict[str, str]:
    """``NAME=VALUE`` words by their names; none are no words."""
    found = {}
    for word in words or ():
        name, equals, found[name] = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{what} is NAME=VALUE, found {word!r}.")
    return found


def context_of(words: list[str] | None) -> dict[str, str | int] | None:
    """The context that ``--context`` words give, if any; digits become integers."""
    context: dict[str, str | int] = {}
    for name, value in pairs(words, "A context entry").items():
        number = value.isdecimal() and value.isascii()
        if number and len(value) > _MAX_DIGITS:
            what = "A context entry has up to"
            raise UsageError(f"{what} {_MAX_DIGITS} digits: {name[:80]!r} has more.")
        context[name] = int(value) if number else value
    return context or None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number here")
