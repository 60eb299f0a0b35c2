"""The float model in onnxruntime, tensor by tensor: what integers are calibrated by and held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.extras import require

Arrays = Mapping[str, npt.NDArray[Any]]


class FloatRun:
    """An ONNX model in onnxruntime as it is written, without fusions, on one CPU thread.

    Args:
        proto: a ``ModelProto``.
        outputs: names of the tensors to compute.

    Raises:
        UnsupportedError: onnxruntime cannot run the model.
    """

    def __init__(self, proto: Any, outputs: Sequence[str]) -> None:
        onnx = require("onnx", "onnx", "reading an ONNX model")
        ort = require("onnxruntime", "onnx", "running an ONNX model")
        whole = onnx.ModelProto()
        whole.CopyFrom(proto)
        del whole.graph.output[:]
        whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        self._outputs = list(outputs)
        settings = ort.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = 1
        settings.enable_cpu_mem_arena = False  # which ends the process when memory runs out
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = ort.InferenceSession(
                whole.SerializeToString(), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime's exceptions share no public base class
            raise _not_run(error) from None

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """The outputs by name, without those that are sequences of tensors.

        Raises:
            UnsupportedError: onnxruntime cannot run the model on these inputs.
        """
        try:
            values = self._session.run(self._outputs, dict(inputs))
        except Exception as error:
            # as above
            raise _not_run(error) from None
        named = zip(self._outputs, values, strict=True)
        return {
            name: np.asarray(value)
            for name, value in named
            if isinstance(value, (np.ndarray, np.generic))
        }


def every_tensor(proto: Any) -> FloatRun:
    """All that the model's nodes compute."""
    return FloatRun(proto, [name for node in proto.graph.node for name in node.output if name])


def rest(proto: Any, first: int, outputs: Sequence[str], given: Arrays) -> FloatRun:
    """The model from node number ``first`` on, as a function of ``given``.

    Args:
        outputs: tensors that these nodes compute.
        given: names and examples of what they read and do not compute, but for initialisers.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    helper = onnx.helper
    nodes = proto.graph.node[first:]
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "rest",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in given.items()
        ],
        [],
        [tensor for tensor in proto.graph.initializer if tensor.name in read],
    )
    model = helper.make_model(graph, opset_imports=proto.opset_import)
    model.ir_version = proto.ir_version
    return FloatRun(model, outputs)


def _not_run(error: Exception) -> UnsupportedError:
    return UnsupportedError(f"onnxruntime cannot run this model: {str(error).strip()}")
