"""Arrays, tensors, lists and dicts -> checked arrays in the model's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UsageError
from verifai.progress import Progress


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
            a mapping by name. Casts that keep the value (up to float rounding) are allowed, and a
            first axis of length 1 may be left out.

    Raises:
        InputError: wrong count, name, shape or dtype, NaN or infinity.
    """
    return tuple(_checked(info, array) for info, array in _arrays(infos, inputs))


def calibration_samples(
    infos: Sequence[TensorInfo], calibration: Any, limit: int, progress: Progress | None = None
) -> list[tuple[NDArray[Any], ...]]:
    """Calibration data as checked inputs, at most ``limit`` of them.

    Args:
        infos: what the model takes.
        calibration: inputs, or batches of them with N in front: one array; a dict of arrays by
            input name; or anything that gives such arrays, dicts or tuples one after another, like
            a list, a dataset or a torch ``DataLoader``. What follows the inputs in a tuple, like
            the label of a pair (x, y), is left out.
        limit: later ones are not asked for.
        progress: hears of labels that were left out, and of inputs that never change.

    Raises:
        InputError: data that no input of the model can be.
        UsageError: no data.
    """
    samples = _samples(infos, calibration, limit, progress)
    if progress is not None:
        for info, arrays in zip(infos, zip(*samples, strict=True), strict=True):
            low, high = min(a.min() for a in arrays), max(a.max() for a in arrays)
            if low == high:
                progress.stage(
                    f"the calibration data of {info.name!r} hold no number but {float(low):g}: "
                    "proofs of other inputs may be refused"
                )
    return samples


def _samples(
    infos: Sequence[TensorInfo], calibration: Any, limit: int, progress: Progress | None
) -> list[tuple[NDArray[Any], ...]]:
    whole = isinstance(calibration, Mapping) or hasattr(calibration, "shape")
    if not whole and not hasattr(calibration, "__iter__"):  # a dataset of torch
        items: Iterable[Any] = (calibration[index] for index in range(len(calibration)))
    else:
        items = [calibration] if whole else calibration
    samples: list[tuple[NDArray[Any], ...]] = []
    labels = False
    for item in items:
        labelled = not isinstance(item, Mapping) and _has_labels(infos, item)
        if labelled and not labels and progress is not None:
            progress.stage("leaving out the labels of the calibration data")
        labels |= labelled
        try:
            given = tuple(item[: len(infos)]) if labelled else item
            columns = [_stacked(info, array) for info, array in _arrays(infos, given)]
            if len(counts := {len(column) for column in columns}) > 1:
                raise InputError(f"The inputs have different numbers of samples: {sorted(counts)}.")
            for row in zip(*columns, strict=True):
                samples.append(check_inputs(infos, row))
                if len(samples) == limit:
                    return samples
        except InputError as error:
            number = f"Sample {len(samples)}: " if not whole or samples else ""
            raise InputError(f"{number}{error.message}", hint=error.hint) from None
    if not samples:
        raise UsageError("Calibration data is empty.", hint="Give a few typical inputs.")
    return samples


def _has_labels(infos: Sequence[TensorInfo], item: Any) -> bool:
    """Whether a tuple holds more than the inputs, and is not an input by itself, row by row."""
    if not isinstance(item, (list, tuple)) or len(item) <= len(infos):
        return False
    return hasattr(item[0], "shape") and _holds(infos[0], tuple(item[0].shape))


def _holds(info: TensorInfo, shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is an input, or several."""
    several = bool(shape) and info.shape in (shape[1:], (1, *shape[1:]))
    return several or shape == info.shape or _lacks_axis(info, shape)


def _stacked(info: TensorInfo, array: NDArray[Any]) -> NDArray[Any]:
    """The samples of one input, N in front."""
    if array.shape == info.shape or _lacks_axis(info, array.shape):
        return array[np.newaxis]
    if _holds(info, array.shape):
        return array
    raise InputError(
        f"Calibration data has shape {list(array.shape)}; the model's input {info.name!r} has "
        f"{list(info.shape)}.",
        hint="Give N samples as an array of shape [N, ...], or an iterable of inputs.",
    )


def check_batch(
    infos: Sequence[TensorInfo], inputs: Any, batch: bool
) -> tuple[int | None, tuple[NDArray[Any], ...]]:
    """One inference, or a batch of them, with a batch axis in front of every input.

    Args:
        infos: what the model takes.
        inputs: as for :func:`check_inputs`; of a batch, N inferences along one more axis in front,
            or along the model's own first axis where that has length 1: of shape [N, 1, 28, 28] or
            [N, 28, 28] for a model that takes [1, 28, 28].
        batch: whether several are meant; N may be 1.

    Returns:
        N (None for one inference), and arrays of shape [N or 1, ...the model's].

    Raises:
        InputError: as :func:`check_inputs`; or inputs of different batches.
    """
    named = _arrays(infos, inputs)
    if not batch:
        return None, tuple(_checked(info, array)[np.newaxis] for info, array in named)
    found = {_batch(info, array) for info, array in named}
    if len(found) > 1:
        raise InputError(
            f"The inputs have different batches: {sorted(found)}.",
            hint="Give every input the same leading axis.",
        )
    (count,) = found
    wholes = [replace(info, shape=(count, *info.shape)) for info in infos]
    return count, tuple(
        _checked(whole, array.reshape(whole.shape))
        for whole, (_, array) in zip(wholes, named, strict=True)
    )


def without_batch_axis(infos: Sequence[TensorInfo], inputs: Any) -> list[str]:
    """The inputs, by name, that lack the model's batch axis of length 1: it is added."""
    return [info.name for info, array in _arrays(infos, inputs) if _lacks_axis(info, array.shape)]


def _lacks_axis(info: TensorInfo, shape: tuple[int, ...]) -> bool:
    return info.shape[:1] == (1,) and shape == info.shape[1:]


def _batch(info: TensorInfo, array: NDArray[Any]) -> int:
    """How many inferences an array of this shape holds."""
    own = array.ndim == len(info.shape) and info.shape[:1] == (1,)
    if len(array.shape) and len(array) and array.shape[1:] == info.shape[own:]:
        return len(array)
    raise InputError(
        f"Input {info.name!r} has shape {list(array.shape)}, which is no batch of "
        f"{list(info.shape)}.",
        hint="A batch of N inferences has N in front.",
    )


def _in_order(infos: Sequence[TensorInfo], inputs: Any) -> list[Any]:
    names = [info.name for info in infos]
    if hasattr(inputs, "iloc") and hasattr(inputs, "columns"):  # a DataFrame
        inputs = _by_column(infos, inputs)
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


def _by_column(infos: Sequence[TensorInfo], frame: Any) -> Any:
    """The columns of a DataFrame as inputs, one each; of a model of one input all side by side."""
    columns = {str(name): frame[name].to_numpy()[:, np.newaxis] for name in frame.columns}
    if len(infos) == 1 and infos[0].name not in columns:
        return frame.to_numpy()
    return columns


def _arrays(infos: Sequence[TensorInfo], inputs: Any) -> list[tuple[TensorInfo, NDArray[Any]]]:
    values = _in_order(infos, inputs)
    return [(info, _array(info, value)) for info, value in zip(infos, values, strict=True)]


def _array(info: TensorInfo, value: Any) -> NDArray[Any]:
    try:
        if hasattr(value, "detach"):  # a torch tensor, without importing torch to find out
            value = value.detach().cpu()
            narrow = str(value.dtype) == "torch.bfloat16"
            value = (value.float() if narrow else value).numpy()
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    except (ValueError, TypeError, RuntimeError) as error:
        # NotImplementedError too: sparse and meta tensors are no arrays of numpy
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(f"Input {info.name!r} is not an array: {reason:.200}.") from None


def _checked(info: TensorInfo, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "fiub":
        raise InputError(f"Input {info.name!r} holds {array.dtype}, expected numbers.")
    if _lacks_axis(info, array.shape):
        array = array[np.newaxis]
    if array.shape != info.shape:
        several = array.ndim and info.shape in (array.shape[1:], (1, *array.shape[1:]))
        raise InputError(
            f"Input {info.name!r} has shape {list(array.shape)}, expected {list(info.shape)}.",
            hint="prove(key, inputs, batch=True) or --batch proves several inferences in one proof."
            if several
            else "Shapes are static: export or load (shapes=) the model in the shape you need.",
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
    kept = np.isfinite(cast).all() if wanted.kind == "f" else np.array_equal(cast, array)
    if not kept:
        raise InputError(f"Input {info.name!r} holds a value beyond the range of {wanted}.")
    return cast
