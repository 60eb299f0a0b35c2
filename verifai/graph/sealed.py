"""A model whose numbers the simplifier cannot see: what it does must not depend on them.

The simplifier compares values: it drops a bias that is zero and a factor that is one, merges layers
with equal weights, makes a Clip of Min and Max. A key shows which operators are left, and so would
show these numbers. Sealed, they are inputs of the model while the simplifier runs.

Left open are numbers that a key shows anyway (:data:`SHOWN`), those that make shapes (integers),
and those that folding a BatchNormalization into the layer before it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from verifai.extras import require

#: Operators whose constants lowering has to know (docs/protocol.md, "What a key shows").
SHOWN: Final = frozenset({"Clip", "Pad", "Pow", "Range", "Resize", "Upsample"})
#: What a BatchNormalization is folded into.
_FOLDED: Final = frozenset({"Conv", "ConvTranspose", "Gemm"})


def sealed(proto: Any, simplify: Callable[[Any], Any]) -> Any:
    """``simplify(proto)``, which sees no learned number; afterwards they are where they were."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    kinds = onnx.TensorProto
    floats = {kinds.FLOAT16, kinds.BFLOAT16, kinds.FLOAT, kinds.DOUBLE}
    open_ = _needed(proto.graph) | {info.name for info in proto.graph.input}
    kept = [t for t in proto.graph.initializer if t.data_type in floats and t.name not in open_]
    names = {tensor.name for tensor in kept}
    opaque = onnx.ModelProto()
    opaque.CopyFrom(proto)
    del opaque.graph.initializer[:]
    opaque.graph.initializer.extend(t for t in proto.graph.initializer if t.name not in names)
    opaque.graph.input.extend(
        onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in kept
    )
    result = simplify(opaque)
    inputs = [info for info in result.graph.input if info.name not in names]
    del result.graph.input[:]
    result.graph.input.extend(inputs)
    result.graph.initializer.extend(kept)
    return result


def _needed(graph: Any) -> set[str]:
    """Names that the simplifier may look at."""
    normalised = {node.input[0] for node in graph.node if node.op_type == "BatchNormalization"}
    found: set[str] = set()
    for node in graph.node:
        folded = node.op_type in _FOLDED and normalised.intersection(node.output)
        if folded or node.op_type in SHOWN or node.op_type == "BatchNormalization":
            found.update(node.input)
    return found
