"""A static index map, as a copy of strided memory where that will do, else by tables of indices."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from verifai.graph.integer import Affine, Indices, View

#: A source is padded with zeros to at most so many times what goes in and comes out.
ROOM: Final = 4
_INT64_BITS: Final = 62


def view(
    source: npt.NDArray[Any], operation: View, shape: tuple[int, ...], batched: bool
) -> npt.NDArray[Any]:
    """``out[t] = source[i_0(t), ...]``, zero outside the source; the batch axis stays first."""
    lead = int(batched)
    maps = []
    for axis, each in enumerate(operation.axes, lead):
        if isinstance(each, Indices):
            source = source.take(each.indices, axis)
            each = Affine(0, ((each.axis, 1),))
        maps.append(each)
    full = (*source.shape[:lead], *shape)
    reach = [_reach(each, shape) for each in maps]
    before = [max(0, -low) for low, _ in reach]
    lengths = source.shape[lead:]
    after = [max(0, high + 1 - n) for (_, high), n in zip(reach, lengths, strict=True)]
    sizes = [sum(parts) for parts in zip(before, lengths, after, strict=True)]
    # sizes are Python's integers: none of this can wrap
    room = ROOM * max(source.size, math.prod(full))
    if source.dtype == object or math.prod((*source.shape[:lead], *sizes)) > room:
        return _by_index(source, maps, shape, lead)
    if any(before) or any(after):
        padded = np.zeros((*source.shape[:lead], *sizes), source.dtype)
        inside = (slice(at, at + n) for at, n in zip(before, lengths, strict=True))
        padded[(slice(None),) * lead + tuple(inside)] = source
        source = padded
    # an index is linear in the target's indices, and so is the place in memory
    strides, start = [*source.strides[:lead], *(0 for _ in shape)], []
    for each, at, stride in zip(maps, before, source.strides[lead:], strict=True):
        start.append(slice(each.offset + at, None))
        for target, factor in each.terms:
            if shape[target] > 1:  # else the factor counts for nothing, and may be any integer
                strides[lead + target] += factor * stride
    source = source[(slice(None),) * lead + tuple(start)]
    return np.asarray(as_strided(source, full, strides, writeable=False), order="C")


def _reach(each: Affine, shape: tuple[int, ...]) -> tuple[int, int]:
    """The least and the largest index that a map reads."""
    steps = [factor * (shape[target] - 1) for target, factor in each.terms]
    return (
        each.offset + sum(min(0, step) for step in steps),
        each.offset + sum(max(0, step) for step in steps),
    )


def _by_index(
    source: npt.NDArray[Any], maps: list[Affine], shape: tuple[int, ...], lead: int
) -> npt.NDArray[Any]:
    index: list[npt.NDArray[np.int64]] = []
    ones = (1,) * len(shape)
    inside: npt.NDArray[np.bool_] = np.ones(ones, dtype=np.bool_)
    for length, axis in zip(source.shape[lead:], maps, strict=True):
        far = abs(axis.offset) + sum(abs(c) * shape[target] for target, c in axis.terms)
        kind: type = np.int64 if far.bit_length() <= _INT64_BITS else object
        position: npt.NDArray[Any] = np.full(ones, axis.offset, dtype=kind)
        for target, coefficient in axis.terms:
            steps: npt.NDArray[Any] = np.arange(shape[target]).astype(kind) * coefficient
            position = position + steps.reshape(
                [-1 if at == target else 1 for at in range(len(shape))]
            )
        inside = inside & np.asarray((position >= 0) & (position < length), dtype=np.bool_)
        index.append(np.clip(position, 0, length - 1).astype(np.int64))
    whole = (slice(None),) * lead
    read = source[whole + tuple(index)] if index else source.reshape((*source.shape[:lead], *ones))
    if not inside.all():
        read = np.where(inside, read, 0)
    return np.asarray(np.broadcast_to(read, (*source.shape[:lead], *shape)), order="C")
