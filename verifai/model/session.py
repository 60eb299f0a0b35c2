"""onnxruntime as it is run here: on one CPU thread, and quietly."""

from __future__ import annotations

from typing import Any

from verifai.errors import UnsupportedError
from verifai.extras import require


def session(model: bytes, *, as_written: bool = False) -> Any:
    """An ``InferenceSession``.

    Args:
        model: an ONNX file.
        as_written: node by node, without onnxruntime's optimisations.

    Raises:
        UnsupportedError: onnxruntime cannot run the model.
    """
    ort = require("onnxruntime", "onnx", "running an ONNX model")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # which ends the process when memory runs out
    if as_written:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime's exceptions share no public base class
        raise cannot_run(error) from None


def cannot_run(error: Exception) -> UnsupportedError:
    """The error for what onnxruntime raises."""
    return UnsupportedError(f"onnxruntime cannot run this model: {str(error).strip()}")
