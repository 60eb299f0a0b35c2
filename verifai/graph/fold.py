"""A node of constants, evaluated: by ONNX's reference implementation, else by onnxruntime.

The reference is first because it is the standard's own. It lacks some operators of old operator
sets, and some cases of others; onnxruntime has nearly all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.graph.reference import alone, reference
from verifai.model.session import session


def folded(
    item: Any, values: Mapping[str, npt.NDArray[Any]], opset: int
) -> dict[str, npt.NDArray[Any]]:
    """The outputs of a ``NodeProto`` by name.

    Args:
        values: its inputs by name.
        opset: version of the operator set.

    Raises:
        UnsupportedError: neither implementation evaluates it, or it makes something other than
            tensors.
    """
    names = [name for name in item.output if name]
    model = alone(item, values, opset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is not finite is refused where it is used
            found = reference(model)(values)
    except Exception as first:
        # either implementation raises whatever its operators raise
        try:
            found = session(model.SerializeToString()).run(None, dict(values))
        except Exception:
            reason = str(first).strip().partition("\n")[0]
            raise UnsupportedError(f"constants that cannot be folded ({reason:.200})") from None
    if not all(isinstance(value, (np.ndarray, np.generic)) for value in found):
        raise UnsupportedError("a sequence, or another value that is no tensor")
    return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}
