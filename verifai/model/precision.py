"""Models in float types that onnxruntime cannot compute with on a processor: in float32 instead.

A circuit computes with integers, and is held to the float model. bfloat16 and float16 fit into
float32, which loses nothing of a weight and rounds less between operators; float64 is rounded, at
about 1e-7 of each weight, far below what fixed point resolves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.model.structure import every_graph, tensors

#: Attributes that name an element type, by operator; 1, float32, is what they are set to.
_TYPES: Final = ("to", "dtype", "output_dtype", "stash_type", "softmax_precision")


def kinds_of(proto: Any) -> set[int]:
    """The element types of all weights, constants, inputs and outputs, and of casts."""
    graphs = list(every_graph(proto.graph))
    found = {tensor.data_type for tensor in tensors(graphs)}
    found |= {value.type.tensor_type.elem_type for value in _values(graphs)}
    return found | {attribute.i for attribute in _type_attributes(graphs)}


def to_float32(proto: Any, kinds: Iterable[int]) -> None:
    """Make everything of these float types float32, in place.

    Raises:
        UnsupportedError: a weight that float32 does not hold.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    single, changed = onnx.TensorProto.FLOAT, set(kinds)
    graphs = list(every_graph(proto.graph))
    for tensor in tensors(graphs):
        if tensor.data_type not in changed:
            continue
        array = onnx.numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            cast = array.astype(np.float32)
        if not np.array_equal(np.isinf(cast), np.isinf(array)):
            raise UnsupportedError(f"Weight {tensor.name[:80]!r} is too large for float32.")
        tensor.CopyFrom(onnx.numpy_helper.from_array(cast, tensor.name))
    for value in _values(graphs):
        if value.type.tensor_type.elem_type in changed:
            value.type.tensor_type.elem_type = single
    for attribute in _type_attributes(graphs):
        if attribute.i in changed:
            attribute.i = single


def _values(graphs: Iterable[Any]) -> list[Any]:
    return [value for graph in graphs for value in (*graph.input, *graph.output)]


def _type_attributes(graphs: Iterable[Any]) -> list[Any]:
    return [
        attribute
        for graph in graphs
        for node in graph.node
        for attribute in node.attribute
        if attribute.name in _TYPES and attribute.type == attribute.INT
    ]
