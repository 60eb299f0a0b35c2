"""Arrays, tensors, lists and dicts -> checked arrays in the model's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UsageError


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


def calibration_samples(
    infos: Sequence[TensorInfo], calibration: Iterable[Any], limit: int
) -> list[tuple[NDArray[Any], ...]]:
    """Calibration data as checked inputs, at most ``limit`` of them.

    An array with one axis more than the model's input, or with the model's batch axis of 1
    replaced by N, is N samples, and so is a mapping to one such array for each input; anything
    else is iterated.

    Raises:
        InputError: data that no input of the model can be.
        UsageError: no data.
    """
    data: Iterable[Any] = calibration
    if isinstance(calibration, Mapping):
        named = zip(infos, _in_order(infos, calibration), strict=True)
        columns = [_stacked(info, value) for info, value in named]
        if len(counts := {len(column) for column in columns}) > 1:
            raise InputError(f"The inputs have different numbers of samples: {sorted(counts)}.")
        data = zip(*columns, strict=True)
    elif getattr(calibration, "shape", None) is not None and len(infos) == 1:
        data = _stacked(infos[0], calibration)
    samples: list[tuple[NDArray[Any], ...]] = []
    for number, item in enumerate(data):
        try:
            samples.append(check_inputs(infos, item))
        except InputError as error:
            raise InputError(f"Sample {number}: {error.message}", hint=error.hint) from None
        if len(samples) == limit:
            break
    if not samples:
        raise UsageError("Calibration data is empty.", hint="Give a few typical inputs.")
    return samples


def _stacked(info: TensorInfo, value: Any) -> NDArray[Any]:
    """The samples of one input, N in front."""
    array = _array(info, value)
    if array.shape == info.shape:
        return array[np.newaxis]
    if array.ndim and array.shape[1:] == info.shape:
        return array
    if array.ndim and info.shape[:1] == (1,) and array.shape[1:] == info.shape[1:]:
        return array[:, np.newaxis]
    raise InputError(
        f"Calibration data has shape {list(array.shape)}; the model's input {info.name!r} has "
        f"{list(info.shape)}.",
        hint="Give N samples as an array of shape [N, ...], or an iterable of inputs.",
    )


def check_batch(
    infos: Sequence[TensorInfo], inputs: Any
) -> tuple[int | None, tuple[NDArray[Any], ...]]:
    """One inference, or a batch of them.

    A batch has one more axis in front of every input, or, where the model's own first axis has
    length 1, another length of that axis.

    Returns:
        The batch (None for one inference), and arrays of shape (batch or 1, and the model's).

    Raises:
        InputError: as :func:`check_inputs`; or inputs of different batches.
    """
    values = [
        _array(info, value) for info, value in zip(infos, _in_order(infos, inputs), strict=True)
    ]
    found = {_batch(info, array) for info, array in zip(infos, values, strict=True)}
    if len(found) > 1:
        raise InputError(
            f"The inputs have different batches: {sorted(str(batch) for batch in found)}.",
            hint="Give every input the same leading axis.",
        )
    batch = found.pop() if found else None
    checked = []
    for info, array in zip(infos, values, strict=True):
        if batch is None:
            checked.append(_checked(info, array)[np.newaxis])
        else:
            whole = TensorInfo(info.name, (batch, *info.shape), info.dtype)
            checked.append(_checked(whole, array.reshape(whole.shape)))
    return batch, tuple(checked)


def _batch(info: TensorInfo, array: NDArray[Any]) -> int | None:
    """The batch that an array of this shape stands for; None also for a wrong shape."""
    if array.ndim == len(info.shape) + 1 and array.shape[1:] == info.shape and len(array):
        return len(array)
    alone = info.shape[:1] == (1,) and array.shape[1:] == info.shape[1:]
    return len(array) if alone and array.ndim and len(array) > 1 else None


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


def _array(info: TensorInfo, value: Any) -> NDArray[Any]:
    try:
        if hasattr(value, "detach"):  # a torch tensor, without importing torch to find out
            value = value.detach().cpu().numpy()
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        # NotImplementedError too: bfloat16, sparse and meta tensors are no arrays of numpy
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(f"Input {info.name!r} is not an array: {reason:.200}.") from None


def _checked(info: TensorInfo, value: Any) -> NDArray[Any]:
    array = _array(info, value)
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
