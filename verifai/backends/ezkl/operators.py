"""Which ONNX operators ezkl 23 proves, so that everything it does not is named at once.

ezkl's own message for an unsupported node is "Translating proto model to model". The table is
from its documentation and from trying; an operator that is not in it is refused, not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from verifai.errors import UnsupportedError
from verifai.model import Model

_ELEMENTWISE: Final = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Cast Ceil Clip Cos Cosh Div Elu Equal Erf Exp
    Floor Greater GreaterOrEqual HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log Max
    Min Mul Neg Not Or Pow Reciprocal Relu Round Sigmoid Sign Sin Sinh Softplus Sqrt Sub Sum Tan
    Tanh Where Xor
"""
_CONTRACTIONS: Final = "Conv ConvTranspose Einsum Gemm MatMul"
_REDUCTIONS: Final = """
    ArgMax ArgMin AveragePool BatchNormalization GlobalAveragePool LayerNormalization MaxPool
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Softmax LogSoftmax TopK
"""
_SHAPES: Final = """
    Concat Constant ConstantOfShape DepthToSpace Dropout Expand Flatten Gather GatherElements
    GatherND OneHot Pad Range Reshape Resize ScatterElements ScatterND Shape Size Slice
    SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze
"""
SUPPORTED: Final = frozenset(" ".join((_ELEMENTWISE, _CONTRACTIONS, _REDUCTIONS, _SHAPES)).split())

Attributes = Mapping[str, Any]


def _no_dilation(attributes: Attributes) -> str | None:
    if any(value != 1 for value in attributes.get("dilations", ())):
        return "dilated convolution"
    return None


def _constant_pad(attributes: Attributes) -> str | None:
    mode = _text(attributes.get("mode", "constant"))
    return None if mode == "constant" else f"padding mode {mode!r}"


def _nearest(attributes: Attributes) -> str | None:
    # ezkl compiles bilinear resizing as nearest without a word: a silently wrong circuit.
    mode = _text(attributes.get("mode", "nearest"))
    return None if mode == "nearest" else f"resize mode {mode!r}, which ezkl would get wrong"


_CONDITIONS: Final[dict[str, Callable[[Attributes], str | None]]] = {
    "Conv": _no_dilation,
    "ConvTranspose": _no_dilation,
    "Pad": _constant_pad,
    "Resize": _nearest,
}


def check_operators(model: Model) -> None:
    """Refuse a model that ezkl cannot prove, naming all the nodes that are to blame.

    Raises:
        UnsupportedError: ``details["nodes"]`` lists name, operator and reason of each.
    """
    problems = []
    for node in model.nodes():
        reason: str | None = None
        if node.domain not in ("", "ai.onnx") or node.op_type not in SUPPORTED:
            reason = "no circuit for this operator"
        elif condition := _CONDITIONS.get(node.op_type):
            reason = condition(node.attributes)
        if reason:
            problems.append({"node": node.name, "operator": node.op_type, "reason": reason})
    if problems:
        shown = "; ".join(f"{p['node']} ({p['operator']}): {p['reason']}" for p in problems[:20])
        more = f"; and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UnsupportedError(
            f"{len(problems)} node(s) cannot be proved with ezkl: {shown}{more}.",
            hint="Replace them in the torch module and export again.",
            nodes=problems,
        )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
