"""onnxruntime as it is run here: on one CPU thread, and quietly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.errors import UnsupportedError
from verifai.extras import require

#: What onnxruntime says of an operator that it lacks for a model's element types.
NOT_IMPLEMENTED: Final = "NOT_IMPLEMENTED"

#: How a file begins the type of a node that is an If (field 4 of a ``NodeProto``). onnxruntime's
#: optimisations put branches whose condition is constant in its place, and where one holds another
#: If they fail, or end the process.
_IF: Final = b"\x22\x02If"


def session(model: bytes, *, as_written: bool = False, strict: bool = False) -> Any:
    """An ``InferenceSession``.

    Args:
        model: an ONNX file.
        as_written: node by node, without onnxruntime's optimisations.
        strict: onnxruntime's own, never ONNX's implementation in the place of what it lacks.

    Raises:
        UnsupportedError: onnxruntime cannot run the model.
    """
    ort = require("onnxruntime", "onnx", "running an ONNX model")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # which ends the process when memory runs out
    if as_written or _IF in model:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime's exceptions share no public base class
        if strict or NOT_IMPLEMENTED not in str(error):
            raise cannot_run(error) from None
        return _Reference(model, error)


class _Reference:
    """A model in ONNX's own implementation, for what onnxruntime lacks: many operators on integers
    of 8 and 16 bits.
    """

    def __init__(self, model: bytes, reason: Exception) -> None:
        onnx = require("onnx.reference", "onnx", "running an ONNX model")
        try:
            self._evaluator = onnx.ReferenceEvaluator(model)
        except Exception:
            # it raises whatever its operators raise
            raise cannot_run(reason) from None

    def run(
        self, outputs: Sequence[str] | None, inputs: dict[str, NDArray[Any]], _: Any = None
    ) -> list[Any]:
        """As an ``InferenceSession`` runs; options are nothing to it."""
        with np.errstate(all="ignore"):
            found = self._evaluator.run(None if outputs is None else list(outputs), inputs)
        return [np.asarray(x) if isinstance(x, np.generic) else x for x in found]


def cannot_run(error: Exception) -> UnsupportedError:
    """The error for what onnxruntime raises."""
    return UnsupportedError(f"onnxruntime cannot run this model: {str(error).strip()}")
