"""The nodes of an ONNX graph as Python values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifai.extras import require


@dataclass(frozen=True)
class OnnxNode:
    """One node; an unnamed one is called ``<op>_<index>``."""

    name: str
    domain: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


def nodes_of(graph: Any) -> tuple[OnnxNode, ...]:
    """All nodes of a ``GraphProto``, in its order."""
    helper = require("onnx", "onnx", "reading an ONNX model").helper

    def value(attribute: Any) -> Any:
        found = helper.get_attribute_value(attribute)
        return found.decode(errors="replace") if isinstance(found, bytes) else found

    return tuple(
        OnnxNode(
            node.name or f"{node.op_type}_{index}",
            node.domain,
            node.op_type,
            tuple(node.input),
            tuple(node.output),
            {attribute.name: value(attribute) for attribute in node.attribute},
        )
        for index, node in enumerate(graph.node)
    )
