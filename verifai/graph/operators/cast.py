"""Cast and CastLike, between floats, integers and booleans."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.builder import Tensor
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.division import truncated
from verifai.graph.operators.logic import is_truth, nonzero
from verifai.graph.operators.shape import source

#: Float types of ONNX that fixed point stands for: float, float16, double, bfloat16.
_FLOATS: Final = frozenset((1, 10, 11, 16))


@operator("Cast", "CastLike")
def cast(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact: integers and booleans are reals; a float becomes an integer by dropping its fraction,
    and a boolean by being zero or not.
    """
    target = _target(low, node)
    if target is None:
        return source(low, node)
    if target.kind == "b":
        x = low.exact(node, 0)
        return x if is_truth(x) else nonzero(low, low.small(node, 0))
    _require_seen_fits(low, node.inputs[0], target)
    # booleans and integers are integers in any unit
    whole = low.kind(node.inputs[0]).kind in "biu"
    return source(low, node) if whole else truncated(low, low.small(node, 0))


def _target(low: Lowering, node: OnnxNode) -> np.dtype[Any] | None:
    """The integer or boolean type that is asked for; None for the floats of fixed point."""
    helper = require("onnx", "onnx", "reading an ONNX model").helper
    if node.op_type == "CastLike":
        wanted = helper.np_dtype_to_tensor_dtype(low.kind(node.inputs[1]))
    else:
        wanted = node.attributes["to"]
    if wanted in _FLOATS:
        return None
    kind: np.dtype[Any] = np.dtype(helper.tensor_dtype_to_np_dtype(wanted))
    if kind.kind not in "iub":
        raise UnsupportedError(f"a cast to {kind}, which fixed point does not stand for")
    return kind


def _require_seen_fits(low: Lowering, name: str, kind: np.dtype[Any]) -> None:
    """Refuses a cast whose calibration data leave the type: what becomes of them no standard says.

    Others that leave it are refused by a run.
    """
    least, most = (int(end) for end in low.ranges.get(name, (0.0, 0.0)))
    limits = np.iinfo(kind)
    if least < limits.min or most > limits.max:
        raise UnsupportedError(
            f"calibration goes from {least} to {most}, which {kind} does not hold"
        )
