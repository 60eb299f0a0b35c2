"""Shapes that inference does not know, as an example has them: rules that write operators out need
them."""

from __future__ import annotations

from typing import Any

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.expand import known_shapes
from verifai.graph.float_run import every_tensor
from verifai.graph.reference import Arrays, described


def with_shapes(proto: Any, example: Arrays) -> Any:
    """The model with the shapes that its tensors have on an example, where inference has none.

    What a rule makes of a shape that depends on the data is refused when it is lowered, with the
    operator that the shape comes from.

    Args:
        proto: a ``ModelProto``.
        example: its inputs by name.
    """
    known = known_shapes(proto)
    names = {name for node in proto.graph.node for name in node.output if name}
    if names <= known.keys():
        return proto
    try:
        found = every_tensor(proto)(example)
    except UnsupportedError:
        return proto
    onnx = require("onnx", "onnx", "reading an ONNX model")
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    unknown = {name: found[name] for name in sorted(names & found.keys() - known.keys())}
    kept = [info for info in proto.graph.value_info if info.name not in unknown]
    result.graph.ClearField("value_info")
    result.graph.value_info.extend([*kept, *described(unknown)])
    return result
