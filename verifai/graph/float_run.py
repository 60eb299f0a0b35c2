"""The float model in onnxruntime, tensor by tensor: what integers are calibrated by and held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.extras import require
from verifai.graph.reference import Arrays, described
from verifai.model.session import cannot_run, session

#: A model in onnxruntime: outputs by name for inputs by name.
FloatRun = Callable[[Arrays], dict[str, npt.NDArray[Any]]]


def float_run(proto: Any, outputs: Sequence[str]) -> FloatRun:
    """An ONNX model in onnxruntime as it is written, without fusions, on one CPU thread.

    What it gives leaves out outputs that are sequences of tensors.

    Args:
        proto: a ``ModelProto``.
        outputs: names of the tensors to compute.

    Raises:
        UnsupportedError: onnxruntime cannot run the model, now or on some inputs.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    running = session(whole.SerializeToString(), as_written=True)

    def run(inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        try:
            values = running.run(list(outputs), dict(inputs))
        except Exception as error:
            # onnxruntime's exceptions share no public base class
            raise cannot_run(error) from None
        named = zip(outputs, values, strict=True)
        tensors = (np.ndarray, np.generic)
        return {name: np.asarray(value) for name, value in named if isinstance(value, tensors)}

    return run


def every_tensor(proto: Any) -> FloatRun:
    """All that the model's nodes compute."""
    return float_run(proto, [name for node in proto.graph.node for name in node.output if name])


def rest(proto: Any, first: int, outputs: Sequence[str], given: Arrays) -> FloatRun:
    """The model from node number ``first`` on, as a function of ``given``.

    Args:
        outputs: tensors that these nodes compute.
        given: names and examples of what they read and do not compute, but for initialisers.
    """
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    nodes = proto.graph.node[first:]
    read = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in proto.graph.initializer if tensor.name in read]
    graph = helper.make_graph(nodes, "rest", described(given), [], weights)
    model = helper.make_model(graph, opset_imports=proto.opset_import)
    model.ir_version = proto.ir_version
    return float_run(model, outputs)
