"""Inputs that become constants of the model: what chooses its way, such as a sampling rate.

A circuit does the same steps whatever its inputs are. An input that decides which branch is taken,
how often a loop runs or how long a tensor is has one value in a circuit; whoever loads the model
says which. The value is then a part of the model, and of its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError, UsageError, shown
from verifai.extras import require
from verifai.limits import MAX_TENSOR_ELEMENTS
from verifai.model.structure import element_type

#: What a user gives: values of inputs by name.
Fixed: TypeAlias = Mapping[str, npt.ArrayLike]


def fix_inputs(graph: Any, fixed: Fixed | None) -> list[str]:
    """Make inputs of a ``GraphProto`` initial values; what was fixed, in words.

    Raises:
        UsageError: there is no such input, or the value does not fit its type or shape.
    """
    if fixed is not None and not isinstance(fixed, Mapping):
        raise UsageError(
            f"fixed maps names of inputs to values, not {shown(fixed)}.",
            hint="fixed={'sr': 16000}",
        )
    onnx = require("onnx", "onnx", "reading an ONNX model")
    notes = []
    for name, given in (fixed or {}).items():
        inputs = {value.name: value for value in graph.input}
        if name not in inputs:
            raise UsageError(f"fixed names {shown(name)}; the model has the inputs {list(inputs)}.")
        values = _values(inputs[name], given)
        graph.initializer.append(onnx.numpy_helper.from_array(values, name))
        graph.input.remove(inputs[name])
        what = str(values.tolist()) if values.size <= 8 else f"{values.size} values"
        notes.append(f"{name} is fixed to {what}")
    return notes


def _values(value: Any, given: Any) -> npt.NDArray[Any]:
    """What is given as a tensor of an input's type and shape."""
    what = f"fixed[{value.name!r}]"
    try:
        dtype = element_type(value, "Input")
    except UnsupportedError as error:
        raise UsageError(f"{what}: {error.message}") from None
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(
            f"{what} is a number or an array of numbers, not {shown(given)}."
        ) from None
    if array.size > MAX_TENSOR_ELEMENTS:
        raise UsageError(f"{what} has more elements than MAX_TENSOR_ELEMENTS.")
    with np.errstate(all="ignore"):
        made = array.astype(dtype)
    exact = made == array if dtype.kind in "iub" else np.isfinite(made)
    if (dtype.kind == "b") != (array.dtype.kind == "b") or not np.all(exact):
        raise UsageError(f"{what} is {dtype} in the model, which does not hold {shown(given)}.")
    if not value.type.tensor_type.HasField("shape"):
        return made
    dims = [dim.dim_value or None for dim in value.type.tensor_type.shape.dim]
    if made.ndim == 0 and all(length in (1, None) for length in dims):
        return made.reshape([1] * len(dims))
    fits = len(dims) == made.ndim and all(
        length in (n, None) for n, length in zip(made.shape, dims, strict=True)
    )
    if not fits:
        written = ["?" if length is None else length for length in dims]
        raise UsageError(f"{what} has shape {list(made.shape)}, and {written} in the file.")
    return made
