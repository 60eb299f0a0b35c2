"""Cast and CastLike, between floats, integers and booleans."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.builder import Tensor
from verifai.graph.lower import Lowering, OnnxNode, operator
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
    # booleans and integers are integers in any unit
    whole = low.kind(node.inputs[0]).kind in "biu"
    return source(low, node) if whole else _truncated(low, low.small(node, 0))


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


def _truncated(low: Lowering, x: Tensor) -> Tensor:
    """``x`` without its fraction: ``floor(max(x, 0)) - floor(max(-x, 0))``, at scale 0."""
    if x.scale <= 0:
        return x
    build = low.builder
    parts = []
    for sign, side in ((1, x), (-1, build.negative(x))):
        if side.high <= 0 < -side.low:  # the other one is all there is
            continue
        above = build.maximum(side, [], 0)
        bits = max(1, above.high.bit_length() - x.scale)
        parts.append((sign, build.requantise(above, x.scale, bits, floor=True, low=0)))
    result = build.linear(parts, 0, 0)
    # one of the two is zero
    least = min(sign * part.high for sign, part in parts)
    most = max(sign * part.high for sign, part in parts)
    return build.bounded(result, min(least, 0), max(most, 0))
