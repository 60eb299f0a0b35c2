"""A model without operators of ``ai.onnx.ml``, but for three that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.float_run import every_tensor
from verifai.graph.tabular.columns import COLUMN_RULES
from verifai.graph.tabular.linear import LINEAR_RULES
from verifai.graph.tabular.trees import TREE_RULES
from verifai.graph.tabular.writing import DOMAIN, Model, Rule, Writing
from verifai.model.nodes import OnnxNode, nodes_of

#: How each operator is written out.
RULES: Final[Mapping[str, Rule]] = COLUMN_RULES | LINEAR_RULES | TREE_RULES


def written_out(
    proto: Any, opset: int, example: Mapping[str, npt.NDArray[Any]]
) -> tuple[Any, list[tuple[OnnxNode, str]]]:
    """The model with tabular operators written out, and the nodes that cannot be, with reasons.

    Args:
        opset: of ONNX.
        example: an input, by name: it gives the shapes of all tensors.

    Raises:
        UnsupportedError: onnxruntime cannot run the model on the example.
    """
    nodes = nodes_of(proto.graph)
    if not any(node.domain == DOMAIN for node in nodes):
        return proto, []
    onnx = require("onnx", "onnx", "reading an ONNX model")
    values = dict(example) | every_tensor(proto)(example)
    for tensor in proto.graph.initializer:
        values[tensor.name] = onnx.numpy_helper.to_array(tensor)
    constants = frozenset(tensor.name for tensor in proto.graph.initializer)
    model = Model(values, opset, constants=constants)
    problems = []
    for item, node in zip(proto.graph.node, nodes, strict=True):
        if node.domain != DOMAIN:
            model.nodes.append(item)
            _note_joined(node, model)
            continue
        try:
            if node.op_type not in RULES:
                raise UnsupportedError("no such operator")
            RULES[node.op_type](Writing(node, model))
        except UnsupportedError as error:
            problems.append((node, error.message.rstrip(".")))
            model.nodes.append(item)
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    del result.graph.node[:]
    result.graph.node.extend(model.nodes)
    result.graph.initializer.extend(model.initialisers)
    if all(entry.domain != DOMAIN for entry in result.opset_import):
        result.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    return result, problems


def _note_joined(node: OnnxNode, model: Model) -> None:
    """Remembers what a Concat along the last axis joins, also through casts of the whole."""
    first, made = node.inputs[:1], node.outputs[0] if node.outputs else ""
    if node.op_type == "Concat":
        rank = model.values[node.inputs[0]].ndim
        if int(node.attributes.get("axis", 1)) % rank == rank - 1:
            parts = [model.joined.get(name, [name]) for name in node.inputs]
            model.joined[made] = [part for own in parts for part in own]
    elif node.op_type == "Identity" and first and first[0] in model.joined:
        model.joined[made] = model.joined[first[0]]
