"""Weight files beside a model, as ONNX's external data: contained, regular, bounded."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from verifai.errors import LimitError, MalformedError, UnsupportedError
from verifai.extras import require
from verifai.limits import MAX_EXTERNAL_DATA_BYTES
from verifai.model.structure import (
    check_shape,
    every_graph,
    known_type,
    subgraphs_of,
    tensors,
    tensors_of,
)


def inline_external_data(proto: Any, folder: Path | None) -> None:
    """Move all external tensors of ``proto`` into it.

    Args:
        proto: a ``ModelProto``.
        folder: the folder of the model file; None when the model came as bytes.

    Raises:
        MalformedError: a path that leaves ``folder``, a link, a device, a hard link, a range
            outside the file, or one that is not as long as the tensor.
        LimitError: more than ``MAX_EXTERNAL_DATA_BYTES`` together.
        UnsupportedError: external data, and no folder to look in.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    total = 0
    for tensor in _tensors(proto):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        if folder is None:
            raise UnsupportedError(
                f"Weight {tensor.name!r} lies outside the model, which came as bytes.",
                hint="Load the model from its folder, or export with external_data=False.",
            )
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if len(entries) != len(tensor.external_data):
            raise MalformedError(f"Weight {tensor.name[:80]!r} says twice where it lies.")
        room = MAX_EXTERNAL_DATA_BYTES - total
        data = _read(folder, entries, tensor.name, _size(tensor, onnx), room)
        total += len(data)
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.raw_data = data


def _tensors(proto: Any) -> Iterator[Any]:
    """Of the graph and of the functions, and of all graphs inside."""
    yield from tensors(every_graph(proto.graph))
    for function in proto.functions:
        yield from tensors_of(function.node)
        yield from tensors(subgraphs_of(function.node))


def _size(tensor: Any, onnx: Any) -> int:
    """Bytes that the tensor's shape and type take; packed types have two elements in a byte."""
    what = f"Weight {tensor.name[:80]!r}"
    check_shape(list(tensor.dims), what, zero_allowed=True)
    count: int = math.prod(tensor.dims)
    types = onnx.TensorProto
    if tensor.data_type in (types.INT4, types.UINT4):
        return (count + 1) // 2
    return count * known_type(tensor.data_type, what).itemsize


def _read(folder: Path, entries: dict[str, str], name: str, size: int, room: int) -> bytes:
    what = f"Weight {name[:80]!r}"
    location = entries.get("location", "")
    parts = PurePosixPath(location).parts
    if (
        not parts
        or location.startswith(("/", "\\"))
        or "\\" in location
        or "\0" in location
        or ":" in parts[0]
        or any(part in ("..", ".") for part in location.split("/"))
    ):
        raise MalformedError(
            f"{what} points to {location[:80]!r}, outside the model's folder.",
            hint="External data may lie only beside the model. The file was not opened.",
        )
    try:
        offset, length = (int(entries.get(key, "0") or "0", 10) for key in ("offset", "length"))
    except ValueError:
        raise MalformedError(f"{what} has an offset or length that is no number.") from None
    # Open each part relative to the one before without following links, so that nothing can be
    # swapped between check and use.
    opened: list[int] = []
    try:
        current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        opened.append(current)
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            current = os.open(part, flags, dir_fd=current)
            opened.append(current)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(parts[-1], flags, dir_fd=current)
        opened.append(file)
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
            raise MalformedError(f"{what}: {location[:80]!r} is not a plain file of its own.")
        if "length" not in entries:
            length = info.st_size - offset
        if offset < 0 or length < 0 or offset + length > info.st_size:
            raise MalformedError(f"{what} reads past the end of {location[:80]!r}.")
        if length != size:
            raise MalformedError(f"{what} has {length} bytes in its file; its shape takes {size}.")
        if length > room:
            raise LimitError("External data exceed MAX_EXTERNAL_DATA_BYTES.")
        with os.fdopen(os.dup(file), "rb") as reader:
            reader.seek(offset)
            data = reader.read(length)
    except OSError as error:
        raise MalformedError(
            f"{what}: {location[:80]!r} cannot be read inside the model's folder "
            f"({error.strerror}); links are not followed."
        ) from None
    finally:
        for descriptor in opened:
            os.close(descriptor)
    if len(data) != length:
        raise MalformedError(f"{what}: {location[:80]!r} changed while it was read.")
    return data
