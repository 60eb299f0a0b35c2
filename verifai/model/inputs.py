"""Arrays, tensors, lists and dicts -> checked arrays in the model's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError


@dataclass(frozen=True)
class TensorInfo:
    """Name, static shape and numpy dtype name of an input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def check_inputs(infos: Sequence[TensorInfo], inputs: Any) -> tuple[NDArray[Any], ...]:
    """One contiguous finite array per input, in order, with the model's dtype.

    Args:
        infos: what the model takes.
        inputs: for one input an array, tensor or nested list; for several a sequence of them, or
            a mapping by name. Casts that keep the value (up to float rounding) are allowed.

    Raises:
        InputError: wrong count, name, shape or dtype, NaN or infinity.
    """
    values = _in_order(infos, inputs)
    return tuple(_checked(info, value) for info, value in zip(infos, values, strict=True))


def _in_order(infos: Sequence[TensorInfo], inputs: Any) -> list[Any]:
    names = [info.name for info in infos]
    if isinstance(inputs, Mapping):
        if set(inputs) != set(names):
            raise InputError(f"The model's inputs are {names}, found {sorted(map(str, inputs))}.")
        return [inputs[name] for name in names]
    if len(infos) == 1:
        if isinstance(inputs, tuple) and len(inputs) == 1:
            return [inputs[0]]
        return [inputs]
    if not isinstance(inputs, (list, tuple)) or len(inputs) != len(infos):
        found = len(inputs) if isinstance(inputs, (list, tuple)) else type(inputs).__name__
        raise InputError(f"The model has {len(infos)} inputs {names}, found {found}.")
    return list(inputs)


def _checked(info: TensorInfo, value: Any) -> NDArray[Any]:
    if hasattr(value, "detach"):  # a torch tensor, without importing torch to find out
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"Input {info.name!r} is not an array: {error}.") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"Input {info.name!r} holds {array.dtype}, expected numbers.")
    if array.shape != info.shape:
        raise InputError(
            f"Input {info.name!r} has shape {list(array.shape)}, expected {list(info.shape)}.",
            hint="Shapes are static: export the model with an example of the shape you need.",
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"Input {info.name!r} holds {array[where]} at index {list(where)}.")
    wanted = np.dtype(info.dtype)
    if not np.can_cast(array.dtype, wanted, casting="same_kind") and not (
        wanted.kind == "f" and array.dtype.kind in "iub"
    ):
        raise InputError(f"Input {info.name!r} holds {array.dtype}, expected {wanted}.")
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(array, dtype=wanted).reshape(info.shape)
    if wanted.kind == "f" and not np.isfinite(cast).all():
        raise InputError(f"Input {info.name!r} holds a value beyond the range of {wanted}.")
    if wanted.kind in "iu" and not np.array_equal(cast, array):
        raise InputError(f"Input {info.name!r} holds a value beyond the range of {wanted}.")
    return cast
