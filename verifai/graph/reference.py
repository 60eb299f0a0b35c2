"""One ONNX node by itself, and ONNX's own implementation of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.extras import require

Arrays = Mapping[str, npt.NDArray[Any]]


def described(values: Arrays) -> list[Any]:
    """A ``ValueInfoProto`` for each of some tensors."""
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    return [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in values.items()
    ]


def alone(item: Any, values: Arrays, opset: int) -> Any:
    """A model of one ``NodeProto``, with inputs like ``values``."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    outputs = [onnx.ValueInfoProto(name=name) for name in item.output if name]
    graph = onnx.helper.make_graph([item], "node", described(values), outputs)
    opsets = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model_gen_version(graph, opset_imports=opsets)


def reference(model: Any) -> Callable[[Arrays], list[Any]]:
    """A model as onnx.reference evaluates it, silently where a value is not finite."""
    evaluator = require("onnx.reference", "onnx", "evaluating an operator")
    session = evaluator.ReferenceEvaluator(model)

    def run(values: Arrays) -> list[Any]:
        with np.errstate(all="ignore"):
            return list(session.run(None, dict(values)))

    return run
