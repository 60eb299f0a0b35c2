"""A model whose numbers the simplifier cannot see: what it does must not depend on them.

The simplifier compares values: it drops a bias that is zero and a factor that is one, merges layers
with equal weights, makes a Clip of Min and Max. A key shows which operators are left, and so would
show these numbers. Sealed, they are inputs of the model while the simplifier runs.

Left open are numbers that a key shows anyway (:data:`SHOWN`), those that make shapes (integers),
and those that folding a BatchNormalization into the layer before it needs.

What the graph states is open too, but for numbers that the simplifier takes for 0 or 1 and that are
not: it drops the 1e-12 of a normalisation, without which a row of equal values has no inverse root.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from verifai.extras import require

#: Operators whose constants lowering has to know (docs/protocol.md, "What a key shows").
SHOWN: Final = frozenset({"Clip", "Pad", "Pow", "Range", "Resize", "Upsample"})
#: What the simplifier drops, and how near a number is that it drops as well.
TAKEN: Final = {0.0: 1e-8, 1.0: 1e-5}
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
    stated = [n for n in proto.graph.node if n.output[0] not in open_ and _misread(onnx, n)]
    for node in stated:
        names.add(node.output[0])
        opaque.graph.node.remove(node)
        value = node.attribute[0].t
        opaque.graph.input.append(
            onnx.helper.make_tensor_value_info(node.output[0], value.data_type, value.dims)
        )
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
    nodes = [*stated, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def _misread(onnx: Any, node: Any) -> bool:
    """Whether a Constant is near 0 or 1, and neither."""
    if node.op_type != "Constant" or node.attribute[0].name != "value":
        return False
    values = np.asarray(onnx.numpy_helper.to_array(node.attribute[0].t))
    if values.dtype.kind != "f":
        return False
    values = values.astype(np.float64)
    return any(
        bool(np.all(np.abs(values - of) <= near)) and not bool(np.all(values == of))
        for of, near in TAKEN.items()
    )


def _needed(graph: Any) -> set[str]:
    """Names that the simplifier may look at."""
    normalised = {node.input[0] for node in graph.node if node.op_type == "BatchNormalization"}
    found: set[str] = set()
    for node in graph.node:
        folded = node.op_type in _FOLDED and normalised.intersection(node.output)
        if folded or node.op_type in SHOWN or node.op_type == "BatchNormalization":
            found.update(node.input)
    return found
