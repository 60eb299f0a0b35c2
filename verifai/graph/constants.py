"""Float constants of an ONNX graph, by name: what it stores, and what its nodes state."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.extras import require

Arrays = dict[str, npt.NDArray[Any]]


def stored(graph: Any) -> Arrays:
    """Initialisers."""
    return _floats([(tensor.name, tensor) for tensor in graph.initializer])


def stated(graph: Any) -> Arrays:
    """Outputs of Constant nodes."""
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    tensors, found = [], Arrays()
    for node in graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                tensors.append((node.output[0], attribute.t))
            elif attribute.name in ("value_float", "value_floats"):
                value = helper.get_attribute_value(attribute)
                found[node.output[0]] = np.asarray(value, dtype=np.float32)
    return found | _floats(tensors)


def _floats(tensors: list[tuple[str, Any]]) -> Arrays:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    return {n: onnx.numpy_helper.to_array(t) for n, t in tensors if t.data_type in floats}
