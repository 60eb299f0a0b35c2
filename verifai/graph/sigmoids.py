"""Sigmoids that are written out: ``1 / (a + exp(z))``, whose power leaves every range.

``exp(60)`` has no place in fixed point beside what it is added to, and the sigmoid of 60 is 1. For
each positive a the quotient is ``sigmoid(log(a) - z) / a``, so nothing depends on whether an a that
may be learned is 1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from verifai.extras import require
from verifai.graph.constants import Arrays, stated, stored


def with_sigmoids(proto: Any, literals: Collection[str]) -> Any:
    """The model with quotients ``1 / (a + exp(z))`` of a positive scalar a as sigmoids.

    Args:
        literals: constants whose values may be looked at, but for being positive.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    constants = stored(proto.graph) | stated(proto.graph)
    made = {name: node for node in proto.graph.node for name in node.output}
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    del result.graph.node[:]
    for index, node in enumerate(proto.graph.node):
        found = _parts(node, made, constants, literals)
        if found is None:
            result.graph.node.append(node)
            continue
        z, a = found
        at = f"{node.name or node.op_type}/sigmoid_{index}"

        def add(kind: str, inputs: list[str], output: str, at: str = at) -> str:
            one = onnx.helper.make_node(kind, inputs, [output], name=f"{at}/{kind.lower()}")
            result.graph.node.append(one)
            return output

        if _is_one(a, constants, literals):
            add("Sigmoid", [add("Neg", [z], f"{at}/negative")], node.output[0])
            continue
        moved = add("Sub", [add("Log", [a], f"{at}/logarithm"), z], f"{at}/moved")
        whole = add("Sigmoid", [moved], f"{at}/whole")
        add("Mul", [whole, add("Reciprocal", [a], f"{at}/factor")], node.output[0])
    return result


def _parts(
    node: Any, made: Mapping[str, Any], constants: Arrays, literals: Collection[str]
) -> tuple[str, str] | None:
    """z and a, by name; None of another node."""
    if node.op_type == "Reciprocal":
        total = made.get(node.input[0])
    elif node.op_type == "Div" and _is_one(node.input[0], constants, literals):
        total = made.get(node.input[1])
    else:
        return None
    if total is None or total.op_type != "Add":
        return None
    for power, a in (total.input, total.input[::-1]):
        values = constants.get(a)
        positive = values is not None and values.size == 1 and 0 < values.item() < math.inf
        if positive and power in made and made[power].op_type == "Exp":
            return made[power].input[0], a
    return None


def _is_one(name: str, constants: Arrays, literals: Collection[str]) -> bool:
    """Whether the graph states it, as a scalar."""
    return name in literals and name in constants and np.array_equal(constants[name], 1)
