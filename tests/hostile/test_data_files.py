"""Inputs and calibration data: .npy and .json files from strangers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.lib.format as npy
import pytest

from tests.hostile.route import KINDS, command, listing, refused_everywhere
from tests.hostile.test_containers import archive, as_npz
from verifai.cli.files import MAX_JSON_BYTES, read_arrays
from verifai.errors import InputError, MalformedError


def saved(array: Any, **options: Any) -> bytes:
    held = io.BytesIO()
    np.save(held, array, **options)
    return held.getvalue()


def claimed(header: dict[str, Any], data: bytes = bytes(128)) -> bytes:
    """A .npy file whose header says what we like."""
    held = io.BytesIO()
    npy.write_array_header_1_0(held, header)
    return held.getvalue() + data


def header(text: str) -> bytes:
    """A .npy file with a header of this text."""
    padded = text.encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(padded).to_bytes(2, "little") + padded


GOOD = saved(np.ones((8, 1, 4), np.float32))
FLOAT = {"descr": "<f4", "fortran_order": False}

NPY: dict[str, bytes] = {
    "a shape of 2^40": claimed({**FLOAT, "shape": (1 << 40,)}),
    "an overflowing shape": claimed({**FLOAT, "shape": (1 << 32, 1 << 32)}),
    "a negative shape": claimed({**FLOAT, "shape": (-8, -4)}),
    "a shape of 100 axes": claimed({**FLOAT, "shape": (1,) * 99 + (32,)}),
    "too few bytes": GOOD[:-1],
    "too many bytes": GOOD + b"\0",
    "only the magic": GOOD[:6],
    "only the header's length": GOOD[:10],
    "half a header": GOOD[:40],
    "a pickle": saved(np.array([{}], dtype=object), allow_pickle=True),
    "text": saved(np.array(["1", "2"])),
    "records": saved(np.zeros(4, dtype=[("a", "<f4"), ("b", "<i8")])),
    "dates": saved(np.zeros(4, dtype="datetime64[s]")),
    "complex numbers": saved(np.zeros(4, dtype=complex)),
    "elements of 2 GB": claimed({"descr": "|V2147483647", "fortran_order": False, "shape": (1,)}),
    "version 9": b"\x93NUMPY\x09\0" + GOOD[8:],
    "a header that is code": header("__import__('os').system('touch canary')"),
    "a header of deep lists": header("[" * 5000 + "]" * 5000),
    "a header of another type": header("[1, 2]"),
    "a header of no text": b"\x93NUMPY\1\0\4\0\xff\xfe\xfd\n",
    "a zip archive": archive(GOOD),
    "an npz archive": as_npz(GOOD),
    "JSON": b"[[1, 2]]",
}

JSON: dict[str, bytes] = {
    "nothing but a space": b" ",
    "half a list": b"[[1, 2",
    "two documents": b"[1] [2]",
    "NaN": b"[[NaN, 0, 0, 0]]",
    "Infinity": b"[[-Infinity, 0, 0, 0]]",
    "text": b'[["1", "2", "3", "4"]]',
    "text alone": b'"abcd"',
    "null": b"[[null, 0, 0, 0]]",
    "a ragged list": b"[[1], [1, 2]]",
    "no numbers at all": b"{}",
    "lists of objects": b'[{"a": 1}]',
    "an object in an object": b'{"x": {"y": [1]}}',
    "a duplicate name": b'{"x": [[1, 2, 3, 4]], "x": [[4, 3, 2, 1]]}',
    "an unknown name": b'{"nowhere": [[1, 2, 3, 4]]}',
    "invalid UTF-8": b'{"\xff": [[1, 2, 3, 4]]}',
    "a NUL": b"[[1, 2, 3, 4]]\0",
    "5000 digits": b"[[" + b"9" * 5000 + b", 0, 0, 0]]",
    "an integer beyond 64 bits": b"[[" + b"9" * 40 + b", 0, 0, 0]]",
    "beyond all floats": b"[[1e999, 0, 0, 0]]",
    "deep lists": b"[" * 1_000_000 + b"]" * 1_000_000,
    "many axes": b"[" * 16 + b"1" + b"]" * 16,
    "another shape": b"[[1, 2, 3]]",
    "an empty list": b"[]",
    "a numpy file": GOOD,
}


@pytest.mark.parametrize("name", NPY)
@pytest.mark.parametrize("kind", ["calibration", "input"])
def test_npy_files(kind: str, name: str, folder: Path) -> None:
    path = folder / "attack.npy"
    path.write_bytes(NPY[name])
    assert isinstance(refused_everywhere(kind, path, folder), MalformedError)
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("kind", ["calibration", "input"])
def test_json_files(kind: str, name: str, folder: Path) -> None:
    """The file is refused, or what it holds is no input of the model."""
    path = folder / "attack.json"
    path.write_bytes(JSON[name])
    before = listing(folder)
    code, value = command(KINDS[kind].command, folder, path=path, new=folder / "new")
    assert (code, value["ok"]) in ((2, False), (3, False)), value
    assert listing(folder) == before
    try:
        read_arrays(str(path))
    except MalformedError:
        return
    assert value["error"] in ("InputError", "UsageError")


@pytest.mark.parametrize("values", [np.nan, np.inf, -np.inf, 1e300, 1e39])
@pytest.mark.parametrize("kind", ["calibration", "input"])
def test_numbers_that_no_circuit_holds(kind: str, values: float, folder: Path) -> None:
    np.save(folder / "attack.npy", np.full((8, 1, 4), values))
    words = KINDS[kind].command
    code, value = command(words, folder, path=folder / "attack.npy", new=folder / "new")
    assert (code, value["error"]) in ((3, InputError.__name__), (5, "UnsupportedError")), value


def test_json_has_a_smaller_limit(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    with path.open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(MalformedError, match="the limit is"):
        read_arrays(str(path))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(8.0).reshape(2, 4),
        np.asfortranarray(np.arange(8.0).reshape(2, 4)),
        np.arange(8, dtype=">i4").reshape(2, 4),
        np.array(3.0),
        np.zeros((0, 4)),
        np.array([True, False]),
    ],
)
def test_honest_arrays_come_back(array: Any, tmp_path: Path) -> None:
    for version in ((1, 0), (2, 0)):
        with (tmp_path / "data.npy").open("wb") as file:
            npy.write_array(file, array, version=version)
        back = read_arrays(str(tmp_path / "data.npy"))
        assert back.dtype.isnative
        assert back.shape == array.shape
        assert np.array_equal(back, array)
    if array.dtype.kind == "f" and array.size:
        (tmp_path / "data.json").write_text(json.dumps({"x": array.tolist()}))
        assert np.array_equal(read_arrays(str(tmp_path / "data.json"))["x"], array)


OUTPUTS: dict[str, str] = {
    "compile": "compile model.onnx --calibration data.npy --out key.vfk",
    "setup, proving key": "setup circuit.vfc --pk key.vfk --vk new",
    "setup, verifying key": "setup circuit.vfc --pk new --vk key.vfk",
    "setup, weights": "setup circuit.vfc --pk new --vk new2 --prove-weights key.vfk",
    "setup, one file twice": "setup circuit.vfc --pk new --vk ./new",
    "setup, one file twice by force": "setup circuit.vfc --pk new --vk new --force",
    "prove": "prove proving.vfp --input input.json --out key.vfk",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_command_overwrites_what_is_there(name: str, folder: Path) -> None:
    before = listing(folder)
    code, value = command(OUTPUTS[name], folder)
    assert (code, value["error"]) == (2, "UsageError")
    assert listing(folder) == before
