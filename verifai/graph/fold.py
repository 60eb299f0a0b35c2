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
from verifai.extras import require


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
    onnx = require("onnx", "onnx", "reading an ONNX model")
    helper = onnx.helper
    names = [name for name in item.output if name]
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in values.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in names]
    graph = helper.make_graph([item], "constants", inputs, outputs)
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model_gen_version(graph, opset_imports=opsets)
    try:
        found = _by_reference(model, values)
    except Exception as first:
        # either implementation raises whatever its operators raise
        try:
            found = _by_onnxruntime(model, values)
        except Exception:
            reason = str(first).strip().partition("\n")[0]
            raise UnsupportedError(f"constants that cannot be folded ({reason:.200})") from None
    if not all(isinstance(value, (np.ndarray, np.generic)) for value in found):
        raise UnsupportedError("a sequence, or another value that is no tensor")
    return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}


def _by_reference(model: Any, values: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
    evaluator = require("onnx.reference", "onnx", "evaluating an operator")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what is not finite is refused where it is used
        return list(evaluator.ReferenceEvaluator(model).run(None, dict(values)))


def _by_onnxruntime(model: Any, values: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
    ort = require("onnxruntime", "onnx", "running an ONNX model")
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    settings.enable_cpu_mem_arena = False  # which ends the process when memory runs out
    session = ort.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, dict(values)))
