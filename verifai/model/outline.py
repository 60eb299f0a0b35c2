"""A model without its large weights: what looks at the graph alone need not copy them."""

from __future__ import annotations

from typing import Any, Final

from verifai.extras import require

#: Bytes of a weight that stays: shapes, axes and indices, which shape inference reads.
SMALL: Final = 1 << 12


def outline(proto: Any) -> Any:
    """What a ``ModelProto`` computes; large initialisers are inputs of their type and shape.

    Without annotations: what is said of tensors between nodes may be stale.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    graph = proto.graph
    bare = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import)
    bare.functions.extend(proto.functions)
    bare.graph.name = "model"
    for field in ("node", "input", "output"):
        getattr(bare.graph, field).extend(getattr(graph, field))
    inputs = {info.name for info in proto.graph.input}
    for tensor in proto.graph.initializer:
        if _is_small(tensor):
            bare.graph.initializer.append(tensor)
        elif tensor.name not in inputs:
            bare.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return bare


def _is_small(tensor: Any) -> bool:
    return bool(tensor.ByteSize() <= SMALL)


def take_graph(proto: Any, bare: Any) -> None:
    """The nodes, functions, operator sets and small weights of a changed outline become the
    model's; its large weights stay."""
    large = [tensor for tensor in proto.graph.initializer if not _is_small(tensor)]
    kept = {tensor.name for tensor in large}
    changed = [tensor for tensor in bare.graph.initializer if tensor.name not in kept]
    for index in reversed(range(len(proto.graph.initializer))):
        if _is_small(proto.graph.initializer[index]):
            del proto.graph.initializer[index]
    proto.graph.initializer.extend(changed)
    for part, whole in ((proto, bare), (proto.graph, bare.graph)):
        names = ("functions", "opset_import") if part is proto else ("node",)
        for name in names:
            part.ClearField(name)
            getattr(part, name).extend(getattr(whole, name))
